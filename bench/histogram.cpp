#include "bench/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

namespace souk::bench {
namespace {

// Values below 2^11 have a bucket each; from there on every power of two has 2^10 buckets.
constexpr unsigned exact_bits = 11;
constexpr unsigned bucket_bits = exact_bits - 1;
constexpr unsigned value_bits = 42;
constexpr std::size_t bucket_count =
    (std::size_t{1} << exact_bits) + (std::size_t{value_bits - exact_bits} << bucket_bits);

std::size_t bucket_of(std::uint64_t value) {
  const unsigned width = std::bit_width(value);
  if (width <= exact_bits) return value;
  const unsigned shift = width - exact_bits;
  return (std::size_t{shift} << bucket_bits) + (value >> shift);
}

std::uint64_t upper_end_of(std::size_t bucket) {
  if (bucket < (std::size_t{1} << exact_bits)) return bucket;
  const std::size_t shift = (bucket >> bucket_bits) - 1;
  const std::uint64_t mantissa = bucket - (shift << bucket_bits);
  return ((mantissa + 1) << shift) - 1;
}

}  // namespace

histogram::histogram() : counts_(bucket_count, 0) {}

void histogram::record(std::uint64_t nanoseconds) {
  const std::uint64_t value = std::min(nanoseconds, value_max);
  ++counts_[bucket_of(value)];
  ++count_;
  max_ = std::max(max_, value);
  sum_ += static_cast<long double>(value);
}

void histogram::add(const histogram& other) {
  for (std::size_t i = 0; i < counts_.size(); ++i)
    counts_[i] += other.counts_[i];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
  sum_ += other.sum_;
}

double histogram::mean() const {
  return count_ == 0 ? 0.0 : static_cast<double>(sum_ / static_cast<long double>(count_));
}

std::uint64_t histogram::quantile(double fraction) const {
  if (count_ == 0) return 0;
  const double wanted = std::ceil(std::clamp(fraction, 0.0, 1.0) * static_cast<double>(count_));
  const std::uint64_t rank = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(wanted), 1, count_);
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    if (seen >= rank) return std::min(upper_end_of(i), max_);
  }
  return max_;
}

std::uint64_t histogram::count_over(std::uint64_t nanoseconds) const {
  const auto first =
      counts_.begin() + static_cast<std::ptrdiff_t>(bucket_of(std::min(nanoseconds, value_max)));
  return std::accumulate(first + 1, counts_.end(), std::uint64_t{0});
}

}  // namespace souk::bench
