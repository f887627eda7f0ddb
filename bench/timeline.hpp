#pragma once

#include "bench/histogram.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace souk::bench {

/// What each second of a run came to, by when pieces of work ended, so that a server that stands still shows
/// as seconds without any. Only the second at work has a histogram. One thread.
class timeline {
 public:
  using clock = std::chrono::steady_clock;

  /// Two days; what ends later is counted in the last of them.
  static constexpr std::size_t seconds_max = std::size_t{2} * 24 * 3600;

  struct second {
    std::uint64_t count = 0;   ///< Ended well.
    std::uint64_t failed = 0;  ///< Ended otherwise; their times are in no figure.
    std::uint64_t p50_ns = 0;
    std::uint64_t p99_ns = 0;
    std::uint64_t max_ns = 0;
  };

  explicit timeline(clock::time_point from) : from_(from) {}

  /// Moments come in order; one before the beginning is taken for the beginning.
  void ended(clock::time_point when, std::uint64_t nanoseconds);
  void failed(clock::time_point when);

  /// All seconds up to the last one in which something ended, also those in which nothing did.
  std::vector<second> seconds() const;

 private:
  void go_on_to(clock::time_point when);
  second at_work() const;

  clock::time_point from_;
  std::vector<second> over_;
  histogram times_;  // Of the second at work.
  std::uint64_t failed_ = 0;
};

}  // namespace souk::bench
