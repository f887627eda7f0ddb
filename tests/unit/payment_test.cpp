#include "actors/payment/payment.hpp"

#include "actors/checkout/checkout.pb.h"
#include "actors/order/order.pb.h"
#include "tests/unit/decider_life.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace souk::payment {
namespace {

using testing::says;
using testing::sent_to;
using testing::status_of;

class payment : public ::testing::Test {
 protected:
  void TearDown() override { life_.crash(); }

  runtime::decision start() {
    pb::Command command;
    auto& start = *command.mutable_start();
    start.set_payment_id("pay_1");
    start.set_checkout_key("sale");
    start.set_checkout_id("chk_1");
    start.set_provider("test");
    start.set_token("tok");
    start.mutable_amount()->set_amount(1300);
    start.mutable_amount()->set_currency("USD");
    return life_.receive(command);
  }
  /// What came of the call that is under way.
  runtime::decision result(const std::string& status) {
    return result_of(life_.state().row.operation(), status);
  }
  runtime::decision result_of(const std::string& operation, const std::string& status) {
    pb::Command command;
    command.mutable_provider_result()->set_operation(operation);
    command.mutable_provider_result()->set_status(status);
    return life_.receive(command);
  }
  runtime::decision authenticated() {
    pb::Command command;
    command.mutable_authenticated();
    return life_.tell(command);
  }
  runtime::decision abort() {
    pb::Command command;
    command.mutable_abort();
    return life_.receive(command);
  }
  runtime::decision reverse() {
    pb::Command command;
    command.mutable_reverse()->set_order_key("sale");
    return life_.receive(command);
  }
  runtime::decision retry() {
    life_.now = life_.timers.at("retry");
    return life_.fire("retry");
  }

  static std::string call_of(const runtime::decision& decision) {
    if (decision.world_calls.empty()) return "";
    EXPECT_EQ(decision.world_calls.size(), 1u);
    EXPECT_EQ(decision.world_calls[0].port, "payments");
    const auto& call = static_cast<const pb::ProviderCall&>(*decision.world_calls[0].request);
    EXPECT_EQ(call.amount().amount(), 1300);
    return call.operation() + " " + call.key();
  }
  static std::string told_to_checkout(const runtime::decision& decision) {
    const auto told = sent_to<checkout::pb::Command>(decision, kinds::checkout);
    return told.empty() ? "" : told.front().payment_result().status();
  }

  testing::decider_life<payment_decider> life_{payment_decider{}, "salep1"};
};

TEST_F(payment, is_intended_before_the_provider_is_called) {
  const auto decision = start();
  EXPECT_EQ(decision.events.size(), 1u);
  EXPECT_EQ(call_of(decision), "charge pay_1/charge");
  EXPECT_TRUE(start().events.empty()) << "once";
}

TEST_F(payment, tells_the_checkout_what_the_provider_said) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"charged", "charged"}, {"declined", "declined"}, {"requires_action", "requires_action"}};
  for (const auto& [said, told] : cases) {
    testing::decider_life<payment_decider> life{payment_decider{}, "salep1"};
    std::swap(life, life_);
    start();
    const auto decision = result(said);
    EXPECT_EQ(told_to_checkout(decision), told);
    EXPECT_EQ(call_of(decision), "");
    EXPECT_EQ(decision.effects.at(0).to.key, "sale");
    EXPECT_TRUE(result_of("charge", "declined").events.empty()) << "a second answer changes nothing";
  }
}

TEST_F(payment, tries_again_under_the_same_key_after_an_error) {
  start();
  EXPECT_EQ(call_of(result("error")), "");
  EXPECT_EQ(life_.timers.at("retry"), life_.now + std::chrono::milliseconds{200});
  EXPECT_EQ(call_of(retry()), "charge pay_1/charge");
  result("error");
  EXPECT_EQ(life_.timers.at("retry"), life_.now + std::chrono::milliseconds{400});
  retry();
  EXPECT_EQ(told_to_checkout(result("charged")), "charged");
}

TEST_F(payment, asks_after_errors_without_end) {
  start();
  for (std::uint32_t i = 1; i < payment_decider::charge_attempts_max; ++i) {
    result("error");
    retry();
  }
  EXPECT_EQ(call_of(result("error")), "find pay_1/charge");
}

TEST_F(payment, asks_what_became_of_a_silent_charge) {
  start();
  EXPECT_EQ(call_of(result("no_answer")), "find pay_1/charge");
  EXPECT_EQ(told_to_checkout(result("charged")), "charged");
}

