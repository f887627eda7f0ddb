// What only the storage on disk can show: reopening, damage, growth, a full disk, the folder itself.

#include "persistence/byte_order.hpp"
#include "persistence/checksum.hpp"
#include "persistence/commit_log.hpp"
#include "tests/unit/persistence_fixtures.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <lmdb.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <fstream>
#include <functional>
#include <iterator>
#include <thread>

namespace souk::persistence {
namespace {

namespace fs = std::filesystem;

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;

/// Flips a bit of every place in the file where `text` stands; returns how many there were.
int flip_in_file(const fs::path& file, const std::string& text) {
  std::string content = content_of(file);
  int found = 0;
  for (std::size_t at = content.find(text); at != std::string::npos; at = content.find(text, at + 1)) {
    content[at] = static_cast<char>(content[at] ^ 4);
    ++found;
  }
  std::ofstream(file, std::ios::binary) << content;
  return found;
}

/// Changes shard 1 of a closed folder's journal behind the storage's back.
void tamper(const fs::path& folder, const std::function<void(MDB_txn*, MDB_dbi)>& change) {
  MDB_env* env = nullptr;
  MDB_txn* txn = nullptr;
  MDB_dbi database = 0;
  ASSERT_EQ(mdb_env_create(&env), 0);
  ASSERT_EQ(mdb_env_set_maxdbs(env, 1), 0);
  ASSERT_EQ(mdb_env_open(env, (folder / "journal").c_str(), 0, 0600), 0);
  ASSERT_EQ(mdb_txn_begin(env, nullptr, 0, &txn), 0);
  ASSERT_EQ(mdb_dbi_open(txn, "0001", 0, &database), 0);
  change(txn, database);
  ASSERT_EQ(mdb_txn_commit(txn), 0);
  mdb_env_close(env);
}

std::string record_key(std::uint64_t index, std::uint16_t part = 0) {
  std::string key(10, '\0');
  store_big_endian(key.data(), index);
  store_big_endian(key.data() + 8, part);
  return key;
}

void remove_row(const fs::path& folder, std::string key) {
  tamper(folder, [&](MDB_txn* txn, MDB_dbi database) {
    MDB_val k{key.size(), key.data()};
    ASSERT_EQ(mdb_del(txn, database, &k, nullptr), 0);
  });
}

std::string take_row(const fs::path& folder, std::string key) {
  std::string row;
  tamper(folder, [&](MDB_txn* txn, MDB_dbi database) {
    MDB_val k{key.size(), key.data()};
    MDB_val v{};
    ASSERT_EQ(mdb_get(txn, database, &k, &v), 0);
    row.assign(static_cast<const char*>(v.mv_data), v.mv_size);
  });
  return row;
}

void put_row(const fs::path& folder, std::string key, std::string row) {
  tamper(folder, [&](MDB_txn* txn, MDB_dbi database) {
    MDB_val k{key.size(), key.data()};
    MDB_val v{row.size(), row.data()};
    ASSERT_EQ(mdb_put(txn, database, &k, &v, 0), 0);
  });
}

/// A closed folder with ten records in shard 1 and a row.
class lmdb_folder : public ::testing::Test {
 protected:
  lmdb_folder() {
    const auto store = open();
    append_range(*store, 1, 1, 10, 3);
    write(*store, {{"row", "the value of a row"}});
  }
  std::unique_ptr<lmdb_storage> open() const { return open_lmdb(options_for(path())); }
  fs::path path() const { return folder_.path() / "data"; }
  std::string journal_file() const { return (path() / "journal" / "data.mdb").string(); }
  std::string state_file() const { return (path() / "state" / "data.mdb").string(); }

