#include "nodes/backup/backup.hpp"

#include "nodes/backup/backup_files.hpp"
#include "nodes/backup/cut.hpp"
#include "persistence/record.pb.h"
#include "runtime/shard/keys.hpp"
#include "runtime/shard/state.pb.h"
#include "tests/unit/persistence_fixtures.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <string>
#include <vector>

namespace souk::backup {
namespace {

namespace fs = std::filesystem;
namespace keys = runtime::keys;

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// -- the cut
// ----------------------------------------------------------------------------------------------

record_facts sends(std::uint64_t index, shard_id to, std::uint64_t number) {
  return {index, {{to, number}}, {}, {}};
}
record_facts receives(std::uint64_t index, shard_id from, std::uint64_t number) {
  return {index, {}, {{from, number}}, {}};
}
record_facts hears_of(std::uint64_t index, shard_id by, std::uint64_t upto) {
  return {index, {}, {}, {{by, upto}}};
}

TEST(backup_cut, keeps_everything_that_fits) {
  std::vector<copy_facts> copies(2);
  copies[0].records = {sends(1, 1, 1), sends(2, 1, 2)};
  copies[1].records = {receives(1, 0, 1)};
  EXPECT_THAT(consistent_cut(copies), ElementsAre(2, 1));
}

TEST(backup_cut, leaves_out_what_was_received_and_not_sent_and_what_followed_from_it) {
  std::vector<copy_facts> copies(3);
  copies[0].records = {sends(1, 1, 1)};
  copies[1].records = {receives(1, 0, 1), receives(2, 0, 2), sends(3, 2, 1)};
  copies[2].records = {receives(1, 1, 1)};
  EXPECT_THAT(consistent_cut(copies), ElementsAre(1, 1, 0));
}

TEST(backup_cut, leaves_out_that_something_arrived_which_did_not) {
  std::vector<copy_facts> copies(2);
  copies[0].records = {sends(1, 1, 1), hears_of(2, 1, 1)};
  EXPECT_THAT(consistent_cut(copies), ElementsAre(1, 0));
}

TEST(backup_cut, refuses_rows_that_know_of_more_than_was_sent) {
  std::vector<copy_facts> copies(2);
  copies[1].received[0] = {1, {}};
  EXPECT_THROW((void)consistent_cut(copies), no_cut);
}

TEST(backup_cut, refuses_rows_that_forgot_what_did_not_arrive) {
  std::vector<copy_facts> copies(2);
  copies[0].sent[1] = 3;
  copies[0].outstanding[1] = {2};
  copies[1].received[0] = {1, {}};
  EXPECT_THROW((void)consistent_cut(copies), no_cut);
  copies[1].received[0] = {1, {3}};
  EXPECT_THAT(consistent_cut(copies), ElementsAre(0, 0));
}

// -- files
// ------------------------------------------------------------------------------------------------

std::string record_bytes(std::int64_t time_ms) {
  persistence::pb::Record record;
  record.set_schema(1);
  record.set_time_ms(time_ms);
  return record.SerializeAsString();
}

/// A folder whose shards stand at record 2 of 5; shard 3 has no rows yet.
class backup_files : public ::testing::Test {
 protected:
  backup_files() {
    const auto storage = persistence::open_lmdb(persistence::options_for(data_));
    for (shard_id shard = 0; shard < 4; ++shard) {
      for (std::uint64_t index = 1; index <= 5; ++index)
        persistence::append(*storage, {{shard, index, index, record_bytes(shard)}});
      if (shard == 3) continue;
      runtime::pb::ShardHeader header;
      header.set_applied(2);
      header.set_epoch(2);
      persistence::write(*storage, {{keys::shard_header(shard), header.SerializeAsString()},
                                    {keys::kind_prefix(shard, 1) + "x", std::string(3'000'000, 'v')},
                                    {keys::seen_epoch(shard), "9"}});
      storage->log().trim(shard, 2, 100);
    }
  }

  void restore(const fs::path& folder) {
    restore_backup(target_, {folder}, [](std::size_t count) { return std::string(count, 'n'); });
  }

