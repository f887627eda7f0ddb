#include "tests/unit/persistence_fixtures.hpp"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <utility>

namespace souk::persistence {
namespace {

/// The same operations, drawn from a seed, on LMDB and on the storage in memory: both must show the same at
/// every step.
class twin_run {
 public:
  explicit twin_run(std::uint64_t seed) : random_(seed) { reopen(); }

  void step() {
    switch (draw(0, 10)) {
      case 0:
        trim();
        break;
      case 10:
        crash();
        break;
      case 1:
        cut();
        break;
      case 2:
        reopen();
        break;
      case 3:
      case 4:
      case 5:
        change_rows();
        break;
      default:
        append_some();
        break;
    }
    compare();
  }

 private:
  std::uint64_t draw(std::uint64_t from, std::uint64_t to) {
    return std::uniform_int_distribution<std::uint64_t>(from, to)(random_);
  }
  shard_id some_shard() { return static_cast<shard_id>(draw(0, 3)); }
  std::string some_bytes() {
    const std::uint64_t bytes = draw(0, 9) == 0 ? draw(1000, 20000) : draw(0, 300);
    return std::string(bytes, static_cast<char>(draw(0, 255)));
  }

  void append_some() {
    std::vector<journal_entry> entries;
    std::map<shard_id, journal_bounds> ends;
    for (std::uint64_t count = draw(1, 12); count > 0; --count) {
      const shard_id shard = some_shard();
      journal_bounds& end = ends.try_emplace(shard, expected_->log().bounds(shard)).first->second;
      end.last += 1;
      end.last_epoch += draw(0, 7) == 0 ? 1 : 0;
      entries.push_back(entry(shard, end.last, end.last_epoch, some_bytes()));
    }
    ASSERT_EQ(append(*expected_, entries), commit_status::done);
    ASSERT_EQ(append(*actual_, entries), commit_status::done);
  }

  void trim() {
    const shard_id shard = some_shard();
    const journal_bounds bounds = expected_->log().bounds(shard);
    const std::uint64_t keep_from = draw(bounds.first, bounds.last + 2);
    const std::uint64_t records_max = draw(0, 20);
    ASSERT_EQ(expected_->log().trim(shard, keep_from, records_max), commit_status::done);
    ASSERT_EQ(actual_->log().trim(shard, keep_from, records_max), commit_status::done);
  }

  void cut() {
    const shard_id shard = some_shard();
    const journal_bounds bounds = expected_->log().bounds(shard);
    const std::uint64_t last = bounds.last - std::min(draw(0, 4), bounds.last + 1 - bounds.first);
    ASSERT_EQ(expected_->log().cut(shard, last), commit_status::done);
    ASSERT_EQ(actual_->log().cut(shard, last), commit_status::done);
  }

  void change_rows() {
    std::vector<row_change> changes;
    for (std::uint64_t count = draw(1, 8); count > 0; --count) {
      row_change change{"row " + std::to_string(draw(0, 60)), std::nullopt};
      if (draw(0, 2) > 0) {
        change.value = some_bytes();
      }
      changes.push_back(change);
    }
    ASSERT_EQ(write(*expected_, changes), commit_status::done);
    ASSERT_EQ(write(*actual_, changes), commit_status::done);
  }

  void crash() {
    auto image = std::make_unique<temporary_folder>();
    copy_as_after_a_crash(folder_->path(), image->path());
    actual_.reset();
    folder_ = std::move(image);
    reopen();
  }

  void reopen() {
    actual_.reset();
    lmdb_options options = options_for(folder_->path());
    options.map_bytes_initial = 64ULL << 10;
    actual_ = open_lmdb(options);
  }

  void compare() {
    for (shard_id shard = 0; shard < 4; ++shard) {
      const journal_bounds expected = expected_->log().bounds(shard);
      const journal_bounds actual = actual_->log().bounds(shard);
      ASSERT_EQ(actual.first, expected.first);
      ASSERT_EQ(actual.last, expected.last);
      ASSERT_EQ(actual.last_epoch, expected.last_epoch);
      const std::uint64_t from = draw(0, expected.last + 1);
      const auto expected_records = records(*expected_, shard, from);
      const auto actual_records = records(*actual_, shard, from);
      ASSERT_EQ(actual_records.size(), expected_records.size());
      for (std::size_t i = 0; i < actual_records.size(); ++i) {
        ASSERT_EQ(actual_records[i].index, expected_records[i].index);
        ASSERT_EQ(actual_records[i].epoch, expected_records[i].epoch);
        ASSERT_TRUE(actual_records[i].payload == expected_records[i].payload);
      }
    }
    const std::string from = "row " + std::to_string(draw(0, 60));
    const std::string to = "row " + std::to_string(draw(0, 60));
    for (const auto order : {scan_order::ascending, scan_order::descending}) {
      ASSERT_TRUE(scanned(*actual_, from, to, order) == scanned(*expected_, from, to, order));
    }
    ASSERT_TRUE(actual_->state().get(from) == expected_->state().get(from));
  }

  std::mt19937_64 random_;
  std::unique_ptr<temporary_folder> folder_ = std::make_unique<temporary_folder>();
  std::unique_ptr<memory_storage> expected_ = make_memory_storage();
  std::unique_ptr<lmdb_storage> actual_;
};

TEST(storage_property, disk_and_memory_agree_after_any_operations) {
  constexpr int steps = 150;
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    twin_run run(seed);
    for (int step = 0; step < steps && !testing::Test::HasFailure(); ++step) {
      run.step();
    }
  }
}

}  // namespace
}  // namespace souk::persistence