 private:
  temporary_folder folder_;
};

TEST(checksum, crc32c_is_castagnolis) {
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(crc32c("456789", crc32c("123")), 0xe3069283u);
  EXPECT_EQ(hex(crc32c("123456789")), "e3069283");
}

TEST_F(lmdb_folder, a_reopened_store_goes_on_where_it_ended) {
  {
    const auto store = open();
    ASSERT_EQ(store->log().trim(1, 8, 10), commit_status::done);
    append_range(*store, 2, 1, 2, 4);
    ASSERT_EQ(store->log().trim(2, 3, 10), commit_status::done);
    ASSERT_EQ(write(*store, {{"a", std::string(9000, 'v')}}), commit_status::done);
  }
  const auto store = open();
  EXPECT_THAT(indexes(*store, 1), ElementsAre(8, 9, 10));
  EXPECT_EQ(store->log().bounds(1).last_epoch, 3u);
  EXPECT_EQ(store->log().bounds(2).first, 3u);
  EXPECT_EQ(store->log().bounds(2).last, 2u);
  EXPECT_EQ(store->log().bounds(2).last_epoch, 4u);
  EXPECT_TRUE(store->state().get("a") == std::string(9000, 'v'));
  append_range(*store, 1, 11, 11, 3);
  append_range(*store, 2, 3, 3, 4);
  EXPECT_THAT(indexes(*store, 1, 10), ElementsAre(10, 11));
  EXPECT_THAT(indexes(*store, 2), ElementsAre(3));
}

TEST_F(lmdb_folder, its_identity_stays) {
  const storage_identity first = open()->identity();
  EXPECT_EQ(first.disk_id, "72727272727272727272727272727272");
  EXPECT_EQ(first.cluster_secret, std::string(32, 'r'));
  EXPECT_EQ(first.shard_count, 4);
  lmdb_options options = options_for(path());
  options.shard_count = 9;
  options.random_bytes = [](std::size_t count) { return std::string(count, 'x'); };
  const storage_identity second = open_lmdb(options)->identity();
  EXPECT_EQ(second.disk_id, first.disk_id);
  EXPECT_EQ(second.cluster_id, first.cluster_id);
  EXPECT_EQ(second.cluster_secret, first.cluster_secret);
  EXPECT_EQ(second.shard_count, 4);
  EXPECT_EQ(second.format_version, 2u);
}

TEST_F(lmdb_folder, only_its_owner_may_read_it) {
  const auto mode = [](const fs::path& path) {
    struct ::stat found{};
    EXPECT_EQ(::stat(path.c_str(), &found), 0);
    return found.st_mode & 0777;
  };
  EXPECT_EQ(mode(path()), 0700u);
  EXPECT_EQ(mode(path() / "journal"), 0700u);
  EXPECT_EQ(mode(path() / "identity"), 0600u);
  EXPECT_EQ(mode(journal_file()), 0600u);
}

TEST_F(lmdb_folder, a_second_opener_is_refused_with_the_first_ones_pid) {
  auto store = open();
  const std::string refusal = path().string() + ": in use by process " + std::to_string(::getpid());
  EXPECT_EQ(error_of([&] { open(); }), refusal);
  EXPECT_EQ(error_of([&] { verify_folder(path()); }), refusal);
  store.reset();
  EXPECT_NE(open(), nullptr);
}

TEST_F(lmdb_folder, a_folder_of_a_newer_format_is_refused) {
  std::ofstream(path() / "identity") << "format_version: 3\nwhat_is_new: \"yes\"\n";
  EXPECT_EQ(error_of([&] { open(); }),
            path().string() + ": its format is 3, this program knows formats up to 2: start a newer version");
}

TEST_F(lmdb_folder, a_damaged_identity_is_refused) {
  ASSERT_EQ(flip_in_file(path() / "identity", "cluster_secret: \"7"), 1);
  EXPECT_THAT(error_of([&] { open(); }), HasSubstr("identity: damaged"));
  std::ofstream(path() / "identity") << "cluster_se";
  EXPECT_THAT(error_of([&] { open(); }), HasSubstr("identity: damaged"));
}

TEST_F(lmdb_folder, a_changed_secret_is_damage) {
  ASSERT_EQ(flip_in_file(path() / "identity", "7272\"\nshard_count"), 1);
  EXPECT_THAT(error_of([&] { open(); }), HasSubstr("identity: damaged"));
}

TEST_F(lmdb_folder, a_lost_environment_is_not_made_anew) {
  fs::remove_all(path() / "state");
  EXPECT_THAT(error_of([&] { open(); }), HasSubstr("state: missing"));
  EXPECT_FALSE(fs::exists(path() / "state"));
}

TEST_F(lmdb_folder, the_environment_of_another_folder_is_refused) {
  const temporary_folder other;
  lmdb_options options = options_for(other.path());
  options.random_bytes = [](std::size_t count) { return std::string(count, 'x'); };
  open_lmdb(options).reset();
  fs::copy_file(other.path() / "state" / "data.mdb", state_file(), fs::copy_options::overwrite_existing);
  EXPECT_THAT(error_of([&] { open(); }), HasSubstr("belongs to the data folder with disk id '78787878"));
}

TEST(lmdb_storage, a_folder_with_other_things_in_it_is_refused_and_left_alone) {
  const temporary_folder folder;
  std::ofstream(folder.path() / "letters") << "dear";
  EXPECT_THAT(error_of([&] { open_lmdb(options_for(folder.path())); }),
              HasSubstr("not a data folder of Souk: it has no file 'identity' but 'letters'"));
  EXPECT_THAT(error_of([&] { verify_folder(folder.path()); }), HasSubstr("not a data folder"));
  EXPECT_FALSE(fs::exists(folder.path() / "journal"));
}

TEST(lmdb_storage, a_creation_that_was_interrupted_starts_again) {
  const temporary_folder folder;
  fs::create_directory(folder.path() / "journal");
  std::ofstream(folder.path() / "journal" / "data.mdb") << "half a page";
  std::ofstream(folder.path() / "identity.new") << "format_ver";
  const auto store = open_lmdb(options_for(folder.path()));
  append_range(*store, 0, 1, 1);
  EXPECT_FALSE(fs::exists(folder.path() / "identity.new"));
}

TEST(lmdb_storage, nonsense_options_are_refused) {
  const temporary_folder folder;
  lmdb_options options = options_for(folder.path());
  options.shard_count = 1025;
  EXPECT_THROW(open_lmdb(options), std::invalid_argument);
  options.shard_count = 0;
  EXPECT_THROW(open_lmdb(options), std::invalid_argument);
  options = options_for(folder.path());
  options.journal_bytes_max = 1000;
  EXPECT_THROW(open_lmdb(options), std::invalid_argument);
}

TEST_F(lmdb_folder, a_flipped_bit_in_a_record_is_found_with_its_place) {
  ASSERT_GE(flip_in_file(journal_file(), "record 4 of 1"), 1);
  const auto store = open();
  std::vector<std::uint64_t> seen;
  const std::string found = error_of([&] {
    store->log().read(1, 1, [&](const journal_entry& entry) {
      seen.push_back(entry.index);
      return true;
    });
  });
  EXPECT_THAT(found, MatchesRegex(".*/journal/data.mdb: shard 1, record 4: its content has the checksum "
                                  "[0-9a-f]+, expected [0-9a-f]+"));
  EXPECT_THAT(seen, ElementsAre(1, 2, 3));
  EXPECT_THROW(indexes(*store, 1, 5), damage);
  EXPECT_THAT(indexes(*store, 1, 6), ElementsAre(6, 7, 8, 9, 10));
}

TEST_F(lmdb_folder, damage_of_the_last_record_stops_the_opening) {
  ASSERT_GE(flip_in_file(journal_file(), "record 10 of 1"), 1);
  EXPECT_THAT(error_of([&] { open(); }), HasSubstr("shard 1, record 10: its content has the checksum"));
}

TEST_F(lmdb_folder, a_record_that_is_gone_is_found) {
  remove_row(path(), record_key(6));
  const auto store = open();
  EXPECT_THAT(error_of([&] { indexes(*store, 1); }),
              HasSubstr("shard 1, record 6: it is missing, though later ones are there"));
  EXPECT_THAT(error_of([&] { indexes(*store, 1, 7); }), HasSubstr("record 6: it is missing"));
}

TEST_F(lmdb_folder, a_first_record_that_is_gone_is_found) {
  remove_row(path(), record_key(1));
  EXPECT_THAT(error_of([&] { indexes(*open(), 1); }), HasSubstr("record 1: it is missing"));
}

TEST_F(lmdb_folder, a_record_under_anothers_key_is_found) {
  put_row(path(), record_key(5), take_row(path(), record_key(4)));
  EXPECT_THAT(error_of([&] { indexes(*open(), 1); }),
              HasSubstr("shard 1, record 5: its content has the checksum"));
}

TEST_F(lmdb_folder, an_older_record_in_place_of_a_newer_one_is_found) {
  const std::string old = take_row(path(), record_key(9));
  {
    const auto store = open();
    ASSERT_EQ(store->log().cut(1, 8), commit_status::done);
    ASSERT_EQ(append(*store, {entry(1, 9, 3, "another"), entry(1, 10, 3, "history")}), commit_status::done);
  }
  put_row(path(), record_key(9), old);
  EXPECT_THAT(
      error_of([&] { indexes(*open(), 1); }),
      MatchesRegex(".*shard 1, record 10: it follows a record with the hash [0-9a-f]{16}, but the hash of "
                   "record 9 is [0-9a-f]{16}"));
}

TEST_F(lmdb_folder, a_lost_part_of_a_long_record_is_found) {
  {
    const auto store = open();
    ASSERT_EQ(append(*store, {entry(1, 11, 3, std::string(4000, 'l')), entry(1, 12, 3, "end")}),
              commit_status::done);
  }
  remove_row(path(), record_key(11, 1));
  EXPECT_THAT(error_of([&] { indexes(*open(), 1); }),
              HasSubstr("shard 1, record 11: part 2 of 3 is missing"));
}

TEST_F(lmdb_folder, a_damaged_trim_mark_is_found) {
  ASSERT_EQ(open()->log().trim(1, 5, 100), commit_status::done);
  std::string mark = take_row(path(), record_key(0));
  mark[7] = 3;
  put_row(path(), record_key(0), mark);
  EXPECT_THAT(error_of([&] { open(); }), HasSubstr("shard 1, trim mark: its content has the checksum"));
}

TEST_F(lmdb_folder, a_flipped_bit_in_a_row_is_found_with_its_place) {
  ASSERT_GE(flip_in_file(state_file(), "the value of a row"), 1);
  const auto store = open();
  const std::string message =
      ".*/state/data.mdb: row 726f77: its content has the checksum [0-9a-f]+, expected .*";
  EXPECT_THAT(error_of([&] { store->state().get("row"); }), MatchesRegex(message));
  EXPECT_THAT(error_of([&] { scanned(*store, "", "z"); }), MatchesRegex(message));
}

TEST_F(lmdb_folder, a_whole_folder_verifies) {
  {
    const auto store = open();
    append_range(*store, 3, 1, 5);
    ASSERT_EQ(append(*store, {entry(3, 6, 1, std::string(10000, 'x'))}), commit_status::done);
    ASSERT_EQ(store->log().trim(3, 4, 100), commit_status::done);
    append_range(*store, 0, 1, 2);
    ASSERT_EQ(store->log().trim(0, 3, 100), commit_status::done);
  }
  const verify_report report = verify_folder(path());
  EXPECT_EQ(report.first_damage, "");
  EXPECT_EQ(report.records, 13u);
  EXPECT_EQ(report.shards, 2);
  EXPECT_EQ(report.bytes, 9 * std::string("record 1 of 1").size() + std::string("record 10 of 1").size() +
                              2 * std::string("record 4 of 3").size() + 10000);
}

TEST_F(lmdb_folder, a_check_names_the_first_damage) {
  ASSERT_GE(flip_in_file(journal_file(), "record 10 of 1"), 1);
  const verify_report report = verify_folder(path());
  EXPECT_THAT(report.first_damage, HasSubstr(journal_file() + ": shard 1, record 10: its content has"));
  std::ofstream(journal_file(), std::ios::trunc) << "nothing like it";
  EXPECT_THAT(verify_folder(path()).first_damage, HasSubstr(journal_file()));
}

/// A store whose maps cannot grow beyond 1 MiB.
lmdb_options tiny_options(const fs::path& folder) {
  lmdb_options options = options_for(folder);
  options.map_bytes_initial = 64ULL << 10;
  options.journal_bytes_max = 1ULL << 20;
  options.state_bytes_max = 1ULL << 20;
  return options;
}

std::uint64_t append_until_full(storage& store, shard_id shard) {
  std::uint64_t index = store.log().bounds(shard).last;
  const std::string payload(1000, 'x');
  // Some at a time, for speed; at the end one by one, to the brim.
  for (const std::uint64_t batch : {16, 1}) {
    std::vector<journal_entry> entries;
    do {
      entries.clear();
      for (std::uint64_t i = 1; i <= batch; ++i) {
        entries.push_back(entry(shard, index + i, 1, payload));
      }
      index += batch;
    } while (append(store, entries) == commit_status::done);
    index -= batch;
  }
  return index;
}

TEST(lmdb_storage, a_full_journal_refuses_is_intact_and_can_be_trimmed) {
  const temporary_folder folder;
  std::uint64_t last = 0;
  {
    const auto store = open_lmdb(tiny_options(folder.path()));
    last = append_until_full(*store, 1);
    EXPECT_GT(last, 500u);
    EXPECT_LE(fs::file_size(folder.path() / "journal" / "data.mdb"), 1U << 20);
    EXPECT_TRUE(store->usage().nearly_full);
    EXPECT_EQ(store->log().bounds(1).last, last);
    EXPECT_EQ(indexes(*store, 1).size(), last);
    EXPECT_EQ(append(*store, {entry(2, 1, 1, std::string(3000, 'y'))}), commit_status::storage_full);
  }
  EXPECT_EQ(verify_folder(folder.path()).first_damage, "");
  const auto store = open_lmdb(tiny_options(folder.path()));
  EXPECT_EQ(store->log().bounds(1).last, last);
  while (store->log().bounds(1).first <= last) {
    ASSERT_EQ(store->log().trim(1, last + 1, last), commit_status::done);
  }
  EXPECT_FALSE(store->usage().nearly_full);
  EXPECT_GT(append_until_full(*store, 1), last + 500);
}

TEST(lmdb_storage, a_full_state_refuses_is_intact_and_rows_can_be_removed) {
  const temporary_folder folder;
  const auto store = open_lmdb(tiny_options(folder.path()));
  int count = 0;
  const std::string value(1000, 'x');
  while (write(*store, {{"row " + std::to_string(count), value},
                        {"row " + std::to_string(count + 1), value}}) == commit_status::done) {
    count += 2;
  }
  EXPECT_GT(count, 500);
  EXPECT_EQ(scanned(*store, "", "z").size(), static_cast<std::size_t>(count));
  EXPECT_TRUE(store->usage().nearly_full);
  constexpr int batch = 2;
  for (int row = 0; row < count; row += batch) {
    std::vector<row_change> changes;
    for (int i = row; i < row + batch; ++i) {
      changes.push_back({"row " + std::to_string(i), std::nullopt});
    }
    ASSERT_EQ(write(*store, changes), commit_status::done) << row;
  }
  EXPECT_THAT(scanned(*store, "", "z"), IsEmpty());
  EXPECT_FALSE(store->usage().nearly_full);
}

TEST(lmdb_storage, a_batch_larger_than_the_map_is_refused_whole) {
  const temporary_folder folder;
  const auto store = open_lmdb(tiny_options(folder.path()));
  append_range(*store, 0, 1, 3);
  EXPECT_EQ(append(*store, {entry(0, 4, 1, "small"), entry(1, 1, 1, std::string(2 << 20, 'x'))}),
            commit_status::storage_full);
  EXPECT_THAT(indexes(*store, 0), ElementsAre(1, 2, 3));
  EXPECT_EQ(store->log().bounds(1).last, 0u);
  append_range(*store, 0, 4, 4);
}

/// A record that goes to the environment at once.
const std::string longer_than_the_log(commit_log::file_bytes, 'x');

TEST(lmdb_storage, a_file_system_without_room_refuses_before_anything_is_written) {
  const temporary_folder folder;
  lmdb_options options = options_for(folder.path());
  options.map_bytes_initial = 64ULL << 20;
  const auto store = open_lmdb(options);
  const auto file = folder.path() / "journal" / "data.mdb";
  append_range(*store, 0, 1, 1);
  const std::string big(1 << 20, 'x');
  std::uint64_t index = 1;
  {
    const file_size_limit limit(fs::file_size(file) + (2 << 20));
    while (append(*store, {entry(0, index + 1, 1, big)}) == commit_status::done) {
      ASSERT_LT(++index, 64u) << "never full";
    }
    EXPECT_EQ(indexes(*store, 0).size(), index);
    EXPECT_EQ(store->log().trim(0, 3, 100), commit_status::done);
  }
  EXPECT_EQ(append(*store, {entry(0, index + 1, 1, big)}), commit_status::done);
  EXPECT_EQ(store->log().bounds(0).last, index + 1);
}

TEST_F(lmdb_folder, a_commit_that_finds_the_disk_full_before_it_counts_is_refused) {
  const auto store = open();
  append_range(*store, 1, 11, 11, 3);
  {
    const file_size_limit limit(2 * 4096);  // LMDB's meta pages could still be written, but nothing else
    EXPECT_EQ(append(*store, {entry(1, 12, 3, longer_than_the_log)}), commit_status::storage_full);
    EXPECT_EQ(indexes(*store, 1).size(), 11u);
  }
  append_range(*store, 1, 12, 13, 3);
  EXPECT_EQ(indexes(*store, 1).size(), 13u);
}

TEST_F(lmdb_folder, after_any_other_failure_of_a_commit_nothing_is_written_any_more) {
  auto store = open();
  {
    const file_size_limit limit(100 << 10);  // in the midst of what is written: LMDB reports a short write
    EXPECT_THROW(append(*store, {entry(1, 11, 3, longer_than_the_log)}), std::system_error);
  }
  EXPECT_THAT(error_of([&] { append_range(*store, 1, 11, 11, 3); }), HasSubstr("the process has to end"));
  EXPECT_THAT(error_of([&] { store->log().trim(1, 5, 5); }), HasSubstr("the process has to end"));
  EXPECT_EQ(indexes(*store, 1).size(), 10u);
  store.reset();
  EXPECT_EQ(verify_folder(path()).records, 10u);
}

TEST(lmdb_storage, little_free_disk_is_nearly_full) {
  const temporary_folder folder;
  lmdb_options options = options_for(folder.path());
  EXPECT_FALSE(open_lmdb(options)->usage().nearly_full);
  options.disk_reserve_bytes = UINT64_MAX;
  EXPECT_TRUE(open_lmdb(options)->usage().nearly_full);
}

TEST(lmdb_storage, maps_grow_under_readers) {
  const temporary_folder folder;
  lmdb_options options = options_for(folder.path());
  options.map_bytes_initial = 64ULL << 10;
  const auto store = open_lmdb(options);
  std::atomic<bool> writing = true;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> readers;
  for (int reader = 0; reader < 3; ++reader) {
    readers.emplace_back([&] {
      while (writing) {
        const std::uint64_t durable = store->log().bounds(0).last;
        const auto found = indexes(*store, 0, durable > 50 ? durable - 50 : 1);
        wrong += durable > 0 && (found.empty() || found.back() < durable) ? 1 : 0;
        std::uint64_t rows = 0;
        store->state().scan("", "z", scan_order::ascending, [&](std::string_view key, std::string_view) {
          ++rows;
          wrong += rows % 16 == 0 && !store->state().get(key) ? 1 : 0;
          return true;
        });
        wrong += rows % 20 != 0 ? 1 : 0;
      }
    });
  }
  constexpr std::uint64_t batch = 20;
  for (std::uint64_t index = 1; index < 2000; index += batch) {
    std::vector<journal_entry> entries;
    std::vector<row_change> changes;
    for (std::uint64_t i = index; i < index + batch; ++i) {
      entries.push_back(entry(0, i, 1, std::string(1000, 'x')));
      changes.push_back({"row " + std::to_string(i), std::string(1000, 'y')});
    }
    EXPECT_EQ(append(*store, entries), commit_status::done);
    EXPECT_EQ(write(*store, changes), commit_status::done);
  }
  writing = false;
  for (std::thread& reader : readers) {
    reader.join();
  }
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(indexes(*store, 0).size(), 2000u);
}

}  // namespace
}  // namespace souk::persistence
