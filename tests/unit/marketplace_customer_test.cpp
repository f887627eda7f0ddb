#include "actors/marketplace/amount.hpp"
#include "actors/marketplace/customer.hpp"
#include "actors/marketplace/market.hpp"
#include "tests/unit/decider_life.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace souk::marketplace {
namespace {

using ::testing::HasSubstr;
using testing::says;
using testing::status_of;

constexpr std::int64_t cent = 10'000;

class customer : public ::testing::Test {
 protected:
  runtime::decision add(std::uint32_t seller, std::uint32_t product, std::uint32_t quantity = 1,
                        std::int64_t voucher = 0) {
    pb::CustomerCommand command;
    auto& item = *command.mutable_add();
    item.set_seller_id(seller);
    item.set_product_id(product);
    item.set_product_name("article");
    item.set_quantity(quantity);
    item.set_unit_price(10 * cent);
    item.set_voucher(voucher);
    item.set_version("0");
    return life_.tell(command);
  }
  runtime::decision check_out(const std::string& instance) {
    pb::CustomerCommand command;
    command.mutable_checkout()->set_instance_id(instance);
    command.mutable_checkout()->mutable_payment()->set_installments(3);
    return life_.tell(command);
  }
  static pb::MarketCommand order_in(const runtime::decision& decision) {
    const auto sent = testing::sent_to<pb::MarketCommand>(decision, kinds::market);
    EXPECT_EQ(sent.size(), 1u);
    return sent.at(0);
  }
  /// The market sold all of it, or nothing.
  runtime::decision settle(const pb::MarketCommand& order, bool sold = true) {
    pb::CustomerCommand command;
    auto& settle = *command.mutable_settle();
    settle.set_instance_id(order.place().instance_id());
    for (const auto& item : order.place().items()) {
      auto& line = *settle.add_lines();
      line.set_seller_id(item.seller_id());
      line.set_product_id(item.product_id());
      line.set_quantity(item.quantity());
      if (!sold) continue;
      line.set_status(pb::IN_STOCK);
      line.set_unit_price(item.unit_price());
      line.set_freight(cent);
      line.set_incentive(item.voucher());
    }
    return life_.receive(command);
  }
  runtime::decision read_history(const std::string& instance) {
    pb::CustomerCommand command;
    command.mutable_read()->set_history(instance);
    return life_.tell(command);
  }

