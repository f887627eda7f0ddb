#include "actors/testkit/simulated_cluster.hpp"

#include "actors/testkit/buying.hpp"
#include "actors/testkit/json_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
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

// What stands behind the point in the same step must not happen.
TEST(simulated_cluster, a_node_dies_exactly_at_a_point) {
  for (const auto& [point, charged] : {std::pair{"payments: before the provider is called", "0"},
                                       std::pair{"payments: the provider was called", "1"}}) {
    simulated_cluster shop{3};
    shop.stock("TEA", 10);
    const auto cart = fill_cart(shop, "a", "TEA");
    std::string books;  // as it died
    shop.crash_at(simulated_cluster::whoever, point, 0, [&](const std::string& node) {
      books = shop.provider_books();
      shop.restart(node);
    });
    check_out(shop, "a", cart, pays, {});
    ASSERT_TRUE(shop.run_until([&books] { return !books.empty(); }, 10s));
    EXPECT_EQ(member_of(member_of(books, "summary"), "charged"), charged) << point;
    shop.heal();
    expect_whole(shop);
    EXPECT_EQ(member_of(member_of(shop.provider_books(), "summary"), "charged"), "1");
  }
}

TEST(simulated_cluster, a_node_that_dies_before_it_answers_has_done_what_it_was_asked) {
  simulated_cluster shop{3};
  shop.stock("TEA", 10);
  const auto make = [&shop](const std::string& node) {
    return shop.call(node, "POST", "/v1/carts", R"({"currency":"USD"})", {{"idempotency-key", "a-cart"}});
  };
  bool died = false;
  shop.crash_at("a", "gateway: before an answer is given", 0, [&died](const auto&) { died = true; });
  EXPECT_EQ(make("a").status, 0);
  EXPECT_TRUE(died);
  const auto first = make("b");
  EXPECT_EQ(first.status, 201) << first.body;
  shop.restart("a");
  expect_whole(shop);
  EXPECT_EQ(make("a").body, first.body);
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

// It asks for the state while that is being written, and is gone before anybody can read it: nothing reads
// any more then, and what changes later gets to the disk.
TEST(simulated_cluster, a_state_that_nobody_came_to_read_is_written_again) {
  cluster_options options;
  options.limits.flush_interval = 1s;
  options.limits.journal_kept_records = 1;
  options.limits.events_kept_records = 0;
  simulated_cluster shop{4, options};
  shop.stock("TEA", 10);
  shop.crash("c");
  shop.replace_disk("c");
  for (int n = 0; n < 5; ++n)
    buy(shop, "a", "TEA");
  shop.advance(5s);  // what it lacks is trimmed
  for (const std::string node : {"a", "b"})
    shop.fleet().find(node)->stall("state", shop.fleet().now() + 6s);
  buy(shop, "a", "TEA");
  shop.advance(2s);  // flushes wait for the disk
  shop.restart("c");
  shop.advance(2s);
  shop.crash("c");
  shop.replace_disk("c");
  shop.advance(8s);
  shop.restart("c");
  buy(shop, "a", "TEA");
  expect_whole(shop);
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

// Who reads what is not what was written says so and ends; the others go on, and fill its next disk.
TEST(simulated_cluster, a_node_with_spoilt_rows_ends_before_it_says_a_wrong_word) {
  simulated_cluster shop{8};  // where `a` has no rows to read until it is asked
  shop.stock("TEA", 10);
  const auto order = buy(shop, "a", "TEA");
  shop.advance(10s);  // states are on disk
  for (std::uint64_t n = 0; n < 200; ++n)
    shop.disk("a").spoil(2 * n + 1);
  shop.crash("a");
  shop.restart("a");
  ASSERT_TRUE(shop.run_until([&] { return shop.whole(); }, 30s));
  shop.crash("b");  // so that `a` has something to say
  ASSERT_TRUE(shop.run_until(
      [&] {
        if (shop.up("a")) shop.send("c", "GET", "/v1/orders/" + order, "", {}, {});
        return !shop.up("a");
      },
      30s));
  EXPECT_THAT(shop.gave_up_because("a"), testing::HasSubstr("another checksum than expected"));
  shop.restart("b");
  EXPECT_EQ(shop.call("c", "GET", "/v1/orders/" + order).status, 200);
  shop.replace_disk("a");
  shop.restart("a");
  expect_whole(shop);
  EXPECT_EQ(shop.call("a", "GET", "/v1/orders/" + order).status, 200);
}

TEST(simulated_cluster, a_node_does_not_start_on_a_spoilt_end_of_its_journal) {
  simulated_cluster shop{6};
  shop.stock("TEA", 10);
  const auto order = buy(shop, "a", "TEA");
  for (std::uint64_t shard = 0; shard < 4; ++shard)
    ASSERT_THAT(shop.disk("c").spoil(2 * shard), testing::HasSubstr("journal"));
  shop.crash("c");
  shop.restart("c");
  EXPECT_FALSE(shop.up("c"));
  EXPECT_THAT(shop.gave_up_because("c"), testing::HasSubstr("another checksum than expected"));
  shop.replace_disk("c");
  shop.restart("c");
  expect_whole(shop);
  EXPECT_EQ(shop.call("c", "GET", "/v1/orders/" + order).status, 200);
}

TEST(simulated_cluster, what_a_disk_that_lied_has_lost_comes_from_the_others) {
  simulated_cluster shop{7};
  shop.stock("TEA", 10);
  shop.disk("c").lie();
  std::vector<std::string> orders;
  for (int n = 0; n < 4; ++n)
    orders.push_back(buy(shop, "a", "TEA"));
  const auto written = shop.disk("c").unwritten().first;
  ASSERT_GT(written, 5U);
  shop.crash_losing("c", 5, 0);
  ASSERT_TRUE(shop.run_until([&] { return !shop.counted("c"); }, 30s));
  shop.restart("c");
  expect_whole(shop);
  for (const auto& order : orders)
    EXPECT_EQ(shop.call("c", "GET", "/v1/orders/" + order).status, 200);
}

TEST(simulated_cluster, lives_on_real_disks_too) {
  cluster_options options;
  options.real_disks = true;
  const auto run = [&options](std::uint64_t seed) {
    simulated_cluster shop{seed, options};
    shop.stock("TEA", 10);
    const auto before = buy(shop, "a", "TEA");
    shop.crash("b");
    const auto meanwhile = buy(shop, "a", "TEA");
    shop.restart("b");
    expect_whole(shop);
    EXPECT_EQ(shop.call("b", "GET", "/v1/orders/" + before).status, 200);
    EXPECT_EQ(shop.call("b", "GET", "/v1/orders/" + meanwhile).status, 200);
    return shop.fleet().trace_hash();
  };
  EXPECT_EQ(run(8), run(8));
}

TEST(simulated_cluster, what_is_there_is_what_its_records_amount_to) {
  cluster_options options;
  options.keep_records = true;
  options.limits.journal_kept_records = 5;
  options.limits.events_kept_records = 0;
  simulated_cluster shop{9, options};
  shop.stock("TEA", 10);
  buy(shop, "a", "TEA");
  shop.take_snapshots();
  buy(shop, "b", "TEA");
  expect_whole(shop);
  std::uint64_t from_empty = 0;
  std::uint64_t from_snapshot = 0;
  EXPECT_EQ(shop.replay_difference(from_empty, from_snapshot), "");
  EXPECT_EQ(from_empty, options.shard_count);
  EXPECT_EQ(from_snapshot, options.shard_count);

  auto& state = shop.disk("a").state();
  std::string key;
  state.scan("e", "f", persistence::scan_order::ascending, [&](std::string_view found, std::string_view) {
    key = found;
    return false;
  });
  state.write(std::vector<persistence::row_change>{{key, "something else"}});
  EXPECT_THAT(shop.replay_difference(from_empty, from_snapshot), testing::HasSubstr("replayed from empty"));
}

// One record waits for a member that is gone, and the disk is full for the next: what the first became is not
// known, and least of all nothing. Seed 246 of the disk profile found it.
TEST(simulated_cluster, a_full_disk_says_nothing_of_what_was_written_before) {
  for (const auto* gone : {"a", "b", "c"})
    for (const auto* full : {"a", "b", "c"}) {
      if (gone == std::string_view{full}) continue;
      SCOPED_TRACE(std::string{gone} + " is gone, the disk of " + full + " is full");
      simulated_cluster shop{6, {.shard_count = 1}};
      shop.stock("TEA", 100);
      const auto first = fill_cart(shop, full, "TEA").id;
      const auto next = fill_cart(shop, full, "TEA").id;
      std::map<std::string, gateway::http_response> answers;
      const auto add = [&](const std::string& cart) {
        shop.send(full, "POST", "/v1/carts/" + cart + "/items", R"({"sku":"TEA","quantity":1})", {},
                  [&answers, cart](const auto& answer) { answers[cart] = answer; });
        shop.advance(20ms);
      };
      shop.store().cut_all(true);  // nobody can say that it counts no more
      shop.crash(gone);
      add(first);
      for (const auto& other : shop.names()) {
        if (other == full) continue;
        shop.net().part(full, other);  // nobody has the next
        shop.net().reset(full, other);
      }
      shop.fill_disk(full, 1);
      add(next);
      shop.heal();
      ASSERT_TRUE(shop.run_until([&] { return answers.size() == 2; }, 30s));
      shop.restart(gone);
      expect_whole(shop);
      for (const auto& [cart, answer] : answers) {
        const auto seen = shop.call(gone, "GET", "/v1/carts/" + cart).body;
        const bool added = seen.find(R"("quantity":2,)") != std::string::npos;
        EXPECT_TRUE(answer.status != 200 || added) << answer.body << seen;
        EXPECT_TRUE(answer.status != 503 || !added) << answer.body << seen;
      }
    }
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
