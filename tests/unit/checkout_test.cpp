#include "actors/checkout/checkout.hpp"

#include "actors/buyer/buyer.pb.h"
#include "actors/cart/cart.pb.h"
#include "actors/order/order.pb.h"
#include "actors/payment/payment.pb.h"
#include "actors/stock/stock.pb.h"
#include "actors/values/money.hpp"
#include "tests/unit/decider_life.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace souk::checkout {
namespace {

using testing::says;
using testing::sent_to;
using testing::status_of;

constexpr const char* part = "0123456789ABCDEFGHJK";

values::pb::UnitPrice dollars(std::int64_t amount) {
  values::pb::UnitPrice price;
  price.set_amount(amount * 100);
  price.set_currency("USD");
  return price;
}

/// One checkout of a cart with two lines, "tea" at 4 dollars twice and "cup" at 5 dollars once, and the ways
/// to bring it to where it is wanted.
class sale {
 public:
  sale() : life(checkout_decider{}, part) {}

  static pb::Command create_command(const std::string& token = {}) {
    pb::Command command;
    auto& create = *command.mutable_create();
    create.set_checkout_id(std::string{"chk_0000000000"} + part);
    create.set_cart_id("crt_1");
    create.set_cart_key("cart");
    create.set_cart_version(7);
    if (!token.empty()) *create.mutable_payment() = method(token);
    auto& cart = *create.mutable_cart();
    cart.set_cart_id("crt_1");
    cart.set_version(7);
    cart.set_status("open");
    cart.set_currency("USD");
    add_line(cart, "ln_1", "tea", 2, 4);
    add_line(cart, "ln_2", "cup", 1, 5);
    return command;
  }
  static pb::PaymentMethod method(const std::string& token) {
    pb::PaymentMethod method;
    method.set_provider("test");
    method.set_token(token);
    return method;
  }

  /// Of a buyer who is limited: to 3 units of a sku and 2 checkouts.
  static pb::Command create_counted(std::uint32_t checkouts_max = 2) {
    auto command = create_command();
    auto& buyer = *command.mutable_create()->mutable_buyer();
    buyer.set_key("B");
    buyer.set_units_per_sku_max(3);
    buyer.set_checkouts_max(checkouts_max);
    return command;
  }
  runtime::decision counted(bool ok = true) {
    pb::Command command;
    command.mutable_buyer_claimed()->set_ok(ok);
    return life.receive(command);
  }

  runtime::decision create(const std::string& token = {}) { return life.tell(create_command(token)); }
  runtime::decision complete(const std::string& token = "tok") {
    pb::Command command;
    command.mutable_complete();
    if (!token.empty()) *command.mutable_complete()->mutable_payment() = method(token);
    return life.tell(command);
  }
  runtime::decision cancel() {
    pb::Command command;
    command.mutable_cancel();
    return life.tell(command);
  }
  runtime::decision read() {
    pb::Command command;
    command.mutable_read();
    return life.tell(command);
  }
  runtime::decision claimed(const std::string& refusal = {}) {
    pb::Command command;
    auto& answer = *command.mutable_cart_claimed();
    answer.set_ok(refusal.empty());
    answer.set_refusal(refusal);
    answer.set_current_version(8);
    if (refusal == "invalid_state") answer.set_other_checkout_id("chk_other");
    return life.receive(command);
  }
  pb::Held held_answer(std::uint32_t line, std::int64_t price) const {
    pb::Held held;
    held.set_line(line);
    held.set_hold_id(life.state().lines.at(line).hold_id());
    held.set_ok(true);
    *held.mutable_price() = dollars(price);
    return held;
  }
  runtime::decision hear(const pb::Held& held) {
    pb::Command command;
    *command.mutable_held() = held;
    return life.receive(command);
  }
  runtime::decision held(std::uint32_t line, std::int64_t price) { return hear(held_answer(line, price)); }
  runtime::decision refused(std::uint32_t line, std::int64_t available,
                            const std::string& refusal = "insufficient_stock") {
    auto held = held_answer(line, 1);
    held.set_ok(false);
    held.set_refusal(refusal);
    held.set_available(available);
    return hear(held);
  }
  runtime::decision paid(const std::string& status, const std::string& key = {}) {
    pb::Command command;
    auto& result = *command.mutable_payment_result();
    result.set_payment_key(key.empty() ? life.state().row.payment_key() : key);
    result.set_status(status);
    return life.receive(command);
  }
  runtime::decision expire() {
    life.now = std::max(life.now, runtime::from_ms(life.state().row.expires_at_ms()));
    return life.fire("expire");
  }

  runtime::decision open_all() {
    claimed();
    held(0, 4);
    return held(1, 5);
  }
  void bring_to(std::string_view status) {
    if (status.empty()) return;
    create();
    if (status == status::opening) return;
    if (status == status::failed) {
      claimed();
      refused(0, 1);
      held(1, 5);
      return;
    }
    open_all();
    if (status == status::canceled) cancel();
    if (status == status::expired) expire();
    if (status == status::ready || status == status::canceled || status == status::expired) return;
    complete();
    if (status == status::completed) paid("charged");
    if (status == status::requires_action || status == "aborting") paid("requires_action");
    if (status == "aborting") cancel();
  }

