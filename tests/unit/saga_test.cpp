#include "actors/buyer/buyer.hpp"
#include "actors/cart/cart.hpp"
#include "actors/cart/line.hpp"
#include "actors/checkout/checkout.hpp"
#include "actors/order/order.hpp"
#include "actors/order/order_json.hpp"
#include "actors/payment/payment.hpp"
#include "actors/stock/stock.hpp"
#include "actors/values/id.hpp"
#include "tests/seeds.hpp"
#include "tests/unit/saga_world.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

/// The whole saga of sales under everything that can come between: any interleaving, silent and lying
/// providers, repeated and rival requests, time running out, crashes between any two steps. What must be true
/// afterwards is true for every seed.
namespace souk {
namespace {

using namespace std::chrono_literals;
using testing::saga_world;

template <class Command>
runtime::message_ptr made(Command command) {
  return std::make_shared<const Command>(std::move(command));
}

class shop {
 public:
  explicit shop(std::uint64_t seed) : world_(seed) {
    const auto skus = 1 + pick(3);
    for (std::uint64_t i = 0; i < skus; ++i) {
      skus_.push_back("sku" + std::to_string(i));
      change_price(skus_.back());
      receive(skus_.back(), static_cast<std::int64_t>(pick(12)));
    }
    const auto carts = 1 + pick(4);
    for (std::uint64_t i = 0; i < carts; ++i)
      make_cart();
    units_max_ = static_cast<std::int64_t>(pick(6));
    checkouts_max_ = static_cast<std::uint32_t>(pick(4));
    quarantines_ = pick(4) == 0;
    if (quarantines_) world_.quarantine_one_in = 40;
  }

  void trade() {
    const auto acts = 6 + pick(14);
    const bool crashes = pick(2) == 0;
    for (std::uint64_t i = 0; i < acts; ++i) {
      act();
      for (auto steps = pick(8); steps > 0; --steps) {
        world_.step();
        expect_limits_kept();
      }
      world_.pass(std::chrono::milliseconds{pick(400)});
      if (crashes && pick(6) == 0) crash();
      if (::testing::Test::HasFailure()) return;
    }
    if (!crashes) expect_everybody_answered();
    end_day();
  }

 private:
  std::uint64_t pick(std::uint64_t below) { return world_.random() % below; }
  template <class Container>
  const auto& any_of(const Container& container) {
    return container[pick(container.size())];
  }

  // --- what people do --------------------------------------------------------------------------------

  void act() {
    switch (pick(17)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return open_checkout(any_of(carts_), pick(3) != 0, std::string{any_of(testing::provider_tokens)});
      case 4:
        return open_again();
      case 5:
      case 6:
      case 7:
        return complete();
      case 8:
      case 9:
        return cancel();
      case 10:
      case 16:
        return authenticate();
      case 11:
        return cancel_order();
      case 12:
        return add_to(any_of(carts_));
      case 13:
        return change_price(any_of(skus_));
      case 14:
        return world_.pass(std::chrono::minutes{pick(20)});
      default:
        return receive(any_of(skus_), static_cast<std::int64_t>(pick(3)));
    }
  }

  void receive(const std::string& sku, std::int64_t units) {
    if (units == 0) return;
    stock::pb::Command command;
    command.mutable_adjust()->set_delta(units);
    command.mutable_adjust()->set_reason("received");
    world_.tell(stock::address_of("main", sku), made(std::move(command)));
  }

  void change_price(const std::string& sku) {
    const auto amount = static_cast<std::int64_t>(pick(4) * 100);  // a gift now and then
    world_.prices->set(sku, amount);
    stock::pb::Command command;
    auto& offer = *command.mutable_offer();
    offer.set_product_key("product");
    offer.set_product_version(++product_version_);
    offer.set_title("The " + sku);
    offer.mutable_price()->set_amount(amount);
    offer.mutable_price()->set_currency("USD");
    offer.set_for_sale(true);
    world_.send(stock::address_of("main", sku), made(std::move(command)));
  }

  void make_cart() {
    const auto key = world_.ids.next_part();
    cart::pb::Command command;
    command.mutable_create()->set_cart_id("crt_0000000000" + key);
    command.mutable_create()->set_currency("USD");
    world_.tell({"main", kinds::cart, key}, made(std::move(command)));
    carts_.push_back(key);
    for (auto lines = 1 + pick(3); lines > 0; --lines)
      add_to(key);
  }

