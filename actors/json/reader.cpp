#include "actors/json/reader.hpp"

#include <boost/json/basic_parser_impl.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace souk::json {

namespace {

constexpr std::string_view malformed = "malformed_json";

/// Objects up to this size look for a repeated name by comparing all pairs; larger ones by sorting.
constexpr std::size_t pairwise_max = 8;
/// Room that a new object or array starts with: most of ours need no more.
constexpr std::size_t members_expected = 4;
constexpr std::size_t levels_expected = 4;

/// The position of a member whose name an earlier one has, or the number of members.
std::size_t find_duplicate(const value::object& members) {
  const auto count = members.size();
  if (count <= pairwise_max) {
    for (std::size_t later = 1; later < count; ++later)
      for (std::size_t earlier = 0; earlier < later; ++earlier)
        if (members[earlier].name == members[later].name) return later;
    return count;
  }
  std::vector<std::size_t> order(count);
  for (std::size_t i = 0; i < count; ++i)
    order[i] = i;
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const auto compared = members[a].name.compare(members[b].name);
    return compared != 0 ? compared < 0 : a < b;
  });
  for (std::size_t i = 1; i < count; ++i)
    if (members[order[i - 1]].name == members[order[i]].name) return order[i];
  return count;
}

}  // namespace

/// Takes the parser's events and builds the document; its member functions are named as Boost.JSON calls
/// them.
class document_builder {
 public:
  using error_code = boost::json::error_code;
  using text = boost::json::string_view;

  static constexpr std::size_t max_array_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_string_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_key_size = std::numeric_limits<std::size_t>::max();

  bool on_document_begin(error_code&) {
    open_.reserve(levels_expected);
    return true;
  }
  bool on_document_end(error_code&) { return true; }

  bool on_array_begin(error_code& ec) {
    if (!count(ec)) return false;
    open_.push_back({value{value::array{}}, {}});
    return true;
  }
  bool on_array_end(std::size_t, error_code&) {
    close();
    return true;
  }
  bool on_object_begin(error_code& ec) {
    if (!count(ec)) return false;
    auto& opened = open_.emplace_back(level{value{value::object{}}, {}});
    std::get<value::object>(opened.container.data_).reserve(members_expected);
    return true;
  }
  bool on_object_end(std::size_t, error_code& ec) {
    const auto& members = *open_.back().container.as_object();
    const auto duplicate = find_duplicate(members);
    if (duplicate != members.size()) {
      open_.back().name = members[duplicate].name;
      failure_ = "the member \"" + members[duplicate].name + "\" stands there twice";
      return fail(ec);
    }
    close();
    return true;
  }

  bool on_key_part(text part, std::size_t, error_code&) {
    open_.back().name.append(part.data(), part.size());
    return true;
  }
  bool on_key(text part, std::size_t, error_code&) {
    open_.back().name.append(part.data(), part.size());
    return true;
  }
  bool on_string_part(text part, std::size_t, error_code&) {
    scratch_.append(part.data(), part.size());
    return true;
  }
  bool on_string(text part, std::size_t, error_code& ec) {
    scratch_.append(part.data(), part.size());
    return add(value{std::exchange(scratch_, {})}, ec);
  }
  bool on_number_part(text part, error_code&) {
    scratch_.append(part.data(), part.size());
    return true;
  }
  bool on_int64(std::int64_t integer, text part, error_code& ec) {
    scratch_.append(part.data(), part.size());
    const bool exact = integer >= -integer_max && integer <= integer_max && scratch_ != "-0";
    if (!exact) return add_number(ec);
    scratch_.clear();
    return add(value{integer}, ec);
  }
  bool on_uint64(std::uint64_t, text part, error_code& ec) {
    scratch_.append(part.data(), part.size());
    return add_number(ec);
  }
  bool on_double(double, text part, error_code& ec) {
    scratch_.append(part.data(), part.size());
    return add_number(ec);
  }
  bool on_bool(bool boolean, error_code& ec) { return add(value{boolean}, ec); }
  bool on_null(error_code& ec) { return add(value{}, ec); }
  bool on_comment_part(text, error_code&) { return true; }
  bool on_comment(text, error_code&) { return true; }

  value take() { return std::move(root_); }
  const std::string& failure() const { return failure_; }
  bool too_many() const { return values_ > values_max; }

  /// Where the reader stands.
  std::string pointer() const {
    std::string pointer;
    for (const auto& level : open_) {
      if (const auto* items = level.container.as_array())
        append_pointer(pointer, std::to_string(items->size()));
      else if (!level.name.empty())
        append_pointer(pointer, level.name);
    }
    return pointer;
  }

 private:
  struct level {
    value container;
    std::string name;  ///< Of the member that has begun.
  };

  static bool fail(error_code& ec) {
    ec = boost::json::error::test_failure;
    return false;
  }

  bool count(error_code& ec) {
    if (++values_ <= values_max) return true;
    failure_ = "more than " + std::to_string(values_max) + " values";
    return fail(ec);
  }

  bool add_number(error_code& ec) { return add(value{number{std::exchange(scratch_, {})}}, ec); }

  bool add(value added, error_code& ec) {
    if (!count(ec)) return false;
    attach(std::move(added));
    return true;
  }

  void attach(value added) {
    if (open_.empty()) {
      root_ = std::move(added);
      return;
    }
    auto& parent = open_.back();
    if (auto* members = std::get_if<value::object>(&parent.container.data_))
      members->push_back({std::exchange(parent.name, {}), std::move(added)});
    else
      std::get<value::array>(parent.container.data_).push_back(std::move(added));
  }

  void close() {
    auto closed = std::move(open_.back().container);
    open_.pop_back();
    attach(std::move(closed));
  }

