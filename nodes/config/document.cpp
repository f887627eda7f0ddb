#include "nodes/config/document.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace souk::config {
namespace {

/// Deeper files are mistakes: cluster.conf itself needs three levels.
constexpr unsigned depth_max = 16;

/// Thrown where the structure breaks: whatever follows could mean anything.
struct syntax_error {
  unsigned line;
  std::string text;
};

struct time_unit {
  std::string_view name;
  std::int64_t nanoseconds;
};
constexpr std::array<time_unit, 7> time_units{{{"ns", 1},
                                               {"us", 1'000},
                                               {"ms", 1'000'000},
                                               {"s", 1'000'000'000},
                                               {"min", 60'000'000'000},
                                               {"h", 3'600'000'000'000},
                                               {"d", 86'400'000'000'000}}};

struct size_unit {
  std::string_view name;
  std::uint64_t bytes;
};
constexpr std::array<size_unit, 5> size_units{
    {{"B", 1}, {"KiB", 1ULL << 10}, {"MiB", 1ULL << 20}, {"GiB", 1ULL << 30}, {"TiB", 1ULL << 40}}};

using value_data = decltype(value::data);

constexpr char end_of_file = '\0';

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) { return is_letter(c) || is_digit(c) || c == '_' || c == '-' || c == '.'; }

class parser {
 public:
  explicit parser(std::string_view text) : text_(text) {}

  document run() {
    document result;
    try {
      read_members(result.root, end_of_file, 0);
    } catch (const syntax_error& error) {
      problems_.push_back({error.line, error.text});
    }
    result.problems = std::move(problems_);
    return result;
  }

 private:
  // What separates members and elements: blanks, line ends, commas and comments.
  void skip_separators() {
    while (!done()) {
      if (peek() == ';') {
        while (!done() && peek() != '\n')
          advance();
      } else if (is_blank(peek()) || peek() == '\n' || peek() == ',') {
        advance();
      } else {
        return;
      }
    }
  }

  void skip_blanks() {
    while (!done() && (is_blank(peek()) || peek() == '\n'))
      advance();
  }

  // Fills `members` as it goes, so that what was read before a break can still be checked.
  void read_members(map_value& members, char closing, unsigned depth) {
    const unsigned opened_at = line_;
    for (skip_separators(); !done(); skip_separators()) {
      if (closing != end_of_file && peek() == closing) {
        advance();
        return;
      }
      read_member(members, depth);
    }
    if (closing != end_of_file) throw syntax_error{opened_at, "the '{' of this line is never closed"};
  }

  void read_member(map_value& members, unsigned depth) {
    const unsigned line = line_;
    if (!is_letter(peek())) fail("expected the name of a setting, found " + found());
    std::string key{read_word()};
    if (key.find('.') != std::string::npos)
      fail("'" + key + "': write nested settings in braces, as in a { b = 1 }");
    skip_blanks();
    if (!done() && peek() == '=') {
      advance();
      skip_blanks();
    } else if (done() || peek() != '{') {
      fail("expected '=' or '{' after '" + key + "', found " + found());
    }
    auto same = std::find_if(members.begin(), members.end(), [&](const member& m) { return m.key == key; });
    if (same != members.end()) {
      problems_.push_back({line, "'" + key + "' is set twice, first on line " + std::to_string(same->line)});
      value ignored;
      read_value(ignored, depth + 1);
      return;
    }
    members.push_back({line, std::move(key), {}});
    read_value(members.back().value, depth + 1);
  }

  void read_value(value& into, unsigned depth) {
    if (depth > depth_max) fail("nested deeper than " + std::to_string(depth_max) + " levels");
    into.line = line_;
    const char first = done() ? '\0' : peek();
    if (first == '"') {
      into.data = read_text();
    } else if (first == '{') {
      advance();
      read_members(into.data.emplace<map_value>(), '}', depth);
    } else if (first == '[') {
      advance();
      read_list(into.data.emplace<list_value>(), depth);
    } else if (is_digit(first) || first == '-' || first == '+') {
      into.data = read_number();
    } else if (is_letter(first)) {
      into.data = read_word_value();
    } else {
      fail("expected a value, found " + found());
    }
  }

  value_data read_word_value() {
    const std::string_view word = read_word();
    if (word == "true") return true;
    if (word == "false") return false;
    return unreadable("'" + std::string{word} + "' is not a value: text stands in quotes");
  }

  void read_list(list_value& elements, unsigned depth) {
    const unsigned opened_at = line_;
    for (skip_separators(); !done(); skip_separators()) {
      if (peek() == ']') {
        advance();
        return;
      }
      read_value(elements.emplace_back(), depth + 1);
    }
    throw syntax_error{opened_at, "the '[' of this line is never closed"};
  }

  std::string read_text() {
    advance();
    std::string text;
    while (!done() && peek() != '"' && peek() != '\n') {
      char c = advance();
      if (c == '\\') c = read_escape();
      text.push_back(c);
    }
    if (done() || peek() == '\n') fail("the text that begins here is never closed");
    advance();
    return text;
  }

  char read_escape() {
    const char c = done() ? '\0' : advance();
    switch (c) {
      case 'n':
        return '\n';
      case 't':
        return '\t';
      case '"':
      case '\\':
        return c;
      default:
        fail("only \\n, \\t, \\\" and \\\\ are known after a backslash");
    }
  }

  value_data read_number() {
    const std::size_t start = position_;
    advance();
    read_word();
    const std::string whole{text_.substr(start, position_ - start)};
    const char* first = whole.data() + (whole.front() == '+' ? 1 : 0);
    const char* last = whole.data() + whole.size();
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(first, last, number);
    if (error == std::errc::result_out_of_range) return unreadable("'" + whole + "' is too large");
    if (error != std::errc{}) return unreadable("'" + whole + "' is not a number");
    if (end == last) return number;
    if (*end == '.') return unreadable("'" + whole + "': settings are whole numbers");
    return with_unit(number, {end, last}, whole);
  }

  value_data with_unit(std::int64_t number, std::string_view unit, const std::string& whole) {
    for (const time_unit& known : time_units) {
      std::int64_t nanoseconds = 0;
      if (known.name != unit) continue;
      if (__builtin_mul_overflow(number, known.nanoseconds, &nanoseconds))
        return unreadable("'" + whole + "' is too large");
      return duration_value{std::chrono::nanoseconds{nanoseconds}};
    }
    for (const size_unit& known : size_units) {
      std::uint64_t bytes = 0;
      if (known.name != unit) continue;
      if (number < 0) return unreadable("'" + whole + "': a size is not negative");
      if (__builtin_mul_overflow(static_cast<std::uint64_t>(number), known.bytes, &bytes))
        return unreadable("'" + whole + "' is too large");
      return size_value{bytes};
    }
    return unreadable("'" + whole + "': the units are ns us ms s min h d and B KiB MiB GiB TiB");
  }

  std::string_view read_word() {
    const std::size_t start = position_;
    while (!done() && is_word(peek()))
      advance();
    return text_.substr(start, position_ - start);
  }

  std::string found() const {
    if (done()) return "the end of the file";
    if (peek() == '\n') return "the end of the line";
    if (peek() == '#') return "'#' (comments begin with ';')";
    return std::string{"'"} + peek() + "'";
  }

  unreadable_value unreadable(std::string text) {
    problems_.push_back({line_, std::move(text)});
    return {};
  }

  [[noreturn]] void fail(std::string text) const { throw syntax_error{line_, std::move(text)}; }

  static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }
  bool done() const { return position_ == text_.size(); }
  char peek() const { return text_[position_]; }
  char advance() {
    const char c = text_[position_++];
    if (c == '\n') ++line_;
    return c;
  }

  std::string_view text_;
  std::size_t position_ = 0;
  unsigned line_ = 1;
  std::vector<problem> problems_;
};

}  // namespace

document parse_document(std::string_view text) { return parser{text}.run(); }

}  // namespace souk::config
