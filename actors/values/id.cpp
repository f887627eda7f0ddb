#include "actors/values/id.hpp"

#include "actors/values/sha256.hpp"
#include "runtime/crockford.hpp"
#include "runtime/time_text.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <stdexcept>

namespace souk::values {
namespace {

using runtime::crockford_alphabet;
using runtime::crockford_bits;
constexpr std::size_t suffix_digits_max = 4;  // "p9999": no payment is tried that often

constexpr std::array<bool, 256> make_members() {
  std::array<bool, 256> members{};
  for (char c : crockford_alphabet)
    members[static_cast<unsigned char>(c)] = true;
  return members;
}
constexpr std::array<bool, 256> members = make_members();

bool all_in_alphabet(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return members[static_cast<unsigned char>(c)]; });
}

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

// What may follow the 20 characters: nothing, or a lower-case letter and a number.
bool is_suffix(std::string_view text) {
  if (text.empty()) return true;
  if (text.size() < 2 || text.size() > 1 + suffix_digits_max) return false;
  if (text[0] < 'a' || text[0] > 'z' || text[1] == '0') return false;
  return std::all_of(text.begin() + 1, text.end(), is_digit);
}

// The number that the `width` digits at `at` make.
unsigned number_at(std::string_view text, std::size_t at, std::size_t width) {
  unsigned number = 0;
  for (char c : text.substr(at, width))
    number = number * 10 + static_cast<unsigned>(c - '0');
  return number;
}

// "2026-11-25T10:00:00Z" and "2026-11-25T10:00:00.000Z", with 0 where any digit may stand.
bool has_shape(std::string_view text, std::string_view shape) {
  return text.size() == shape.size() &&
         std::equal(text.begin(), text.end(), shape.begin(),
                    [](char c, char expected) { return expected == '0' ? is_digit(c) : c == expected; });
}

}  // namespace

std::string make_id(std::string_view prefix, runtime::timestamp created, std::string_view part) {
  std::string id;
  id.reserve(prefix.size() + id_time_length + part.size());
  id += prefix;
  const auto ms = static_cast<std::uint64_t>(std::max<std::int64_t>(runtime::to_ms(created), 0));
  for (std::size_t i = id_time_length; i-- > 0;)
    id += crockford_alphabet[(ms >> (crockford_bits * i)) & 31];
  id += part;
  return id;
}

std::optional<std::string_view> part_of(std::string_view prefix, std::string_view id) {
  if (!id.starts_with(prefix)) return std::nullopt;
  const std::string_view rest = id.substr(prefix.size());
  constexpr std::size_t plain = id_time_length + id_part_length;
  if (rest.size() < plain || !all_in_alphabet(rest.substr(0, plain)) || !is_suffix(rest.substr(plain)))
    return std::nullopt;
  return rest.substr(id_time_length);
}

std::string_view partition_of_part(std::string_view part) { return part.substr(0, id_part_length); }

std::string encode_part(std::span<const std::uint8_t> bytes) { return runtime::encode_id_part(bytes); }

std::string keyed_part(std::string_view secret, std::string_view text) {
  return encode_part(hmac_sha256(secret, text));
}

std::string format_time(runtime::timestamp time) {
  std::string text;
  text.reserve(runtime::time_text_length);
  runtime::append_time(text, time);
  return text;
}

std::optional<runtime::timestamp> parse_time(std::string_view text) {
  const bool with_fraction = has_shape(text, "0000-00-00T00:00:00.000Z");
  if (!with_fraction && !has_shape(text, "0000-00-00T00:00:00Z")) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{static_cast<int>(number_at(text, 0, 4))},
                                         std::chrono::month{number_at(text, 5, 2)},
                                         std::chrono::day{number_at(text, 8, 2)}};
  const unsigned hour = number_at(text, 11, 2);
  const unsigned minute = number_at(text, 14, 2);
  const unsigned second = number_at(text, 17, 2);
  const unsigned ms = with_fraction ? number_at(text, 20, 3) : 0;
  if (!date.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  return std::chrono::sys_days{date} + std::chrono::hours{hour} + std::chrono::minutes{minute} +
         std::chrono::seconds{second} + std::chrono::milliseconds{ms};
}

}  // namespace souk::values
