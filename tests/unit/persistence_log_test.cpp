// The commit log, and the journal behind it after a crash.

#include "persistence/commit_log.hpp"
#include "persistence/data_folder.hpp"
#include "persistence/logged_journal.hpp"
#include "persistence/sequence.hpp"
#include "tests/unit/persistence_fixtures.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace souk::persistence {
namespace {

namespace fs = std::filesystem;

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

void put_content(const fs::path& file, const std::string& content) {
  std::ofstream(file, std::ios::binary) << content;
}

using contents = std::vector<std::string>;

/// A log of its own, opened anew as often as wanted.
class commit_log_file : public ::testing::Test {
 protected:
  commit_log_file() { commit_log(file(), commit_log::access::make); }
  fs::path file() const { return folder_.path() / "log"; }

  /// Appends contents under a generation to what is there of it.
  void append(std::uint64_t generation, const contents& appended) const {
    commit_log log(file(), commit_log::access::write);
    log.load();
    log.open(generation);
    for (const std::string& content : appended) {
      std::string batch = commit_log::begin_batch() + content;
      ASSERT_EQ(log.append(batch), commit_status::done);
    }
  }
  std::vector<std::string> found(std::uint64_t generation,
                                 commit_log::access access = commit_log::access::read) const {
    commit_log log(file(), access);
    log.load();
    return log.open(generation);
  }

 private:
  temporary_folder folder_;
};

TEST_F(commit_log_file, what_was_appended_is_found_in_order) {
  EXPECT_THAT(found(7), IsEmpty());
  append(7, {"first", std::string(10000, 's'), ""});
  append(7, {"fourth"});
  EXPECT_THAT(found(7), ElementsAre("first", std::string(10000, 's'), "", "fourth"));
}

TEST_F(commit_log_file, what_an_earlier_generation_left_counts_for_nothing) {
  append(1, {"a", "b", "c"});
  append(2, {"x"});
  EXPECT_THAT(found(2), ElementsAre("x"));
  EXPECT_THAT(found(3), IsEmpty());
  // An environment that asks for an earlier one is older than the log, and lacks what was settled since.
  EXPECT_THAT(error_of([&] { found(1); }), HasSubstr("batch 0 of generation 1, at byte 0, does not hold"));
}

TEST_F(commit_log_file, it_begins_anew_under_the_next_generation) {
  commit_log log(file(), commit_log::access::write);
  log.load();
  log.open(4);
  std::string batch = commit_log::begin_batch() + "before";
  ASSERT_EQ(log.append(batch), commit_status::done);
  EXPECT_FALSE(log.is_empty());
  log.rewind();
  EXPECT_TRUE(log.is_empty());
  EXPECT_EQ(log.generation(), 5u);
  batch = commit_log::begin_batch() + "after";
  ASSERT_EQ(log.append(batch), commit_status::done);
  EXPECT_THAT(found(5), ElementsAre("after"));
}

TEST_F(commit_log_file, of_a_batch_that_was_cut_short_nothing_is_there) {
  append(1, {"whole"});
  const std::string before = content_of(file());
  constexpr std::size_t bytes = 9000;
  append(1, {std::string(bytes, 'x')});
  const std::string after = content_of(file());
  constexpr std::size_t sector = 512;
  for (std::size_t written = 0; written < bytes; written += sector) {
    // What a write leaves that ends in its midst: its beginning, and its end as if written first.
    const std::size_t at = commit_log::block_bytes + written;
    put_content(file(), after.substr(0, at) + before.substr(at));
    EXPECT_TRUE(found(1) == contents{"whole"}) << written;
    put_content(file(), before.substr(0, at + sector) + after.substr(at + sector));
    EXPECT_TRUE(found(1) == contents{"whole"}) << written;
  }
  append(1, {"in its place"});
  EXPECT_THAT(found(1), ElementsAre("whole", "in its place"));
}

TEST_F(commit_log_file, a_batch_that_does_not_hold_before_one_that_does_is_damage) {
  append(3, {"first", "second", "third"});
  std::string content = content_of(file());
  content[commit_log::block_bytes + commit_log::header_bytes] ^= 4;
  put_content(file(), content);
  EXPECT_EQ(
      error_of([&] { found(3); }),
      file().string() + ": batch 1 of generation 3, at byte 4096, does not hold, but batch 2 behind it does");
  // Whoever reads along may see the later of two writes only.
  EXPECT_THAT(found(3, commit_log::access::read_along), ElementsAre("first"));
}

TEST_F(commit_log_file, a_lost_log_is_not_made_anew_and_a_short_one_is_damage) {
  fs::resize_file(file(), 5000);
  EXPECT_EQ(error_of([&] { found(1); }), file().string() + ": it has 5000 bytes, expected 4194304");
  fs::remove(file());
  EXPECT_THAT(error_of([&] { commit_log(file(), commit_log::access::write); }), HasSubstr("log: missing"));
  EXPECT_FALSE(fs::exists(file()));
}

TEST_F(commit_log_file, it_ends_where_the_file_ends) {
  commit_log log(file(), commit_log::access::write);
  log.load();
  log.open(1);
  const std::size_t longest = commit_log::file_bytes - commit_log::header_bytes;
  EXPECT_TRUE(log.has_room(commit_log::file_bytes));
  EXPECT_FALSE(log.has_room(commit_log::file_bytes + 1));
  std::string batch = commit_log::begin_batch() + std::string(longest, 'l');
  ASSERT_EQ(log.append(batch), commit_status::done);
  EXPECT_FALSE(log.has_room(1));
  EXPECT_THROW(log.append(batch), std::logic_error);
  EXPECT_TRUE(found(1) == contents{std::string(longest, 'l')});
}

/// A folder, and what another process would find of it if this one ended now.
class crashed_folder : public ::testing::Test {
 protected:
  fs::path path() const { return folder_.path() / "data"; }
  fs::path image() const { return folder_.path() / "image"; }
  static fs::path log_of(const fs::path& folder) { return folder / "journal" / "log"; }

