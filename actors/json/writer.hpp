#pragma once

#include "actors/values/money.pb.h"
#include "runtime/types.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace souk::json {

/// Writes compact JSON into a string, in the order of the calls; commas and escapes are its own affair.
/// Hand-shaped because answers are the hot path. Misuse (a value without a key in an object, an end without a
/// begin, text taken before its end, more than 64 levels) throws std::logic_error.
///
///     writer out;
///     out.begin_object().key("id").string(id).key("version").integer(3).end_object();
///     answer.body = std::move(out).take();
class writer {
 public:
  writer& begin_object();
  writer& end_object();
  writer& begin_array();
  writer& end_array();
  writer& key(std::string_view name);
  /// Must be UTF-8: what came from clients was checked when it was read.
  writer& string(std::string_view utf8);
  writer& integer(std::int64_t value);
  writer& boolean(bool value);
  writer& null();
  /// A value that is JSON already, trusted as it is.
  writer& raw(std::string_view json);

  /// `{"amount": ..., "currency": "..."}`
  writer& money(std::int64_t amount, std::string_view currency);
  /// The same, with `precise` where the price has it.
  writer& unit_price(const values::pb::UnitPrice& price);
  /// RFC 3339 with milliseconds.
  writer& time(runtime::timestamp time);

  void reserve(std::size_t bytes) { out_.reserve(bytes); }
  /// The finished text; the writer is spent.
  std::string take() &&;

 private:
  void begin(char bracket, bool object);
  void end(char bracket, bool object);
  void before_value();
  void append_integer(std::int64_t value);
  void append_string(std::string_view utf8);

  std::string out_;
  std::uint64_t objects_ = 0;  // bit n: level n + 1 is an object
  unsigned depth_ = 0;
  bool comma_ = false;  // something stands before on this level
  bool keyed_ = false;  // a key waits for its value
};

}  // namespace souk::json
