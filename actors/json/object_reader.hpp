#pragma once

#include "actors/json/problem.hpp"
#include "actors/json/reader.hpp"
#include "actors/values/money.pb.h"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace souk::json {

/// Collects all that is wrong with one input.
class input_errors {
 public:
  /// The most errors that one answer lists.
  static constexpr std::size_t errors_max = 50;

  /// Adds an error, unless there are `errors_max` already.
  void add(std::string pointer, std::string_view code, std::string detail);

  bool empty() const { return errors_.empty(); }

  /// What to answer: 400 unknown_field if there is any unknown member, else 422 validation_failed; nothing if
  /// nothing is wrong.
  std::optional<problem> take();

 private:
  std::vector<problem_error> errors_;
  bool unknown_ = false;
};

/// An inclusive range: of an integer, of a text's length in Unicode characters, or of an array's size.
struct range {
  std::int64_t min = 0;
  std::int64_t max = integer_max;
};

/// Reads the members of an object as what they should be. Each function reads one member. If it is missing
/// (and not optional), has another type (null is one) or leaves its range, that is noted, and something
/// harmless is returned (an empty text, the least integer, nothing), so that reading goes on and all errors
/// are found. Members that nobody read are reported by `finish`, which comes last.
///
///     input_errors errors;
///     object_reader in{body, errors};
///     auto email = in.optional_string("email", {3, 254});
///     in.each_object("items", {1, 500}, [&](object_reader& item) {
///       add(item.string("sku", {1, 64}), item.integer("quantity", {1, 1'000'000}));
///     });
///     in.finish();
///     if (auto problem = errors.take()) return *problem;
///
/// Holds references to the document and to `errors`. A document that is no object is an error, and reads as
/// an empty one.
class object_reader {
 public:
  object_reader(const value& document, input_errors& errors);
  object_reader(const object_reader&) = delete;
  object_reader& operator=(const object_reader&) = delete;

  /// Whether a member of that name is there. Does not count as reading it.
  bool has(std::string_view name) const;

  /// A text. U+0000 is refused in every text.
  std::string string(std::string_view name, range characters);
  std::optional<std::string> optional_string(std::string_view name, range characters);

  std::int64_t integer(std::string_view name, range allowed);
  std::optional<std::int64_t> optional_integer(std::string_view name, range allowed);

  bool boolean(std::string_view name);
  std::optional<bool> optional_boolean(std::string_view name);

  /// The code of a currency of ISO 4217.
  std::string currency(std::string_view name);
  std::optional<std::string> optional_currency(std::string_view name);

  /// `{"amount", "currency"}`
  values::pb::Money money(std::string_view name, range amount = {});
  std::optional<values::pb::Money> optional_money(std::string_view name, range amount = {});

  /// `{"amount", "currency"}`, or `{"currency", "precise": {"value", "scale"}}` for decimals beyond the minor
  /// unit; an `amount` beside `precise` must be that price rounded half to even.
  values::pb::UnitPrice unit_price(std::string_view name, range amount = {});
  std::optional<values::pb::UnitPrice> optional_unit_price(std::string_view name, range amount = {});

  /// An object of the client's own shape, all its members counting as read, or null. Numbers in it that a
  /// reader may not hold exactly, and a canonical text above `bytes_max`, are errors.
  const value* optional_free_object(std::string_view name, std::size_t bytes_max);

  /// The names and texts of an object that has only texts, in the order of the input.
  std::vector<std::pair<std::string, std::string>> optional_texts(std::string_view name, range size,
                                                                  range characters);

  /// An array of texts.
  std::vector<std::string> strings(std::string_view name, range size, range characters);
  std::vector<std::string> optional_strings(std::string_view name, range size, range characters);

  /// Calls `read(object_reader&)` with the object that the member is, then finishes it. False if there is
  /// none.
  template <std::invocable<object_reader&> Read>
  bool with_object(std::string_view name, Read&& read) {
    return visit(take(name, type::object, true), name, read);
  }
  template <std::invocable<object_reader&> Read>
  bool with_optional_object(std::string_view name, Read&& read) {
    return visit(take(name, type::object, false), name, read);
  }

  /// Calls `read(object_reader&)` with each object of an array, finishing each.
  template <std::invocable<object_reader&> Read>
  void each_object(std::string_view name, range size, Read&& read) {
    visit_items(array(name, size, true), name, read);
  }
  template <std::invocable<object_reader&> Read>
  void each_optional_object(std::string_view name, range size, Read&& read) {
    visit_items(array(name, size, false), name, read);
  }

  /// Adds an error at a member, for rules of the caller's own. 422 validation_failed.
  void fail(std::string_view name, std::string detail);

  /// RFC 6901 pointer of this object, or of one of its members.
  std::string pointer() const;
  std::string pointer(std::string_view name) const;

  /// Reports the members that nobody read.
  void finish();

 private:
  /// Members beyond this many are not looked at one by one: no object of ours has so many names.
  static constexpr std::size_t members_max = 64;

  object_reader(const value& data, input_errors& errors, const object_reader& parent, std::string_view name,
                std::optional<std::size_t> index);

  const value* take(std::string_view name, bool required);
  const value* take(std::string_view name, type wanted, bool required);
  std::optional<std::string> text(std::string_view name, range characters, bool required);
  std::optional<std::int64_t> whole(std::string_view name, range allowed, bool required);
  std::optional<std::string> currency_code(std::string_view name, bool required);
  std::optional<values::pb::Money> money(std::string_view name, range amount, bool required);
  std::optional<values::pb::UnitPrice> price(std::string_view name, range amount, bool required);
  void precise(values::pb::UnitPrice& price, range amount);
  std::vector<std::string> string_array(std::string_view name, range size, range characters, bool required);
  const value::array* array(std::string_view name, range size, bool required);
  bool text_holds(const std::string& text, range characters, const std::string& pointer);

  template <class Read>
  bool visit(const value* data, std::string_view name, Read& read) {
    if (data == nullptr) return false;
    object_reader child{*data, errors_, *this, name, std::nullopt};
    read(child);
    child.finish();
    return true;
  }
  template <class Read>
  void visit_items(const value::array* items, std::string_view name, Read& read) {
    if (items == nullptr) return;
    for (std::size_t index = 0; index < items->size(); ++index) {
      object_reader child{(*items)[index], errors_, *this, name, index};
      if (!child.is_object()) continue;
      read(child);
      child.finish();
    }
  }
  bool is_object() const { return members_ != nullptr; }

  const value::object* members_;
  input_errors& errors_;
  const object_reader* parent_ = nullptr;  ///< Outlives this one: children live only within its calls.
  std::string_view name_;                  ///< Of the parent's member that this is, or is an item of.
  std::optional<std::size_t> index_;
  std::uint64_t read_ = 0;  ///< One bit for each member.
};

}  // namespace souk::json