  void add_to(const std::string& cart) {
    cart::pb::Command command;
    auto& item = *command.mutable_add_items()->add_items();
    item.set_sku(any_of(skus_));
    item.set_quantity(static_cast<std::int64_t>(1 + pick(2)));
    world_.tell({"main", kinds::cart, cart}, made(std::move(command)));
  }

  checkout::pb::Command create_command(const std::string& cart, const std::string& key) {
    cart::pb::Command read;
    read.mutable_read()->set_snapshot(true);
    const auto asked = world_.tell({"main", kinds::cart, cart}, made(std::move(read)));
    const auto* answer = world_.answer_to(asked);
    checkout::pb::Command command;
    auto& create = *command.mutable_create();
    create.set_checkout_id("chk_0000000000" + key);
    create.set_cart_key(cart);
    create.set_cart_id("crt_0000000000" + cart);
    *create.mutable_cart() = static_cast<const cart::pb::Snapshot&>(*answer->value);
    create.set_cart_version(create.cart().version());
    return command;
  }

  void open_checkout(const std::string& cart, bool pays, const std::string& token) {
    const auto key = world_.ids.next_part();
    auto command = create_command(cart, key);
    auto& create = *command.mutable_create();
    if (pays) {
      create.mutable_payment()->set_provider("test");
      create.mutable_payment()->set_token(token);
    }
    if (pick(4) == 0) {
      create.mutable_expected_total()->set_amount(static_cast<std::int64_t>(pick(1500)));
      create.mutable_expected_total()->set_currency("USD");
    }
    if (pick(3) != 0) {
      auto& buyer = *create.mutable_buyer();
      buyer.set_key("buyer" + std::to_string(pick(2)));
      buyer.set_units_per_sku_max(units_max_);
      buyer.set_checkouts_max(checkouts_max_);
    }
    if (pick(10) == 0) create.set_cart_version(create.cart_version() - 1);
    checkouts_.push_back(key);
    created_.emplace(key, command);
    told_.emplace(world_.tell({"main", kinds::checkout, key}, made(std::move(command))), key);
  }

  void open_again() {
    if (checkouts_.empty()) return;
    const auto& key = any_of(checkouts_);
    auto command = created_.at(key);
    *command.mutable_create()->mutable_cart() =
        create_command(command.create().cart_key(), key).create().cart();
    told_.emplace(world_.tell({"main", kinds::checkout, key}, made(std::move(command))), key);
  }

  void complete() {
    if (checkouts_.empty()) return;
    checkout::pb::Command command;
    command.mutable_complete()->mutable_payment()->set_provider("test");
    command.mutable_complete()->mutable_payment()->set_token(any_of(testing::provider_tokens));
    const auto& key = any_of(checkouts_);
    told_.emplace(world_.tell({"main", kinds::checkout, key}, made(std::move(command))), key);
  }

  void cancel() {
    if (checkouts_.empty()) return;
    checkout::pb::Command command;
    command.mutable_cancel();
    const auto& key = any_of(checkouts_);
    cancels_.emplace(world_.tell({"main", kinds::checkout, key}, made(std::move(command))), key);
  }

  void authenticate() {
    if (checkouts_.empty()) return;
    std::vector<std::string> payments;
    for (const auto& key : checkouts_) {
      const auto& checkout = *world_.state_of<checkout::checkout_decider>(key);
      const bool waits = checkout.is(checkout::status::requires_action);
      if (waits || (!checkout.row.payment_key().empty() && pick(8) == 0))
        payments.push_back(checkout.row.payment_key());
    }
    if (payments.empty()) return;
    payment::pb::Command command;
    command.mutable_authenticated();
    world_.tell({"main", kinds::payment, any_of(payments)}, made(std::move(command)));
  }

  void cancel_order() {
    const auto orders = world_.keys_of<order::order_decider>();
    if (orders.empty()) return;
    order::pb::Command command;
    command.mutable_cancel()->set_reason("changed their mind");
    world_.tell({"main", kinds::order, any_of(orders)}, made(std::move(command)));
  }

  void crash() { world_.crash(); }

  // --- what must be true -----------------------------------------------------------------------------

