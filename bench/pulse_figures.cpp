#include "bench/pulse_figures.hpp"

#include "bench/open_loop.hpp"

#include <algorithm>

namespace souk::bench {

void pulse_figures::answered(time_point intended, time_point now) {
  latency_.record(nanoseconds_between(intended, now));
  if (now - last_success_ > pause_) {
    pause_ = now - last_success_;
    pause_from_ = last_success_;
  }
  last_success_ = now;
}

void pulse_figures::refused(const std::string& code, std::uint64_t elapsed_ns) {
  ++refusals_[code];
  slowest_refusal_ns_ = std::max(slowest_refusal_ns_, elapsed_ns);
}

void pulse_figures::add(const pulse_figures& other) {
  latency_.add(other.latency_);
  if (other.pause_ > pause_) {
    pause_ = other.pause_;
    pause_from_ = other.pause_from_;
  }
  for (const auto& [code, count] : other.refusals_)
    refusals_[code] += count;
  slowest_refusal_ns_ = std::max(slowest_refusal_ns_, other.slowest_refusal_ns_);
}

}  // namespace souk::bench