  testing::decider_life<customer_decider> life_{{}, "12"};
};

TEST_F(customer, checks_out_its_cart_once_and_answers_a_repeat_alike) {
  EXPECT_EQ(status_of(add(1, 1, 2, 5 * cent)), 200);
  EXPECT_EQ(status_of(add(2, 4)), 200);
  const auto began = check_out("t1");
  EXPECT_TRUE(began.parked);
  EXPECT_FALSE(began.reply);
  const auto first = life_.last_command();
  const auto order = order_in(began);
  EXPECT_EQ(order.place().customer_id(), 12u);
  EXPECT_EQ(order.place().order_id(), 1u);
  EXPECT_EQ(order.place().items_size(), 2);
  life_.crash();

  const auto again = check_out("t1");
  EXPECT_TRUE(again.parked);
  EXPECT_TRUE(again.effects.empty()) << "an order is sent once";
  const auto second = life_.last_command();
  EXPECT_EQ(status_of(check_out("t2")), 405);
  EXPECT_EQ(status_of(add(3, 1)), 405);

  const auto ended = settle(order);
  ASSERT_EQ(ended.late_answers.size(), 2u);
  EXPECT_EQ(ended.late_answers[0].to, first);
  EXPECT_EQ(ended.late_answers[1].to, second);
  const auto& body = ended.late_answers[0].answer.body;
  EXPECT_EQ(ended.late_answers[0].answer.status, 200);
  EXPECT_THAT(
      body,
      HasSubstr(R"("order_id":1,"invoice_number":"12-20231114-1","total_amount":0.3,)"
                R"("total_freight":0.02,"total_incentive":0.05,"total_invoice":0.27,"total_items":0.25)"));
  life_.crash();

  const auto repeated = check_out("t1");
  EXPECT_EQ(repeated.reply.value().body, body);
  EXPECT_TRUE(repeated.events.empty());
  EXPECT_TRUE(repeated.effects.empty());
  EXPECT_TRUE(life_.state().items.empty());
  EXPECT_EQ(status_of(settle(order)), 0) << "what came twice changes nothing";
  EXPECT_EQ(life_.state().last_order_id, 1u);
}

TEST_F(customer, shows_what_was_submitted_and_how_it_was_paid) {
  add(1, 1, 2, 5 * cent);
  settle(order_in(check_out("t1")));
  life_.crash();
  EXPECT_TRUE(says(read_history("t1"), R"("UnitPrice":0.1,"FreightValue":0,"Quantity":2,"Voucher":0.05)"));
  EXPECT_EQ(status_of(read_history("t2")), 404);
  pb::CustomerCommand command;
  command.mutable_read()->set_payment(1);
  EXPECT_EQ(
      life_.tell(command).reply.value().body,
      R"([{"customer_id":12,"order_id":1,"sequential":1,"type":"CREDIT_CARD","installments":3,"value":0.16},)"
      R"({"customer_id":12,"order_id":1,"sequential":2,"type":"VOUCHER","installments":1,"value":0.05}])");
}

TEST_F(customer, has_no_order_where_nothing_could_be_sold_and_empties_the_cart) {
  add(1, 1);
  const auto ended = settle(order_in(check_out("t1")), false);
  EXPECT_EQ(ended.late_answers.at(0).answer.status, 409);
  EXPECT_EQ(check_out("t1").reply.value().body, ended.late_answers[0].answer.body);
  EXPECT_TRUE(life_.state().items.empty());
  add(1, 2);
  EXPECT_EQ(order_in(check_out("t2")).place().order_id(), 1u) << "numbers have no gaps";
}

TEST_F(customer, keeps_its_cart_where_the_market_does_not_take_the_order) {
  add(1, 1);
  const auto began = check_out("t1");
  const auto failed = life_.fail_effect(began.effects.at(0).to, *began.effects.at(0).command);
  EXPECT_EQ(failed.late_answers.at(0).answer.status, 500);
  life_.crash();
  EXPECT_EQ(life_.state().items.size(), 1u);
  EXPECT_TRUE(check_out("t1").parked) << "may be tried again";
}

TEST_F(customer, refuses_what_a_cart_does_not_allow) {
  EXPECT_EQ(status_of(check_out("t1")), 405) << "empty";
  for (std::uint32_t product = 1; product <= cart_items_max; ++product)
    EXPECT_EQ(status_of(add(1, product)), 200);
  EXPECT_EQ(status_of(add(2, 1)), 405) << "full";
  EXPECT_EQ(status_of(add(1, 1, 4)), 200) << "more of the same";
  EXPECT_EQ(life_.state().items.at(0).quantity(), 5u);
  EXPECT_EQ(status_of(add(1, 1, quantity_max)), 405);
  pb::CustomerCommand seal;
  seal.mutable_seal();
  EXPECT_EQ(status_of(life_.tell(seal)), 200);
  EXPECT_TRUE(life_.state().items.empty());
  EXPECT_TRUE(life_.tell(seal).events.empty());
  life_.crash();
}

TEST_F(customer, remembers_its_last_checkouts_and_no_more) {
  for (std::size_t n = 1; n <= receipts_max + 3; ++n) {
    add(1, 1);
    settle(order_in(check_out("t" + std::to_string(n))));
    if (n % 7 == 0) life_.crash();
  }
  life_.crash();
  EXPECT_EQ(life_.state().receipts.size(), receipts_max);
  EXPECT_EQ(status_of(read_history("t3")), 404);
  EXPECT_EQ(status_of(read_history("t4")), 200);
}

TEST_F(customer, begins_anew_when_it_is_registered_again) {
  pb::CustomerCommand command;
  command.mutable_register_()->set_first_name("Ann");
  add(1, 1);
  const auto order = order_in(check_out("t1"));
  EXPECT_EQ(status_of(life_.tell(command)), 405) << "not while a checkout is under way";
  settle(order);
  add(1, 2);
  life_.crash();
  EXPECT_EQ(status_of(life_.tell(command)), 201);
  life_.crash();
  EXPECT_TRUE(life_.state().items.empty());
  EXPECT_TRUE(life_.state().receipts.empty());
  add(1, 1);
  EXPECT_EQ(order_in(check_out("t1")).place().order_id(), 1u);
  life_.crash();
  pb::CustomerCommand read;
  read.mutable_read()->set_profile(true);
  EXPECT_TRUE(says(life_.tell(read), R"("id":12,"first_name":"Ann")"));
}

TEST_F(customer, changes_nothing_until_all_nodes_know_what_it_is) {
  life_.format = formats::marketplace - 1;
  EXPECT_EQ(status_of(add(1, 1)), 409);
  EXPECT_EQ(status_of(check_out("t1")), 409);
  EXPECT_EQ(life_.version(), 0u);
}

TEST(marketplace_amount, reads_and_writes_decimals) {
  struct {
    double value;
    std::optional<std::int64_t> amount;
    const char* text;
  } const cases[] = {{0, 0, "0"},
                     {12.5, 12'500'000, "12.5"},
                     {99.99, 99'990'000, "99.99"},
                     {0.000001, 1, "0.000001"},
                     {0.0000004, 0, "0"},
                     {45.454502, 45'454'502, "45.454502"},
                     {100'000, 100'000'000'000, "100000"},
                     {100'000.1, std::nullopt, ""},
                     {-0.01, std::nullopt, ""},
                     {std::numeric_limits<double>::quiet_NaN(), std::nullopt, ""}};
  for (const auto& test : cases) {
    EXPECT_EQ(amount_of(test.value), test.amount) << test.value;
    EXPECT_EQ(test.amount ? amount_text(*test.amount) : "", test.text);
  }
  EXPECT_EQ(amount_text(-1'500'000), "-1.5");
}

}  // namespace
}  // namespace souk::marketplace
