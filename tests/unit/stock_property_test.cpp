#include "actors/checkout/checkout.pb.h"
#include "actors/stock/stock.hpp"
#include "tests/unit/catalogue_entity.hpp"
#include "tests/unit/stock_commands.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace souk::stock {
namespace {

bool same(const stock_state& a, const stock_state& b) {
  if (a.figures != b.figures || a.version != b.version || a.timer_due_ms != b.timer_due_ms ||
      a.by_ask != b.by_ask || !a.references.same_as(b.references) ||
      a.offer.has_value() != b.offer.has_value() || a.holds.size() != b.holds.size())
    return false;
  if (a.offer && a.offer->SerializeAsString() != b.offer->SerializeAsString()) return false;
  for (const auto& [id, hold] : a.holds) {
    const auto found = b.holds.find(id);
    if (found == b.holds.end() || hold.quantity != found->second.quantity ||
        hold.expires_at_ms != found->second.expires_at_ms || hold.ask_at_ms != found->second.ask_at_ms ||
        hold.checkout_key != found->second.checkout_key || hold.checkout_id != found->second.checkout_id ||
        hold.buyer_key != found->second.buyer_key)
      return false;
  }
  return a.units_of_buyers == b.units_of_buyers;
}

// A shop that forgets nothing and knows nothing of events: what the stock must agree with.
struct plain_model {
  std::int64_t on_hand = 0;
  std::int64_t sold = 0;
  std::map<std::string, std::int64_t> holds;
  std::map<std::string, std::string> buyers;  // of holds that ever were
  std::set<std::string> references;
  bool for_sale = false;

  std::int64_t reserved() const {
    std::int64_t sum = 0;
    for (const auto& [id, quantity] : holds)
      sum += quantity;
    return sum;
  }
  std::int64_t reserved_for(const std::string& buyer) const {
    std::int64_t sum = 0;
    for (const auto& [id, quantity] : holds)
      if (buyers.at(id) == buyer) sum += quantity;
    return sum;
  }
};

class shopper {
 public:
  explicit shopper(std::uint64_t seed) : random_(seed) {}