  std::string refusal(const std::function<void()>& act) {
    try {
      act();
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "nothing was thrown";
  }

  void change_byte(const fs::path& file, std::streamoff at) {
    std::fstream stream{file, std::ios::in | std::ios::out | std::ios::binary};
    stream.seekg(at);
    const auto byte = static_cast<char>(stream.get() ^ 1);
    stream.seekp(at);
    stream.put(byte);
  }

  persistence::temporary_folder root_;
  fs::path data_ = root_.path() / "data";
  fs::path target_ = root_.path() / "backup";
  fs::path made_ = root_.path() / "made";
};

TEST_F(backup_files, bring_rows_and_records_into_a_disk_of_its_own) {
  const auto written = write_backup(target_, {data_}, 7);
  EXPECT_EQ(written.records, 3u * 3u + 5u);
  EXPECT_EQ(read_manifest(target_).time_ms(), 7);
  restore(made_);
  const auto before = persistence::open_lmdb(persistence::options_for(data_));
  const auto after = persistence::open_lmdb(persistence::options_for(made_));
  EXPECT_EQ(after->identity().cluster_secret, before->identity().cluster_secret);
  EXPECT_NE(after->identity().disk_id, before->identity().disk_id);
  EXPECT_NE(after->identity().cluster_id, before->identity().cluster_id);
  for (shard_id shard = 0; shard < 4; ++shard) {
    for (const auto& range : keys::in_snapshots(shard))
      EXPECT_EQ(persistence::scanned(*after, range.from, range.to),
                persistence::scanned(*before, range.from, range.to));
    EXPECT_FALSE(after->state().get(keys::seen_epoch(shard)));
    const auto first = shard == 3 ? 1u : 3u;
    EXPECT_EQ(after->log().bounds(shard).first, first);
    const auto records = persistence::records(*after, shard, first);
    const auto originals = persistence::records(*before, shard, first);
    ASSERT_EQ(records.size(), originals.size());
    for (std::size_t n = 0; n < records.size(); ++n) {
      EXPECT_EQ(records[n].index, originals[n].index);
      EXPECT_EQ(records[n].epoch, originals[n].epoch);
      EXPECT_EQ(records[n].payload, originals[n].payload);
    }
  }
}

TEST_F(backup_files, are_refused_by_name_when_a_byte_has_changed) {
  write_backup(target_, {data_}, 7);
  for (std::size_t shard = 0; shard < 4; ++shard) {
    const auto file = shard_file(target_, shard);
    for (const std::streamoff at : {0, 5, static_cast<int>(fs::file_size(file)) - 1}) {
      change_byte(file, at);
      EXPECT_THAT(refusal([&] { restore(made_); }), HasSubstr(file.string() + ": damaged"));
      EXPECT_FALSE(fs::exists(made_));
      change_byte(file, at);
    }
  }
  change_byte(target_ / "manifest", 30);
  EXPECT_THAT(refusal([&] { restore(made_); }), HasSubstr("manifest: damaged"));
}

TEST_F(backup_files, are_refused_when_one_is_short_or_missing) {
  write_backup(target_, {data_}, 7);
  const auto file = shard_file(target_, 1);
  fs::resize_file(file, fs::file_size(file) / 2);
  EXPECT_THAT(refusal([&] { restore(made_); }), HasSubstr("shard-1: damaged"));
  fs::remove(file);
  EXPECT_THAT(refusal([&] { restore(made_); }), HasSubstr("shard-1"));
  fs::remove(target_ / "manifest");
  EXPECT_THAT(refusal([&] { restore(made_); }), HasSubstr("not a backup"));
}

TEST_F(backup_files, replace_nothing) {
  write_backup(target_, {data_}, 7);
  EXPECT_THAT(refusal([&] { write_backup(target_, {data_}, 8); }), HasSubstr("is there already"));
  EXPECT_THAT(refusal([&] { restore(data_); }), HasSubstr("is not empty"));
  EXPECT_FALSE(fs::exists(target_.string() + ".part"));
}

}  // namespace
}  // namespace souk::backup
