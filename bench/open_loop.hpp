#pragma once

#include <chrono>
#include <cstdint>

namespace souk::bench {

/// When each piece of work of an open loop is to start: at a constant rate, whatever became of those before
/// it. How long a piece took is counted from this moment and not from when it could be sent, or a server that
/// stands still would hide all that should have come meanwhile.
class arrivals {
 public:
  using clock = std::chrono::steady_clock;

  /// `per_second` is above 0.
  arrivals(double per_second, clock::time_point from) : per_second_(per_second), from_(from) {}

  /// The intended start of a piece, counted from 0. Not a sum of intervals: that would drift.
  clock::time_point at(std::uint64_t number) const {
    const std::chrono::duration<double> after{static_cast<double>(number) / per_second_};
    return from_ + std::chrono::duration_cast<clock::duration>(after);
  }

 private:
  double per_second_;
  clock::time_point from_;
};

/// Nanoseconds from one moment to another; 0 where the other is earlier.
inline std::uint64_t nanoseconds_between(arrivals::clock::time_point from, arrivals::clock::time_point to) {
  return to <= from ? 0 : static_cast<std::uint64_t>((to - from) / std::chrono::nanoseconds{1});
}

}  // namespace souk::bench
