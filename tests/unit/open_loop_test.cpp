#include "bench/open_loop.hpp"

#include "bench/pulse_figures.hpp"

#include <gtest/gtest.h>

namespace souk::bench {
namespace {

using namespace std::chrono_literals;

constexpr arrivals::clock::time_point begun{1h};

TEST(open_loop, arrivals_keep_their_rate_however_many_there_were) {
  const arrivals due(300, begun);
  EXPECT_EQ(due.at(0), begun);
  EXPECT_EQ(due.at(300), begun + 1s);
  EXPECT_EQ(due.at(300ULL * 3600 * 24), begun + 24h);
}

TEST(open_loop, what_starts_before_its_time_took_no_time) {
  EXPECT_EQ(nanoseconds_between(begun, begun + 5ns), 5u);
  EXPECT_EQ(nanoseconds_between(begun + 5ns, begun), 0u);
}

// Ten writes a second to a server that stands still for two seconds: all that should have come meanwhile are
// late.
TEST(open_loop, a_stall_is_in_the_latency_of_all_that_should_have_started_meanwhile) {
  pulse_figures figures(begun);
  const arrivals due(10, begun);
  for (std::uint64_t i = 0; i < 100; ++i) {
    const bool stalled = i >= 20 && i < 40;
    figures.answered(due.at(i), stalled ? begun + 4s : due.at(i) + 1ms);
  }
  EXPECT_EQ(figures.latency().count(), 100u);
  EXPECT_NEAR(static_cast<double>(figures.latency().quantile(0.9)), 1.05e9, 0.06e9);
  EXPECT_EQ(figures.latency().max(), 2'000'000'000u);
  EXPECT_EQ(figures.pause(), 2099ms);
  EXPECT_EQ(figures.pause_from(), begun + 1901ms);
}

TEST(open_loop, the_time_before_the_first_success_is_a_pause) {
  pulse_figures figures(begun);
  figures.refused("shard_unavailable", 7);
  figures.answered(begun, begun + 3s);
  figures.answered(begun + 3s, begun + 4s);
  EXPECT_EQ(figures.pause(), 3s);
  EXPECT_EQ(figures.pause_from(), begun);
}

TEST(open_loop, shards_together_have_the_longest_pause_of_any) {
  pulse_figures quick(begun);
  quick.answered(begun, begun + 1s);
  quick.refused("shard_unavailable", 3);
  pulse_figures slow(begun + 1s);
  slow.answered(begun + 1s, begun + 3s);
  slow.refused("shard_unavailable", 9);
  slow.refused("outcome_unknown", 4);
  quick.add(slow);
  EXPECT_EQ(quick.latency().count(), 2u);
  EXPECT_EQ(quick.pause(), 2s);
  EXPECT_EQ(quick.pause_from(), begun + 1s);
  EXPECT_EQ(quick.refusals(),
            (std::map<std::string, std::uint64_t>{{"outcome_unknown", 1}, {"shard_unavailable", 2}}));
  EXPECT_EQ(quick.slowest_refusal_ns(), 9u);
}

}  // namespace
}  // namespace souk::bench