TEST_F(payment, fails_only_when_no_late_charge_can_land) {
  start();
  result("no_answer");
  const auto decision = result("not_found");
  EXPECT_EQ(call_of(decision), "cancel pay_1/charge");
  EXPECT_EQ(told_to_checkout(decision), "");
  EXPECT_EQ(told_to_checkout(result("canceled")), "failed");
}

TEST_F(payment, is_charged_if_the_charge_landed_before_its_cancellation) {
  start();
  result("no_answer");
  result("not_found");
  EXPECT_EQ(told_to_checkout(result("charged")), "charged");
}

TEST_F(payment, never_gives_up_asking) {
  start();
  result("no_answer");
  for (int i = 0; i < 40; ++i) {
    result(i % 2 == 0 ? "no_answer" : "error");
    EXPECT_LE(life_.timers.at("retry") - life_.now, std::chrono::seconds{30});
    EXPECT_EQ(call_of(retry()), "find pay_1/charge");
  }
  result("not_found");
  for (int i = 0; i < 40; ++i) {
    result(i % 2 == 0 ? "no_answer" : "error");
    EXPECT_EQ(call_of(retry()), "cancel pay_1/charge");
  }
  EXPECT_EQ(told_to_checkout(result("canceled")), "failed");
}

TEST_F(payment, ignores_the_answer_to_a_call_that_was_overtaken) {
  start();
  result("no_answer");
  result("not_found");
  EXPECT_TRUE(result_of("find", "not_found").events.empty());
  EXPECT_TRUE(result_of("charge", "declined").events.empty());
}

TEST_F(payment, is_finished_by_the_buyer) {
  start();
  EXPECT_EQ(status_of(authenticated()), 409) << "it does not wait for the buyer yet";
  result("requires_action");
  const auto decision = authenticated();
  EXPECT_TRUE(decision.parked);
  EXPECT_EQ(call_of(decision), "authenticate pay_1/charge");
  EXPECT_TRUE(authenticated().parked);
  const auto done = result("charged");
  EXPECT_EQ(told_to_checkout(done), "charged");
  ASSERT_EQ(done.late_answers.size(), 2u);
  EXPECT_TRUE(says(done.late_answers[0].answer, R"({"id":"pay_1","version":)"));
  EXPECT_TRUE(says(done.late_answers[0].answer, R"("status":"charged")"));
  EXPECT_EQ(status_of(authenticated()), 200) << "again";
}

TEST_F(payment, that_waits_for_the_buyer_can_be_taken_back) {
  start();
  EXPECT_TRUE(abort().events.empty()) << "its outcome is on its way";
  result("requires_action");
  EXPECT_EQ(call_of(abort()), "cancel pay_1/charge");
  EXPECT_TRUE(abort().events.empty());
  EXPECT_EQ(told_to_checkout(result("canceled")), "failed");
}

TEST_F(payment, tells_again_that_it_waits_when_the_authentication_came_to_nothing) {
  start();
  result("requires_action");
  authenticated();
  EXPECT_TRUE(abort().events.empty());
  result("no_answer");
  const auto decision = result("requires_action");
  EXPECT_EQ(told_to_checkout(decision), "requires_action")
      << "so an abort that came in between is sent again";
  EXPECT_EQ(decision.late_answers.size(), 1u);
}

TEST_F(payment, is_reversed_once) {
  start();
  EXPECT_TRUE(reverse().events.empty());
  result("charged");
  EXPECT_EQ(call_of(reverse()), "refund pay_1/refund");
  EXPECT_TRUE(reverse().events.empty());
  result("no_answer");
  EXPECT_EQ(call_of(retry()), "refund pay_1/refund");
  const auto decision = result("voided");
  const auto told = sent_to<order::pb::Command>(decision, kinds::order);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].payment_reversed().how(), "voided");
  EXPECT_EQ(told_to_checkout(decision), "");
  EXPECT_EQ(sent_to<order::pb::Command>(reverse(), kinds::order).size(), 1u) << "told again, made once";
}

TEST_F(payment, tells_its_outcome_until_it_is_taken) {
  start();
  const auto settled = result("charged");
  life_.fail_effect(settled.effects.at(0).to, *settled.effects.at(0).command);
  EXPECT_EQ(told_to_checkout(life_.fire("report")), "charged");
}

TEST_F(payment, shows_itself) {
  pb::Command read;
  read.mutable_read();
  EXPECT_EQ(status_of(life_.tell(read)), 404);
  EXPECT_EQ(status_of(authenticated()), 404);
  start();
  EXPECT_EQ(life_.tell(read).reply->body,
            R"({"id":"pay_1","version":1,"status":"pending","checkout_id":"chk_1","provider":"test",)"
            R"("amount":{"amount":1300,"currency":"USD"}})");
}

}  // namespace
}  // namespace souk::payment
