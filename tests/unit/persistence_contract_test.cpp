// What every storage does, on disk and in memory: the comments of persistence/storage.hpp as tests.

#include "tests/unit/persistence_fixtures.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace souk::persistence {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

class on_disk {
 public:
  storage& get() { return *storage_; }

 private:
  temporary_folder folder_;
  std::unique_ptr<lmdb_storage> storage_ = open_lmdb(options_for(folder_.path()));
};

class in_memory {
 public:
  storage& get() { return *storage_; }

 private:
  std::unique_ptr<memory_storage> storage_ = make_memory_storage();
};

struct implementation_names {
  template <class Implementation>
  static std::string GetName(int) {
    return std::is_same_v<Implementation, on_disk> ? "lmdb" : "memory";
  }
};

template <class Implementation>
class storage_contract : public ::testing::Test {
 protected:
  storage& store() { return implementation_.get(); }

 private:
  Implementation implementation_;
};

using implementations = ::testing::Types<on_disk, in_memory>;
TYPED_TEST_SUITE(storage_contract, implementations, implementation_names);

void expect_bounds(const journal_bounds& bounds, std::uint64_t first, std::uint64_t last,
                   std::uint64_t epoch) {
  EXPECT_EQ(bounds.first, first);
  EXPECT_EQ(bounds.last, last);
  EXPECT_EQ(bounds.last_epoch, epoch);
}

TYPED_TEST(storage_contract, a_new_sequence_is_empty) {
  expect_bounds(this->store().log().bounds(3), 1, 0, 0);
  EXPECT_THAT(indexes(this->store(), 3), IsEmpty());
}

TYPED_TEST(storage_contract, records_come_back_in_order_whatever_order_the_shards_came_in) {
  auto& store = this->store();
  ASSERT_EQ(
      append(store, {entry(2, 1, 7, "a"), entry(0, 1, 5, "b"), entry(2, 2, 8, "c"), entry(0, 2, 5, "")}),
      commit_status::done);
  expect_bounds(store.log().bounds(0), 1, 2, 5);
  expect_bounds(store.log().bounds(2), 1, 2, 8);
  expect_bounds(store.log().bounds(1), 1, 0, 0);
  const auto found = records(store, 2);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].payload, "a");
  EXPECT_EQ(found[0].epoch, 7u);
  EXPECT_EQ(found[0].shard, 2);
  EXPECT_EQ(found[1].payload, "c");
  EXPECT_EQ(found[1].index, 2u);
  EXPECT_EQ(records(store, 0)[1].payload, "");
}

TYPED_TEST(storage_contract, an_empty_batch_is_done) {
  EXPECT_EQ(append(this->store(), {}), commit_status::done);
  EXPECT_EQ(write(this->store(), {}), commit_status::done);
}

TYPED_TEST(storage_contract, a_gap_is_refused_and_nothing_of_its_batch_stays) {
  auto& store = this->store();
  append_range(store, 1, 1, 2);
  EXPECT_THROW(append(store, {entry(0, 1, 1, "x"), entry(1, 4, 1, "y")}), std::logic_error);
  EXPECT_THROW(append(store, {entry(1, 2, 1, "again")}), std::logic_error);
  EXPECT_THROW(append(store, {entry(0, 0, 1, "zero")}), std::logic_error);
  expect_bounds(store.log().bounds(0), 1, 0, 0);
  expect_bounds(store.log().bounds(1), 1, 2, 1);
  append_range(store, 1, 3, 3);
  EXPECT_THAT(indexes(store, 1), ElementsAre(1, 2, 3));
}

TYPED_TEST(storage_contract, an_epoch_never_falls_within_or_across_batches) {
  auto& store = this->store();
  EXPECT_THROW(append(store, {entry(0, 1, 3, "a"), entry(0, 2, 2, "b")}), std::logic_error);
  ASSERT_EQ(append(store, {entry(0, 1, 3, "a")}), commit_status::done);
  EXPECT_THROW(append(store, {entry(0, 2, 2, "b")}), std::logic_error);
  EXPECT_EQ(append(store, {entry(0, 2, 3, "b")}), commit_status::done);
  EXPECT_EQ(append(store, {entry(1, 1, 1, "another shard")}), commit_status::done);
}