  void expect_everybody_answered() {
    world_.provider.behaves = true;
    world_.settle(5min);
    // Who still waits does so because something was set aside, and gets an answer with the holds' end.
    EXPECT_TRUE(quarantines_ || !world_.waits_for_answers());
  }

  // All timers run out; then the books are closed.
  void end_day() {
    world_.provider.behaves = true;
    world_.settle(3h);
    world_.quarantine_one_in = 0;
    world_.settle(3h);
    EXPECT_FALSE(world_.waits_for_answers());
    expect_checkouts_ended();
    expect_nobody_is_counted();
    expect_money_is_right();
    expect_stock_is_right();
    expect_answers_were_true();
    expect_carts_are_buyable();
    expect_money_is_right();
    expect_stock_is_right();
    world_.expect_replayable();
  }

  void expect_limits_kept() {
    for (const auto& key : world_.keys_of<buyer::buyer_decider>())
      EXPECT_LE(world_.state_of<buyer::buyer_decider>(key)->open.size(), checkouts_max_) << key;
    for (const auto& sku : skus_) {
      const auto* stock = world_.state_of<stock::stock_decider>(sku);
      if (stock == nullptr) continue;
      for (const auto& [buyer, units] : stock->units_of_buyers)
        EXPECT_TRUE(units > 0 && units <= units_max_) << buyer << " has " << units << " of " << sku;
    }
  }

  void expect_nobody_is_counted() {
    for (const auto& key : world_.keys_of<buyer::buyer_decider>())
      EXPECT_TRUE(world_.state_of<buyer::buyer_decider>(key)->open.empty()) << key;
    for (const auto& sku : skus_)
      if (const auto* stock = world_.state_of<stock::stock_decider>(sku)) {
        EXPECT_TRUE(stock->units_of_buyers.empty()) << sku;
      }
  }

  void expect_checkouts_ended() {
    std::map<std::string, std::string> orders_of_carts;
    for (const auto& key : world_.keys_of<checkout::checkout_decider>()) {
      const auto& checkout = *world_.state_of<checkout::checkout_decider>(key);
      EXPECT_FALSE(checkout.is_live()) << key << " is " << checkout.row.status();
      const auto* order = world_.state_of<order::order_decider>(key);
      const bool ordered = order != nullptr && order->exists();
      EXPECT_EQ(ordered, checkout.is(checkout::status::completed)) << key;
      EXPECT_EQ(checkout.row.waiters_size(), 0) << key;
      if (!ordered) continue;
      const auto& cart = checkout.row.request().cart_key();
      EXPECT_TRUE(orders_of_carts.emplace(cart, key).second) << "a cart was sold twice: " << cart;
      EXPECT_EQ(world_.state_of<cart::cart_decider>(cart)->row.order_id(), order->row.order().order_id());
    }
  }

  void expect_money_is_right() {
    std::map<std::string, std::int64_t> kept;  // by payment id
    std::set<std::string> given_back;
    for (const auto& [key, account] : world_.provider.accounts()) {
      EXPECT_LE(account.charges, 1) << "charged twice under " << key;
      if (account.given_back) {
        given_back.insert(account.payment_id);
      } else if (account.status == "charged") {
        kept[account.payment_id] = account.amount;
      }
    }
    std::map<std::string, std::int64_t> owed;
    std::set<std::string> canceled;
    for (const auto& key : world_.keys_of<order::order_decider>()) {
      const auto& order = *world_.state_of<order::order_decider>(key);
      if (!order.exists()) continue;
      const auto& placed = order.row.order();
      std::int64_t lines = 0;
      for (const auto& line : placed.lines())
        lines += line.total();
      const auto total = cart::figure(placed.totals(), "total");
      EXPECT_EQ(lines, total);
      EXPECT_EQ(placed.payments_size(), total > 0 ? 1 : 0);
      if (order.is(order::status::canceled)) {
        EXPECT_EQ(order.payments_charged(), 0) << "the money is back";
        for (const auto& payment : placed.payments())
          canceled.insert(payment.id());
      } else {
        for (const auto& payment : placed.payments())
          owed[payment.id()] = total;
      }
    }
    EXPECT_EQ(kept, owed) << "money kept is orders that stand";
    EXPECT_EQ(given_back, canceled)
        << "no money is taken that has to be given back but for a cancelled order";
  }

