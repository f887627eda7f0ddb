#include "actors/order/order.hpp"

#include "actors/payment/payment.pb.h"
#include "actors/stock/stock.pb.h"
#include "tests/unit/decider_life.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <stdexcept>
#include <string>
#include <utility>

namespace souk::order {
namespace {

using testing::says;
using testing::sent_to;
using testing::status_of;

constexpr const char* order_id = "ord_01JD000000ABCDEFGHJKMNPQRSTVWX";

class order : public ::testing::Test {
 protected:
  void TearDown() override { life_.crash(); }

  static pb::Command place_command(bool paid) {
    pb::Command command;
    auto& place = *command.mutable_place();
    place.set_order_id(order_id);
    place.set_checkout_id("chk_1");
    place.set_cart_id("crt_1");
    place.set_customer_id("ann");
    place.set_currency("USD");
    for (int i = 0; i < 2; ++i) {
      auto& line = *place.add_lines();
      line.set_id("ln_" + std::to_string(i));
      line.set_sku("tea");
      line.set_quantity(2);
      line.set_total(paid ? 500 : 0);
      line.mutable_unit_price()->set_amount(paid ? 250 : 0);
      line.mutable_unit_price()->set_currency("USD");
      auto& hold = *place.add_holds();
      hold.set_id("hld_" + std::to_string(i));
      hold.set_sku("tea");
      hold.set_location("default");
      hold.set_quantity(2);
      hold.set_line_id(line.id());
    }
    for (const auto* type : {"items_base", "subtotal", "total"}) {
      auto& total = *place.add_totals();
      total.set_type(type);
      total.set_amount(paid ? 1000 : 0);
    }
    if (!paid) return command;
    auto& payment = *place.add_payments();
    payment.set_id("pay_1");
    payment.set_key("salep1");
    payment.set_status("charged");
    payment.mutable_amount()->set_amount(1000);
    payment.mutable_amount()->set_currency("USD");
    return command;
  }

  runtime::decision place(bool paid = true) { return life_.receive(place_command(paid)); }
  runtime::decision cancel() {
    pb::Command command;
    command.mutable_cancel()->set_reason("wrong size");
    return life_.tell(command, true);
  }
  runtime::decision reversed(const std::string& how) {
    pb::Command command;
    command.mutable_payment_reversed()->set_payment_id("pay_1");
    command.mutable_payment_reversed()->set_how(how);
    return life_.receive(command);
  }
  runtime::decision read() {
    pb::Command command;
    command.mutable_read();
    return life_.tell(command);
  }

