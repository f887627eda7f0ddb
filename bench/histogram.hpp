#pragma once

#include <cstdint>
#include <vector>

namespace souk::bench {

/// Counts durations in log-linear buckets, as HDR histograms do: exact up to 2,047 ns, and above that each
/// power of two is cut into 1,024 equal buckets, so that a bucket's width is below 1/1,000 of its values:
/// three significant digits. Recording costs a few nanoseconds and never allocates. One thread.
class histogram {
 public:
  /// Values are kept from 0 to this (73 minutes in nanoseconds); a larger one counts as this one.
  static constexpr std::uint64_t value_max = (std::uint64_t{1} << 42) - 1;

  histogram();

  /// Counts one duration in nanoseconds.
  void record(std::uint64_t nanoseconds);

  /// Adds all counts of another histogram.
  void add(const histogram& other);

  std::uint64_t count() const { return count_; }
  std::uint64_t max() const { return max_; }
  /// The mean in nanoseconds, of the values as recorded; 0 when empty.
  double mean() const;

  /// The smallest bucket's upper end, in nanoseconds, that at least `fraction` (0 to 1) of all values do not
  /// exceed; never more than `max()`; 0 when empty.
  std::uint64_t quantile(double fraction) const;
  /// How many values lie above this, in nanoseconds, as exactly as the buckets tell.
  std::uint64_t count_over(std::uint64_t nanoseconds) const;

 private:
  std::vector<std::uint64_t> counts_;
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
  long double sum_ = 0;
};

}  // namespace souk::bench