  std::unique_ptr<lmdb_storage> open() const { return open_lmdb(options_for(path())); }
  /// The folder as it is, open.
  std::unique_ptr<lmdb_storage> open_image() const {
    crash();
    return open_lmdb(options_for(image()));
  }
  void crash() const {
    fs::remove_all(image());
    copy_as_after_a_crash(path(), image());
  }

 private:
  temporary_folder folder_;
};

TEST_F(crashed_folder, what_was_appended_is_there) {
  const auto store = open();
  append_range(*store, 1, 1, 5, 2);
  append_range(*store, 3, 1, 2);
  const auto found = open_image();
  EXPECT_THAT(indexes(*found, 1), ElementsAre(1, 2, 3, 4, 5));
  EXPECT_THAT(indexes(*found, 1, 4), ElementsAre(4, 5));
  EXPECT_EQ(records(*found, 1, 5).front().payload, std::string_view("record 5 of 1"));
  EXPECT_EQ(records(*found, 1, 5).front().epoch, 2u);
  EXPECT_EQ(found->log().bounds(1).last_epoch, 2u);
  EXPECT_THAT(indexes(*found, 3), ElementsAre(1, 2));
  append_range(*found, 1, 6, 6, 2);
  EXPECT_THAT(indexes(*found, 1, 5), ElementsAre(5, 6));
}

TEST_F(crashed_folder, a_second_crash_loses_nothing_either) {
  const auto store = open();
  append_range(*store, 1, 1, 2);
  crash();
  fs::rename(image(), path().parent_path() / "once");
  const auto once = open_lmdb(options_for(path().parent_path() / "once"));
  append_range(*once, 1, 3, 3);
  copy_as_after_a_crash(path().parent_path() / "once", path().parent_path() / "twice");
  const auto twice = open_lmdb(options_for(path().parent_path() / "twice"));
  EXPECT_THAT(indexes(*twice, 1), ElementsAre(1, 2, 3));
}

TEST_F(crashed_folder, verifies_and_can_be_read_by_another) {
  const auto store = open();
  append_range(*store, 1, 1, 5);
  ASSERT_EQ(store->log().trim(1, 4, 10), commit_status::done);
  append_range(*store, 1, 6, 7);
  append_range(*store, 2, 1, 1);
  crash();
  const verify_report report = verify_folder(image());
  EXPECT_EQ(report.first_damage, "");
  EXPECT_EQ(report.records, 5u);
  EXPECT_EQ(report.shards, 2);
  const auto frozen = freeze_folder(image());
  std::vector<std::uint64_t> found;
  frozen->freeze_log().read(1, 1, [&](const journal_entry& entry) {
    found.push_back(entry.index);
    return true;
  });
  EXPECT_THAT(found, ElementsAre(4, 5, 6, 7));
}

TEST_F(crashed_folder, little_waits) {
  const auto store = open();
  const std::string payload(10000, 'x');
  constexpr std::uint64_t count = 350;
  for (std::uint64_t index = 1; index <= count; ++index) {
    ASSERT_EQ(append(*store, {entry(0, index, 1, payload)}), commit_status::done);
  }
  EXPECT_EQ(indexes(*store, 0).size(), count);
  EXPECT_THAT(indexes(*store, 0, count - 1), ElementsAre(count - 1, count));
  EXPECT_EQ(indexes(*open_image(), 0).size(), count);
  // Without the log: what had been moved on by then.
  crash();
  put_content(log_of(image()), std::string(commit_log::file_bytes, '\0'));
  const auto settled = open_lmdb(options_for(image()))->log().bounds(0).last;
  EXPECT_GT(settled, count - 2 * logged_journal::waiting_bytes_max / payload.size());
  EXPECT_LT(settled, count);
}

TEST_F(crashed_folder, what_was_cut_does_not_come_back) {
  const auto store = open();
  append_range(*store, 1, 1, 9, 1);
  ASSERT_EQ(store->log().cut(1, 4), commit_status::done);
  EXPECT_THAT(indexes(*open_image(), 1), ElementsAre(1, 2, 3, 4));
  ASSERT_EQ(append(*store, {entry(1, 5, 2, "another history")}), commit_status::done);
  const auto found = open_image();
  EXPECT_THAT(indexes(*found, 1), ElementsAre(1, 2, 3, 4, 5));
  EXPECT_EQ(records(*found, 1, 5).front().payload, std::string_view("another history"));
}

TEST_F(crashed_folder, a_shard_that_began_anew_stays_so) {
  const auto store = open();
  append_range(*store, 1, 1, 9, 1);
  ASSERT_EQ(store->log().restart(1, 100, 3), commit_status::done);
  append_range(*store, 1, 101, 102, 3);
  const auto found = open_image();
  EXPECT_THAT(indexes(*found, 1), ElementsAre(101, 102));
  EXPECT_EQ(found->log().bounds(1).first, 101u);
}

TEST_F(crashed_folder, what_waits_can_be_trimmed) {
  const auto store = open();
  append_range(*store, 1, 1, 9);
  ASSERT_EQ(store->log().trim(1, 8, 100), commit_status::done);
  EXPECT_THAT(indexes(*store, 1), ElementsAre(8, 9));
  EXPECT_THAT(indexes(*open_image(), 1), ElementsAre(8, 9));
}

TEST_F(crashed_folder, damage_in_the_log_stops_the_opening) {
  const auto store = open();
  append_range(*store, 1, 1, 3);
  crash();
  std::string content = content_of(log_of(image()));
  content[commit_log::header_bytes + 3] ^= 1;
  put_content(log_of(image()), content);
  EXPECT_EQ(error_of([&] { open_lmdb(options_for(image())); }),
            log_of(image()).string() +
                ": batch 0 of generation 0, at byte 0, does not hold, but batch 1 behind it does");
  EXPECT_THAT(verify_folder(image()).first_damage, HasSubstr("batch 0 of generation 0"));
}

TEST_F(crashed_folder, the_log_of_another_moment_is_damage_or_counts_for_nothing) {
  const auto store = open();
  append_range(*store, 1, 1, 3);
  const std::string early = content_of(log_of(path()));
  append_range(*store, 1, 4, 6);
  ASSERT_EQ(store->log().cut(1, 5), commit_status::done);
  crash();
  put_content(log_of(image()), early);
  EXPECT_THAT(indexes(*open_lmdb(options_for(image())), 1), ElementsAre(1, 2, 3, 4, 5));
}

TEST_F(crashed_folder, one_that_was_closed_in_order_can_be_opened_without_its_log) {
  {
    const auto store = open();
    append_range(*store, 1, 1, 3);
    EXPECT_EQ(read_identity(path()).format_version, 2u);
  }
  EXPECT_EQ(read_identity(path()).format_version, 1u);
  fs::remove(log_of(path()));
  EXPECT_EQ(verify_folder(path()).first_damage, "");
  EXPECT_EQ(verify_folder(path()).records, 3u);
  const auto store = open();
  append_range(*store, 1, 4, 4);
  EXPECT_THAT(indexes(*open_image(), 1), ElementsAre(1, 2, 3, 4));
}

TEST_F(crashed_folder, what_was_written_without_the_log_meanwhile_stays) {
  {
    const auto store = open();
    append_range(*store, 1, 1, 3);
  }
  {
    lmdb_environment environment({path() / "journal", 4ULL << 20, 4ULL << 20, shard_count_max});
    lmdb_journal of_an_older_version(environment, 4);
    of_an_older_version.open_tails();
    const std::vector<journal_entry> more{entry(1, 4, 1, "four"), entry(1, 5, 1, "five")};
    ASSERT_EQ(of_an_older_version.append(more), commit_status::done);
  }
  const auto store = open();
  EXPECT_THAT(indexes(*store, 1), ElementsAre(1, 2, 3, 4, 5));
  append_range(*store, 1, 6, 6);
  EXPECT_THAT(indexes(*open_image(), 1), ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST_F(crashed_folder, a_log_that_is_gone_is_not_made_anew) {
  const auto store = open();
  append_range(*store, 1, 1, 3);
  crash();
  fs::remove(log_of(image()));
  EXPECT_THAT(error_of([&] { open_lmdb(options_for(image())); }),
              HasSubstr("journal/log: missing; restore the folder from a backup"));
  EXPECT_THAT(verify_folder(image()).first_damage, HasSubstr("journal/log: missing"));
}

TEST_F(crashed_folder, a_batch_for_which_the_file_system_has_no_place_is_refused) {
  const auto store = open();
  append_range(*store, 1, 1, 1);
  {
    const file_size_limit limit(commit_log::block_bytes);
    EXPECT_EQ(append(*store, {entry(1, 2, 1, std::string(10, 'x'))}), commit_status::storage_full);
  }
  EXPECT_THAT(indexes(*store, 1), ElementsAre(1));
  EXPECT_THAT(indexes(*open_image(), 1), ElementsAre(1));
  append_range(*store, 1, 2, 3);
  EXPECT_THAT(indexes(*open_image(), 1), ElementsAre(1, 2, 3));
}

TEST_F(crashed_folder, after_a_batch_that_was_written_in_part_nothing_is_written_any_more) {
  const auto store = open();
  append_range(*store, 1, 1, 1);
  {
    const file_size_limit limit(commit_log::block_bytes + 20);
    EXPECT_THROW(append(*store, {entry(1, 2, 1, std::string(10, 'x'))}), std::system_error);
  }
  EXPECT_THAT(error_of([&] { append_range(*store, 1, 2, 2); }), HasSubstr("the process has to end"));
  EXPECT_THAT(indexes(*open_image(), 1), ElementsAre(1));
}

TEST_F(crashed_folder, of_a_full_journal_nothing_is_lost) {
  lmdb_options options = options_for(path());
  options.map_bytes_initial = 64ULL << 10;
  options.journal_bytes_max = 2ULL << 20;
  const auto store = open_lmdb(options);
  std::uint64_t last = 0;
  while (append(*store, {entry(0, last + 1, 1, std::string(1000, 'x'))}) == commit_status::done) {
    ASSERT_LT(++last, 3000u) << "never full";
  }
  EXPECT_GT(last, 1000u);
  EXPECT_EQ(indexes(*store, 0).size(), last);
  crash();
  options.folder = image();
  EXPECT_EQ(indexes(*open_lmdb(options), 0).size(), last);
  ASSERT_EQ(store->log().trim(0, last + 1, last), commit_status::done);
  EXPECT_EQ(append(*store, {entry(0, last + 1, 1, "room again")}), commit_status::done);
}

}  // namespace
}  // namespace souk::persistence