TYPED_TEST(storage_contract, a_read_starts_where_asked_and_stops_when_told) {
  auto& store = this->store();
  append_range(store, 0, 1, 40);
  append_range(store, 1, 1, 3);
  EXPECT_THAT(indexes(store, 0, 38), ElementsAre(38, 39, 40));
  EXPECT_THAT(indexes(store, 0, 41), IsEmpty());
  EXPECT_EQ(indexes(store, 0, 0).size(), 40u);
  std::vector<std::uint64_t> seen;
  store.log().read(0, 5, [&](const journal_entry& entry) {
    seen.push_back(entry.index);
    return entry.index < 20;
  });
  EXPECT_EQ(seen.front(), 5u);
  EXPECT_EQ(seen.back(), 20u);
  EXPECT_EQ(seen.size(), 16u);
}

TYPED_TEST(storage_contract, a_visitor_may_write_and_does_not_see_what_it_appends) {
  auto& store = this->store();
  append_range(store, 0, 1, 3);
  std::vector<std::uint64_t> seen;
  store.log().read(0, 1, [&](const journal_entry& entry) {
    seen.push_back(entry.index);
    append_range(store, 0, entry.index + 3, entry.index + 3);
    return true;
  });
  EXPECT_THAT(seen, ElementsAre(1, 2, 3));
  EXPECT_EQ(store.log().bounds(0).last, 6u);
}

TYPED_TEST(storage_contract, records_of_any_length_come_back_whole) {
  auto& store = this->store();
  std::vector<journal_entry> entries;
  // Around the lengths at which a record is split, and far beyond.
  for (const std::size_t bytes :
       {0UL, 1UL, 1507UL, 1508UL, 1509UL, 1536UL, 3043UL, 3044UL, 3045UL, 400000UL}) {
    std::string payload;
    for (std::size_t i = 0; i < bytes; ++i) {
      payload += static_cast<char>(i * 31 + bytes);
    }
    entries.push_back(entry(1, entries.size() + 1, 1, payload));
  }
  ASSERT_EQ(append(store, entries), commit_status::done);
  const auto found = records(store, 1);
  ASSERT_EQ(found.size(), entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    EXPECT_EQ(found[i].index, entries[i].index);
    EXPECT_TRUE(found[i].payload == entries[i].payload) << entries[i].payload.size() << " bytes";
  }
}

TYPED_TEST(storage_contract, a_record_over_the_limit_is_refused) {
  EXPECT_THROW(append(this->store(), {entry(0, 1, 1, std::string(50ULL << 20, 'x'))}), std::logic_error);
  EXPECT_EQ(this->store().log().bounds(0).last, 0u);
}

TYPED_TEST(storage_contract, a_value_over_the_limit_is_refused) {
  EXPECT_THROW(write(this->store(), {{"a", "1"}, {"b", std::string(50ULL << 20, 'x')}}),
               std::invalid_argument);
  EXPECT_EQ(this->store().state().get("a"), std::nullopt);
}

TYPED_TEST(storage_contract, a_shard_beyond_the_last_is_refused) {
  auto& log = this->store().log();
  EXPECT_THROW(append(this->store(), {entry(1024, 1, 1, "x")}), std::logic_error);
  EXPECT_THROW(log.bounds(1024), std::logic_error);
  EXPECT_THROW(log.trim(1024, 1, 1), std::logic_error);
  EXPECT_THROW(log.cut(1024, 0), std::logic_error);
  EXPECT_THROW(log.read(1024, 1, [](const journal_entry&) { return true; }), std::logic_error);
}

TYPED_TEST(storage_contract, a_trim_forgets_only_what_is_below) {
  auto& store = this->store();
  append_range(store, 0, 1, 10, 4);
  append_range(store, 1, 1, 10, 9);
  EXPECT_EQ(store.log().trim(0, 1, 100), commit_status::done);
  expect_bounds(store.log().bounds(0), 1, 10, 4);
  EXPECT_EQ(store.log().trim(0, 6, 100), commit_status::done);
  expect_bounds(store.log().bounds(0), 6, 10, 4);
  EXPECT_THAT(indexes(store, 0), ElementsAre(6, 7, 8, 9, 10));
  EXPECT_THAT(indexes(store, 0, 8), ElementsAre(8, 9, 10));
  EXPECT_EQ(indexes(store, 1).size(), 10u);
  EXPECT_EQ(store.log().trim(0, 3, 100), commit_status::done);
  expect_bounds(store.log().bounds(0), 6, 10, 4);
}

