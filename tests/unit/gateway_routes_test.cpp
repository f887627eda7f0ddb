#include "actors/gateway/digests.hpp"
#include "tests/unit/gateway_bench.hpp"

#include <openssl/evp.h>

#include <array>
#include <set>

namespace souk::gateway {
namespace {

TEST(gateway_routes, every_route_is_whole_and_has_a_name_of_its_own) {
  std::set<std::string_view> names;
  std::set<std::pair<std::string_view, std::string_view>> paths;
  for (const route& route : routes()) {
    EXPECT_TRUE(names.insert(route.name).second) << route.name;
    EXPECT_TRUE(paths.insert({route.method, route.path}).second) << route.method << " " << route.path;
    EXPECT_TRUE(route.path.starts_with("/v1/") || route.name == "show_api_page") << route.path;
    EXPECT_NE(route.handle, nullptr) << route.name;
    EXPECT_EQ(route.read_only, route.method == "GET") << route.name;
    if (!route.read_only) continue;
    EXPECT_EQ(route.body, body_use::none) << route.name;
    EXPECT_EQ(route.key, key_use::ignored) << route.name;
  }
}

TEST(gateway_routes, every_route_is_found_by_its_own_path) {
  for (const route& route : routes()) {
    auto found = find_route(route.method, route.path);
    ASSERT_TRUE(std::holds_alternative<route_match>(found)) << route.path;
    EXPECT_EQ(std::get<route_match>(found).route, &route);
  }
}

TEST(gateway_routes, what_a_shopper_may_call_is_what_the_contract_says) {
  std::set<std::string> open;
  for (const route& route : routes())
    if (route.audience == audience::everybody) open.insert(std::string{route.name});
  EXPECT_EQ(open, (std::set<std::string>{
                      "list_products", "get_product", "get_variant", "search_products", "create_cart",
                      "get_cart", "add_items", "set_quantity", "remove_line", "create_checkout",
                      "get_checkout", "complete_checkout", "cancel_checkout", "get_order",
                      "authenticate_test_payment", "crash_entity", "show_api", "show_api_page"}));
}

TEST(gateway_routes, what_is_for_staff_has_a_scope_and_every_scope_a_route) {
  keyring::scope_set used;
  for (const route& route : routes()) {
    EXPECT_TRUE(route.scope || route.audience == audience::everybody) << route.name;
    if (route.scope) used.add(*route.scope);
  }
  EXPECT_EQ(used, keyring::scope_set::all());
}

TEST(gateway_routes, what_may_be_kept_is_the_same_for_everybody) {
  std::set<std::string> kept;
  for (const route& route : routes())
    if (route.kind != answer_kind::personal) kept.insert(std::string{route.name});
  EXPECT_EQ(kept, (std::set<std::string>{"list_products", "get_product", "get_variant", "search_products",
                                         "show_api", "show_api_page"}));
}

/// As a Content-Security-Policy names a text.
std::string source_of(std::string_view text) {
  digest hash = sha256(text);
  std::array<unsigned char, 45> encoded{};
  EVP_EncodeBlock(encoded.data(), hash.data(), static_cast<int>(hash.size()));
  return "'sha256-" + std::string{reinterpret_cast<const char*>(encoded.data())} + "'";
}

class api_page : public testing::bench {};

TEST_F(api_page, runs_and_looks_like_what_was_built_with_it_alone) {
  const auto step = handle({.path = "/docs"});
  const auto& over = std::get<done>(step);
  ASSERT_EQ(over.fields.size(), 1u);
  EXPECT_EQ(over.fields[0].first, "Content-Security-Policy");
  const std::string policy = over.fields[0].second;
  const std::string& page = over.answer.body;
  for (const std::string tag : {"style", "script"}) {
    const auto begin = page.find("<" + tag + ">") + tag.size() + 2;
    const auto end = page.find("</" + tag + ">");
    EXPECT_NE(policy.find(tag + "-src " + source_of(page.substr(begin, end - begin)) + ";"),
              std::string::npos)
        << policy;
    // A second one, or one within an attribute, would not run.
    EXPECT_EQ(page.find("<" + tag, begin), std::string::npos);
  }
  EXPECT_EQ(page.find(" style="), std::string::npos);
  EXPECT_EQ(policy.find("unsafe"), std::string::npos);
}

TEST(gateway_routes, arguments_come_in_the_order_of_the_path) {
  auto found = find_route("PATCH", "/v1/carts/crt_1/items/ln_2");
  ASSERT_TRUE(std::holds_alternative<route_match>(found));
  EXPECT_EQ(std::get<route_match>(found).arguments, (std::vector<std::string_view>{"crt_1", "ln_2"}));
}

TEST(gateway_routes, only_imports_may_send_files) {
  for (const route& route : routes())
    EXPECT_EQ(takes_file(route.method, route.path), route.name == "start_import") << route.name;
  EXPECT_FALSE(takes_file("GET", "/nowhere"));
}

}  // namespace
}  // namespace souk::gateway
