#include "actors/testkit/json_text.hpp"

#include "actors/json/reader.hpp"

namespace souk::testkit {

std::string member_of(std::string_view json, std::string_view name) {
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