  testing::decider_life<order_decider> life_{order_decider{}, "sale"};
};

std::string refusal_of(const std::function<void()>& what) {
  try {
    what();
  } catch (const runtime::undecodable& error) {
    return error.what();
  }
  return "";
}

TEST_F(order, what_a_later_version_says_is_refused_by_name_or_does_no_harm) {
  const runtime::kind_of<order_decider> kind{order_decider{}};
  pb::Event event;
  event.set_schema(1);
  event.mutable_placed();
  EXPECT_EQ(refusal_of([&] { (void)kind.parse_event(event.SerializeAsString()); }), "");
  event.set_schema(order_decider::schema + 1);
  EXPECT_EQ(refusal_of([&] { (void)kind.parse_event(event.SerializeAsString()); }),
            "order event of schema 3; this version reads up to 2");
  pb::Command command;
  command.GetReflection()->MutableUnknownFields(&command)->AddLengthDelimited(77, "");
  EXPECT_EQ(refusal_of([&] { (void)kind.parse_command(command.SerializeAsString()); }),
            "order command 77 is not known to this version");
  command.mutable_read();  // one that is known, with more than is known
  const auto text = command.SerializeAsString();
  EXPECT_EQ(kind.parse_command(text)->SerializeAsString(), text);
}

TEST_F(order, is_placed_once) {
  EXPECT_EQ(status_of(read()), 404);
  EXPECT_EQ(status_of(cancel()), 404);
  EXPECT_EQ(place().events.size(), 1u);
  EXPECT_TRUE(place().events.empty());
  const auto decision = read();
  EXPECT_TRUE(says(decision,
                   R"("number":"JD000000-ABCD","version":1,"status":"placed","payment_status":"paid",)"
                   R"("fulfillment_status":"unfulfilled","checkout_id":"chk_1","cart_id":"crt_1",)"
                   R"("customer_id":"ann","currency":"USD","lines":[)"));
  EXPECT_TRUE(says(decision, R"("payments":[{"id":"pay_1","status":"charged","amount":{"amount":1000,)"));
  EXPECT_TRUE(says(decision, R"("type":"placed"}],"placed_at":"2023-11-14T22:13:20.000Z"})"));
}

TEST_F(order, without_money_is_paid) {
  place(false);
  EXPECT_TRUE(says(read(), R"("payment_status":"paid")"));
  EXPECT_TRUE(says(read(), R"("payments":[])"));
  const auto decision = cancel();
  EXPECT_EQ(status_of(decision), 200);
  EXPECT_TRUE(says(decision, R"("status":"canceled")"));
}

TEST_F(order, whose_total_is_not_the_sum_of_its_lines_is_never_written) {
  auto command = place_command(true);
  command.mutable_place()->mutable_totals(2)->set_amount(999);
  EXPECT_THROW(life_.receive(command), std::logic_error);
  EXPECT_EQ(life_.version(), 0u);
}

TEST_F(order, is_found_by_time_customer_and_status) {
  place();
  using row = std::pair<std::string, std::string>;
  EXPECT_EQ(life_.indexes.at(row("orders", order_id)), "sale");
  EXPECT_EQ(life_.indexes.at(row("orders/customer/ann", order_id)), "sale");
  EXPECT_EQ(life_.indexes.at(row("orders/status/placed", order_id)), "sale");
  cancel();
  EXPECT_FALSE(life_.indexes.contains(row("orders/status/placed", order_id)));
  EXPECT_EQ(life_.indexes.at(row("orders/status/canceled", order_id)), "sale");
  EXPECT_EQ(life_.indexes.size(), 3u);
}

TEST_F(order, of_a_customer_is_not_there_for_anybody_else) {
  const auto missing = read().reply->body;
  auto command = place_command(true);
  command.mutable_place()->set_owner("ann");
  life_.receive(command);
  using row = std::pair<std::string, std::string>;
  EXPECT_EQ(life_.indexes.at(row("orders/owner/ann", order_id)), "sale");
  EXPECT_EQ(life_.indexes.at(row("orders/customer/ann", order_id)), "sale");
  for (const auto* other : {"", "eve", "Ann"}) {
    life_.caller = other;
    auto ask = [&](pb::Command asked) {
      const auto decision = life_.tell(asked);
      EXPECT_EQ(status_of(decision), 404);
      EXPECT_EQ(decision.reply->body, missing);
      EXPECT_EQ(decision.reply->etag, "");
    };
    pb::Command asked;
    asked.mutable_read()->set_if_none_match("*");
    ask(asked);
    asked.mutable_cancel();
    ask(asked);
  }
  life_.caller = "ann";
  EXPECT_EQ(status_of(read()), 200);
  EXPECT_TRUE(cancel().parked) << "staff";
}

TEST_F(order, names_of_indexes_stay_short_and_apart) {
  const std::string longest(256, 'x');
  EXPECT_LE(index_of_customer(longest).size(), 160u);
  EXPECT_NE(index_of_customer(longest), index_of_customer(longest + "y"));
  EXPECT_EQ(index_of_customer(std::string("a\0b", 3)).find('\0'), std::string::npos);
  EXPECT_NE(index_of_customer(index_of_customer(longest).substr(16)), index_of_customer(longest));
}

TEST_F(order, that_is_canceled_gives_back_money_and_stock) {
  place();
  const auto decision = cancel();
  EXPECT_TRUE(decision.parked) << "until the money is on its way";
  const auto asked = life_.last_command();
  const auto reversals = sent_to<payment::pb::Command>(decision, kinds::payment);
  ASSERT_EQ(reversals.size(), 1u);
  EXPECT_EQ(reversals[0].reverse().order_key(), "sale");
  const auto restocks = sent_to<stock::pb::Command>(decision, kinds::stock);
  ASSERT_EQ(restocks.size(), 2u);
  EXPECT_EQ(restocks[0].restock().order_id(), order_id);
  EXPECT_NE(restocks[0].restock().line_id(), restocks[1].restock().line_id());

  const auto again = cancel();
  EXPECT_TRUE(again.parked);
  EXPECT_TRUE(again.effects.empty());
  const auto done = reversed("voided");
  ASSERT_EQ(done.late_answers.size(), 2u);
  EXPECT_EQ(done.late_answers[0].to, asked);
  EXPECT_EQ(done.late_answers[0].answer.status, 200);
  EXPECT_TRUE(says(done.late_answers[0].answer, R"("status":"canceled","payment_status":"voided")"));
  EXPECT_TRUE(says(done.late_answers[0].answer, R"("type":"canceled","reason":"wrong size")"));
  EXPECT_TRUE(says(done.late_answers[0].answer, R"("type":"payment_voided","payment_id":"pay_1")"));
  EXPECT_TRUE(reversed("refunded").events.empty());
  const auto later = cancel();
  EXPECT_EQ(status_of(later), 200);
  EXPECT_TRUE(later.effects.empty());
}

TEST_F(order, asks_again_for_what_was_set_aside) {
  place();
  const auto decision = cancel();
  life_.fail_effect(decision.effects[0].to, *decision.effects[0].command);
  EXPECT_EQ(life_.fire("resend").effects.size(), decision.effects.size());
  reversed("refunded");
  EXPECT_TRUE(says(read(), R"("payment_status":"refunded")"));
  EXPECT_TRUE(sent_to<payment::pb::Command>(life_.fire("resend"), kinds::payment).empty());
}

}  // namespace
}  // namespace souk::order