TYPED_TEST(storage_contract, a_trim_takes_at_most_so_many_at_a_time) {
  auto& store = this->store();
  append_range(store, 0, 1, 10);
  EXPECT_EQ(store.log().trim(0, 9, 3), commit_status::done);
  EXPECT_EQ(store.log().bounds(0).first, 4u);
  EXPECT_EQ(store.log().trim(0, 9, 3), commit_status::done);
  EXPECT_EQ(store.log().bounds(0).first, 7u);
  EXPECT_EQ(store.log().trim(0, 9, 3), commit_status::done);
  EXPECT_EQ(store.log().bounds(0).first, 9u);
  EXPECT_EQ(store.log().trim(0, 9, 0), commit_status::done);
  EXPECT_THAT(indexes(store, 0), ElementsAre(9, 10));
}

TYPED_TEST(storage_contract, a_sequence_goes_on_after_all_of_it_was_trimmed) {
  auto& store = this->store();
  ASSERT_EQ(append(store, {entry(0, 1, 3, "a"), entry(0, 2, 5, std::string(5000, 'b'))}),
            commit_status::done);
  EXPECT_EQ(store.log().trim(0, 100, 100), commit_status::done);
  expect_bounds(store.log().bounds(0), 3, 2, 5);
  EXPECT_THAT(indexes(store, 0), IsEmpty());
  EXPECT_THROW(append(store, {entry(0, 3, 4, "old epoch")}), std::logic_error);
  EXPECT_THROW(append(store, {entry(0, 1, 5, "old index")}), std::logic_error);
  EXPECT_EQ(append(store, {entry(0, 3, 5, "c")}), commit_status::done);
  expect_bounds(store.log().bounds(0), 3, 3, 5);
  EXPECT_THAT(indexes(store, 0), ElementsAre(3));
}

TYPED_TEST(storage_contract, a_cut_drops_what_comes_after) {
  auto& store = this->store();
  append_range(store, 0, 1, 5, 1);
  append_range(store, 0, 6, 9, 8);
  append_range(store, 1, 1, 2);
  EXPECT_EQ(store.log().cut(0, 9), commit_status::done);
  EXPECT_EQ(store.log().cut(0, 100), commit_status::done);
  expect_bounds(store.log().bounds(0), 1, 9, 8);
  EXPECT_EQ(store.log().cut(0, 5), commit_status::done);
  expect_bounds(store.log().bounds(0), 1, 5, 1);
  EXPECT_EQ(append(store, {entry(0, 6, 2, "the other history")}), commit_status::done);
  const auto found = records(store, 0);
  ASSERT_EQ(found.size(), 6u);
  EXPECT_EQ(found[5].payload, "the other history");
  EXPECT_EQ(found[5].epoch, 2u);
  EXPECT_THAT(indexes(store, 1), ElementsAre(1, 2));
}

TYPED_TEST(storage_contract, a_sequence_restarts_after_a_record_that_was_never_here) {
  auto& store = this->store();
  append_range(store, 0, 1, 5, 1);
  append_range(store, 1, 1, 2);
  EXPECT_EQ(store.log().restart(0, 100, 7), commit_status::done);
  expect_bounds(store.log().bounds(0), 101, 100, 7);
  EXPECT_THAT(indexes(store, 0), IsEmpty());
  EXPECT_THROW(append(store, {entry(0, 6, 7, "the old sequence")}), std::logic_error);
  EXPECT_THROW(append(store, {entry(0, 101, 6, "old epoch")}), std::logic_error);
  EXPECT_EQ(append(store, {entry(0, 101, 7, "goes on")}), commit_status::done);
  EXPECT_THAT(indexes(store, 0), ElementsAre(101));
  EXPECT_EQ(store.log().restart(2, 3, 1), commit_status::done) << "an empty one too";
  expect_bounds(store.log().bounds(2), 4, 3, 1);
  EXPECT_THAT(indexes(store, 1), ElementsAre(1, 2));
}

TYPED_TEST(storage_contract, a_cut_may_leave_nothing_but_not_reach_into_what_is_trimmed) {
  auto& store = this->store();
  append_range(store, 0, 1, 3, 2);
  append_range(store, 0, 4, 6, 3);
  ASSERT_EQ(store.log().trim(0, 3, 100), commit_status::done);
  EXPECT_THROW(store.log().cut(0, 1), std::logic_error);
  EXPECT_EQ(store.log().cut(0, 2), commit_status::done);
  expect_bounds(store.log().bounds(0), 3, 2, 2);
  append_range(store, 0, 3, 4, 2);
  EXPECT_THAT(indexes(store, 0), ElementsAre(3, 4));
  append_range(store, 1, 1, 2, 7);
  EXPECT_EQ(store.log().cut(1, 0), commit_status::done);
  expect_bounds(store.log().bounds(1), 1, 0, 0);
}

