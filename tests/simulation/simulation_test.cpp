#include "actors/testkit/simulation.hpp"

#include "tests/seeds.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <set>
#include <string>

namespace souk::testkit {
namespace {

using namespace std::chrono_literals;
using tests::seeds;

std::string told(const simulation_plan& plan, const verdict& result) {
  auto text = describe(plan);
  for (const auto& event : result.last_events)
    text += event + "\n";
  for (const auto& finding : result.findings)
    text += "found: " + finding + "\n";
  return text;
}

class simulation : public ::testing::TestWithParam<const char*> {};

TEST_P(simulation, finds_nothing) {
  const auto profile = profile_of(GetParam());
  ASSERT_TRUE(profile);
  for (std::uint64_t seed = 1; seed <= seeds(2); ++seed) {
    const auto plan = draw_plan(seed, *profile);
    const auto result = simulate(plan);
    EXPECT_TRUE(result.passed()) << told(plan, result);
    EXPECT_GE(result.commands, 500U);
    EXPECT_GE(result.marks.at("operations in histories"), 50U);
    EXPECT_GE(plan.faults.size(), profile->faults_min);
  }
}

INSTANTIATE_TEST_SUITE_P(profiles, simulation, ::testing::Values("calm", "storm", "disk", "network", "hot"),
                         [](const auto& each) { return std::string{each.param}; });

TEST(simulation, the_same_seed_runs_the_same_on_one_node_and_on_five) {
  for (const std::size_t nodes : {1, 5}) {
    const auto run = [nodes](std::uint64_t seed) {
      return simulate(draw_plan(seed, *profile_of("storm"), nodes)).trace_hash;
    };
    EXPECT_EQ(run(1), run(1)) << nodes << " nodes";
    EXPECT_NE(run(1), run(2)) << nodes << " nodes";
  }
}

TEST(simulation, a_cart_that_is_to_throw_throws) {
  auto plan = draw_plan(1, *profile_of("calm"));
  for (int n = 1; n <= 5; ++n) {
    fault crash;
    crash.what = fault::kind::entity_crash;
    crash.at = n * 1s;  // while all of them still shop
    crash.amount = 1;
    plan.faults.push_back(crash);
  }
  const auto result = simulate(plan);
  EXPECT_TRUE(result.passed()) << told(plan, result);
  EXPECT_EQ(result.marks.at("an entity threw, as asked"), plan.faults.size());
}

TEST(simulation, the_same_seed_runs_the_same_on_real_disks) {
  auto seed = std::uint64_t{1};
  while (!draw_plan(seed, *profile_of("storm"), 3).real_disks)
    ++seed;
  const auto plan = draw_plan(seed, *profile_of("storm"), 3);
  const auto first = simulate(plan);
  EXPECT_TRUE(first.passed()) << told(plan, first);
  EXPECT_EQ(first.trace_hash, simulate(plan).trace_hash);
}

TEST(simulation_plan, has_real_disks_now_and_then) {
  int real = 0;
  for (std::uint64_t seed = 1; seed <= 320; ++seed) {
    const auto plan = draw_plan(seed, *profile_of("disk"));
    real += plan.real_disks;
    for (const auto& each : plan.faults)
      EXPECT_FALSE(plan.real_disks && each.what == fault::kind::disk_rollback);
  }
  EXPECT_GT(real, 8);
  EXPECT_LT(real, 40);
}

TEST(simulation_plan, is_drawn_from_its_seed) {
  const auto storm = *profile_of("storm");
  EXPECT_EQ(describe(draw_plan(7, storm)), describe(draw_plan(7, storm)));
  EXPECT_NE(describe(draw_plan(7, storm)), describe(draw_plan(8, storm)));
  EXPECT_FALSE(profile_of("rain"));
}

TEST(simulation_plan, strikes_as_many_kinds_as_there_are_over_some_seeds) {
  std::set<fault::kind> struck;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    const auto plan = draw_plan(seed, *profile_of("storm"));
    for (const auto& each : plan.faults) {
      struck.insert(each.what);
      EXPECT_LT(each.node, plan.nodes);
      EXPECT_NE(each.node, each.other);
      EXPECT_LT(each.at, plan.trouble);
    }
  }
  EXPECT_EQ(struck.size(), static_cast<std::size_t>(fault::kind::kinds));
}

TEST(simulation_plan, is_cut_down_step_by_step) {
  const auto plan = draw_plan(7, *profile_of("storm"));
  for (const auto& less : smaller(plan)) {
    const bool is_less = less.faults.size() < plan.faults.size() || less.shoppers < plan.shoppers ||
                         less.habits.purchases < plan.habits.purchases || less.watchers < plan.watchers ||
                         less.real_disks != plan.real_disks || less.skus < plan.skus ||
                         less.shards < plan.shards || less.nodes < plan.nodes;
    EXPECT_TRUE(is_less) << describe(less);
  }
}

}  // namespace
}  // namespace souk::testkit
