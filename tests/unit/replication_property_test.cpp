#include "tests/unit/replication_world.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <string>

namespace souk::replication {
namespace {

std::uint64_t seeds(std::uint64_t usual) {
  const char* more = std::getenv("SOUK_SEEDS");
  return more ? std::stoull(more) : usual;
}

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

}  // namespace
}  // namespace souk::replication