  void step() {
    stock.now += std::chrono::milliseconds{pick(20'000)};
    fire_due_timer();
    switch (pick(10)) {
      case 0:
        adjust_some();
        break;
      case 1:
        restock_some();
        break;
      case 2:
        offer_some();
        break;
      case 3:
        end(sell(some_hold()), true);
        break;
      case 4:
        end(release(some_hold()), false);
        break;
      case 5:
        answer_some();
        break;
      default:
        hold_some();
        break;
    }
    check();
    if (pick(7) == 0) save();
    if (pick(40) == 0) reload();
  }

  test::entity<stock_decider> stock{"TEA"};
  plain_model model;

 private:
  std::int64_t pick(std::int64_t below) {
    return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(below));
  }
  std::string some_hold() { return "h" + std::to_string(pick(60)); }

  runtime::decision run(const pb::Command& command) { return note(stock.run(command)); }

  runtime::decision note(runtime::decision decision) {
    for (const auto& timer : decision.timers)
      timer_due_ = timer.due;
    return decision;
  }

  void fire_due_timer() {
    if (!timer_due_ || *timer_due_ > stock.now) return;
    timer_due_.reset();
    note(stock.fire("holds"));
  }

  void adjust_some() {
    const bool adds = pick(3) != 0;
    const std::int64_t delta = adds ? pick(30) + 1 : -pick(20) - 1;
    const std::string reference = pick(2) ? "ref" + std::to_string(pick(400)) : "";
    const std::string reason = adds ? "received" : "written_off";
    const bool repeated = !reference.empty() && model.references.contains(reason + reference);
    const bool fits = model.on_hand + delta >= model.reserved();
    const auto decision = run(adjust(delta, reason, reference));
    ASSERT_EQ(decision.reply->status, !repeated && fits ? 201 : 409);
    if (repeated || !fits) return;
    model.on_hand += delta;
    if (!reference.empty()) model.references.insert(reason + reference);
  }

  void restock_some() {
    const std::string order = "ord_" + std::to_string(pick(20));
    const bool fresh = model.references.insert("restock" + order).second;
    ASSERT_EQ(run(restock(2, order, "ln_1")).events.size(), fresh ? 1u : 0u);
    if (fresh) model.on_hand += 2;
  }

  void offer_some() {
    model.for_sale = pick(4) != 0;
    run(offer(++offer_version_, model.for_sale));
  }

  void hold_some() {
    const std::string id = some_hold();
    const std::int64_t quantity = pick(5) + 1;
    const bool quoted = pick(2) != 0;
    const bool known = model.holds.contains(id);
    const std::string buyer = pick(3) == 0 ? "" : "b" + std::to_string(pick(3));
    const std::int64_t most = pick(12) + 1;
    const bool is_there = (quoted || model.for_sale) && model.on_hand - model.reserved() >= quantity;
    const bool fits = is_there && (buyer.empty() || model.reserved_for(buyer) + quantity <= most);
    const auto decision = run(
        for_buyer(take_hold(id, quantity, runtime::to_ms(stock.now) + pick(900'000), quoted), buyer, most));
    const auto& held = test::command_of<checkout::pb::Command>(decision, 0).held();
    ASSERT_EQ(held.ok(), known || fits);
    ASSERT_EQ(decision.events.size(), !known && fits ? 1u : 0u);
    ASSERT_EQ(held.refusal() == "hold_limit_reached", !known && is_there && !fits);
    if (known || !fits) return;
    model.holds[id] = quantity;
    model.buyers[id] = buyer;
  }

  void end(const pb::Command& command, bool sold) {
    const std::string& id = sold ? command.sell().hold_id() : command.release().hold_id();
    const auto found = model.holds.find(id);
    ASSERT_EQ(run(command).events.size(), found == model.holds.end() ? 0u : 1u);
    if (found == model.holds.end()) return;
    if (sold) {
      model.on_hand -= found->second;
      model.sold += found->second;
    }
    model.holds.erase(found);
  }

  void answer_some() {
    const std::string id = some_hold();
    const bool live = pick(2) != 0;
    run(owner_says(id, live, runtime::to_ms(stock.now) + pick(900'000)));
    if (!live) model.holds.erase(id);
  }

  void check() {
    const auto& sums = stock.state.figures;
    ASSERT_TRUE(sums.balanced());
    ASSERT_EQ(sums.on_hand, model.on_hand);
    ASSERT_EQ(sums.reserved, model.reserved());
    ASSERT_EQ(sums.sold, model.sold);
    ASSERT_EQ(stock.state.holds.size(), model.holds.size());
    for (const std::string buyer : {"b0", "b1", "b2"}) {
      const auto found = stock.state.units_of_buyers.find(buyer);
      ASSERT_EQ(found == stock.state.units_of_buyers.end() ? 0 : found->second, model.reserved_for(buyer));
    }
    // Whoever waits to be asked is waited for by the timer.
    if (!stock.state.by_ask.empty()) {
      ASSERT_TRUE(timer_due_);
      ASSERT_LE(runtime::to_ms(*timer_due_),
                std::max(stock.state.by_ask.begin()->first, runtime::to_ms(stock.now)));
    }
  }

  void save() {
    before_last_save_ = {stock.kept.rows, saved_events_};
    stock.save();
    saved_events_ = stock.history.size();
  }

  // A new life: the rows, and the events after them. It may begin before the last rows saved have reached the
  // disk, where they are found later all the same.
  void reload() {
    const bool early = pick(2) != 0;
    auto state = early ? loaded(before_last_save_.rows) : stock.loaded();
    for (std::size_t i = early ? before_last_save_.events : saved_events_; i < stock.history.size(); ++i)
      stock.decider.evolve(state, *runtime::parse_as<pb::Event>(stock.history[i].first),
                           stock.history[i].second, i + 1);
    ASSERT_TRUE(same(state, stock.replayed()));
    ASSERT_TRUE(same(state, stock.state));
    stock.state = std::move(state);
  }

  stock_state loaded(const std::map<std::string, std::string>& rows) const {
    stock_state state;
    for (const auto& [row, value] : rows)
      stock.decider.load_row(state, row, value);
    return state;
  }

  struct save_point {
    std::map<std::string, std::string> rows;
    std::size_t events = 0;
  };

  std::mt19937_64 random_;
  save_point before_last_save_;
  std::optional<runtime::timestamp> timer_due_;
  std::uint64_t offer_version_ = 0;
  std::size_t saved_events_ = 0;
};

TEST(stock_property, any_history_agrees_with_a_plain_model_and_survives_restarts) {
  const std::uint64_t seed = std::random_device{}();
  for (std::uint64_t round = 0; round < 12; ++round) {
    SCOPED_TRACE("seed " + std::to_string(seed + round));
    shopper shopper{seed + round};
    for (int step = 0; step < 1000; ++step) {
      shopper.step();
      if (testing::Test::HasFatalFailure()) return;
    }
  }
}

}  // namespace
}  // namespace souk::stock
