#include "bench/load.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <utility>

namespace souk::bench {
namespace {

using namespace std::chrono_literals;

constexpr timeline::clock::time_point begun{1h};

TEST(timeline, each_second_has_its_own_figures) {
  timeline seconds(begun);
  for (std::uint64_t i = 1; i <= 100; ++i)
    seconds.ended(begun + 10ms * i - 1ms, i);
  seconds.ended(begun + 1s, 7'000);
  seconds.failed(begun + 1500ms);
  const auto told = seconds.seconds();
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[0].count, 100u);
  EXPECT_EQ(told[0].p50_ns, 50u);
  EXPECT_EQ(told[0].p99_ns, 99u);
  EXPECT_EQ(told[0].max_ns, 100u);
  EXPECT_EQ(told[0].failed, 0u);
  EXPECT_EQ(told[1].count, 1u);
  EXPECT_EQ(told[1].failed, 1u);
  EXPECT_EQ(told[1].max_ns, 7'000u);
}

TEST(timeline, seconds_in_which_nothing_ended_are_there) {
  timeline seconds(begun);
  seconds.ended(begun, 5);
  seconds.ended(begun + 4s, 6);
  const auto told = seconds.seconds();
  ASSERT_EQ(told.size(), 5u);
  EXPECT_EQ(told[0].count, 1u);
  for (std::size_t i = 1; i < 4; ++i)
    EXPECT_EQ(told[i].count, 0u) << i;
  EXPECT_EQ(told[4].count, 1u);
}

TEST(timeline, nothing_is_no_second) { EXPECT_TRUE(timeline(begun).seconds().empty()); }

TEST(timeline, what_ends_beyond_its_bound_is_in_the_last_second) {
  timeline seconds(begun);
  seconds.ended(begun + std::chrono::hours{24 * 365}, 5);
  seconds.ended(begun + std::chrono::hours{24 * 366}, 6);
  const auto told = seconds.seconds();
  ASSERT_EQ(told.size(), timeline::seconds_max);
  EXPECT_EQ(told.back().count, 2u);
}

// Somebody whose rounds take as long as they are told to, and that counts its calls.
class sleeper final : public customer {
 public:
  sleeper(load_run& run, shopping_tally& tally, std::chrono::milliseconds length, bool fine = true)
      : run_(run), tally_(tally), length_(length), fine_(fine) {}

  task<round_end> round() override {
    co_await run_.loop().sleep_until(arrivals::clock::now() + length_);
    tally_.times["call"].record(1);
    co_return round_end{"nap", fine_};
  }

 private:
  load_run& run_;
  shopping_tally& tally_;
  std::chrono::milliseconds length_;
  bool fine_;
};

struct napping {
  load_options options;
  shopping_tally tally;
  load_run run{options, {}, tally};

  explicit napping(load_options chosen) : options(chosen) {}
  void go(std::chrono::milliseconds length, bool fine = true) {
    run.run([&, length, fine] { return std::make_unique<sleeper>(run, tally, length, fine); });
  }
};

TEST(load, a_closed_loop_does_no_more_rounds_than_it_may) {
  napping naps({.clients = 3, .seconds = 60, .rounds_max = 10});
  naps.go(1ms);
  EXPECT_EQ(naps.run.done(), 10u);
  EXPECT_EQ(naps.run.rounds().by_name().at("nap").count(), 10u);
  EXPECT_EQ(naps.tally.times["call"].count(), 10u);
}

// Twenty rounds that take 100 ms, due every millisecond, and two at once: the others do not start.
TEST(load, an_open_loop_starts_no_more_than_may_be_under_way_and_tells_of_the_others) {
  napping naps({.rate = 1000, .under_way = 2, .seconds = 60, .rounds_max = 20});
  naps.go(100ms);
  EXPECT_EQ(naps.run.intended(), 20u);
  EXPECT_GE(naps.run.not_started(), 10u);
  EXPECT_EQ(naps.run.done() + naps.run.not_started(), 20u);
}

// The whole thread stands still during each round, as a server that stalls: what should have started
// meanwhile is late, and its time counts from when it should have.
class stalling final : public customer {
 public:
  task<round_end> round() override {
    const auto until = arrivals::clock::now() + 20ms;
    while (arrivals::clock::now() < until)
      continue;
    co_return round_end{"stall", true};
  }
};

TEST(load, times_of_an_open_loop_count_from_the_intended_start) {
  const load_options options{.rate = 1000, .seconds = 60, .rounds_max = 10};
  shopping_tally tally;
  load_run run(options, {}, tally);
  run.run([] { return std::make_unique<stalling>(); });
  const histogram& times = run.rounds().by_name().at("stall");
  EXPECT_EQ(times.count(), 10u);
  // The last of ten was due after 9 ms and ended after 200.
  EXPECT_GE(times.max(), 190'000'000u);
  EXPECT_GE(run.lateness().max(), 170'000'000u);
}

TEST(load, what_begins_in_the_warm_up_is_not_counted) {
  napping naps({.clients = 1, .seconds = 60, .warm_up = 1, .rounds_max = 3});
  naps.go(400ms);
  // Begun at 0, 400 and 800 ms; nothing is left to be measured.
  EXPECT_EQ(naps.run.done(), 0u);
  EXPECT_TRUE(naps.run.rounds().by_name().empty());
  EXPECT_TRUE(naps.run.seconds().seconds().empty());
  EXPECT_LE(naps.tally.times["call"].count(), 1u);
}

TEST(load, rounds_that_failed_have_no_time_but_a_number) {
  napping naps({.clients = 2, .seconds = 60, .rounds_max = 4});
  naps.go(1ms, false);
  EXPECT_EQ(naps.run.done(), 0u);
  EXPECT_EQ(naps.run.failed(), 4u);
  ASSERT_FALSE(naps.run.seconds().seconds().empty());
  EXPECT_EQ(naps.run.seconds().seconds().front().failed, 4u);
}

}  // namespace
}  // namespace souk::bench
