#include "actors/testkit/buying.hpp"
#include "actors/testkit/json_text.hpp"
#include "actors/testkit/simulated_cluster.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>

/// The scenarios that docs/testers.md teaches with: each is a cluster of three nodes, and something that
/// shops fear.
namespace souk::testkit {
namespace {

using namespace std::chrono_literals;

TEST(scenario, a_flash_sale_sells_what_is_there_and_no_more) {
  simulated_cluster shop{11};
  shop.stock("LAMP", 20);
  std::map<std::string, int> answers;
  for (int n = 0; n < 100; ++n) {
    const auto& node = shop.names()[n % 3];
    check_out(shop, node, fill_cart(shop, node, "LAMP"), pays, [&answers](const auto& response) {
      ++answers[response.status == 201 ? "sold" : member_of(response.body, "code")];
    });
  }
  shop.advance(30s);
  EXPECT_EQ(answers, (std::map<std::string, int>{{"sold", 20}, {"insufficient_stock", 80}}));
  EXPECT_EQ(wrong_with(shop, {.sku = "LAMP", .left = 0, .charges = 20}), "");
}

TEST(scenario, a_crash_between_charge_and_order_charges_once) {
  simulated_cluster shop{12};
  shop.stock("LAMP", 5);
  std::string crashed;
  for (const auto& node : shop.names())
    shop.at_next_charge(node, [&shop, &crashed, node] {
      if (!crashed.empty()) return;
      crashed = node;
      shop.crash(node);
    });
  const auto sold = check_out_anywhere(shop, fill_cart(shop, "a", "LAMP"));
  ASSERT_NE(crashed, "");
  EXPECT_EQ(sold.status, 201) << sold.body;
  shop.restart(crashed);
  EXPECT_EQ(wrong_with(shop, {.sku = "LAMP", .left = 4, .charges = 1}), "");
}

TEST(scenario, a_hold_that_expires_while_it_is_paid_is_sold_or_free_and_never_both) {
  std::map<std::string, int> ends;
  for (auto early = -20ms; early <= 20ms; early += 1ms) {
    cluster_options options;
    options.shop.checkout.hold_ttl = 10s;
    simulated_cluster shop{13, options};
    shop.stock("LAMP", 1);
    std::optional<gateway::http_response> held;
    std::optional<gateway::http_response> paid;
    check_out(shop, "a", fill_cart(shop, "a", "LAMP"), pays_later,
              [&](const auto& answer) { held = answer; });
    ASSERT_TRUE(shop.run_until([&] { return held.has_value(); }, 5s));
    shop.advance(10s + early);
    shop.send("b", "POST", "/v1/checkouts/" + member_of(held->body, "id") + "/complete",
              R"({"payment":{"provider":"test","token":"tok_ok"}})", {{"idempotency-key", "pay"}},
              [&](const auto& answer) { paid = answer; });
    ASSERT_TRUE(shop.run_until([&] { return paid.has_value(); }, 30s));
    const bool sold = !order_in(*paid).empty();
    ++ends[sold ? "sold" : member_of(paid->body, "code")];
    EXPECT_EQ(wrong_with(shop, {.sku = "LAMP", .left = sold ? 0 : 1, .charges = sold ? 1 : 0}), "");
  }
  EXPECT_GT(ends["sold"], 0);
  EXPECT_GT(ends["expired"], 0);
  EXPECT_EQ(ends["sold"] + ends["expired"], 41);
}

TEST(scenario, a_primary_that_is_cut_off_gives_no_stale_answer) {
  for (const auto* cut_off : {"a", "b", "c"}) {
    simulated_cluster shop{14};
    shop.stock("LAMP", 5);
    const auto cart = fill_cart(shop, "a", "LAMP");
    const std::string reachable = std::string{cut_off} == "a" ? "b" : "a";
    for (const auto& node : shop.names())
      if (node != cut_off) shop.net().part(cut_off, node);
    shop.advance(10s);  // others have taken its shards over
    const auto changed =
        shop.call(reachable, "POST", "/v1/carts/" + cart.id + "/items", R"({"sku":"LAMP","quantity":2})");
    ASSERT_EQ(changed.status, 200) << changed.body;
    const auto seen = shop.call(cut_off, "GET", "/v1/carts/" + cart.id);
    if (seen.status == 200)
      EXPECT_EQ(member_of(seen.body, "version"), member_of(changed.body, "version"));
    else
      EXPECT_GE(seen.status, 503) << seen.body;
    shop.heal();
    EXPECT_EQ(wrong_with(shop, {.sku = "LAMP", .left = 5, .charges = 0}), "");
    EXPECT_EQ(shop.call(cut_off, "GET", "/v1/carts/" + cart.id).status, 200);
  }
}

TEST(scenario, a_message_that_makes_its_entity_throw_is_set_aside_and_the_entity_lives_on) {
  simulated_cluster shop{15};
  shop.stock("LAMP", 5);
  const auto cart = fill_cart(shop, "a", "LAMP");
  for (int n = 0; n < 3; ++n)
    shop.call("b", "POST", "/v1/test/crash", R"({"entity":"cart/)" + cart.id + R"("})",
              {shop.staff(), {"idempotency-key", "poison"}});
  const auto again = shop.call("c", "POST", "/v1/test/crash", R"({"entity":"cart/)" + cart.id + R"("})",
                               {shop.staff(), {"idempotency-key", "poison"}});
  EXPECT_NE(again.body.find("set aside"), std::string::npos) << again.body;
  const auto sold = check_out_anywhere(shop, cart);
  EXPECT_EQ(sold.status, 201) << sold.body;
  EXPECT_EQ(wrong_with(shop, {.sku = "LAMP", .left = 4, .charges = 1}), "");
}

}  // namespace
}  // namespace souk::testkit
