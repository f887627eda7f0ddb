#include "tests/unit/persistence_fixtures.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace souk::persistence {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(memory_storage, every_write_survives_a_power_cut) {
  const auto store = make_memory_storage();
  append_range(*store, 0, 1, 2);
  ASSERT_EQ(write(*store, {{"a", "1"}}), commit_status::done);
  store->lose_unsynced();
  EXPECT_THAT(indexes(*store, 0), ElementsAre(1, 2));
  EXPECT_EQ(store->state().get("a"), "1");
}

TEST(memory_storage, what_is_held_back_is_read_but_gone_after_a_power_cut) {
  const auto store = make_memory_storage();
  append_range(*store, 0, 1, 4, 2);
  ASSERT_EQ(store->log().trim(0, 2, 1), commit_status::done);
  ASSERT_EQ(write(*store, {{"a", "1"}, {"b", "1"}}), commit_status::done);
  store->hold_back(true);
  append_range(*store, 0, 5, 6, 9);
  ASSERT_EQ(store->log().trim(0, 4, 10), commit_status::done);
  ASSERT_EQ(store->log().cut(0, 5), commit_status::done);
  ASSERT_EQ(write(*store, {{"a", "2"}, {"b", std::nullopt}}), commit_status::done);
  EXPECT_THAT(indexes(*store, 0), ElementsAre(4, 5));
  EXPECT_EQ(store->state().get("a"), "2");
  store->lose_unsynced();
  EXPECT_THAT(indexes(*store, 0), ElementsAre(2, 3, 4));
  EXPECT_EQ(store->log().bounds(0).last_epoch, 2u);
  EXPECT_EQ(store->state().get("a"), "1");
  EXPECT_EQ(store->state().get("b"), "1");
}

TEST(memory_storage, a_sync_makes_all_writes_so_far_durable) {
  const auto store = make_memory_storage();
  store->hold_back(true);
  append_range(*store, 0, 1, 2);
  store->sync();
  append_range(*store, 0, 3, 3);
  store->lose_unsynced();
  EXPECT_THAT(indexes(*store, 0), ElementsAre(1, 2));
  store->lose_unsynced();
  EXPECT_THAT(indexes(*store, 0), ElementsAre(1, 2));
}

TEST(memory_storage, an_honest_write_makes_what_was_held_back_durable) {
  const auto store = make_memory_storage();
  store->hold_back(true);
  append_range(*store, 0, 1, 1);
  store->hold_back(false);
  append_range(*store, 0, 2, 2);
  store->lose_unsynced();
  EXPECT_THAT(indexes(*store, 0), ElementsAre(1, 2));
}

TEST(memory_storage, refused_writes_change_nothing) {
  const auto store = make_memory_storage();
  append_range(*store, 0, 1, 3);
  store->refuse_writes(4);
  EXPECT_EQ(append(*store, {entry(0, 4, 1, "x")}), commit_status::storage_full);
  EXPECT_EQ(write(*store, {{"a", "1"}}), commit_status::storage_full);
  EXPECT_EQ(store->log().trim(0, 2, 1), commit_status::storage_full);
  EXPECT_EQ(store->log().cut(0, 1), commit_status::storage_full);
  EXPECT_THAT(indexes(*store, 0), ElementsAre(1, 2, 3));
  EXPECT_THAT(scanned(*store, "", "z"), IsEmpty());
  EXPECT_EQ(append(*store, {entry(0, 4, 1, "x")}), commit_status::done);
}

TEST(memory_storage, usage_says_nearly_full_when_told) {
  const auto store = make_memory_storage();
  EXPECT_FALSE(store->usage().nearly_full);
  store->set_nearly_full(true);
  EXPECT_TRUE(store->usage().nearly_full);
}

}  // namespace
}  // namespace souk::persistence
