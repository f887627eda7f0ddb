#include "actors/json/object_reader.hpp"

#include "actors/values/money.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>

namespace souk::json {

namespace {

constexpr std::string_view failed = "validation_failed";
constexpr std::string_view unknown = "unknown_field";

/// Decimals of a precise price.
constexpr range scale_range{0, 8};
/// Digits of 2^53 - 1, and a sign.
constexpr range precise_value_length{1, 17};
/// Numbers of the client's own that are stored as written: as many digits as a double holds, and no exponent
/// that overflows one.
constexpr std::size_t free_digits_max = 17;
constexpr int free_exponent_max = 300;

std::string_view type_name(type type) {
  switch (type) {
    case type::boolean:
      return "true or false";
    case type::integer:
      return "an integer";
    case type::string:
      return "a string";
    case type::array:
      return "an array";
    case type::object:
      return "an object";
    default:
      return "something else";
  }
}

std::int64_t count_characters(std::string_view utf8) {
  return std::count_if(utf8.begin(), utf8.end(), [](char c) { return (c & 0xc0) != 0x80; });
}

std::string between(std::string_view what, range range) {
  return std::string{what} + " " + std::to_string(range.min) + " to " + std::to_string(range.max);
}

bool free_number_holds(std::string_view text) {
  const auto e = text.find_first_of("eE");
  const auto mantissa = text.substr(0, e);
  const auto digits =
      std::count_if(mantissa.begin(), mantissa.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (text == "-0" || static_cast<std::size_t>(digits) > free_digits_max) return false;
  if (e == std::string_view::npos) return mantissa.find('.') != std::string_view::npos;
  auto written = text.substr(e + 1);
  if (written.starts_with('+')) written.remove_prefix(1);
  int exponent = 0;
  const auto parsed = std::from_chars(written.data(), written.data() + written.size(), exponent);
  return parsed.ec == std::errc{} && std::abs(exponent) <= free_exponent_max;
}

/// Adds an error for each number within that readers may hold otherwise than it was written, and each text
/// with U+0000.
void check_free(const value& data, const std::string& pointer, input_errors& errors) {
  if (const auto* number = data.as_number(); number != nullptr && !free_number_holds(number->text))
    errors.add(pointer, failed, "This number cannot be held exactly.");
  if (const auto* text = data.as_string(); text != nullptr && text->find('\0') != std::string::npos)
    errors.add(pointer, failed, "U+0000 is not allowed.");
  if (const auto* items = data.as_array())
    for (std::size_t index = 0; index < items->size(); ++index)
      check_free((*items)[index], pointer + "/" + std::to_string(index), errors);
  if (const auto* members = data.as_object())
    for (const auto& member : *members) {
      auto inner = pointer;
      append_pointer(inner, member.name);
      if (member.name.find('\0') != std::string::npos) errors.add(inner, failed, "U+0000 is not allowed.");
      check_free(member.data, inner, errors);
    }
}

}  // namespace

void input_errors::add(std::string pointer, std::string_view code, std::string detail) {
  unknown_ = unknown_ || code == unknown;
  if (errors_.size() < errors_max)
    errors_.push_back({std::move(pointer), std::string{code}, std::move(detail), std::nullopt});
}

std::optional<problem> input_errors::take() {
  if (errors_.empty()) return std::nullopt;
  problem result;
  result.code = unknown_ ? unknown : failed;
  result.detail = unknown_ ? "The body has members that this request does not know."
                           : "The body has values that this request does not take.";
  result.errors = std::move(errors_);
  errors_.clear();
  return result;
}

object_reader::object_reader(const value& document, input_errors& errors)
    : members_(document.as_object()), errors_(errors) {
  if (members_ == nullptr) errors_.add("", failed, "The body must be an object.");
}

object_reader::object_reader(const value& data, input_errors& errors, const object_reader& parent,
                             std::string_view name, std::optional<std::size_t> index)
    : members_(data.as_object()), errors_(errors), parent_(&parent), name_(name), index_(index) {
  if (members_ == nullptr) errors_.add(pointer(), failed, "This must be an object.");
}

bool object_reader::has(std::string_view name) const {
  return members_ != nullptr && std::any_of(members_->begin(), members_->end(),
                                            [&](const member& member) { return member.name == name; });
}

const value* object_reader::take(std::string_view name, bool required) {
  const auto count = members_ == nullptr ? 0 : std::min(members_->size(), members_max);
  for (std::size_t i = 0; i < count; ++i) {
    if ((*members_)[i].name != name) continue;
    read_ |= std::uint64_t{1} << i;
    return &(*members_)[i].data;
  }
  if (required && members_ != nullptr) fail(name, "This is required.");
  return nullptr;
}

const value* object_reader::take(std::string_view name, type wanted, bool required) {
  const auto* found = take(name, required);
  if (found == nullptr || found->type() == wanted) return found;
  fail(name, "This must be " + std::string{type_name(wanted)} + ".");
  return nullptr;
}

bool object_reader::text_holds(const std::string& text, range characters, const std::string& pointer) {
  const auto length = count_characters(text);
  if (length < characters.min || length > characters.max) {
    errors_.add(pointer, failed, between("The length must be", characters) + " characters.");
    return false;
  }
  if (text.find('\0') != std::string::npos) {
    errors_.add(pointer, failed, "U+0000 is not allowed.");
    return false;
  }
  return true;
}

std::optional<std::string> object_reader::text(std::string_view name, range characters, bool required) {
  const auto* found = take(name, type::string, required);
  if (found == nullptr) return std::nullopt;
  const auto& text = *found->as_string();
  const auto bytes = static_cast<std::int64_t>(text.size());
  // Within the range by bytes already, and plain: most texts need no pointer and no counting.
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) { return c > 0; });
  if (plain && bytes >= characters.min && bytes <= characters.max) return text;
  if (!text_holds(text, characters, pointer(name))) return std::nullopt;
  return text;
}

