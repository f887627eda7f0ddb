#pragma once

#include "bench/shop_client.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace souk::cluster_test {

/// One request that carries an Idempotency-Key, and the first definite answer to it.
struct recorded {
  std::string target;
  std::string key;
  std::string body;
  bool staff = false;  ///< Sent with the admin key.
  int status = 0;      ///< 0: nothing definite was ever heard.
  std::string answer;
  std::string etag;

  bool definite() const { return status != 0; }
};

/// What a cart must have come to.
enum class expectation : std::uint8_t {
  order,     ///< Exactly the order that was answered.
  no_order,  ///< Refused, canceled, or never paid.
  unknown,   ///< At most one order.
};

struct sale {
  std::string cart;
  expectation expect = expectation::no_order;
  std::string order;  ///< As answered.
  std::int64_t total = 0;
};

/// What is on the shelves.
struct shelf {
  std::vector<std::string> skus;
  std::map<std::string, std::int64_t> received;  ///< Units, by all adjustments that were answered.
};

/// People at work in a shop, each in a connection of their own, from one thread: they fill carts, pay in all
/// the ways that the test provider knows, cancel, come back, give up, and repeat under the same key whatever
/// got no answer. Everything definite they heard is written down.
class shoppers {
 public:
  shoppers(bench::shop guest, bench::shop staff, shelf shelf, unsigned count, std::uint64_t seed);
  ~shoppers();

  /// Waits until `more` further requests were answered; false if the shoppers broke off.
  bool wait_for_answers(std::uint64_t more);

  /// Lets them finish what they are at, and waits for it. Throws what broke them off: an answer that makes no
  /// sense.
  void finish();

  /// Valid after `finish`.
  const std::deque<recorded>& requests() const { return requests_; }
  const std::vector<sale>& sales() const { return sales_; }
  const shelf& goods() const { return shelf_; }
  std::uint64_t repeats() const { return patience_.repeats(); }

 private:
  struct person;

  void work();
  bench::task<void> shop_all_day(std::uint64_t seed);
  bench::task<void> restock_all_day(std::uint64_t seed);
  bench::task<void> buy_once(person& person);
  bench::task<void> check_out(person& person, sale& sale, std::int64_t version);
  bench::task<void> complete(person& person, sale& sale, const std::string& checkout,
                             const std::string& token);
  bench::task<void> cancel(person& person, sale& sale, const std::string& checkout);
  bench::task<void> come_back(person& person, const sale& sale, std::int64_t version);
  bench::task<recorded*> ask(person& person, std::string target, std::string body);
  void settle(sale& sale, const recorded& asked);
  std::string pick_token(person& person);
  void count_answer();

  bench::shop guest_;
  bench::shop staff_;
  shelf shelf_;
  bench::event_loop loop_;
  bench::patience patience_{loop_};
  bench::histogram times_;
  std::deque<recorded> requests_;
  std::vector<sale> sales_;
  std::uint64_t keys_ = 0;
  std::uint64_t seed_;
  unsigned count_;
  std::atomic<bool> closing_{false};
  std::atomic<bool> abandoned_{false};  ///< The shop will not come back.
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t answers_ = 0;  ///< Guarded by `mutex_`.
  bool ended_ = false;         ///< Guarded by `mutex_`.
  std::exception_ptr error_;
  std::thread thread_;
};

}  // namespace souk::cluster_test