  testing::decider_life<checkout_decider> life;

 private:
  static void add_line(cart::pb::Snapshot& cart, const std::string& id, const std::string& sku,
                       std::int64_t quantity, std::int64_t price) {
    auto& line = *cart.add_lines();
    line.set_id(id);
    line.set_sku(sku);
    line.set_title("The " + sku);
    line.set_quantity(quantity);
    *line.mutable_unit_price() = dollars(price);
    line.set_total(price * 100 * quantity);
  }
};

class checkout : public ::testing::Test {
 protected:
  void TearDown() override { sale_.life.crash(); }

  std::vector<stock::pb::Command> to_stock(const runtime::decision& decision) {
    return sent_to<stock::pb::Command>(decision, kinds::stock);
  }
  void expect_all_given_back(const runtime::decision& decision) {
    const auto to_stocks = to_stock(decision);
    ASSERT_EQ(to_stocks.size(), 2u);
    for (const auto& command : to_stocks)
      EXPECT_TRUE(command.has_release());
    const auto to_cart = sent_to<cart::pb::Command>(decision, kinds::cart);
    ASSERT_EQ(to_cart.size(), 1u);
    EXPECT_TRUE(to_cart.front().has_free());
    EXPECT_FALSE(sale_.life.timers.contains("expire"));
  }

