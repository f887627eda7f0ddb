#include "actors/marketplace/fields.hpp"

#include "actors/marketplace/amount.hpp"

#include <boost/json/parse.hpp>

#include <limits>

namespace souk::marketplace {
namespace {

constexpr std::size_t levels_max = 4;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Whether a member is called that; `name` is in lower case and has no underscores.
bool is_called(std::string_view key, std::string_view name) {
  std::size_t at = 0;
  for (const char c : key) {
    if (c == '_') continue;
    if (at == name.size() || lower(c) != name[at]) return false;
    ++at;
  }
  return at == name.size();
}

}  // namespace

fields::fields(std::string_view body) : resource_(memory_.data(), memory_.size()) {
  boost::json::parse_options options;
  options.max_depth = levels_max;
  boost::system::error_code error;
  value_.emplace(boost::json::parse({body.data(), body.size()}, error, &resource_, options));
  if (error)
    complaint_ = "The body is no JSON: " + error.message() + ".";
  else if (!value_->is_object())
    complaint_ = "The body is no JSON object.";
}

const boost::json::value* fields::find(std::string_view name) const {
  if (!complaint_.empty()) return nullptr;
  for (const auto& member : value_->get_object())
    if (is_called({member.key().data(), member.key().size()}, name))
      return member.value().is_null() ? nullptr : &member.value();
  return nullptr;
}

const boost::json::value* fields::need(std::string_view name) {
  const auto* found = find(name);
  if (found == nullptr) complain(name, "is missing");
  return found;
}

void fields::complain(std::string_view name, std::string_view what) {
  if (complaint_.empty()) complaint_ = "The field " + std::string{name} + " " + std::string{what} + ".";
}

std::int64_t fields::take_number(std::string_view name, const boost::json::value& value, std::int64_t least,
                                 std::int64_t most) {
  const auto* number = value.if_int64();
  if (number != nullptr && *number >= least && *number <= most) return *number;
  complain(name, "must be a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  return least;
}

std::int64_t fields::number(std::string_view name, std::int64_t least, std::int64_t most) {
  const auto* value = need(name);
  return value == nullptr ? least : take_number(name, *value, least, most);
}

std::int64_t fields::number_or(std::string_view name, std::int64_t least, std::int64_t most,
                               std::int64_t otherwise) {
  const auto* value = find(name);
  return value == nullptr ? otherwise : take_number(name, *value, least, most);
}

std::uint32_t fields::id(std::string_view name) {
  return static_cast<std::uint32_t>(number(name, 1, std::numeric_limits<std::int32_t>::max()));
}

std::int64_t fields::take_amount(std::string_view name, const boost::json::value& value) {
  boost::system::error_code error;
  const auto number = value.to_number<double>(error);
  const auto amount = error ? std::nullopt : amount_of(number);
  if (!amount) complain(name, "must be a number from 0 to " + std::to_string(amount_max));
  return amount.value_or(0);
}

std::int64_t fields::amount(std::string_view name) {
  const auto* value = need(name);
  return value == nullptr ? 0 : take_amount(name, *value);
}

std::int64_t fields::amount_or_zero(std::string_view name) {
  const auto* value = find(name);
  return value == nullptr ? 0 : take_amount(name, *value);
}

std::string fields::take_text(std::string_view name, const boost::json::value& value) {
  if (const auto* number = value.if_int64()) return std::to_string(*number);
  const auto* text = value.if_string();
  if (text != nullptr && text->size() <= text_bytes_max) return {text->data(), text->size()};
  complain(name, "must be a text of up to " + std::to_string(text_bytes_max) + " bytes");
  return {};
}

std::string fields::text(std::string_view name) {
  const auto* value = need(name);
  auto text = value == nullptr ? std::string{} : take_text(name, *value);
  if (text.empty()) complain(name, "must not be empty");
  return text;
}

std::string fields::text_or_empty(std::string_view name) {
  const auto* value = find(name);
  return value == nullptr ? std::string{} : take_text(name, *value);
}

}  // namespace souk::marketplace
