#include "actors/gateway/api.hpp"
#include "actors/json/problem.hpp"
#include "tests/api/description.hpp"
#include "tests/api/schema_check.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>

namespace souk::gateway {
namespace {

using json::value;
using tests::read;

const value& document() {
  static const value read_once = read(api_document());
  return read_once;
}

// Calls `visit` with every "$ref" of a document.
void each_reference(const value& from, const std::function<void(const std::string&)>& visit) {
  if (const auto* object = from.as_object())
    for (const auto& [name, data] : *object) {
      if (name == "$ref") visit(*data.as_string());
      each_reference(data, visit);
    }
  if (const auto* items = from.as_array())
    for (const auto& item : *items)
      each_reference(item, visit);
}

TEST(api, describes_every_route_and_no_other) {
  const auto said = read(api_text());
  std::set<std::string> names;
  for (const auto& [name, operation] : *said.find("operations")->as_object())
    names.insert(name);
  for (const auto& route : routes()) {
    EXPECT_TRUE(names.erase(std::string{route.name})) << route.name;
    const auto* path = document().find("paths")->find(route.path);
    ASSERT_NE(path, nullptr) << route.path;
  }
  names.erase("count_units");  // of the next version
  EXPECT_EQ(names, std::set<std::string>{});
}

TEST(api, names_every_placeholder_and_every_parameter) {
  for (const auto& route : routes()) {
    const auto said = read(api_text());
    const auto* operation = said.find("operations")->find(route.name);
    std::string rest{route.path};
    std::size_t placeholders = 0;
    for (auto at = rest.find('{'); at != std::string::npos; at = rest.find('{', at + 1)) {
      const auto name = rest.substr(at + 1, rest.find('}', at) - at - 1);
      const auto* path = operation->find("path");
      EXPECT_TRUE(path != nullptr && path->find(name) != nullptr) << route.name << " " << name;
      ++placeholders;
    }
    if (const auto* path = operation->find("path")) {
      EXPECT_EQ(path->as_object()->size(), placeholders) << route.name;
    }
    EXPECT_EQ(operation->find("request") != nullptr,
              route.body == body_use::json || route.body == body_use::optional_json)
        << route.name;
  }
}

TEST(api, names_the_scope_of_every_operation) {
  const auto& schemes = *document().find("components")->find("securitySchemes");
  std::set<std::string_view> known;
  for (const auto& name :
       *document().find("components")->find("schemas")->find("Scope")->find("enum")->as_array())
    known.insert(*name.as_string());
  EXPECT_EQ(known.size(), keyring::scope_count);
  for (const auto& route : routes()) {
    const auto& ways = *tests::operation_of(document(), route).find("security")->as_array();
    const auto ways_expected = std::map<audience, std::size_t>{
        {audience::everybody, 5}, {audience::customers, 3}, {audience::staff, 2}};
    EXPECT_EQ(ways.size(), ways_expected.at(route.audience)) << route.name;
    EXPECT_EQ(ways.front().as_object()->empty(), route.audience == audience::everybody) << route.name;
    for (const auto& way : ways)
      for (const auto& [scheme, scopes] : *way.as_object())
        EXPECT_NE(schemes.find(scheme), nullptr) << route.name;
    const auto& scopes = *ways.back().find("secret_key")->as_array();
    const auto& of_token = *ways.at(ways.size() - 2).find("access_token");
    EXPECT_EQ(json::canonical(of_token), json::canonical(*ways.back().find("secret_key"))) << route.name;
    ASSERT_EQ(scopes.size(), route.scope ? 1u : 0u) << route.name;
    if (!route.scope) continue;
    EXPECT_EQ(*scopes.front().as_string(), keyring::name_of(*route.scope));
    EXPECT_TRUE(known.contains(*scopes.front().as_string())) << route.name;
  }
}

TEST(api, refers_to_what_is_there_and_has_nothing_that_nobody_refers_to) {
  std::set<std::string> used;
  each_reference(document(), [&used](const std::string& reference) {
    EXPECT_NO_THROW(tests::resolve(document(), reference)) << reference;
    used.insert(reference);
  });
  for (const auto* kind : {"schemas", "parameters", "headers"})
    for (const auto& [name, what] : *document().find("components")->find(kind)->as_object())
      EXPECT_TRUE(used.contains(std::string{"#/components/"} + kind + "/" + name)) << name;
}

TEST(api, knows_every_code_that_it_names) {
  const auto said = read(api_text());
  for (const auto& [name, operation] : *said.find("operations")->as_object())
    if (const auto* problems = operation.find("problems")) {
      for (const auto& code : *problems->as_array())
        EXPECT_NO_THROW(json::status_of(*code.as_string())) << name << " " << *code.as_string();
    }
}

TEST(api, gives_examples_that_its_own_schemas_allow) {
  for (const auto& [name, schema] : *document().find("components")->find("schemas")->as_object()) {
    const auto* examples = schema.find("examples");
    if (examples == nullptr) continue;
    for (const auto& example : *examples->as_array())
      EXPECT_EQ(tests::check_schema(document(), schema, example), std::vector<std::string>{}) << name;
  }
}

}  // namespace
}  // namespace souk::gateway
