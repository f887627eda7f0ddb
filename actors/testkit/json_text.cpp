#include "actors/testkit/json_text.hpp"

#include "actors/json/reader.hpp"

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <array>
#include <optional>
#include <utility>

namespace souk::testkit {

namespace {

// Shoppers look at what they are told more often than at anything else: most of it is a text, and found
// without a tree of the whole.
std::optional<std::string> plain_member_of(std::string_view json, std::string_view name) {
  std::array<unsigned char, 32'768> room;  // NOLINT(cppcoreguidelines-pro-type-member-init): written first
  boost::json::monotonic_resource memory{room.data(), room.size()};
  boost::system::error_code error;
  const auto document = boost::json::parse({json.data(), json.size()}, error, &memory);
  if (error || !document.is_object()) return std::nullopt;
  const auto* found = document.get_object().if_contains({name.data(), name.size()});
  if (found == nullptr || !found->is_string()) return std::nullopt;
  return std::string{found->get_string()};
}

}  // namespace

std::string member_of(std::string_view json, std::string_view name) {
  if (auto text = plain_member_of(json, name)) return std::move(*text);
  json::parse_error error;
  const auto document = json::parse(json, error);
  if (!document) return {};
  const auto* found = document->find(name);
  if (found == nullptr) return {};
  return found->as_string() != nullptr ? *found->as_string() : json::canonical(*found);
}

std::vector<std::string> members_of_all(std::string_view json, std::string_view list, std::string_view name) {
  std::vector<std::string> found;
  json::parse_error error;
  const auto document = json::parse(json, error);
  const auto* items = document ? document->find(list) : nullptr;
  if (items == nullptr || items->as_array() == nullptr) return found;
  for (const auto& item : *items->as_array())
    if (const auto* text = item.find(name); text != nullptr && text->as_string() != nullptr)
      found.push_back(*text->as_string());
  return found;
}

}  // namespace souk::testkit
