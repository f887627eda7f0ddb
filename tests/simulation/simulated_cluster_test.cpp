#include "actors/testkit/simulated_cluster.hpp"

#include "actors/testkit/json_text.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace souk::testkit {
namespace {

using namespace std::chrono_literals;

// Buys one unit through a node; the order's id. With keys: what a node that crashed was sent is sent again.
std::string buy(simulated_cluster& shop, const std::string& node, const std::string& sku) {
  const auto key = "buy-" + std::to_string(shop.fleet().steps());
  const auto made =
      shop.call(node, "POST", "/v1/carts", R"({"currency":"USD"})", {{"idempotency-key", key + "-cart"}});
  const auto cart = member_of(made.body, "id");
  const auto filled =
      shop.call(node, "POST", "/v1/carts/" + cart + "/items", R"({"sku":")" + sku + R"(","quantity":1})",
                {{"idempotency-key", key + "-item"}});
  const auto sold =
      shop.call(node, "POST", "/v1/checkouts",
                R"({"cart_id":")" + cart + R"(","cart_version":)" + member_of(filled.body, "version") +
                    R"(,"payment":{"provider":"test","token":"tok_ok"}})",
                {{"idempotency-key", key}});
  EXPECT_EQ(sold.status, 201) << sold.body;
  return member_of(member_of(sold.body, "order"), "id");
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
