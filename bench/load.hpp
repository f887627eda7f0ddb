#pragma once

#include "bench/figures.hpp"
#include "bench/http_client.hpp"
#include "bench/open_loop.hpp"
#include "bench/progress.hpp"
#include "bench/shopper.hpp"
#include "bench/timeline.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace souk::bench {

/// How a load comes, and for how long.
struct load_options {
  /// Of a closed loop: each begins its next round when one is over.
  int clients = 64;
  /// Rounds a second of an open loop, whatever becomes of those before them; their times count from their
  /// intended start. 0: a closed loop.
  double rate = 0;
  /// Rounds of an open loop under way at once, each with a connection; what should start beyond them does
  /// not, and is counted. 1,000 are three seconds of 300 rounds/s that stand still, and a tenth of what a
  /// server takes.
  int under_way = 1000;
  int seconds = 20;  ///< What is measured.
  int warm_up = 0;  ///< Seconds before it; what begins in them is in no figure, but its errors and books are.
  std::uint64_t rounds_max = 0;  ///< No more rounds than these, warm-up included; 0: as time allows.
};

/// How a round ended.
struct round_end {
  std::string_view kind;  ///< Under this name it is counted; a text that stays.
  bool fine = false;      ///< What was wrong is in the tally.
};

/// Somebody who does one round after the other, over a connection.
class customer {
 public:
  customer() = default;
  customer(const customer&) = delete;
  customer& operator=(const customer&) = delete;
  virtual ~customer() = default;

  virtual task<round_end> round() = 0;
};

/// Runs a load and keeps its figures. One thread.
class load_run {
 public:
  /// `tally` is where customers count their calls: what it has of times begins anew when the warm-up is over.
  load_run(const load_options& options, const std::optional<endpoint>& admin, shopping_tally& tally);

  /// For what customers do before it runs, too.
  event_loop& loop() { return loop_; }

  /// Runs it, once. Customers are made as they are needed.
  void run(const std::function<std::unique_ptr<customer>()>& make);

  /// How long rounds that ended well took, by kind: of an open loop from their intended start.
  const call_times& rounds() const { return rounds_; }
  /// All of them.
  std::uint64_t done() const { return done_; }
  std::uint64_t failed() const { return failed_; }
  /// Of an open loop: rounds that were to start, and those that did not as too many were under way.
  std::uint64_t intended() const { return intended_; }
  std::uint64_t not_started() const { return not_started_; }
  /// By how much the load generator itself was late to start rounds of an open loop: what its own processor
  /// adds to their times.
  const histogram& lateness() const { return lateness_; }
  const timeline& seconds() const { return seconds_; }
  /// When it has run.
  const cost_meter& costs() const { return *costs_; }

 private:
  using clock = arrivals::clock;

  void begin();
  task<void> end_warm_up();
  task<void> go_round(customer& who);
  task<void> arrive(const std::function<std::unique_ptr<customer>()>& make);
  task<void> come_once(customer& who, clock::time_point start);
  customer* free_customer(const std::function<std::unique_ptr<customer>()>& make);
  bool over(clock::time_point start) const;
  void count(const round_end& end, clock::time_point start);
  bool counts(clock::time_point start) const { return start >= measured_from_; }

  const load_options& options_;
  std::optional<endpoint> admin_;
  shopping_tally& tally_;
  event_loop loop_;
  std::optional<cost_meter> costs_;
  clock::time_point begun_;
  clock::time_point measured_from_;
  clock::time_point closing_;
  std::vector<std::unique_ptr<customer>> customers_;
  std::vector<customer*> idle_;  // Of an open loop.
  std::uint64_t begun_rounds_ = 0;
  call_times rounds_;
  std::uint64_t done_ = 0;
  std::uint64_t failed_ = 0;
  std::uint64_t intended_ = 0;
  std::uint64_t not_started_ = 0;
  histogram lateness_;
  timeline seconds_;
  progress_line progress_;
};

}  // namespace souk::bench