std::string object_reader::string(std::string_view name, range characters) {
  return text(name, characters, true).value_or(std::string{});
}

std::optional<std::string> object_reader::optional_string(std::string_view name, range characters) {
  return text(name, characters, false);
}

std::optional<std::int64_t> object_reader::whole(std::string_view name, range allowed, bool required) {
  const auto* found = take(name, required);
  if (found == nullptr) return std::nullopt;
  const auto* integer = found->as_integer();
  if (integer != nullptr && *integer >= allowed.min && *integer <= allowed.max) return *integer;
  fail(name, between("This must be an integer,", allowed) + ".");
  return std::nullopt;
}

std::int64_t object_reader::integer(std::string_view name, range allowed) {
  return whole(name, allowed, true).value_or(allowed.min);
}

std::optional<std::int64_t> object_reader::optional_integer(std::string_view name, range allowed) {
  return whole(name, allowed, false);
}

bool object_reader::boolean(std::string_view name) {
  const auto* found = take(name, type::boolean, true);
  return found != nullptr && *found->as_boolean();
}

std::optional<bool> object_reader::optional_boolean(std::string_view name) {
  const auto* found = take(name, type::boolean, false);
  if (found == nullptr) return std::nullopt;
  return *found->as_boolean();
}

std::optional<std::string> object_reader::currency_code(std::string_view name, bool required) {
  const auto* found = take(name, type::string, required);
  if (found == nullptr) return std::nullopt;
  if (values::minor_unit_exponent(*found->as_string())) return *found->as_string();
  fail(name, "This must be a currency code of ISO 4217, such as USD.");
  return std::nullopt;
}

std::string object_reader::currency(std::string_view name) {
  return currency_code(name, true).value_or(std::string{});
}

std::optional<std::string> object_reader::optional_currency(std::string_view name) {
  return currency_code(name, false);
}

std::optional<values::pb::Money> object_reader::money(std::string_view name, range amount, bool required) {
  const auto* found = take(name, type::object, required);
  values::pb::Money money;
  auto read = [&](object_reader& in) {
    money.set_amount(in.integer("amount", amount));
    money.set_currency(in.currency("currency"));
  };
  if (!visit(found, name, read)) return std::nullopt;
  return money;
}

values::pb::Money object_reader::money(std::string_view name, range amount) {
  return money(name, amount, true).value_or(values::pb::Money{});
}

std::optional<values::pb::Money> object_reader::optional_money(std::string_view name, range amount) {
  return money(name, amount, false);
}

void object_reader::precise(values::pb::UnitPrice& price, range amount) {
  const auto digits = text("value", precise_value_length, true);
  const auto scale = whole("scale", scale_range, true);
  if (!digits || !scale) return;
  std::int64_t parsed = 0;
  const auto [end, ec] = std::from_chars(digits->data(), digits->data() + digits->size(), parsed);
  if (ec != std::errc{} || end != digits->data() + digits->size() || std::to_string(parsed) != *digits) {
    fail("value", "This must be an integer in a string.");
    return;
  }
  if (price.currency().empty()) return;
  const auto exact = values::precise_unit_price(parsed, static_cast<std::uint32_t>(*scale), price.currency());
  if (!exact || exact->amount() < amount.min || exact->amount() > amount.max) {
    fail("value", between("This price leaves the range: in minor units,", amount) + ".");
    return;
  }
  price = *exact;
}

