#include "bench/histogram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace souk::bench {
namespace {

TEST(histogram, an_empty_one_answers_zero) {
  const histogram empty;
  EXPECT_EQ(empty.count(), 0u);
  EXPECT_EQ(empty.quantile(0.5), 0u);
  EXPECT_EQ(empty.max(), 0u);
  EXPECT_EQ(empty.mean(), 0.0);
}

TEST(histogram, small_values_are_exact) {
  histogram values;
  for (std::uint64_t value = 1; value <= 1000; ++value)
    values.record(value);
  EXPECT_EQ(values.quantile(0.5), 500u);
  EXPECT_EQ(values.quantile(0.99), 990u);
  EXPECT_EQ(values.quantile(0.999), 999u);
  EXPECT_EQ(values.quantile(0.0), 1u);
  EXPECT_EQ(values.count_over(0), 1'000u);
  EXPECT_EQ(values.count_over(990), 10u);
  EXPECT_EQ(values.count_over(1'000), 0u);
  EXPECT_EQ(values.quantile(1.0), 1000u);
  EXPECT_DOUBLE_EQ(values.mean(), 500.5);
}

// Every value, wherever it lies, is told with three significant digits: recorded beside a larger one, so that
// the maximum does not help.
TEST(histogram, every_value_is_told_within_a_thousandth) {
  constexpr std::uint64_t seed = 20101201;
  std::mt19937_64 random(seed);
  for (int i = 0; i < 2000; ++i) {
    const std::uint64_t value = (random() | 1) >> (22 + random() % 42);
    if (value == 0 || value >= histogram::value_max) continue;
    histogram one;
    one.record(value);
    one.record(histogram::value_max);
    const std::uint64_t told = one.quantile(0.5);
    ASSERT_GE(told, value) << "seed " << seed;
    ASSERT_LE(static_cast<double>(told - value), static_cast<double>(value) / 1000.0)
        << value << " seed " << seed;
  }
}

TEST(histogram, buckets_meet_without_gap_at_powers_of_two) {
  for (unsigned bits = 1; bits < 42; ++bits) {
    const std::uint64_t power = std::uint64_t{1} << bits;
    histogram edge;
    edge.record(power - 1);
    edge.record(power);
    edge.record(histogram::value_max);
    EXPECT_EQ(edge.quantile(1.0 / 3), power - 1) << bits;
    EXPECT_GE(edge.quantile(2.0 / 3), power) << bits;
  }
}

TEST(histogram, quantiles_agree_with_sorting) {
  constexpr std::uint64_t seed = 4711;
  std::mt19937_64 random(seed);
  std::lognormal_distribution<double> latency(12.0, 1.0);
  histogram told;
  std::vector<std::uint64_t> sorted;
  for (int i = 0; i < 20'000; ++i) {
    const auto value = static_cast<std::uint64_t>(latency(random));
    told.record(value);
    sorted.push_back(value);
  }
  std::sort(sorted.begin(), sorted.end());
  for (const double fraction : {0.1, 0.5, 0.9, 0.99, 0.999}) {
    const auto rank = static_cast<std::size_t>(std::ceil(fraction * static_cast<double>(sorted.size())));
    const auto truth = static_cast<double>(sorted[rank - 1]);
    EXPECT_NEAR(static_cast<double>(told.quantile(fraction)), truth, truth / 1000.0)
        << fraction << " seed " << seed;
  }
}

TEST(histogram, adding_is_as_recording_into_one) {
  histogram left;
  histogram right;
  histogram both;
  for (std::uint64_t value = 1; value < 3'000'000; value = value * 3 / 2 + 1) {
    (value % 2 == 0 ? left : right).record(value);
    both.record(value);
  }
  left.add(right);
  EXPECT_EQ(left.count(), both.count());
  EXPECT_EQ(left.max(), both.max());
  EXPECT_DOUBLE_EQ(left.mean(), both.mean());
  for (const double fraction : {0.01, 0.5, 0.99})
    EXPECT_EQ(left.quantile(fraction), both.quantile(fraction));
}

TEST(histogram, a_value_beyond_the_range_counts_as_the_largest) {
  histogram values;
  values.record(~std::uint64_t{0});
  EXPECT_EQ(values.max(), histogram::value_max);
  EXPECT_EQ(values.quantile(1.0), histogram::value_max);
}

}  // namespace
}  // namespace souk::bench
