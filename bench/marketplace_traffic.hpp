#pragma once

#include "bench/answer_reader.hpp"
#include "bench/marketplace_world.hpp"
#include "bench/open_loop.hpp"
#include "bench/report.hpp"
#include "bench/workers.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace souk::bench {

/// What all workers count together. One thread.
struct marketplace_tally {
  static constexpr std::size_t wrong_shown_max = 10;

  call_times times;  ///< Of the transactions by their names, and of `add` and `checkout`.
  std::map<std::string, std::uint64_t, std::less<>> done;    ///< Transactions within the time, by name.
  std::map<std::string, std::uint64_t, std::less<>> aborts;  ///< Refused, by name.
  std::uint64_t retries = 0;        ///< Calls that were repeated, for nobody answered or nothing was done.
  std::uint64_t repeats = 0;        ///< Checkouts that were sent again after their answer, for its sake.
  std::uint64_t unknown = 0;        ///< Calls of which nobody knows what became of them.
  std::uint64_t anomalies = 0;      ///< See `count_anomalies`.
  std::uint64_t stale_prices = 0;   ///< Items older than an update that was answered before the checkout.
  std::uint64_t wrong_answers = 0;  ///< That do not add up, or differ from the first to the same checkout.
  std::int64_t packages_delivered = 0;  ///< As answered.
  std::vector<std::string> wrong;       ///< The first of them.

  void note_wrong(std::string what);
};

/// An item of a cart, as it was put in, and what it was ordered for.
struct cart_item {
  std::size_t product = 0;
  std::int64_t quantity = 0;
  std::int64_t voucher = 0;  ///< Cents.
  std::int64_t price = 0;    ///< Cents; as it was put in.
  std::string version;
  bool sold = false;
  std::int64_t sold_price = 0;  ///< Cents.
};

/// Items of one seller that were ordered at prices which cannot have held together: one shows an update that
/// was sent after an update of the other had been answered, and the other does not show that. Counted once
/// for each item that is too old. Prices only rise within a version, so the newest update that an item shows
/// is the last of its price or below.
std::uint64_t count_anomalies(const marketplace_world& world, const std::vector<cart_item>& items);
/// Items older than an update that was answered before `since`.
std::uint64_t count_stale(const marketplace_world& world, const std::vector<cart_item>& items,
                          price_update::clock::time_point since);

/// The transactions of the benchmark over several connections: a session of one customer at a time, an update
/// of a product at a time.
class marketplace_traffic {
 public:
  marketplace_traffic(const marketplace_options& options, marketplace_world& world);
  ~marketplace_traffic();

  /// Runs the mix for its time. Throws only what makes a run meaningless.
  void run();

  const marketplace_tally& tally() const { return tally_; }
  std::uint64_t intended() const { return intended_; }
  std::uint64_t not_started() const { return not_started_; }
  double seconds() const { return seconds_; }

 private:
  using clock = arrivals::clock;
  class hands;
  enum class kind : std::uint8_t { session, dashboard, price_update, product_update, delivery };
  static constexpr std::array<std::string_view, 5> names{"session", "dashboard", "price_update",
                                                         "product_update", "delivery"};

  kind draw_kind();
  task<void> work_on(hands& me);
  task<void> start_at_rate();
  task<void> work_once(hands& me, clock::time_point start);
  task<bool> transact(hands& me, kind kind);
  hands& one_more();
  void note(kind kind, bool fine, clock::time_point start);

  task<bool> session(hands& me);
  task<bool> shop_for(hands& me, std::size_t customer);
  task<bool> add(hands& me, std::size_t customer, cart_item& item);
  task<bool> see_to_item(hands& me, std::size_t customer, cart_item& item);
  task<bool> check_out(hands& me, std::size_t customer);
  task<bool> check_repeat(hands& me, std::size_t customer, std::string first);
  task<bool> look_at_dashboard(hands& me);
  task<bool> change_price(hands& me);
  task<bool> replace_product(hands& me);
  task<bool> deliver(hands& me);
  task<const http_answer*> ask(hands& me, std::string_view request);

  void fill_cart(hands& me);
  void write_checkout(hands& me, std::size_t customer);
  bool take_order(hands& me, std::size_t customer, const http_answer& answer, clock::time_point sent);
  std::size_t take_product();

  const marketplace_options& options_;
  marketplace_world& world_;
  event_loop loop_;
  marketplace_tally tally_;
  std::vector<std::size_t> idle_customers_;
  std::vector<std::unique_ptr<hands>> all_;
  std::vector<hands*> idle_;  // of an open loop
  clock::time_point begun_;
  clock::time_point closing_;
  double seconds_ = 0;
  std::uint64_t next_transaction_ = 0;
  std::uint64_t intended_ = 0;
  std::uint64_t not_started_ = 0;
};

}  // namespace souk::bench