  sale sale_;
};

TEST_F(checkout, claims_the_cart_and_holds_every_line_at_once) {
  const auto decision = sale_.create();
  EXPECT_TRUE(decision.parked);
  const auto claims = sent_to<cart::pb::Command>(decision, kinds::cart);
  ASSERT_EQ(claims.size(), 1u);
  EXPECT_EQ(claims.front().claim().cart_version(), 7u);
  const auto holds = to_stock(decision);
  ASSERT_EQ(holds.size(), 2u);
  EXPECT_EQ(holds[0].hold().quantity(), 2);
  EXPECT_EQ(decision.effects[1].to.key, "tea");
  EXPECT_EQ(holds[1].hold().line(), 1u);
  EXPECT_EQ(sale_.life.timers.at("expire"), sale_.life.now + std::chrono::minutes{15});
}

TEST_F(checkout, of_a_customer_and_its_order_are_not_there_for_anybody_else) {
  sale one;
  const auto missing = one.read().reply->body;
  auto of_anns_cart = sale::create_command("tok");
  of_anns_cart.mutable_create()->mutable_cart()->set_owner("ann");
  one.life.caller = "eve";
  const auto refused = one.life.tell(of_anns_cart);
  EXPECT_EQ(status_of(refused), 404);
  EXPECT_TRUE(says(refused, "There is no such cart.")) << "as if it was not there";
  EXPECT_EQ(one.life.version(), 0u);

  one.life.caller = "ann";
  EXPECT_TRUE(one.life.tell(of_anns_cart).parked);
  one.open_all();
  const auto as_others = [&](std::string_view where) {
    for (const auto* other : {"", "eve", "Ann"}) {
      one.life.caller = other;
      for (const auto& decision : {one.read(), one.complete(), one.cancel(), one.create("tok")}) {
        EXPECT_EQ(status_of(decision), 404) << where;
        EXPECT_EQ(decision.reply->body, missing) << where;
        EXPECT_EQ(decision.reply->etag, "") << where;
        EXPECT_TRUE(decision.events.empty() && decision.effects.empty()) << where;
      }
    }
  };
  as_others("while it is paid");
  const auto placed = sent_to<order::pb::Command>(one.paid("charged"), kinds::order);
  ASSERT_EQ(placed.size(), 1u);
  EXPECT_EQ(placed[0].place().owner(), "ann");
  EXPECT_EQ(placed[0].place().customer_id(), "ann");
  as_others("when it is over");
  one.life.caller = "ann";
  EXPECT_EQ(status_of(one.read()), 200);
  one.life.crash();
}

TEST_F(checkout, of_nobodys_cart_is_whose_token_opens_it) {
  sale one;
  auto command = sale::create_command();
  command.mutable_create()->mutable_cart()->set_customer_id("whoever");
  one.life.caller = "ann";
  one.life.tell(command);
  EXPECT_EQ(one.life.state().row.owner(), "ann");
  EXPECT_EQ(one.life.state().row.request().cart().customer_id(), "ann");

  sale of_staff;
  auto of_anns_cart = sale::create_command();
  of_anns_cart.mutable_create()->mutable_cart()->set_owner("ann");
  of_staff.life.tell(of_anns_cart, true);
  EXPECT_EQ(of_staff.life.state().row.owner(), "ann") << "whoever opens it";

  sale early;
  early.life.format = formats::owners - 1;
  early.life.caller = "ann";
  early.life.tell(command);
  EXPECT_EQ(early.life.state().row.owner(), "");
  EXPECT_EQ(early.life.state().row.request().cart().customer_id(), "whoever");
}

TEST_F(checkout, is_answered_when_every_line_is_held) {
  sale_.create();
  const auto created = sale_.life.last_command();
  EXPECT_TRUE(sale_.held(1, 5).late_answers.empty());
  EXPECT_TRUE(sale_.claimed().late_answers.empty());
  const auto decision = sale_.held(0, 3);
  ASSERT_EQ(decision.late_answers.size(), 1u);
  EXPECT_EQ(decision.late_answers[0].to, created);
  const auto& answer = decision.late_answers[0].answer;
  EXPECT_EQ(answer.status, 201);
  EXPECT_EQ(answer.location, std::string{"/v1/checkouts/chk_0000000000"} + part);
  EXPECT_TRUE(says(answer, R"("status":"ready")"));
  EXPECT_TRUE(says(answer, R"({"type":"total","amount":1100,"currency":"USD"})"));
  EXPECT_TRUE(says(answer, R"("messages":[{"code":"price_changed","line_id":"ln_1")"));
  EXPECT_TRUE(says(answer, R"("sku":"tea","location":"default","quantity":2,"expires_at":)"));
}

TEST_F(checkout, pays_and_orders_in_one_call) {
  sale_.create("tok_ok");
  const auto quoted = sale_.open_all();
  EXPECT_TRUE(quoted.late_answers.empty());
  const auto payments = sent_to<payment::pb::Command>(quoted, kinds::payment);
  ASSERT_EQ(payments.size(), 1u);
  EXPECT_EQ(payments[0].start().amount().amount(), 1300);
  EXPECT_EQ(quoted.effects.back().to.key, std::string{part} + "p1");
  const auto decision = sale_.paid("charged");
  ASSERT_EQ(decision.late_answers.size(), 1u);
  EXPECT_EQ(decision.late_answers[0].answer.status, 201);
  EXPECT_TRUE(says(decision.late_answers[0].answer, R"("status":"completed")"));
  const auto orders = sent_to<order::pb::Command>(decision, kinds::order);
  ASSERT_EQ(orders.size(), 1u);
  EXPECT_EQ(orders[0].place().payments_size(), 1);
  EXPECT_EQ(orders[0].place().holds(0).line_id(), "ln_1");
  EXPECT_EQ(decision.effects.front().to.key, part);
  for (const auto& command : to_stock(decision))
    EXPECT_TRUE(command.has_sell());
  EXPECT_EQ(to_stock(decision).size(), 2u);
  EXPECT_TRUE(sent_to<cart::pb::Command>(decision, kinds::cart).front().has_ordered());
  EXPECT_TRUE(sale_.life.timers.empty());
}

TEST_F(checkout, holds_all_lines_or_none) {
  sale_.create();
  sale_.refused(0, 1);
  sale_.claimed();
  const auto decision = sale_.held(1, 5);
  ASSERT_EQ(decision.late_answers.size(), 1u);
  const auto& answer = decision.late_answers[0].answer;
  EXPECT_EQ(answer.status, 409);
  EXPECT_TRUE(says(answer, R"("code":"insufficient_stock")"));
  EXPECT_TRUE(says(answer, R"("pointer":"/lines/0")"));
  EXPECT_TRUE(says(answer, R"("available":1)"));
  EXPECT_FALSE(says(answer, "/lines/1"));
  EXPECT_TRUE(says(answer, R"("checkout_id":"chk_)"));
  const auto given_back = to_stock(decision);
  ASSERT_EQ(given_back.size(), 1u) << "only what was held";
  EXPECT_EQ(given_back[0].release().hold_id(), sale_.life.state().lines[1].hold_id());
  EXPECT_TRUE(sent_to<cart::pb::Command>(decision, kinds::cart).front().has_free());
}

std::vector<buyer::pb::Command> to_buyer(const runtime::decision& decision) {
  return sent_to<buyer::pb::Command>(decision, kinds::buyer);
}

TEST_F(checkout, claims_a_place_of_its_buyer_beside_cart_and_stock) {
  const auto opened = sale_.life.tell(sale::create_counted());
  ASSERT_EQ(to_buyer(opened).size(), 1u);
  EXPECT_EQ(opened.effects[1].to, (runtime::address{"main", kinds::buyer, "B"}));
  const auto claim = to_buyer(opened)[0].claim();
  EXPECT_EQ(claim.checkout_key(), part);
  EXPECT_EQ(claim.checkouts_max(), 2u);
  EXPECT_EQ(runtime::from_ms(claim.expires_at_ms()), sale_.life.now + std::chrono::minutes{15});
  EXPECT_EQ(to_stock(opened)[0].hold().buyer_key(), "B");
  EXPECT_EQ(to_stock(opened)[0].hold().buyer_units_max(), 3);
  EXPECT_EQ(dynamic_cast<const pb::Event&>(*opened.events[0]).schema(), 3u);
  EXPECT_TRUE(sale_.open_all().late_answers.empty()) << "not before it is counted";
  const auto ready = sale_.counted();
  ASSERT_EQ(ready.late_answers.size(), 1u);
  EXPECT_EQ(ready.late_answers[0].answer.status, 201);
  EXPECT_TRUE(sale_.counted().events.empty());
}

TEST_F(checkout, of_a_buyer_is_ready_in_whatever_order_it_is_answered) {
  using act = std::function<runtime::decision(sale&)>;
  std::vector<std::pair<int, act>> acts = {{0, [](sale& sale) { return sale.claimed(); }},
                                           {1, [](sale& sale) { return sale.counted(); }},
                                           {2, [](sale& sale) { return sale.held(0, 4); }},
                                           {3, [](sale& sale) { return sale.held(1, 5); }}};
  const auto less = [](const auto& one, const auto& other) { return one.first < other.first; };
  do {
    sale sale;
    sale.life.tell(sale::create_counted());
    for (std::size_t i = 0; i < acts.size(); ++i)
      EXPECT_EQ(acts[i].second(sale).late_answers.size(), i + 1 == acts.size() ? 1u : 0u);
    EXPECT_TRUE(sale.life.state().is(status::ready));
    sale.life.crash();
  } while (std::next_permutation(acts.begin(), acts.end(), less));
}

TEST_F(checkout, claims_nothing_of_who_is_not_limited_or_not_known_everywhere) {
  EXPECT_TRUE(to_buyer(sale_.create()).empty());
  sale by_units;
  const auto opened = by_units.life.tell(sale::create_counted(0));
  EXPECT_TRUE(to_buyer(opened).empty());
  EXPECT_EQ(to_stock(opened)[0].hold().buyer_key(), "B");
  EXPECT_EQ(by_units.open_all().late_answers.size(), 1u);
  EXPECT_TRUE(to_buyer(by_units.cancel()).empty());
  sale early;
  early.life.format = formats::hold_limits - 1;
  const auto as_before = early.life.tell(sale::create_counted());
  EXPECT_TRUE(to_buyer(as_before).empty());
  EXPECT_EQ(to_stock(as_before)[0].hold().buyer_key(), "");
  EXPECT_EQ(dynamic_cast<const pb::Event&>(*as_before.events[0]).schema(), 1u);
  EXPECT_FALSE(dynamic_cast<const pb::Event&>(*as_before.events[0]).opened().request().has_buyer());
  EXPECT_EQ(early.open_all().late_answers.size(), 1u);
}

TEST_F(checkout, tells_which_line_is_beyond_what_its_buyer_may_hold) {
  sale_.life.tell(sale::create_counted());
  sale_.claimed();
  sale_.counted();
  sale_.held(1, 5);
  const auto failed = sale_.refused(0, 1, "hold_limit_reached");
  ASSERT_EQ(failed.late_answers.size(), 1u);
  const auto& answer = failed.late_answers[0].answer;
  EXPECT_EQ(answer.status, 409);
  EXPECT_TRUE(says(answer, R"("code":"hold_limit_reached")"));
  EXPECT_TRUE(says(answer, R"({"pointer":"/lines/0","code":"hold_limit_reached")")) << answer.body;
  EXPECT_TRUE(says(answer, R"("available":1)"));
  EXPECT_FALSE(says(answer, "/lines/1"));
  EXPECT_EQ(to_stock(failed).size(), 1u) << "only what was held";
  ASSERT_EQ(to_buyer(failed).size(), 1u);
  EXPECT_EQ(to_buyer(failed)[0].free().checkout_key(), part);
}

TEST_F(checkout, fails_where_its_buyer_has_no_place_left) {
  sale_.life.tell(sale::create_counted());
  sale_.open_all();
  const auto failed = sale_.counted(false);
  ASSERT_EQ(failed.late_answers.size(), 1u);
  EXPECT_EQ(failed.late_answers[0].answer.status, 409);
  EXPECT_TRUE(says(failed.late_answers[0].answer, R"("code":"hold_limit_reached")"));
  EXPECT_FALSE(says(failed.late_answers[0].answer, R"("errors")"));
  EXPECT_TRUE(to_buyer(failed).empty()) << "nothing to give back";
  EXPECT_EQ(to_stock(failed).size(), 2u);
  EXPECT_TRUE(sale_.life.state().is(status::failed));
}

TEST_F(checkout, gives_its_place_back_however_it_ends) {
  using act = std::function<runtime::decision(sale&)>;
  const std::vector<std::pair<std::string, act>> ends = {
      {"canceled", [](sale& sale) { return sale.cancel(); }},
      {"expired", [](sale& sale) { return sale.expire(); }},
      {"completed", [](sale& sale) { return sale.complete(), sale.paid("charged"); }}};
  for (const auto& [status, end] : ends) {
    sale sale;
    sale.life.tell(sale::create_counted());
    sale.open_all();
    sale.counted();
    const auto ended = end(sale);
    EXPECT_TRUE(sale.life.state().is(status)) << status;
    ASSERT_EQ(to_buyer(ended).size(), 1u) << status;
    EXPECT_EQ(to_buyer(ended)[0].free().checkout_key(), part) << status;
    for (const auto& effect : ended.effects) {
      if (effect.to.kind != kinds::buyer) continue;
      sale.life.fail_effect(effect.to, *effect.command);
      EXPECT_EQ(to_buyer(sale.life.fire("resend")).size(), 1u) << status;
    }
    sale.life.crash();
  }
}

TEST_F(checkout, gives_back_once_more_a_place_that_came_after_its_end) {
  for (const bool ok : {true, false}) {
    sale sale;
    sale.life.tell(sale::create_counted());
    sale.open_all();
    EXPECT_EQ(to_buyer(sale.expire()).size(), 1u);
    EXPECT_EQ(to_buyer(sale.counted(ok)).size(), ok ? 1u : 0u);
    sale.life.crash();
  }
}

TEST_F(checkout, is_not_refused_for_a_count_that_failed) {
  const auto opened = sale_.life.tell(sale::create_counted());
  sale_.open_all();
  const auto ready = sale_.life.fail_effect(opened.effects[1].to, *opened.effects[1].command);
  EXPECT_EQ(ready.late_answers.at(0).answer.status, 201);
}

TEST_F(checkout, tells_its_buyer_whether_it_is_still_open) {
  for (const auto* status : {"opening", "ready", "completing", "requires_action", "aborting", "completed",
                             "canceled", "expired", "failed", ""}) {
    sale sale;
    sale.bring_to(status);
    pb::Command question;
    question.mutable_claim_lives()->set_buyer_key("");
    const auto decision = sale.life.receive(question);
    const auto said = to_buyer(decision).at(0).owner_says();
    EXPECT_EQ(said.checkout_key(), part);
    EXPECT_EQ(said.live(), sale.life.state().is_live()) << status;
    EXPECT_EQ(said.expires_at_ms() > 0, said.live()) << status;
    question.mutable_claim_lives()->set_buyer_key("another");
    EXPECT_FALSE(to_buyer(sale.life.receive(question)).at(0).owner_says().live()) << status;
  }
}

TEST_F(checkout, fails_with_its_claim) {
  const std::vector<std::tuple<std::string, int, std::string>> cases = {
      {"not_found", 404, "not_found"},
      {"version_conflict", 409, R"("current_version":8)"},
      {"invalid_state", 409, R"("checkout_id":"chk_other")"},
      {"expired", 410, "expired"},
      {"empty", 409, "invalid_state"},
  };
  for (const auto& [refusal, status, text] : cases) {
    sale sale;
    sale.create();
    sale.held(0, 4);
    sale.held(1, 5);
    const auto decision = sale.claimed(refusal);
    ASSERT_EQ(decision.late_answers.size(), 1u) << refusal;
    EXPECT_EQ(decision.late_answers[0].answer.status, status) << refusal;
    EXPECT_TRUE(says(decision.late_answers[0].answer, text)) << decision.late_answers[0].answer.body;
    EXPECT_EQ(to_stock(decision).size(), 2u) << refusal;
    EXPECT_TRUE(sent_to<cart::pb::Command>(decision, kinds::cart).empty()) << "nothing to free";
    sale.life.crash();
  }
}

TEST_F(checkout, refuses_what_the_snapshot_rules_out) {
  using change = std::function<void(pb::Create&)>;
  const std::vector<std::tuple<change, int, std::string>> cases = {
      {[](auto& create) { create.set_cart_version(6); }, 409, R"("current_version":7)"},
      {[](auto& create) { create.mutable_cart()->set_status("expired"); }, 410, "expired"},
      {[](auto& create) { create.mutable_cart()->set_checkout_id("chk_x"); }, 409,
       R"("checkout_id":"chk_x")"},
      {[](auto& create) { create.mutable_cart()->set_order_id("ord_x"); }, 409, R"("order_id":"ord_x")"},
      {[](auto& create) { create.mutable_cart()->clear_lines(); }, 409, "invalid_state"},
      {[](auto& create) { create.mutable_expected_total()->set_currency("EUR"); }, 422, "currency_mismatch"},
      {[](auto& create) { create.mutable_payment()->set_provider("bank"); }, 422, "/payment/provider"},
  };
  for (const auto& [change, status, text] : cases) {
    auto command = sale::create_command();
    change(*command.mutable_create());
    const auto decision = sale_.life.tell(command);
    EXPECT_EQ(status_of(decision), status) << text;
    EXPECT_TRUE(says(decision, text)) << decision.reply->body;
    EXPECT_TRUE(decision.events.empty());
  }
}

TEST_F(checkout, binds_the_price_but_no_more_than_expected) {
  const std::vector<std::pair<int, int>> cases = {{1299, 409}, {1300, 201}, {2000, 201}};
  for (const auto& [expected, status] : cases) {
    sale sale;
    auto command = sale::create_command();
    command.mutable_create()->mutable_expected_total()->set_amount(expected);
    command.mutable_create()->mutable_expected_total()->set_currency("USD");
    sale.life.tell(command);
    const auto decision = sale.open_all();
    ASSERT_EQ(decision.late_answers.size(), 1u);
    EXPECT_EQ(decision.late_answers[0].answer.status, status) << expected;
    if (status == 409) {
      EXPECT_TRUE(says(decision.late_answers[0].answer, "price_changed"));
      EXPECT_EQ(to_stock(decision).size(), 2u);
    }
  }
}

TEST_F(checkout, keeps_quoted_prices) {
  auto command = sale::create_command();
  command.mutable_create()->mutable_cart()->mutable_lines(0)->set_quoted(true);
  EXPECT_TRUE(to_stock(sale_.life.tell(command))[0].hold().quoted());
  sale_.claimed();
  sale_.held(0, 100);
  const auto decision = sale_.held(1, 5);
  EXPECT_TRUE(says(decision.late_answers.at(0).answer, R"("type":"total","amount":1300)"));
  EXPECT_TRUE(says(decision.late_answers.at(0).answer, R"("messages":[])"));
}

TEST_F(checkout, gives_back_a_hold_that_it_cannot_price) {
  sale_.create();
  sale_.claimed();
  auto euros = sale_.held_answer(0, 4);
  euros.mutable_price()->set_currency("EUR");
  EXPECT_TRUE(to_stock(sale_.hear(euros)).at(0).has_release());
  auto riches = sale_.held_answer(1, 1);
  riches.mutable_price()->set_amount(values::amount_max + 1);
  const auto decision = sale_.hear(riches);
  EXPECT_EQ(to_stock(decision).size(), 1u);
  EXPECT_EQ(decision.late_answers.at(0).answer.status, 422);
  EXPECT_TRUE(says(decision.late_answers.at(0).answer, "currency_mismatch"));
}

TEST_F(checkout, of_gifts_needs_no_payment) {
  sale_.create("tok_ok");
  sale_.claimed();
  sale_.held(0, 0);
  const auto decision = sale_.held(1, 0);
  EXPECT_TRUE(sent_to<payment::pb::Command>(decision, kinds::payment).empty());
  EXPECT_EQ(sent_to<order::pb::Command>(decision, kinds::order).at(0).place().payments_size(), 0);
  EXPECT_EQ(decision.late_answers.at(0).answer.status, 201);

  sale other;
  other.create();
  other.claimed();
  other.held(0, 0);
  other.held(1, 0);
  EXPECT_EQ(status_of(other.complete("")), 200);
}

TEST_F(checkout, survives_a_declined_payment) {
  sale_.bring_to(status::completing);
  const auto asked = sale_.life.last_command();
  const auto rival = sale_.complete();
  EXPECT_TRUE(rival.parked) << "one payment at a time";
  EXPECT_TRUE(rival.effects.empty());
  const auto decision = sale_.paid("declined");
  ASSERT_EQ(decision.late_answers.size(), 2u);
  EXPECT_EQ(decision.late_answers[0].to, asked);
  for (const auto& late : decision.late_answers) {
    EXPECT_EQ(late.answer.status, 402);
    EXPECT_TRUE(says(late.answer, R"("code":"payment_declined")"));
    EXPECT_TRUE(says(late.answer, R"("checkout_id":)"));
  }
  EXPECT_TRUE(decision.effects.empty()) << "its stock stays held";
  EXPECT_TRUE(sale_.life.state().is(status::ready));
  const auto again = sale_.complete();
  EXPECT_EQ(again.effects.at(0).to.key, std::string{part} + "p2");
  sale_.paid("charged");
  EXPECT_TRUE(sale_.life.state().is(status::completed));
}

TEST_F(checkout, neither_expires_nor_cancels_while_a_payment_is_under_way) {
  sale_.bring_to(status::completing);
  EXPECT_EQ(status_of(sale_.cancel()), 409);
  EXPECT_TRUE(sale_.expire().events.empty());
  const auto decision = sale_.paid("failed");
  EXPECT_EQ(decision.late_answers.at(0).answer.status, 402);
  EXPECT_LE(sale_.life.timers.at("expire"), sale_.life.now) << "then it is time";
  expect_all_given_back(sale_.expire());
}

TEST_F(checkout, completes_past_its_expiry_once_the_money_is_there) {
  sale_.bring_to(status::completing);
  sale_.expire();
  EXPECT_EQ(sale_.paid("charged").late_answers.at(0).answer.status, 200);
}

TEST_F(checkout, waits_for_the_buyer_to_authenticate) {
  sale_.create("tok_3ds");
  sale_.open_all();
  sale_.life.now += std::chrono::minutes{14};
  const auto decision = sale_.paid("requires_action");
  EXPECT_EQ(decision.late_answers.at(0).answer.status, 201);
  EXPECT_TRUE(says(decision.late_answers.at(0).answer, R"("status":"requires_action")"));
  EXPECT_TRUE(says(decision.late_answers.at(0).answer, R"("payment":{"id":"pay_)"));
  EXPECT_EQ(sale_.life.timers.at("expire"), sale_.life.now + std::chrono::minutes{5}) << "enough time for it";
  const auto meanwhile = sale_.complete();
  EXPECT_EQ(status_of(meanwhile), 402);
  EXPECT_TRUE(says(meanwhile, "authentication_required"));
  sale_.paid("charged");
  EXPECT_TRUE(sale_.life.state().is(status::completed));
}

TEST_F(checkout, takes_a_waiting_payment_back_before_it_cancels_or_expires) {
  for (const bool by_timer : {false, true}) {
    for (const auto* outcome : {"failed", "charged"}) {
      sale sale;
      sale.bring_to(status::requires_action);
      const auto aborting = by_timer ? sale.expire() : sale.cancel();
      EXPECT_TRUE(sent_to<payment::pb::Command>(aborting, kinds::payment).at(0).has_abort());
      EXPECT_EQ(aborting.parked, !by_timer);
      EXPECT_EQ(sent_to<payment::pb::Command>(sale.paid("requires_action"), kinds::payment).size(), 1u)
          << "once more, if it was busy";
      const auto rival = sale.complete();
      EXPECT_TRUE(rival.parked);
      const auto decision = sale.paid(outcome);
      std::vector<int> statuses;
      for (const auto& late : decision.late_answers)
        statuses.push_back(late.answer.status);
      if (std::string_view{outcome} == "charged") {
        EXPECT_EQ(statuses, by_timer ? std::vector{200} : (std::vector{409, 200}));
        EXPECT_TRUE(sale.life.state().is(status::completed));
      } else {
        EXPECT_EQ(statuses, by_timer ? std::vector{410} : (std::vector{200, 409}));
        EXPECT_TRUE(sale.life.state().is(by_timer ? status::expired : status::canceled));
        EXPECT_EQ(to_stock(decision).size(), 2u);
      }
      sale.life.crash();
    }
  }
}

TEST_F(checkout, gives_back_holds_that_were_never_answered) {
  sale_.create();
  sale_.held(0, 4);
  const auto decision = sale_.expire();
  EXPECT_EQ(decision.late_answers.at(0).answer.status, 410);
  expect_all_given_back(decision);
  EXPECT_TRUE(sale_.held(1, 5).events.empty());
  EXPECT_TRUE(sale_.claimed().events.empty());
}

// A message that is repeated may be overtaken: what ends a hold may come before the hold.
TEST_F(checkout, gives_back_once_more_what_was_held_after_its_end) {
  sale_.create();
  sale_.held(0, 4);
  sale_.expire();
  const auto held = to_stock(sale_.held(1, 5));
  ASSERT_EQ(held.size(), 1u);
  EXPECT_EQ(held[0].release().hold_id(), sale_.life.state().lines[1].hold_id());
  const auto claimed = sent_to<cart::pb::Command>(sale_.claimed(), kinds::cart);
  ASSERT_EQ(claimed.size(), 1u);
  EXPECT_TRUE(claimed[0].has_free());
  EXPECT_TRUE(to_stock(sale_.held(0, 4)).empty()) << "its release was sent behind its answer";
  EXPECT_TRUE(to_stock(sale_.refused(1, 0)).empty());
}

TEST_F(checkout, is_canceled_once_and_for_all) {
  sale_.bring_to(status::ready);
  const auto decision = sale_.cancel();
  EXPECT_EQ(status_of(decision), 200);
  EXPECT_TRUE(says(decision, R"("status":"canceled")"));
  EXPECT_TRUE(says(decision, R"("holds":[])"));
  expect_all_given_back(decision);
  EXPECT_EQ(status_of(sale_.cancel()), 200);
}

TEST_F(checkout, that_is_past_its_expiry_has_expired_without_its_timer) {
  for (const bool completes : {false, true}) {
    sale sale;
    sale.bring_to(status::ready);
    sale.life.now += std::chrono::minutes{15};
    const auto decision = completes ? sale.complete() : sale.cancel();
    EXPECT_EQ(status_of(decision), 410);
    EXPECT_EQ(to_stock(decision).size(), 2u);
    EXPECT_TRUE(sale.life.state().is(status::expired));
  }
}

TEST_F(checkout, answers_each_command_by_its_state) {
  struct row {
    std::string status;
    int create, complete, cancel, read;  // 0: parked
    std::string shown;
  };
  const std::vector<row> table = {
      {"", 0, 404, 404, 404, ""},
      {"opening", 0, 409, 409, 200, "completing"},
      {"ready", 201, 0, 200, 200, "ready"},
      {"completing", 0, 0, 409, 200, "completing"},
      {"requires_action", 201, 402, 0, 200, "requires_action"},
      {"aborting", 201, 0, 0, 200, "completing"},
      {"completed", 201, 200, 409, 200, "completed"},
      {"canceled", 201, 409, 200, 200, "canceled"},
      {"expired", 410, 410, 410, 200, "expired"},
      {"failed", 409, 409, 200, 200, "canceled"},
  };
  for (const auto& row : table) {
    const auto try_out = [&](auto act, int expected, const char* what) {
      sale sale;
      sale.bring_to(row.status);
      const auto decision = act(sale);
      EXPECT_EQ(decision.parked, expected == 0) << what << " when " << row.status;
      EXPECT_EQ(status_of(decision), expected) << what << " when " << row.status;
      const bool shows = std::string_view{what} == "read" && !row.status.empty();
      EXPECT_TRUE(!shows || says(decision, R"("status":")" + row.shown + '"')) << row.status;
      sale.life.crash();
    };
    try_out([](sale& sale) { return sale.create(); }, row.create, "create");
    try_out([](sale& sale) { return sale.complete(); }, row.complete, "complete");
    try_out([](sale& sale) { return sale.cancel(); }, row.cancel, "cancel");
    try_out([](sale& sale) { return sale.read(); }, row.read, "read");
  }
}

TEST_F(checkout, of_a_used_key_and_another_cart_is_refused) {
  sale_.bring_to(status::ready);
  auto command = sale::create_command();
  command.mutable_create()->set_cart_id("crt_2");
  EXPECT_TRUE(says(sale_.life.tell(command), "idempotency_key_reused"));
}

TEST_F(checkout, gives_money_back_that_it_cannot_use) {
  for (const auto* status : {"", "opening", "ready", "completing", "completed", "canceled", "expired"}) {
    sale sale;
    sale.bring_to(status);
    const auto decision = sale.paid("charged", std::string{part} + "p9");
    const auto reversals = sent_to<payment::pb::Command>(decision, kinds::payment);
    ASSERT_EQ(reversals.size(), 1u) << status;
    EXPECT_TRUE(reversals[0].has_reverse()) << status;
    EXPECT_TRUE(sale.paid("declined", std::string{part} + "p9").effects.empty()) << status;
  }
  sale_.bring_to(status::completed);
  EXPECT_TRUE(sale_.paid("charged").effects.empty()) << "that is the order's";
}

TEST_F(checkout, tells_stocks_what_has_become_of_a_hold) {
  const std::map<std::string, std::string> answers = {
      {"opening", "live"},  {"ready", "live"},     {"completing", "live"}, {"requires_action", "live"},
      {"aborting", "live"}, {"completed", "sell"}, {"canceled", "gone"},   {"expired", "gone"},
      {"failed", "gone"},   {"", "gone"},
  };
  for (const auto& [status, answer] : answers) {
    sale sale;
    sale.bring_to(status);
    sale.life.now += std::chrono::hours{1};
    pb::Command question;
    question.mutable_hold_lives()->set_hold_id(status.empty() ? "hld_x"
                                                              : sale.life.state().lines[0].hold_id());
    question.mutable_hold_lives()->set_stock_key("tea");
    const auto decision = sale.life.receive(question);
    const auto sent = to_stock(decision).at(0);
    EXPECT_EQ(decision.effects[0].to.key, "tea");
    EXPECT_EQ(sent.has_sell(), answer == "sell") << status;
    if (answer == "sell") continue;
    EXPECT_EQ(sent.owner_says().live(), answer == "live") << status;
    EXPECT_EQ(sent.owner_says().expires_at_ms() > runtime::to_ms(sale.life.now), answer == "live") << status;
  }
}

TEST_F(checkout, takes_what_was_set_aside_for_a_refusal) {
  const auto opened = sale_.create("tok");
  sale_.life.fail_effect(opened.effects[0].to, *opened.effects[0].command);
  sale_.life.fail_effect(opened.effects[1].to, *opened.effects[1].command);
  const auto failed = sale_.held(1, 5);
  EXPECT_EQ(failed.late_answers.at(0).answer.status, 409);

  sale other;
  other.create("tok");
  const auto started = other.open_all();
  const auto declined = other.life.fail_effect(started.effects.back().to, *started.effects.back().command);
  EXPECT_EQ(declined.late_answers.at(0).answer.status, 402);
  EXPECT_TRUE(other.life.state().is(status::ready));
}

TEST_F(checkout, sends_again_what_ends_it) {
  sale_.bring_to(status::completing);
  const auto done = sale_.paid("charged");
  for (const auto& effect : done.effects) {
    sale_.life.fail_effect(effect.to, *effect.command);
    const auto again = sale_.life.fire("resend");
    EXPECT_EQ(again.effects.size(), done.effects.size());
  }
  sale other;
  other.bring_to(status::ready);
  const auto canceled = other.cancel();
  other.life.fail_effect(canceled.effects[0].to, *canceled.effects[0].command);
  EXPECT_EQ(other.life.fire("resend").effects.size(), canceled.effects.size());
}

}  // namespace
}  // namespace souk::checkout
