#include "actors/testkit/simulated_cluster.hpp"

#include "actors/testkit/buying.hpp"
#include "actors/testkit/json_text.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace souk::testkit {
namespace {

using namespace std::chrono_literals;

// Buys one unit through a node; the order's id. With keys: what a node that crashed was sent is sent again.
std::string buy(simulated_cluster& shop, const std::string& node, const std::string& sku) {
  std::optional<gateway::http_response> sold;
  check_out(shop, node, fill_cart(shop, node, sku), pays, [&sold](const auto& answer) { sold = answer; });
  EXPECT_TRUE(shop.run_until([&sold] { return sold.has_value(); }, 60s));
  EXPECT_EQ(sold->status, 201) << sold->body;
  return order_in(*sold);
}

void expect_whole(simulated_cluster& shop) {
  ASSERT_TRUE(shop.run_until([&] { return shop.whole(); }, 30s));
  shop.advance(10s);  // states are on disk
  EXPECT_EQ(shop.difference(), "");
}

TEST(simulated_cluster, answers_at_every_node) {
  simulated_cluster shop{1};
  shop.stock("TEA", 3);
  const auto order = buy(shop, "b", "TEA");
  for (const auto& node : shop.names()) {
    EXPECT_EQ(shop.call(node, "GET", "/v1/orders/" + order).status, 200) << node;
    const auto levels = shop.call(node, "GET", "/v1/inventory/levels?sku=TEA", "", {shop.staff()});
    EXPECT_NE(levels.body.find(R"("available":2)"), std::string::npos) << levels.body;
  }
  expect_whole(shop);
}

TEST(simulated_cluster, goes_on_without_a_node_and_takes_it_back) {
  simulated_cluster shop{2};
  shop.stock("TEA", 10);
  const auto before = buy(shop, "a", "TEA");
  shop.crash("b");
  const auto meanwhile = buy(shop, "a", "TEA");
  EXPECT_EQ(shop.call("c", "GET", "/v1/orders/" + before).status, 200);
  shop.restart("b");
  expect_whole(shop);
  EXPECT_EQ(shop.call("b", "GET", "/v1/orders/" + meanwhile).status, 200);
}

TEST(simulated_cluster, a_node_that_hangs_wakes_without_a_wrong_word) {
  simulated_cluster shop{3};
  shop.stock("TEA", 10);
  const auto cart = member_of(shop.call("a", "POST", "/v1/carts", R"({"currency":"USD"})").body, "id");
  for (const auto& node : shop.names()) {
    shop.pause(node);
    shop.advance(4s);
    const auto& other = node == "a" ? "b" : "a";
    const auto filled =
        shop.call(other, "POST", "/v1/carts/" + cart + "/items", R"({"sku":"TEA","quantity":1})");
    ASSERT_EQ(filled.status, 200) << filled.body;
    shop.resume(node);
    const auto seen = shop.call(node, "GET", "/v1/carts/" + cart);
    EXPECT_EQ(member_of(seen.body, "version"), member_of(filled.body, "version")) << seen.body;
    ASSERT_TRUE(shop.run_until([&] { return shop.whole(); }, 30s));
  }
  expect_whole(shop);
}

TEST(simulated_cluster, a_disk_that_is_lost_is_filled_from_the_others) {
  simulated_cluster shop{4};
  shop.stock("TEA", 10);
  const auto order = buy(shop, "a", "TEA");
  shop.crash("c");
  shop.replace_disk("c");
  shop.restart("c");
  expect_whole(shop);
  EXPECT_EQ(shop.call("c", "GET", "/v1/orders/" + order).status, 200);
}

// A copy is gone, and without the store nobody can say that it counts no more.
TEST(simulated_cluster, what_cannot_be_committed_is_refused_before_it_is_begun) {
  simulated_cluster shop{5};
  shop.stock("TEA", 100);
  std::vector<std::string> carts;
  for (int n = 0; n < 6; ++n)
    carts.push_back(fill_cart(shop, "a", "TEA").id);
  const auto add = [&shop](const std::string& cart) {
    return shop.call("a", "POST", "/v1/carts/" + cart + "/items", R"({"sku":"TEA","quantity":1})");
  };
  shop.store().cut_all(true);
  shop.crash("b");
  for (const auto& cart : carts)
    EXPECT_GE(add(cart).status, 503);  // some began, and nobody knows how they will end
  for (const auto& cart : carts)
    EXPECT_EQ(member_of(add(cart).body, "code"), "shard_unavailable");
  shop.store().cut_all(false);
  shop.restart("b");
  expect_whole(shop);
  for (const auto& cart : carts)
    EXPECT_EQ(add(cart).status, 200);
}

TEST(simulated_cluster, the_same_seed_runs_the_same) {
  const auto run = [](std::uint64_t seed) {
    simulated_cluster shop{seed};
    shop.stock("TEA", 10);
    buy(shop, "a", "TEA");
    shop.crash("a");
    const auto order = buy(shop, "b", "TEA");
    return std::pair{shop.fleet().trace_hash(), order};
  };
  EXPECT_EQ(run(7), run(7));
  EXPECT_NE(run(7), run(8));
}

}  // namespace
}  // namespace souk::testkit
