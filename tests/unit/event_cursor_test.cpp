#include "actors/gateway/event_cursor.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

namespace souk::gateway {
namespace {

const std::string secret(32, 's');

const event_positions somewhere{{1, 0, 0}, {300, 7, 2}, {runtime::journal_place::at_end, 0, 0}};

TEST(event_cursor, says_how_far_a_reader_is_in_every_shard) {
  for (const auto& positions : {somewhere, earliest_positions(3), latest_positions(3)}) {
    const auto cursor = seal_positions(secret, positions);
    EXPECT_EQ(open_positions(secret, 3, cursor), positions);
    EXPECT_EQ(seal_positions(secret, positions), cursor);  // the same place is the same text
  }
}

TEST(event_cursor, bears_the_largest_numbers) {
  constexpr auto largest = std::numeric_limits<std::uint64_t>::max();
  const event_positions positions{{largest, largest, std::numeric_limits<std::uint32_t>::max()}};
  EXPECT_EQ(open_positions(secret, 1, seal_positions(secret, positions)), positions);
}

TEST(event_cursor, is_refused_by_another_cluster_or_one_of_other_shards) {
  const auto cursor = seal_positions(secret, somewhere);
  EXPECT_FALSE(open_positions(std::string(32, 't'), 3, cursor));
  EXPECT_FALSE(open_positions(secret, 2, cursor));
  EXPECT_FALSE(open_positions(secret, 4, cursor));
}

TEST(event_cursor, is_refused_when_any_character_is_another) {
  const auto cursor = seal_positions(secret, somewhere);
  for (std::size_t i = 0; i < cursor.size(); ++i) {
    auto changed = cursor;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(open_positions(secret, 3, changed)) << i;
    EXPECT_FALSE(open_positions(secret, 3, cursor.substr(0, i))) << i;
  }
  EXPECT_FALSE(open_positions(secret, 3, ""));
  EXPECT_FALSE(open_positions(secret, 3, cursor + "A"));
}

TEST(event_cursor, names_an_event_for_ever_and_sorts_within_its_shard) {
  EXPECT_EQ(event_id(0, 1, 0), "evt_000000000000010000");
  EXPECT_EQ(event_id(1023, 31, 32), "evt_ZZ00000000000Z0010");
  const std::vector<std::string> ids{event_id(3, 9, 0), event_id(3, 9, 1), event_id(3, 10, 0),
                                     event_id(3, 1'000'000, 0)};
  for (std::size_t i = 1; i < ids.size(); ++i)
    EXPECT_LT(ids[i - 1], ids[i]);
  EXPECT_NE(event_id(2, 9, 0), event_id(3, 9, 0));
}

}  // namespace
}  // namespace souk::gateway
