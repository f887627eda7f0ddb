#include "tests/seeds.hpp"
#include "tests/unit/replication_world.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>

namespace souk::replication {
namespace {

using tests::seeds;

world_options options_of(std::uint64_t seed) {
  world_options options;
  options.nodes = 3 + static_cast<unsigned>(seed % 3);
  options.min_in_sync = 1 + static_cast<std::uint32_t>(seed / 3 % 3 == 0 ? 0 : 1);
  return options;
}

TEST(replication_property, nothing_acknowledged_is_lost_and_no_read_is_stale) {
  world_figures all;
  for (std::uint64_t seed = 1; seed <= seeds(20); ++seed) {
    world one{seed, options_of(seed)};
    ASSERT_NO_THROW(one.run()) << "seed " << seed;
    all.add(one.figures());
  }
  if (std::getenv("SOUK_SEEDS")) {
    std::cout << all.acknowledged << " acknowledged, " << all.epochs << " epochs, " << all.crashes
              << " crashes, " << all.living_deposed << " deposed alive, " << all.shrunk << " shrunk, "
              << all.grown << " grown, " << all.unknown_swaps << " unknown swaps, " << all.cuts << " cuts, "
              << all.snapshots << " snapshots, " << all.handovers << " handovers, " << all.writes_refused
              << " writes refused, " << all.disks_emptied << " disks emptied, " << all.reads << " reads, "
              << all.reads_held_back << " held back\n";
  }
  EXPECT_GT(all.acknowledged, 1000u);
  EXPECT_GT(all.epochs, 20u);
  EXPECT_GT(all.crashes, 20u);
  EXPECT_GT(all.living_deposed, 5u);
  EXPECT_GT(all.shrunk, 5u);
  EXPECT_GT(all.grown, 5u);
  EXPECT_GT(all.unknown_swaps, 5u);
  EXPECT_GT(all.cuts, 5u);
  EXPECT_GT(all.snapshots, 1u);
  EXPECT_GT(all.handovers, 0u);
  EXPECT_GT(all.disks_emptied, 0u);
  EXPECT_GT(all.reads, 1000u);
  EXPECT_GT(all.reads_held_back, 100u);
}

// Leaving out a rule around the protocol must be noticed, or the world above shows nothing.
struct broken_rule {
  breakage rule;
  std::uint64_t first_seed;  ///< From where on it does not take long.
};
class replication_broken : public testing::TestWithParam<broken_rule> {};

TEST_P(replication_broken, is_noticed) {
  constexpr std::uint64_t seeds_max = 300;
  for (std::uint64_t seed = GetParam().first_seed; seed < GetParam().first_seed + seeds_max; ++seed) {
    auto options = options_of(seed);
    options.broken = GetParam().rule;
    try {
      world{seed, options}.run();
    } catch (const std::exception& found) {
      RecordProperty("found", found.what());
      if (std::getenv("SOUK_SEEDS")) std::cout << "seed " << seed << ": " << found.what() << '\n';
      return;
    }
  }
  FAIL() << "not within " << seeds_max << " seeds";
}

INSTANTIATE_TEST_SUITE_P(rules, replication_broken,
                         testing::Values(broken_rule{breakage::no_epoch_check, 5},
                                         broken_rule{breakage::epoch_reused, 1},
                                         broken_rule{breakage::swap_without_compare, 37},
                                         broken_rule{breakage::failover_out_of_sync, 1},
                                         broken_rule{breakage::empty_disk_elected, 7},
                                         broken_rule{breakage::own_disk_not_counted, 1},
                                         broken_rule{breakage::read_without_lease, 3},
                                         broken_rule{breakage::promise_not_kept, 2},
                                         broken_rule{breakage::clocks_run_wild, 47}));

}  // namespace
}  // namespace souk::replication