  void expect_stock_is_right() {
    std::map<std::string, std::int64_t> sold;
    std::map<std::string, std::int64_t> returned;
    for (const auto& key : world_.keys_of<order::order_decider>()) {
      const auto& order = *world_.state_of<order::order_decider>(key);
      if (!order.exists()) continue;
      for (const auto& line : order.row.order().lines()) {
        sold[line.sku()] += line.quantity();
        if (order.is(order::status::canceled)) returned[line.sku()] += line.quantity();
      }
    }
    for (const auto& sku : skus_) {
      const auto* stock = world_.state_of<stock::stock_decider>(sku);
      if (stock == nullptr) continue;
      EXPECT_EQ(stock->figures.reserved, 0) << sku;
      EXPECT_TRUE(stock->holds.empty()) << sku;
      EXPECT_EQ(stock->figures.sold, sold[sku]) << sku;
      EXPECT_EQ(stock->figures.returned, returned[sku]) << sku;
      EXPECT_TRUE(stock->figures.balanced()) << sku;
      if (!quarantines_) expect_owners_ended_holds(sku);
    }
  }

  // That a stock asks for forgotten holds is for accidents: checkouts end all of theirs by themselves.
  void expect_owners_ended_holds(const std::string& sku) {
    for (const auto& event : world_.events_of(stock::address_of("main", sku))) {
      const auto& happened = static_cast<const stock::pb::Event&>(*event);
      EXPECT_NE(happened.hold_ended().how(), "expired") << sku;
    }
  }

  // A client that was told of an order has one; one that was told of a cancellation has none.
  void expect_answers_were_true() {
    for (const auto& [command, key] : told_) {
      const auto* answer = world_.answer_to(command);
      if (answer == nullptr || !testing::says(*answer, R"("order":{"id":)")) continue;
      EXPECT_LT(answer->status, 300);
      EXPECT_TRUE(world_.state_of<order::order_decider>(key)->exists()) << answer->body;
    }
    for (const auto& [command, key] : cancels_) {
      const auto* answer = world_.answer_to(command);
      if (answer == nullptr || answer->status != 200) continue;
      EXPECT_FALSE(world_.state_of<checkout::checkout_decider>(key)->is(checkout::status::completed)) << key;
    }
  }

  // Whatever went wrong before: with enough stock and good money every cart that is not ordered can be
  // bought.
  void expect_carts_are_buyable() {
    for (const auto& sku : skus_)
      receive(sku, 1000);
    for (const auto& cart : carts_) {
      const auto& state = *world_.state_of<cart::cart_decider>(cart);
      const bool ordered = state.row.status() == "ordered";
      EXPECT_EQ(ordered, !state.row.order_id().empty());
      if (ordered) continue;
      EXPECT_TRUE(state.row.checkout_key().empty()) << "claimed by " << state.row.checkout_key();
      const auto key = world_.ids.next_part();
      auto command = create_command(cart, key);
      command.mutable_create()->mutable_payment()->set_provider("test");
      command.mutable_create()->mutable_payment()->set_token("ok");
      const auto asked = world_.tell({"main", kinds::checkout, key}, made(std::move(command)));
      world_.settle(1min);
      const auto* answer = world_.answer_to(asked);
      ASSERT_NE(answer, nullptr) << key;
      EXPECT_EQ(answer->status, 201) << answer->body;
      EXPECT_TRUE(testing::says(*answer, R"("status":"completed")")) << answer->body;
    }
  }

  saga_world world_;
  std::vector<std::string> skus_;
  std::vector<std::string> carts_;
  std::vector<std::string> checkouts_;
  std::map<std::string, checkout::pb::Command> created_;
  std::map<std::uint64_t, std::string> told_;
  std::map<std::uint64_t, std::string> cancels_;
  std::uint64_t product_version_ = 0;
  std::int64_t units_max_ = 0;  // of one buyer; 0: any number
  std::uint32_t checkouts_max_ = 0;
  bool quarantines_ = false;  // messages are set aside by their receivers
};

void trade_seeds(std::uint64_t from, std::uint64_t count) {
  for (auto seed = from; seed < from + count; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    shop{seed}.trade();
    if (::testing::Test::HasFailure()) return;
  }
}

// More of them: SOUK_SEEDS=50000 saga_test
TEST(saga, sells_right_whatever_comes_between) { trade_seeds(1, tests::seeds(2'000)); }

}  // namespace
}  // namespace souk
