#pragma once

#include "bench/histogram.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

namespace souk::bench {

/// What a probe that writes at a constant rate saw of one shard, or of several together. One thread.
class pulse_figures {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  /// The first pause is counted from `begun`.
  explicit pulse_figures(time_point begun) : last_success_(begun), pause_from_(begun) {}

  /// A write that was to start at `intended` was answered well at `now`.
  void answered(time_point intended, time_point now);
  /// An attempt that has to be repeated, or failed for good, with this problem code, and how long that took.
  void refused(const std::string& code, std::uint64_t elapsed_ns);

  /// Adds what was seen of another shard; the longer pause counts.
  void add(const pulse_figures& other);

  const histogram& latency() const { return latency_; }  ///< From the intended start.
  /// The longest time between two writes that were answered well, and when it began.
  std::chrono::steady_clock::duration pause() const { return pause_; }
  time_point pause_from() const { return pause_from_; }
  const std::map<std::string, std::uint64_t>& refusals() const { return refusals_; }  ///< By problem code.
  std::uint64_t slowest_refusal_ns() const { return slowest_refusal_ns_; }

 private:
  histogram latency_;
  time_point last_success_;
  std::chrono::steady_clock::duration pause_{0};
  time_point pause_from_;
  std::map<std::string, std::uint64_t> refusals_;
  std::uint64_t slowest_refusal_ns_ = 0;
};

}  // namespace souk::bench