std::optional<values::pb::UnitPrice> object_reader::price(std::string_view name, range amount,
                                                          bool required) {
  const auto* found = take(name, type::object, required);
  values::pb::UnitPrice price;
  auto read = [&](object_reader& in) {
    price.set_currency(in.currency("currency"));
    if (!in.has("precise")) {
      price.set_amount(in.integer("amount", amount));
      return;
    }
    in.with_object("precise", [&](object_reader& precise) { precise.precise(price, amount); });
    const auto beside = in.optional_integer("amount", amount);
    if (beside && *beside != price.amount()) in.fail("amount", "This must be the precise price, rounded.");
  };
  if (!visit(found, name, read)) return std::nullopt;
  return price;
}

values::pb::UnitPrice object_reader::unit_price(std::string_view name, range amount) {
  return price(name, amount, true).value_or(values::pb::UnitPrice{});
}

std::optional<values::pb::UnitPrice> object_reader::optional_unit_price(std::string_view name, range amount) {
  return price(name, amount, false);
}

const value* object_reader::optional_free_object(std::string_view name, std::size_t bytes_max) {
  const auto* found = take(name, type::object, false);
  if (found == nullptr) return nullptr;
  check_free(*found, pointer(name), errors_);
  if (canonical(*found).size() <= bytes_max) return found;
  fail(name, "This must not exceed " + std::to_string(bytes_max) + " bytes.");
  return nullptr;
}

std::vector<std::pair<std::string, std::string>> object_reader::optional_texts(std::string_view name,
                                                                               range size, range characters) {
  std::vector<std::pair<std::string, std::string>> texts;
  const auto* found = take(name, type::object, false);
  if (found == nullptr) return texts;
  const auto& members = *found->as_object();
  const auto count = static_cast<std::int64_t>(members.size());
  if (count < size.min || count > size.max) {
    fail(name, between("The number of members must be", size) + ".");
    return texts;
  }
  for (const auto& member : members) {
    auto place = pointer(name);
    append_pointer(place, member.name);
    if (!text_holds(member.name, {1, characters.max}, place)) continue;
    const auto* text = member.data.as_string();
    if (text == nullptr)
      errors_.add(place, failed, "This must be a string.");
    else if (text_holds(*text, characters, place))
      texts.emplace_back(member.name, *text);
  }
  return texts;
}

const value::array* object_reader::array(std::string_view name, range size, bool required) {
  const auto* found = take(name, type::array, required);
  if (found == nullptr) return nullptr;
  const auto count = static_cast<std::int64_t>(found->as_array()->size());
  if (count >= size.min && count <= size.max) return found->as_array();
  fail(name, between("The number of items must be", size) + ".");
  return nullptr;
}

std::vector<std::string> object_reader::string_array(std::string_view name, range size, range characters,
                                                     bool required) {
  std::vector<std::string> texts;
  const auto* items = array(name, size, required);
  if (items == nullptr) return texts;
  for (std::size_t index = 0; index < items->size(); ++index) {
    const auto place = pointer(name) + "/" + std::to_string(index);
    const auto* text = (*items)[index].as_string();
    if (text == nullptr)
      errors_.add(place, failed, "This must be a string.");
    else if (text_holds(*text, characters, place))
      texts.push_back(*text);
  }
  return texts;
}

std::vector<std::string> object_reader::strings(std::string_view name, range size, range characters) {
  return string_array(name, size, characters, true);
}

std::vector<std::string> object_reader::optional_strings(std::string_view name, range size,
                                                         range characters) {
  return string_array(name, size, characters, false);
}

void object_reader::fail(std::string_view name, std::string detail) {
  errors_.add(pointer(name), failed, std::move(detail));
}

std::string object_reader::pointer() const {
  if (parent_ == nullptr) return {};
  auto pointer = parent_->pointer(name_);
  if (index_) pointer.append("/").append(std::to_string(*index_));
  return pointer;
}

std::string object_reader::pointer(std::string_view name) const {
  auto place = pointer();
  append_pointer(place, name);
  return place;
}

void object_reader::finish() {
  if (members_ == nullptr) return;
  const auto count = members_->size();
  for (std::size_t i = 0; i < count; ++i)
    if (i >= members_max || ((read_ >> i) & 1) == 0)
      errors_.add(pointer((*members_)[i].name), unknown, "This request does not know such a member.");
}

}  // namespace souk::json
