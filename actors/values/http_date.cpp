#include "actors/values/http_date.hpp"

#include <algorithm>
#include <array>
#include <chrono>

namespace souk::values {

namespace {

namespace chrono = std::chrono;
using runtime::timestamp;

constexpr auto weekdays = std::to_array<std::string_view>(
    {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"});
constexpr auto months = std::to_array<std::string_view>(
    {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"});
/// Letters of a weekday where it is short.
constexpr std::size_t short_weekday = 3;
/// RFC 9110: what would be further ahead has been.
constexpr int years_ahead_max = 50;

void append_two(std::string& text, unsigned number) {
  text += static_cast<char>('0' + number / 10);
  text += static_cast<char>('0' + number % 10);
}

/// Reads a date from its begin on; once something is not there, nothing is.
class date_reader {
 public:
  explicit date_reader(std::string_view text) : rest_(text) {}

  bool take(std::string_view literal) {
    const bool there = rest_.starts_with(literal);
    if (there) rest_.remove_prefix(literal.size());
    return there;
  }
  void expect(std::string_view literal) { good_ = take(literal) && good_; }

  unsigned number(std::size_t digits) {
    const auto read = rest_.substr(0, digits);
    unsigned number = 0;
    for (const char digit : read) {
      good_ = good_ && digit >= '0' && digit <= '9';
      number = number * 10 + static_cast<unsigned>(digit - '0');
    }
    good_ = good_ && read.size() == digits;
    rest_.remove_prefix(read.size());
    return number;
  }

  chrono::month month() {
    for (unsigned n = 0; n < months.size(); ++n)
      if (take(months.at(n))) return chrono::month{n + 1};
    good_ = false;
    return {};
  }

  chrono::seconds time_of_day() {
    const chrono::hours hours{number(2)};
    expect(":");
    const chrono::minutes minutes{number(2)};
    expect(":");
    const chrono::seconds seconds{number(2)};
    good_ = good_ && hours.count() < 24 && minutes.count() < 60 && seconds.count() <= 60;  // a leap second
    return hours + minutes + seconds;
  }

  bool is_read_well() const { return good_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool good_ = true;
};

struct parts {
  chrono::year_month_day day;
  chrono::seconds time{};
};

chrono::year year_of(unsigned number) { return chrono::year{static_cast<int>(number)}; }

parts read_usual(date_reader& in) {
  const chrono::day day{in.number(2)};
  in.expect(" ");
  const auto month = in.month();
  in.expect(" ");
  const auto year = year_of(in.number(4));
  in.expect(" ");
  const auto time = in.time_of_day();
  in.expect(" GMT");
  return {year / month / day, time};
}

parts read_asctime(date_reader& in) {
  const auto month = in.month();
  in.expect(" ");
  const chrono::day day{in.take(" ") ? in.number(1) : in.number(2)};
  in.expect(" ");
  const auto time = in.time_of_day();
  in.expect(" ");
  return {year_of(in.number(4)) / month / day, time};
}

parts read_rfc850(date_reader& in, timestamp now) {
  const chrono::day day{in.number(2)};
  in.expect("-");
  const auto month = in.month();
  in.expect("-");
  const auto of_century = static_cast<int>(in.number(2));
  in.expect(" ");
  const auto time = in.time_of_day();
  in.expect(" GMT");
  const chrono::year_month_day today{chrono::floor<chrono::days>(now)};
  const auto last = today + chrono::years{years_ahead_max};
  const int most = static_cast<int>(last.year());
  parts read{chrono::year{most - (most - of_century) % 100} / month / day, time};
  if (read.day > last) read.day -= chrono::years{100};
  return read;
}

}  // namespace

std::string format_http_date(timestamp time) {
  const auto day = chrono::floor<chrono::days>(time);
  const chrono::year_month_day date{day};
  const chrono::hh_mm_ss clock{chrono::floor<chrono::seconds>(time - day)};
  std::string text{weekdays.at(chrono::weekday{day}.c_encoding()).substr(0, short_weekday)};
  text += ", ";
  append_two(text, static_cast<unsigned>(date.day()));
  text.append(" ").append(months.at(static_cast<unsigned>(date.month()) - 1)).append(" ");
  text += std::to_string(static_cast<int>(date.year()));
  for (const auto& [separator, number] :
       {std::pair{' ', clock.hours().count()}, std::pair{':', clock.minutes().count()},
        std::pair{':', static_cast<long>(clock.seconds().count())}}) {
    text += separator;
    append_two(text, static_cast<unsigned>(number));
  }
  text += " GMT";
  return text;
}

std::optional<timestamp> parse_http_date(std::string_view text, timestamp now) {
  date_reader in{text};
  const auto* weekday = std::ranges::find_if(
      weekdays, [&](std::string_view name) { return in.take(name.substr(0, short_weekday)); });
  if (weekday == weekdays.end()) return std::nullopt;
  parts read;
  if (in.take(", ")) {
    read = read_usual(in);
  } else if (in.take(" ")) {
    read = read_asctime(in);
  } else {
    in.expect(weekday->substr(short_weekday));
    in.expect(", ");
    read = read_rfc850(in, now);
  }
  if (!in.is_read_well() || !read.day.ok()) return std::nullopt;
  return timestamp{chrono::sys_days{read.day}} + read.time;
}

}  // namespace souk::values
