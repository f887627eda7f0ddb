#include "actors/gateway/access_tokens.hpp"
#include "actors/testkit/buying.hpp"
#include "actors/testkit/json_text.hpp"
#include "actors/testkit/simulated_cluster.hpp"
#include "tests/token_issuer.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

/// Customers at every node of a cluster: whose a cart is, its shard knows, wherever the gateway stands.
namespace souk::testkit {
namespace {

class owners : public ::testing::Test {
 protected:
  static cluster_options options() {
    cluster_options options;
    options.tokens = std::make_shared<gateway::access_tokens>(tests::issued, tests::issuer().keys());
    return options;
  }
  static http_fields as(const std::string& customer, const std::string& key = {}) {
    // At no time before it, and at none that a test comes to.
    const auto token = tests::issuer().token(
        tests::token_header(),
        R"({"iss":"https://id.example","aud":"souk","iat":1,"exp":9999999999,"sub":")" + customer + "\"}");
    http_fields fields{{"authorization", "Bearer " + token}};
    if (!key.empty()) fields.emplace_back("idempotency-key", key);
    return fields;
  }
  std::string made(const http_fields& who, const std::string& node) {
    const auto cart = shop_.call(node, "POST", "/v1/carts", R"({"currency":"USD"})", who);
    EXPECT_EQ(cart.status, 201) << cart.body;
    const auto id = member_of(cart.body, "id");
    const auto filled =
        shop_.call(node, "POST", "/v1/carts/" + id + "/items", R"({"sku":"TEA","quantity":1})", who);
    EXPECT_EQ(filled.status, 200) << filled.body;
    return id;
  }
  gateway::http_response bought(const std::string& cart, const http_fields& who, const std::string& node) {
    return shop_.call(
        node, "POST", "/v1/checkouts",
        R"({"cart_id":")" + cart + R"(","cart_version":2,"payment":{"provider":"test","token":"tok_ok"}})",
        who);
  }
  /// At each node, which all but one reach by a link or two.
  void expect_everywhere(const std::string& target, const http_fields& who, int status) {
    for (const auto& node : shop_.names()) {
      const auto answer = shop_.call(node, "GET", target, "", who);
      EXPECT_EQ(answer.status, status) << node << " " << target << " " << answer.body;
    }
  }

  simulated_cluster shop_{29, options()};
};

TEST_F(owners, own_what_is_theirs_at_every_node_and_after_a_failover) {
  shop_.stock("TEA", 50);
  std::vector<std::string> targets;
  for (int n = 0; n < 6; ++n) {
    const auto& node = shop_.names()[n % 3];
    const auto cart = made(as("ada"), node);
    EXPECT_EQ(bought(cart, as("eve", "eve"), node).status, 404);
    EXPECT_EQ(bought(cart, {{"idempotency-key", "nobody"}}, node).status, 404);
    const auto sold = bought(cart, as("ada", "ada" + std::to_string(n)), node);
    ASSERT_EQ(sold.status, 201) << sold.body;
    for (const auto& target :
         {"/v1/carts/" + cart, "/v1/checkouts/" + member_of(sold.body, "id"), "/v1/orders/" + order_in(sold)})
      targets.push_back(target);
  }
  const auto expect_owned = [&] {
    for (const auto& target : targets) {
      expect_everywhere(target, as("ada"), 200);
      expect_everywhere(target, as("eve"), 404);
      expect_everywhere(target, {}, 404);
      expect_everywhere(target, {shop_.staff()}, 200);
    }
  };
  expect_owned();
  shop_.crash("a");
  shop_.restart("a");
  shop_.advance(std::chrono::seconds{20});
  expect_owned();
}

TEST_F(owners, take_over_with_their_checkout_what_a_guest_has_filled) {
  shop_.stock("TEA", 50);
  const auto cart = made({}, "a");
  const auto sold = bought(cart, as("ada", "ada"), "b");
  ASSERT_EQ(sold.status, 201) << sold.body;
  expect_everywhere("/v1/orders/" + order_in(sold), as("ada"), 200);
  expect_everywhere("/v1/orders/" + order_in(sold), {}, 404);
  expect_everywhere("/v1/carts/" + cart, {}, 200);
  const auto list = shop_.call("c", "GET", "/v1/orders", "", as("ada"));
  EXPECT_NE(list.body.find(order_in(sold)), std::string::npos) << list.body;
  EXPECT_EQ(shop_.call("c", "GET", "/v1/orders", "", as("eve")).body, R"({"data":[],"has_more":false})");
}

TEST_F(owners, of_one_cart_only_are_repeated_under_their_key) {
  shop_.stock("TEA", 50);
  const auto cart = made(as("ada"), "a");
  const auto first = bought(cart, as("ada", "once"), "a");
  ASSERT_EQ(first.status, 201);
  EXPECT_EQ(bought(cart, as("ada", "once"), "b").body, first.body);
  EXPECT_EQ(bought(cart, as("eve", "once"), "b").status, 404);
  EXPECT_EQ(bought(cart, {{"idempotency-key", "once"}}, "c").status, 404);
}

}  // namespace
}  // namespace souk::testkit
