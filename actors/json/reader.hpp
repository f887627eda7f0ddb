#pragma once

#include "actors/json/problem.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

/// JSON as clients may send it, and problems as we answer them. Pure; any thread.
namespace souk::json {

/// The deepest nesting of arrays and objects that is read.
inline constexpr std::size_t depth_max = 32;
/// The most values in one document: bounds the memory that a body of the largest size can take.
inline constexpr std::size_t values_max = 100'000;
/// The largest integer that every JSON reader holds exactly, 2^53 - 1; and the smallest, negated.
inline constexpr std::int64_t integer_max = (std::int64_t{1} << 53) - 1;

/// A number that is not an exact integer: a fraction, an exponent, "-0", or beyond 2^53 - 1. Kept as it was
/// written, so that it can be refused where it stands.
struct number {
  std::string text;
};

struct member;

enum class type : std::uint8_t { null, boolean, integer, number, string, array, object };

/// One JSON value. An object keeps its members in the order of the text; their names are unique.
class value {
 public:
  using array = std::vector<value>;
  using object = std::vector<member>;

  value();
  explicit value(bool boolean);
  explicit value(std::int64_t integer);
  explicit value(json::number number);
  explicit value(std::string string);
  explicit value(array items);
  explicit value(object members);
  value(const value& other);
  value(value&& other) noexcept;
  value& operator=(const value& other);
  value& operator=(value&& other) noexcept;
  ~value();

  json::type type() const { return static_cast<json::type>(data_.index()); }

  /// Each of these gives the value if it has that type, else null.
  const bool* as_boolean() const { return std::get_if<bool>(&data_); }
  const std::int64_t* as_integer() const { return std::get_if<std::int64_t>(&data_); }
  const number* as_number() const { return std::get_if<number>(&data_); }
  const std::string* as_string() const { return std::get_if<std::string>(&data_); }
  const array* as_array() const { return std::get_if<array>(&data_); }
  const object* as_object() const { return std::get_if<object>(&data_); }

  /// The member of that name, or null if there is none or this is no object.
  const value* find(std::string_view name) const;

 private:
  friend class document_builder;

  std::variant<std::monostate, bool, std::int64_t, number, std::string, array, object> data_;
};

struct member {
  std::string name;
  value data;
};

// Here, where a member is complete: an object is made of them.
inline value::value() = default;
inline value::value(bool boolean) : data_(boolean) {}
inline value::value(std::int64_t integer) : data_(integer) {}
inline value::value(json::number number) : data_(std::move(number)) {}
inline value::value(std::string string) : data_(std::move(string)) {}
inline value::value(array items) : data_(std::move(items)) {}
inline value::value(object members) : data_(std::move(members)) {}
inline value::value(const value& other) = default;
inline value::value(value&& other) noexcept = default;
inline value& value::operator=(const value& other) = default;
inline value& value::operator=(value&& other) noexcept = default;
inline value::~value() = default;

/// The text of an object's member; empty if there is no such member, or it is no text.
std::string text_of(const value& object, std::string_view name);

/// Why a text is not one strict JSON document.
struct parse_error {
  std::string code;        ///< malformed_json, or too_large for more than `values_max` values.
  std::string pointer;     ///< RFC 6901: the innermost value that had begun.
  std::string detail;      ///< One sentence with the byte offset.
  std::size_t offset = 0;  ///< Bytes that were read before the error showed.
};

/// Reads one document: UTF-8 without lone surrogates, unique names, at most `depth_max` deep, nothing before
/// or after but white space. Or nothing, with `error` set.
std::optional<value> parse(std::string_view text, parse_error& error);

/// The error as an answer.
problem to_problem(const parse_error& error);

/// Appends the value in its one canonical text: names sorted as bytes, no white space, shortest escapes,
/// numbers of equal value alike. Two texts that mean the same give the same.
void append_canonical(const value& value, std::string& out);
std::string canonical(const value& value);

/// Appends one reference token of an RFC 6901 pointer: "/" and the name, escaped.
void append_pointer(std::string& pointer, std::string_view name);

}  // namespace souk::json