TYPED_TEST(storage_contract, a_row_is_written_overwritten_and_removed) {
  auto& store = this->store();
  EXPECT_EQ(store.state().get("a"), std::nullopt);
  ASSERT_EQ(write(store, {{"a", "1"}, {"b", ""}}), commit_status::done);
  EXPECT_EQ(store.state().get("a"), "1");
  EXPECT_EQ(store.state().get("b"), "");
  ASSERT_EQ(write(store, {{"a", "22"}, {"b", std::nullopt}, {"never there", std::nullopt}}),
            commit_status::done);
  EXPECT_EQ(store.state().get("a"), "22");
  EXPECT_EQ(store.state().get("b"), std::nullopt);
}

TYPED_TEST(storage_contract, changes_of_one_write_apply_in_order) {
  auto& store = this->store();
  ASSERT_EQ(write(store,
                  {{"a", "1"}, {"a", std::nullopt}, {"b", "1"}, {"b", "2"}, {"c", std::nullopt}, {"c", "3"}}),
            commit_status::done);
  EXPECT_THAT(scanned(store, "", "z"), ElementsAre(Pair("b", "2"), Pair("c", "3")));
}

TYPED_TEST(storage_contract, long_values_shrink_grow_and_go_without_a_trace) {
  auto& store = this->store();
  const std::string longer(200000, 'l');
  const std::string shorter(1529, 's');
  ASSERT_EQ(write(store, {{"a1", "between"}, {"b", "end"}}), commit_status::done);
  const std::uint64_t bytes_before = store.usage().state_bytes;
  ASSERT_EQ(write(store, {{"a", longer}}), commit_status::done);
  EXPECT_TRUE(store.state().get("a") == longer);
  EXPECT_EQ(scanned(store, "", "z").size(), 3u);
  ASSERT_EQ(write(store, {{"a", shorter}}), commit_status::done);
  EXPECT_TRUE(store.state().get("a") == shorter);
  ASSERT_EQ(write(store, {{"a", "tiny"}}), commit_status::done);
  EXPECT_EQ(store.state().get("a"), "tiny");
  ASSERT_EQ(write(store, {{"a", longer}}), commit_status::done);
  EXPECT_TRUE(scanned(store, "a", "a1")[0].second == longer);
  ASSERT_EQ(write(store, {{"a", std::nullopt}}), commit_status::done);
  EXPECT_THAT(scanned(store, "", "z"), ElementsAre(Pair("a1", "between"), Pair("b", "end")));
  EXPECT_LE(store.usage().state_bytes, bytes_before + 20000);
}

TYPED_TEST(storage_contract, a_scan_goes_both_ways_within_its_bounds) {
  auto& store = this->store();
  ASSERT_EQ(write(store, {{"b", "2"}, {"d", "4"}, {"a", "1"}, {"c", "3"}}), commit_status::done);
  EXPECT_THAT(scanned(store, "b", "d"), ElementsAre(Pair("b", "2"), Pair("c", "3")));
  EXPECT_THAT(scanned(store, "b", "d", scan_order::descending), ElementsAre(Pair("c", "3"), Pair("b", "2")));
  EXPECT_EQ(scanned(store, "", "z").size(), 4u);
  EXPECT_THAT(scanned(store, "", "b", scan_order::descending), ElementsAre(Pair("a", "1")));
  EXPECT_THAT(scanned(store, "c", std::string(600, 'z'), scan_order::descending),
              ElementsAre(Pair("d", "4"), Pair("c", "3")));
  EXPECT_THAT(scanned(store, "bb", "bc"), IsEmpty());
  EXPECT_THAT(scanned(store, "bb", "bc", scan_order::descending), IsEmpty());
  EXPECT_THAT(scanned(store, "x", "z"), IsEmpty());
  EXPECT_THAT(scanned(store, "c", "b"), IsEmpty());
  EXPECT_THAT(scanned(store, "a", "a"), IsEmpty());
}

TYPED_TEST(storage_contract, a_scan_of_nothing_visits_nothing) {
  EXPECT_THAT(scanned(this->store(), "", "z"), IsEmpty());
  EXPECT_THAT(scanned(this->store(), "", "z", scan_order::descending), IsEmpty());
}

