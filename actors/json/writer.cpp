#include "actors/json/writer.hpp"

#include "actors/values/id.hpp"

#include <array>
#include <charconv>
#include <stdexcept>
#include <utility>

namespace souk::json {
namespace {

constexpr unsigned depth_max = 64;  // one bit each; input is refused beyond 32 levels

// What follows the backslash for each byte that JSON wants escaped: its letter, 'u' for \u00xx, 0 for none.
constexpr std::array<char, 256> make_escapes() {
  std::array<char, 256> escapes{};
  for (std::size_t c = 0; c < 0x20; ++c)
    escapes[c] = 'u';
  escapes['\b'] = 'b';
  escapes['\t'] = 't';
  escapes['\n'] = 'n';
  escapes['\f'] = 'f';
  escapes['\r'] = 'r';
  escapes['"'] = '"';
  escapes['\\'] = '\\';
  return escapes;
}
constexpr std::array<char, 256> escapes = make_escapes();

void append_escaped(std::string& out, std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::size_t plain = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const char escape = escapes[byte];
    if (escape == 0) continue;
    out.append(text, plain, i - plain);
    plain = i + 1;
    out += '\\';
    out += escape;
    if (escape == 'u') {
      out += "00";
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
  }
  out.append(text, plain);
}

}  // namespace

writer& writer::begin_object() {
  begin('{', true);
  return *this;
}

writer& writer::end_object() {
  end('}', true);
  return *this;
}

writer& writer::begin_array() {
  begin('[', false);
  return *this;
}

writer& writer::end_array() {
  end(']', false);
  return *this;
}

writer& writer::key(std::string_view name) {
  if (depth_ == 0 || (objects_ >> (depth_ - 1) & 1) == 0 || keyed_)
    throw std::logic_error("JSON key out of place: " + std::string{name});
  if (comma_) out_ += ',';
  append_string(name);
  out_ += ':';
  keyed_ = true;
  return *this;
}

writer& writer::string(std::string_view utf8) {
  before_value();
  append_string(utf8);
  return *this;
}

writer& writer::integer(std::int64_t value) {
  before_value();
  append_integer(value);
  return *this;
}

writer& writer::boolean(bool value) {
  before_value();
  out_ += value ? "true" : "false";
  return *this;
}

writer& writer::null() {
  before_value();
  out_ += "null";
  return *this;
}

writer& writer::raw(std::string_view json) {
  before_value();
  out_ += json;
  return *this;
}

writer& writer::money(std::int64_t amount, std::string_view currency) {
  before_value();
  out_ += R"({"amount":)";
  append_integer(amount);
  out_ += R"(,"currency":)";
  append_string(currency);
  out_ += '}';
  return *this;
}

writer& writer::unit_price(const values::pb::UnitPrice& price) {
  money(price.amount(), price.currency());
  if (!price.precise()) return *this;
  out_.pop_back();
  out_ += R"(,"precise":{"value":")";
  append_integer(price.value());
  out_ += R"(","scale":)";
  append_integer(price.scale());
  out_ += "}}";
  return *this;
}

writer& writer::time(runtime::timestamp time) {
  before_value();
  out_ += '"';
  out_ += values::format_time(time);
  out_ += '"';
  return *this;
}

std::string writer::take() && {
  if (depth_ != 0 || !comma_) throw std::logic_error("unfinished JSON");
  return std::move(out_);
}

void writer::begin(char bracket, bool object) {
  before_value();
  if (depth_ == depth_max) throw std::logic_error("JSON too deep");
  const std::uint64_t bit = std::uint64_t{1} << depth_++;
  objects_ = object ? objects_ | bit : objects_ & ~bit;
  comma_ = false;
  out_ += bracket;
}

void writer::end(char bracket, bool object) {
  if (depth_ == 0 || keyed_ || (objects_ >> (depth_ - 1) & 1) != (object ? 1u : 0u))
    throw std::logic_error("JSON end out of place");
  --depth_;
  comma_ = true;
  out_ += bracket;
}

void writer::before_value() {
  if (keyed_) {
    keyed_ = false;
  } else if (depth_ == 0) {
    if (comma_) throw std::logic_error("a second JSON value");
  } else if ((objects_ >> (depth_ - 1) & 1) != 0) {
    throw std::logic_error("a JSON member without a key");
  } else if (comma_) {
    out_ += ',';
  }
  comma_ = true;
}

void writer::append_integer(std::int64_t value) {
  std::array<char, 20> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out_.append(digits.data(), end);
}

void writer::append_string(std::string_view utf8) {
  out_ += '"';
  append_escaped(out_, utf8);
  out_ += '"';
}

}  // namespace souk::json