  std::vector<level> open_;
  value root_;
  std::string scratch_;
  std::string failure_;
  std::size_t values_ = 0;
};

namespace {

std::string describe(const boost::json::error_code& ec) {
  using boost::json::error;
  if (ec == error::too_deep) return "nested deeper than " + std::to_string(depth_max) + " levels";
  if (ec == error::extra_data) return "something follows the end of the document";
  if (ec == error::incomplete) return "the document ends too early";
  if (ec == error::illegal_leading_surrogate || ec == error::illegal_trailing_surrogate ||
      ec == error::expected_utf16_escape)
    return "a surrogate stands alone";
  if (ec == error::expected_hex_digit) return "a \\u escape needs four hexadecimal digits";
  if (ec == error::exponent_overflow) return "the exponent is too large";
  return "not valid JSON in UTF-8";
}

/// An exact integer of a decimal text, or nothing.
std::optional<std::int64_t> exact_integer(std::string_view digits, std::int64_t exponent) {
  if (exponent < 0 || exponent > 16) return std::nullopt;
  std::int64_t integer = 0;
  const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), integer);
  if (ec != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  for (; exponent > 0; --exponent)
    if (__builtin_mul_overflow(integer, std::int64_t{10}, &integer)) return std::nullopt;
  if (integer > integer_max) return std::nullopt;
  return integer;
}

/// Writes a number so that equal ones look alike: an integer where it is one, else digits and exponent.
void append_number(std::string_view text, std::string& out) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  std::int64_t exponent = 0;
  const auto e = text.find_first_of("eE");
  if (e != std::string_view::npos) {
    auto written = text.substr(e + 1);
    if (written.starts_with('+')) written.remove_prefix(1);
    std::from_chars(written.data(), written.data() + written.size(), exponent);
    text = text.substr(0, e);
  }
  std::string digits{text};
  const auto point = digits.find('.');
  if (point != std::string::npos) {
    exponent -= static_cast<std::int64_t>(digits.size() - point - 1);
    digits.erase(point, 1);
  }
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
  while (digits.ends_with('0')) {
    digits.pop_back();
    ++exponent;
  }
  if (digits.empty()) {
    out += '0';
    return;
  }
  if (negative) out += '-';
  if (const auto integer = exact_integer(digits, exponent))
    out += std::to_string(*integer);
  else
    out.append(digits).append("e").append(std::to_string(exponent));
}

void append_string(std::string_view text, std::string& out) {
  static constexpr std::string_view hex = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      out.append(1, '\\').append(1, c);
    else if (byte < 0x20)
      out.append("\\u00").append(1, hex[byte >> 4]).append(1, hex[byte & 15]);
    else
      out += c;
  }
  out += '"';
}

void append_array(const value::array& items, std::string& out) {
  out += '[';
  bool first = true;
  for (const auto& item : items) {
    if (!std::exchange(first, false)) out += ',';
    append_canonical(item, out);
  }
  out += ']';
}

void append_object(const value::object& members, std::string& out) {
  std::vector<const member*> sorted;
  sorted.reserve(members.size());
  for (const auto& member : members)
    sorted.push_back(&member);
  std::sort(sorted.begin(), sorted.end(), [](const member* a, const member* b) { return a->name < b->name; });
  out += '{';
  bool first = true;
  for (const auto* member : sorted) {
    if (!std::exchange(first, false)) out += ',';
    append_string(member->name, out);
    out += ':';
    append_canonical(member->data, out);
  }
  out += '}';
}

}  // namespace

const value* value::find(std::string_view name) const {
  if (const auto* members = as_object())
    for (const auto& member : *members)
      if (member.name == name) return &member.data;
  return nullptr;
}

std::string text_of(const value& object, std::string_view name) {
  const auto* found = object.find(name);
  const auto* text = found == nullptr ? nullptr : found->as_string();
  return text == nullptr ? std::string{} : *text;
}

std::optional<value> parse(std::string_view text, parse_error& error) {
  boost::json::parse_options options;
  options.max_depth = depth_max;
  boost::json::basic_parser<document_builder> parser{options};
  boost::json::error_code ec;
  const auto read = parser.write_some(false, text.data(), text.size(), ec);
  if (!ec && read < text.size()) ec = boost::json::error::extra_data;
  auto& builder = parser.handler();
  if (!ec) return builder.take();
  error.code = builder.too_many() ? "too_large" : malformed;
  error.pointer = builder.pointer();
  error.offset = read;
  error.detail = (builder.failure().empty() ? describe(ec) : builder.failure()) + " (near byte " +
                 std::to_string(read) + ")";
  return std::nullopt;
}

problem to_problem(const parse_error& error) {
  problem result;
  result.code = error.code;
  result.detail = "The body cannot be read: " + error.detail + ".";
  result.errors.push_back({error.pointer, error.code, error.detail, std::nullopt});
  return result;
}

void append_canonical(const value& value, std::string& out) {
  switch (value.type()) {
    case type::null:
      out += "null";
      return;
    case type::boolean:
      out += *value.as_boolean() ? "true" : "false";
      return;
    case type::integer:
      out += std::to_string(*value.as_integer());
      return;
    case type::number:
      append_number(value.as_number()->text, out);
      return;
    case type::string:
      append_string(*value.as_string(), out);
      return;
    case type::array:
      append_array(*value.as_array(), out);
      return;
    case type::object:
      append_object(*value.as_object(), out);
      return;
  }
}

std::string canonical(const value& value) {
  std::string out;
  append_canonical(value, out);
  return out;
}

void append_pointer(std::string& pointer, std::string_view name) {
  pointer += '/';
  for (const char c : name) {
    if (c == '~')
      pointer += "~0";
    else if (c == '/')
      pointer += "~1";
    else
      pointer += c;
  }
}

}  // namespace souk::json