TYPED_TEST(storage_contract, a_scan_stops_when_told) {
  auto& store = this->store();
  ASSERT_EQ(write(store, {{"a", "1"}, {"b", "2"}, {"c", "3"}}), commit_status::done);
  for (const auto order : {scan_order::ascending, scan_order::descending}) {
    int visits = 0;
    store.state().scan("", "z", order, [&](std::string_view, std::string_view) { return ++visits < 2; });
    EXPECT_EQ(visits, 2);
  }
}

TYPED_TEST(storage_contract, a_scan_may_read_but_not_write) {
  auto& store = this->store();
  ASSERT_EQ(write(store, {{"a", "1"}, {"b", "2"}}), commit_status::done);
  store.state().scan("a", "b", scan_order::ascending, [&](std::string_view, std::string_view) {
    EXPECT_EQ(store.state().get("b"), "2");
    EXPECT_EQ(scanned(store, "", "z").size(), 2u);
    EXPECT_THROW(write(store, {{"c", "3"}}), std::logic_error);
    return true;
  });
  EXPECT_EQ(write(store, {{"c", "3"}}), commit_status::done);
}

TYPED_TEST(storage_contract, a_scan_whose_visitor_throws_leaves_the_store_usable) {
  auto& store = this->store();
  ASSERT_EQ(write(store, {{"a", "1"}}), commit_status::done);
  EXPECT_THROW(store.state().scan(
                   "a", "b", scan_order::ascending,
                   [](std::string_view, std::string_view) -> bool { throw std::runtime_error("visitor"); }),
               std::runtime_error);
  EXPECT_EQ(write(store, {{"c", "3"}}), commit_status::done);
}

TYPED_TEST(storage_contract, row_keys_have_1_to_480_bytes) {
  auto& store = this->store();
  EXPECT_THROW(write(store, {{"", "1"}}), std::invalid_argument);
  EXPECT_THROW(write(store, {{"a", "1"}, {std::string(481, 'k'), "1"}}), std::invalid_argument);
  EXPECT_EQ(store.state().get("a"), std::nullopt);
  const std::string longest(480, 'k');
  ASSERT_EQ(write(store, {{longest, std::string(5000, 'v')}}), commit_status::done);
  EXPECT_TRUE(store.state().get(longest) == std::string(5000, 'v'));
}

TYPED_TEST(storage_contract, keys_are_ordered_as_unsigned_bytes) {
  auto& store = this->store();
  const std::string high("\xff\x00", 2);
  const std::string zero("\x00", 1);
  ASSERT_EQ(write(store, {{high, "3"}, {"a", "2"}, {zero, "1"}}), commit_status::done);
  EXPECT_THAT(scanned(store, "", "\xff\xff"), ElementsAre(Pair(zero, "1"), Pair("a", "2"), Pair(high, "3")));
}

TYPED_TEST(storage_contract, usage_grows_with_what_is_stored) {
  auto& store = this->store();
  const auto before = store.usage();
  ASSERT_EQ(append(store, {entry(0, 1, 1, std::string(100000, 'x'))}), commit_status::done);
  ASSERT_EQ(write(store, {{"a", std::string(200000, 'x')}}), commit_status::done);
  const auto after = store.usage();
  EXPECT_GE(after.journal_bytes, before.journal_bytes + 100000);
  EXPECT_GE(after.state_bytes, before.state_bytes + 200000);
  EXPECT_GT(after.journal_bytes_max, after.journal_bytes);
  EXPECT_GT(after.state_bytes_max, after.state_bytes);
  EXPECT_GT(after.disk_free_bytes, 0u);
  EXPECT_FALSE(after.nearly_full);
}

TYPED_TEST(storage_contract, usage_falls_with_what_is_forgotten) {
  auto& store = this->store();
  const std::string big(100000, 'x');
  ASSERT_EQ(
      append(store, {entry(0, 1, 1, "first"), entry(0, 2, 1, big), entry(0, 3, 1, big), entry(0, 4, 1, big)}),
      commit_status::done);
  ASSERT_EQ(write(store, {{"a", big}, {"b", big}}), commit_status::done);
  const auto before = store.usage();
  ASSERT_EQ(store.log().trim(0, 3, 100), commit_status::done);
  ASSERT_EQ(store.log().cut(0, 3), commit_status::done);
  ASSERT_EQ(write(store, {{"a", "small"}, {"b", std::nullopt}}), commit_status::done);
  const auto after = store.usage();
  EXPECT_LE(after.journal_bytes, before.journal_bytes - 200000);
  EXPECT_LE(after.state_bytes, before.state_bytes - 190000);
}

}  // namespace
}  // namespace souk::persistence
