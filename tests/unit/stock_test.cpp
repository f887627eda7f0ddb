#include "actors/stock/stock.hpp"

#include "actors/checkout/checkout.pb.h"
#include "actors/product/product.pb.h"
#include "tests/unit/catalogue_entity.hpp"
#include "tests/unit/stock_commands.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

namespace souk::stock {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

struct shop_stock : test::entity<stock_decider> {
  explicit shop_stock(std::int64_t units = 0, const std::string& key = "TEA") : entity(key) {
    if (units > 0) run(adjust(units));
    run(offer(1));
  }
  runtime::decision hold_for(const std::string& id, std::int64_t quantity, minutes ttl = minutes{15},
                             bool quoted = false) {
    return run(take_hold(id, quantity, runtime::to_ms(now + ttl), quoted));
  }
};

const checkout::pb::Held& held_of(const runtime::decision& decision) {
  return test::command_of<checkout::pb::Command>(decision, 0).held();
}

bool has(const runtime::decision& decision, std::string_view text) {
  return decision.reply && decision.reply->body.find(text) != std::string::npos;
}

pb::Level level_of(shop_stock& stock) {
  return dynamic_cast<const pb::Level&>(*stock.run(read()).reply->value);
}

pb::AuditFigures audit_of(shop_stock& stock) {
  return dynamic_cast<const pb::AuditFigures&>(*stock.run(audit()).reply->value);
}

TEST(stock, keys_name_sku_and_location) {
  EXPECT_EQ(key_of("TEA"), "TEA");
  EXPECT_EQ(key_of("TEA", "east"), "TEA@east");
  EXPECT_EQ(address_of("main", "TEA", "east"), (runtime::address{"main", kinds::stock, "TEA@east"}));
  for (const char* sku : {"TEA", "BANK CHARGES", "/"}) {
    for (const char* location : {"default", "east"}) {
      const std::string key = key_of(sku, location);
      EXPECT_EQ(split_key(key).first, sku);
      EXPECT_EQ(split_key(key).second, location);
    }
  }
}

TEST(stock, what_does_not_exist_has_nothing) {
  test::entity<stock_decider> stock{"TEA@east"};
  const auto decision = stock.run(read());
  EXPECT_EQ(decision.reply->status, 200);
  EXPECT_EQ(decision.reply->body,
            R"({"sku":"TEA","location":"east","on_hand":0,"reserved":0,"available":0,"version":0})");
  EXPECT_EQ(dynamic_cast<const pb::Level&>(*decision.reply->value).version(), 0u);
  EXPECT_TRUE(has(stock.run(audit()), R"("balanced":true)"));
}

TEST(stock, an_adjustment_answers_the_movement_with_the_level_after_it) {
  test::entity<stock_decider> stock{"TEA"};
  const auto decision = stock.run(adjust(50, "received", "PO-1"));
  EXPECT_EQ(decision.reply->status, 201);
  EXPECT_EQ(decision.reply->etag, "\"1\"");
  EXPECT_EQ(
      decision.reply->body,
      R"({"id":"mov_1","sku":"TEA","location":"default","delta":50,"reason":"received","reference":"PO-1",)"
      R"("at":"2026-11-25T10:00:00.000Z","on_hand":50,"level":{"sku":"TEA","location":"default",)"
      R"("on_hand":50,"reserved":0,"available":50,"version":1}})");
  EXPECT_EQ(stock.run(read()).reply->etag, "\"1\"");
  EXPECT_EQ(stock.run(read("\"1\"")).reply->status, 304);
}

TEST(stock, a_new_stock_is_listed_once_and_each_movement_in_the_ledger) {
  test::entity<stock_decider> stock{"TEA"};
  const auto first = stock.run(adjust(50));
  ASSERT_EQ(first.indexes.size(), 2u);
  EXPECT_EQ(first.indexes[0].index, "stock");
  EXPECT_EQ(first.indexes[0].key, "TEA");
  EXPECT_EQ(first.indexes[1].index, "mov/TEA");
  EXPECT_EQ(first.indexes[1].value,
            R"({"id":"mov_1","sku":"TEA","location":"default","delta":50,"reason":"received",)"
            R"("at":"2026-11-25T10:00:00.000Z","on_hand":50})");
  const auto second = stock.run(adjust(-7, "written_off", "broken"));
  ASSERT_EQ(second.indexes.size(), 1u);
  EXPECT_GT(second.indexes[0].key, first.indexes[1].key);
  EXPECT_NE(second.indexes[0].value->find(R"("delta":-7,"reason":"written_off","reference":"broken")"),
            std::string::npos);
  test::entity<stock_decider> offered_first{"TEA"};
  EXPECT_EQ(offered_first.run(offer(1)).indexes.size(), 1u);
  EXPECT_EQ(offered_first.run(adjust(1)).indexes.size(), 1u);
}

struct sign_case {
  const char* reason;
  std::int64_t delta;
  const char* pointer;
};

TEST(stock, the_sign_follows_from_the_reason) {
  for (const auto& c :
       {sign_case{"received", 0, "/delta"}, sign_case{"received", -1, "/delta"},
        sign_case{"returned", -1, "/delta"}, sign_case{"returned", 0, "/delta"},
        sign_case{"written_off", 1, "/delta"}, sign_case{"written_off", 0, "/delta"},
        sign_case{"correction", 0, "/delta"}, sign_case{"sold", -1, "/reason"}, sign_case{"", 1, "/reason"},
        sign_case{"received", std::int64_t{1} << 53, "/delta"}, sign_case{"received", units_max, "/delta"},
        sign_case{"correction", INT64_MIN, "/delta"}}) {
    shop_stock stock{10};
    const auto decision = stock.run(adjust(c.delta, c.reason));
    EXPECT_EQ(decision.reply->status, 422) << c.reason << c.delta;
    EXPECT_TRUE(has(decision, std::string{R"("pointer":")"} + c.pointer)) << c.reason << c.delta;
    EXPECT_TRUE(decision.events.empty());
  }
  for (const auto& c :
       {sign_case{"received", 1, ""}, sign_case{"returned", 1, ""}, sign_case{"written_off", -1, ""},
        sign_case{"correction", 1, ""}, sign_case{"correction", -1, ""}}) {
    shop_stock stock{10};
    EXPECT_EQ(stock.run(adjust(c.delta, c.reason)).reply->status, 201) << c.reason << c.delta;
    EXPECT_EQ(level_of(stock).on_hand(), 10 + c.delta);
  }
}

TEST(stock, what_is_held_cannot_be_taken_away) {
  shop_stock stock{10};
  stock.hold_for("h1", 6);
  for (const char* reason : {"written_off", "correction"}) {
    const auto decision = stock.run(adjust(-5, reason));
    EXPECT_EQ(decision.reply->status, 409);
    EXPECT_TRUE(has(decision, R"("code":"insufficient_stock")"));
    EXPECT_TRUE(has(decision, R"("available":4)"));
  }
  EXPECT_EQ(stock.run(adjust(-4, "written_off")).reply->status, 201);
  EXPECT_EQ(level_of(stock).available(), 0);
}

TEST(stock, a_reference_counts_once_for_its_reason) {
  shop_stock stock{};
  EXPECT_EQ(stock.run(adjust(5, "received", "PO-1")).reply->status, 201);
  const auto again = stock.run(adjust(9, "received", "PO-1"));
  EXPECT_EQ(again.reply->status, 409);
  EXPECT_TRUE(has(again, R"("code":"invalid_state")"));
  EXPECT_TRUE(has(again, "PO-1"));
  EXPECT_EQ(stock.run(adjust(5, "returned", "PO-1")).reply->status, 201);
  EXPECT_EQ(stock.run(adjust(5)).reply->status, 201);
  EXPECT_EQ(stock.run(adjust(5)).reply->status, 201);
  EXPECT_EQ(stock.run(adjust(5, "received", std::string(256, 'x'))).reply->status, 422);
}

TEST(stock, a_hold_is_answered_with_the_offer) {
  shop_stock stock{10};
  const auto decision = stock.hold_for("h1", 4);
  ASSERT_EQ(decision.effects.size(), 1u);
  EXPECT_EQ(decision.effects[0].to, (runtime::address{"main", kinds::checkout, "c-h1"}));
  const auto& held = held_of(decision);
  EXPECT_TRUE(held.ok());
  EXPECT_EQ(held.line(), 3u);
  EXPECT_EQ(held.hold_id(), "h1");
  EXPECT_EQ(held.available(), 6);
  EXPECT_EQ(held.price().amount(), 100);
  EXPECT_EQ(held.title(), "Tea v1");
  EXPECT_EQ(held.product_key(), "prd_1");
  EXPECT_EQ(level_of(stock).reserved(), 4);
}

TEST(stock, a_repeated_hold_is_the_same_hold) {
  shop_stock stock{10};
  stock.hold_for("h1", 8);
  const auto again = stock.hold_for("h1", 8);
  EXPECT_TRUE(held_of(again).ok());
  EXPECT_TRUE(again.events.empty());
  EXPECT_EQ(level_of(stock).reserved(), 8);
}

TEST(stock, more_than_there_is_cannot_be_held) {
  shop_stock stock{10};
  stock.hold_for("h1", 8);
  const auto decision = stock.hold_for("h2", 3);
  EXPECT_FALSE(held_of(decision).ok());
  EXPECT_EQ(held_of(decision).refusal(), "insufficient_stock");
  EXPECT_EQ(held_of(decision).available(), 2);
  EXPECT_TRUE(decision.events.empty() && decision.timers.empty());
  EXPECT_TRUE(held_of(stock.hold_for("h3", 2)).ok());
}

struct buyer_hold {
  const char* id;
  const char* buyer;
  std::int64_t quantity;
  const char* refusal;  // empty: it is held
  std::int64_t available;
};

TEST(stock, holds_of_one_buyer_have_no_more_than_the_limit_together) {
  constexpr std::int64_t most = 5;
  for (const auto& end : {release("h1"), owner_says("h1", false), sell("h1")}) {
    shop_stock stock{14};
    const auto hold_all = [&](const std::vector<buyer_hold>& table) {
      for (const auto& row : table) {
        const auto decision = stock.run(for_buyer(take_hold(row.id, row.quantity, 1), row.buyer, most));
        EXPECT_EQ(held_of(decision).refusal(), row.refusal) << row.id;
        EXPECT_EQ(held_of(decision).ok(), decision.events.size() == 1) << row.id;
        EXPECT_EQ(held_of(decision).available(), row.available) << row.id;
      }
    };
    hold_all({{"h1", "ann", 3, "", 11},
              {"h2", "ann", 3, "hold_limit_reached", 2},
              {"h3", "bob", 6, "hold_limit_reached", 5},
              {"h4", "bob", 5, "", 6},
              {"h5", "ann", 2, "", 4},
              {"h6", "ann", 1, "hold_limit_reached", 0},
              {"h7", "eve", 5, "insufficient_stock", 4}});
    stock.save();
    stock.state = stock.loaded();
    hold_all({{"h8", "ann", 1, "hold_limit_reached", 0}});
    EXPECT_TRUE(held_of(stock.run(for_buyer(take_hold("h5", 2, 1), "ann", most))).ok()) << "a repeat";
    stock.run(end);
    hold_all({{"h9", "ann", 4, "hold_limit_reached", 3}});
    EXPECT_TRUE(held_of(stock.run(take_hold("h10", 4, 1))).ok()) << "who is not known is not limited";
  }
}

TEST(stock, counts_for_nobody_before_all_nodes_know_of_buyers) {
  shop_stock stock{10};
  stock.format = formats::hold_limits - 1;
  const auto early = stock.run(for_buyer(take_hold("h1", 4, 1), "ann", 5));
  EXPECT_TRUE(held_of(early).ok());
  const auto& event = dynamic_cast<const pb::Event&>(*early.events.at(0));
  EXPECT_EQ(event.schema(), 1u);
  EXPECT_EQ(event.held().buyer_key(), "");
  stock.format = formats::hold_limits;
  const auto counted = stock.run(for_buyer(take_hold("h2", 4, 1), "ann", 5));
  EXPECT_EQ(dynamic_cast<const pb::Event&>(*counted.events.at(0)).schema(), 2u);
  EXPECT_EQ(held_of(stock.run(for_buyer(take_hold("h3", 2, 1), "ann", 5))).available(), 1);
}

TEST(stock, only_what_is_offered_can_be_held_unless_the_price_is_quoted) {
  test::entity<stock_decider> stock{"TEA"};
  stock.run(adjust(10));
  EXPECT_EQ(held_of(stock.run(take_hold("h1", 1, 1))).refusal(), "not_for_sale");
  EXPECT_TRUE(held_of(stock.run(take_hold("h2", 1, 1, true))).ok());
  stock.run(offer(1, false));
  EXPECT_EQ(held_of(stock.run(take_hold("h3", 1, 1))).refusal(), "not_for_sale");
  EXPECT_TRUE(held_of(stock.run(take_hold("h4", 1, 1, true))).ok());
  stock.run(offer(2));
  EXPECT_TRUE(held_of(stock.run(take_hold("h5", 1, 1))).ok());
  EXPECT_EQ(held_of(stock.run(take_hold("h6", 99, 1, true))).refusal(), "insufficient_stock");
}

TEST(stock, a_hold_ends_exactly_once) {
  const std::vector<pb::Command> ends = {sell("h1"), release("h1"), owner_says("h1", false)};
  for (const auto& first : ends) {
    shop_stock stock{10};
    stock.hold_for("h1", 4);
    EXPECT_EQ(stock.run(first).events.size(), 1u);
    const auto after = stock.state.figures;
    EXPECT_EQ(after.reserved, 0);
    for (const auto& second : ends) {
      const auto decision = stock.run(second);
      EXPECT_TRUE(decision.events.empty() && decision.effects.empty() && decision.indexes.empty());
    }
    EXPECT_EQ(stock.state.figures, after);
  }
}

TEST(stock, what_is_sold_leaves_with_a_movement) {
  shop_stock stock{10};
  stock.hold_for("h1", 4);
  const auto decision = stock.run(sell("h1", "ord_7"));
  ASSERT_EQ(decision.indexes.size(), 1u);
  EXPECT_NE(
      decision.indexes[0].value->find(
          R"("delta":-4,"reason":"sold","reference":"ord_7","at":"2026-11-25T10:00:00.000Z","on_hand":6})"),
      std::string::npos);
  EXPECT_EQ(level_of(stock).on_hand(), 6);
  EXPECT_EQ(audit_of(stock).sold(), 4);
}

TEST(stock, what_is_released_or_expired_is_there_again) {
  for (const auto& end : {release("h1"), owner_says("h1", false)}) {
    shop_stock stock{10};
    stock.hold_for("h1", 4);
    EXPECT_TRUE(stock.run(end).indexes.empty());
    EXPECT_EQ(level_of(stock).available(), 10);
    EXPECT_EQ(audit_of(stock).sold(), 0);
  }
}

TEST(stock, units_of_an_order_line_come_back_once) {
  shop_stock stock{10};
  stock.hold_for("h1", 4);
  stock.run(sell("h1", "ord_7"));
  const auto decision = stock.run(restock(4, "ord_7", "ln_1"));
  ASSERT_EQ(decision.indexes.size(), 1u);
  EXPECT_NE(decision.indexes[0].value->find(R"("delta":4,"reason":"returned","reference":"ord_7")"),
            std::string::npos);
  EXPECT_TRUE(stock.run(restock(4, "ord_7", "ln_1")).events.empty());
  EXPECT_EQ(stock.run(restock(1, "ord_7", "ln_2")).events.size(), 1u);
  const auto figures = audit_of(stock);
  EXPECT_EQ(figures.returned(), 5);
  EXPECT_EQ(figures.sold(), 4);
  EXPECT_TRUE(figures.balanced());
}

TEST(stock, an_audit_shows_the_sums_and_the_holds) {
  shop_stock stock{10};
  stock.run(adjust(-1, "written_off"));
  stock.run(adjust(2, "correction"));
  stock.hold_for("h2", 2, minutes{20});
  stock.hold_for("h1", 3);
  const auto decision = stock.run(audit());
  EXPECT_EQ(
      decision.reply->body,
      R"({"sku":"TEA","location":"default","received":10,"returned":0,"corrected":2,"written_off":1,"sold":0,)"
      R"("on_hand":11,"reserved":5,"holds":[)"
      R"({"id":"h1","quantity":3,"expires_at":"2026-11-25T10:15:00.000Z","checkout_id":"chk_h1"},)"
      R"({"id":"h2","quantity":2,"expires_at":"2026-11-25T10:20:00.000Z","checkout_id":"chk_h2"}],"balanced":true})");
}

TEST(stock, an_older_offer_is_acknowledged_and_ignored) {
  shop_stock stock{10};
  stock.run(offer(5));
  const auto old = stock.run(offer(3, false));
  EXPECT_TRUE(old.events.empty());
  const auto& answer = test::command_of<product::pb::Command>(old, 0).offered();
  EXPECT_EQ(old.effects[0].to, (runtime::address{"main", kinds::product, "prd_1"}));
  EXPECT_EQ(answer.sku(), "TEA");
  EXPECT_EQ(answer.attempt(), "a3");
  EXPECT_EQ(held_of(stock.hold_for("h1", 1)).price().amount(), 500);
}

TEST(stock, tells_what_it_was_offered_last) {
  pb::Command question;
  question.mutable_read_offer();
  test::entity<stock_decider> unheard{"NEW"};
  EXPECT_EQ(unheard.run(question).reply->value, nullptr);
  shop_stock stock;
  stock.run(offer(2, false));
  const auto decision = stock.run(question);
  const auto& known = dynamic_cast<const pb::Offer&>(*decision.reply->value);
  EXPECT_EQ(known.title(), "Tea v2");
  EXPECT_EQ(known.price().amount(), 200);
  EXPECT_FALSE(known.for_sale());
  EXPECT_TRUE(decision.events.empty());
}

TEST(stock, a_sku_that_changed_hands_follows_its_new_owner) {
  shop_stock stock{10};
  stock.run(offer(9));
  stock.run(offer(1, true, "prd_2"));
  EXPECT_EQ(held_of(stock.hold_for("h1", 1)).product_key(), "prd_2");
  stock.run(offer(10, false, "prd_1"));
  EXPECT_TRUE(held_of(stock.hold_for("h2", 1)).ok());
}

TEST(stock, a_known_offer_again_changes_nothing) {
  shop_stock stock{10};
  const auto again = stock.run(offer(1));
  EXPECT_TRUE(again.events.empty());
  EXPECT_EQ(again.effects.size(), 1u);
}

TEST(stock, the_timer_stays_as_it_is_while_it_covers_every_hold) {
  shop_stock stock{1000};
  const auto first = stock.hold_for("h0", 1);
  ASSERT_EQ(first.timers.size(), 1u);
  EXPECT_EQ(first.timers[0].due, stock.now + minutes{15} + ask_grace);
  for (int i = 1; i < 100; ++i) {
    stock.now += seconds{5};
    const std::string id = "h" + std::to_string(i);
    EXPECT_TRUE(stock.hold_for(id, 1).timers.empty()) << i;
    EXPECT_TRUE(stock.run(i % 2 ? sell(id) : release(id)).timers.empty());
  }
  EXPECT_TRUE(stock.run(release("h0")).timers.empty());
  EXPECT_TRUE(stock.hold_for("last", 1).timers.empty());
  EXPECT_EQ(stock.hold_for("short", 1, minutes{1}).timers.size(), 1u);
}

TEST(stock, a_timer_that_fires_early_looks_again_later) {
  shop_stock stock{10};
  const auto due = *stock.hold_for("h1", 1).timers[0].due;
  stock.now += minutes{10};
  stock.run(release("h1"));
  const auto expiry = stock.now + minutes{15};
  EXPECT_TRUE(stock.hold_for("h2", 1).timers.empty());
  stock.now = due;
  const auto fired = stock.fire("holds");
  EXPECT_TRUE(fired.effects.empty() && fired.events.empty());
  ASSERT_EQ(fired.timers.size(), 1u);
  EXPECT_EQ(fired.timers[0].due, expiry + ask_grace);
  stock.run(release("h2"));
  stock.now = expiry + ask_grace;
  EXPECT_TRUE(stock.fire("holds").timers.empty());
  EXPECT_EQ(stock.hold_for("h3", 1).timers.size(), 1u);
}

TEST(stock, a_silent_owner_is_asked_again_and_again) {
  shop_stock stock{10};
  stock.now = *stock.hold_for("h1", 1).timers[0].due;
  for (int round = 0; round < 3; ++round) {
    const auto fired = stock.fire("holds");
    ASSERT_EQ(fired.effects.size(), 1u);
    EXPECT_EQ(fired.effects[0].to, (runtime::address{"main", kinds::checkout, "c-h1"}));
    const auto& question = test::command_of<checkout::pb::Command>(fired, 0).hold_lives();
    EXPECT_EQ(question.hold_id(), "h1");
    EXPECT_EQ(question.stock_key(), "TEA");
    ASSERT_EQ(fired.timers.size(), 1u);
    EXPECT_EQ(fired.timers[0].due, stock.now + ask_again);
    EXPECT_EQ(level_of(stock).reserved(), 1);
    stock.now = *fired.timers[0].due;
  }
  stock.run(owner_says("h1", false));
  EXPECT_EQ(level_of(stock).reserved(), 0);
  EXPECT_TRUE(stock.fire("holds").timers.empty());
}

TEST(stock, a_hold_that_lives_on_is_asked_about_after_its_new_expiry) {
  shop_stock stock{10};
  stock.now = *stock.hold_for("h1", 1).timers[0].due;
  stock.fire("holds");
  const auto expiry = stock.now + minutes{15};
  EXPECT_EQ(stock.run(owner_says("h1", true, runtime::to_ms(expiry))).events.size(), 1u);
  EXPECT_TRUE(stock.run(owner_says("h1", true, runtime::to_ms(expiry))).events.empty());
  EXPECT_TRUE(stock.run(owner_says("h9", true, runtime::to_ms(expiry))).events.empty());
  stock.now += ask_again;
  const auto fired = stock.fire("holds");
  EXPECT_TRUE(fired.effects.empty());
  EXPECT_EQ(fired.timers.at(0).due, expiry + ask_grace);
  EXPECT_EQ(audit_of(stock).holds(0).expires_at_ms(), runtime::to_ms(expiry));
}

TEST(stock, many_owners_are_asked_in_turns) {
  shop_stock stock{1000};
  for (int i = 0; i < 250; ++i)
    stock.hold_for("h" + std::to_string(i), 1);
  stock.now += minutes{15} + ask_grace;
  std::size_t asked = 0;
  for (const std::size_t expected : {asks_max, asks_max, std::size_t{50}}) {
    const auto fired = stock.fire("holds");
    EXPECT_EQ(fired.effects.size(), expected);
    EXPECT_LE(*fired.timers.at(0).due, asked + expected < 250 ? stock.now : stock.now + ask_again);
    asked += fired.effects.size();
  }
  EXPECT_EQ(asked, 250u);
}

TEST(stock, a_checkout_that_could_not_take_the_answer_is_asked_at_once) {
  shop_stock stock{10};
  const auto decision = stock.hold_for("h1", 1);
  const auto asked = stock.fail(decision.effects[0].to, *decision.effects[0].command);
  ASSERT_EQ(asked.effects.size(), 1u);
  EXPECT_EQ(test::command_of<checkout::pb::Command>(asked, 0).hold_lives().hold_id(), "h1");
  EXPECT_TRUE(stock.fail(asked.effects[0].to, *asked.effects[0].command).effects.empty());
  EXPECT_EQ(level_of(stock).reserved(), 1);
  const auto refused = stock.hold_for("h2", 100);
  EXPECT_TRUE(stock.fail(refused.effects[0].to, *refused.effects[0].command).effects.empty());
  stock.run(release("h1"));
  EXPECT_TRUE(stock.fail(decision.effects[0].to, *decision.effects[0].command).effects.empty());
}

TEST(stock, references_fill_their_rows) {
  shop_stock stock{};
  for (int i = 0; i < 130; ++i) {
    stock.run(adjust(1, "received", "PO-" + std::to_string(i)));
    stock.save();
    if (i % 50 == 0) stock.state = stock.loaded();
  }
  std::vector<std::size_t> sizes;
  for (const auto& [row, value] : stock.kept.rows) {
    if (row.starts_with("r/")) sizes.push_back(value.size() / 16);
  }
  EXPECT_EQ(sizes, (std::vector<std::size_t>{64, 64, 2}));
  const auto loaded = stock.loaded();
  EXPECT_EQ(loaded.references.size(), 130u);
  EXPECT_TRUE(loaded.references.same_as(stock.replayed().references));
}

TEST(stock, a_command_that_makes_no_sense_throws) {
  shop_stock stock{10};
  EXPECT_THROW(stock.run({}), std::invalid_argument);
  EXPECT_THROW(stock.run(take_hold("h1", 0, 1)), std::invalid_argument);
  EXPECT_THROW(stock.run(take_hold("h1", -1, 1)), std::invalid_argument);
  EXPECT_THROW(stock.run(take_hold("", 1, 1)), std::invalid_argument);
  EXPECT_THROW(stock.run(restock(0, "ord_1", "ln_1")), std::invalid_argument);
}

TEST(stock, an_event_that_breaks_a_law_throws) {
  const auto event_of = [](auto fill) {
    pb::Event event;
    event.set_schema(1);
    fill(event);
    return event;
  };
  shop_stock stock{10};
  stock.hold_for("h1", 6);
  const stock_decider decider;
  const std::vector<pb::Event> broken = {
      event_of([](pb::Event& e) {
        e.mutable_moved()->set_delta(-5), e.mutable_moved()->set_reason("written_off");
      }),
      event_of([](pb::Event& e) { e.mutable_moved()->set_delta(1), e.mutable_moved()->set_reason("found"); }),
      event_of([](pb::Event& e) { e.mutable_held()->set_hold_id("h2"), e.mutable_held()->set_quantity(5); }),
      event_of([](pb::Event& e) { e.mutable_held()->set_hold_id("h1"), e.mutable_held()->set_quantity(1); }),
      event_of([](pb::Event& e) { e.mutable_hold_ended()->set_hold_id("h9"); }),
      event_of([](pb::Event& e) { e.mutable_hold_extended()->set_hold_id("h9"); }),
  };
  for (const auto& event : broken) {
    auto state = stock.replayed();
    EXPECT_THROW(decider.evolve(state, event, stock.now, stock.version + 1), std::logic_error)
        << event.ShortDebugString();
  }
  auto state = stock.replayed();
  EXPECT_THROW(decider.evolve(state, pb::Event{}, stock.now, 9), runtime::undecodable);
  auto newer = event_of([](pb::Event& e) { e.mutable_offer_changed(); });
  newer.set_schema(stock_decider::schema + 1);
  EXPECT_THROW(decider.evolve(state, newer, stock.now, 9), runtime::undecodable);
}

TEST(stock, saving_a_hold_writes_the_same_few_rows_however_many_there_are) {
  shop_stock stock{100'000};
  for (int i = 0; i < 5000; ++i)
    stock.hold_for("many" + std::to_string(i), 1);
  for (int i = 0; i < 1000; ++i)
    stock.run(adjust(1, "received", "PO-" + std::to_string(i)));
  stock.save();
  stock.hold_for("h1", 1);
  EXPECT_EQ(stock.save(), 2u);
  EXPECT_LT(stock.kept.bytes, 400u);
  stock.run(sell("h1"));
  EXPECT_EQ(stock.save(), 2u);
  stock.run(adjust(1, "received", "one more"));
  EXPECT_EQ(stock.save(), 2u);
  EXPECT_LT(stock.kept.bytes, 100 + 64 * 17u);
  stock.hold_for("gone", 1);
  stock.run(release("gone"));
  EXPECT_EQ(stock.save(), 2u) << "its row goes, for an earlier life of the stock may have left one";
  EXPECT_EQ(stock.save(), 0u);
}

}  // namespace
}  // namespace souk::stock
