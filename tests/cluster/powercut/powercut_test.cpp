#include "persistence/lmdb_storage.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <lmdb.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

namespace souk {
namespace {

namespace fs = std::filesystem;

/// A folder to write in and the platter beside it; runs the probe under the shim.
class powercut : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = fs::temp_directory_path() / "souk-powercut-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = fs::canonical(name);
    fs::create_directories(root_ / "data");
    fs::create_directories(root_ / "platter");
  }
  void TearDown() override { fs::remove_all(root_); }

  /// Runs a scenario to its end; returns the signal that ended it.
  int run(const std::string& scenario, const std::vector<std::string>& more = {}) {
    std::vector<std::string> environment{"LD_PRELOAD=" SOUK_POWERCUT_SHIM,
                                         "SOUK_POWERCUT_FOLDER=" + (root_ / "data").string(),
                                         "SOUK_POWERCUT_PLATTER=" + (root_ / "platter").string()};
    environment.insert(environment.end(), more.begin(), more.end());
    std::vector<std::string> arguments{SOUK_POWERCUT_PROBE, scenario, (root_ / "data").string()};
    const auto pointers = [](std::vector<std::string>& texts) {
      std::vector<char*> all;
      for (std::string& text : texts)
        all.push_back(text.data());
      all.push_back(nullptr);
      return all;
    };
    posix_spawn_file_actions_t quiet;
    posix_spawn_file_actions_init(&quiet);
    posix_spawn_file_actions_addopen(&quiet, STDERR_FILENO, (root_ / "stderr").c_str(), O_WRONLY | O_CREAT,
                                     0600);
    pid_t child = 0;
    const int failed = ::posix_spawn(&child, SOUK_POWERCUT_PROBE, &quiet, nullptr, pointers(arguments).data(),
                                     pointers(environment).data());
    posix_spawn_file_actions_destroy(&quiet);
    EXPECT_EQ(failed, 0);
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  }

  static std::string content(const fs::path& file) {
    std::ifstream in{file, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
  }

  /// Names and contents of all files on the platter.
  std::map<std::string, std::string> platter() const {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator{root_ / "platter"})
      if (entry.is_regular_file()) files[entry.path().filename()] = content(entry.path());
    return files;
  }

  /// Keys that can be read back whole from the environment on the platter; -1 if it does not open or is
  /// damaged.
  int lmdb_keys() const {
    MDB_env* env = nullptr;
    mdb_env_create(&env);
    MDB_txn* txn = nullptr;
    MDB_dbi dbi = 0;
    int keys = -1;
    if (mdb_env_open(env, (root_ / "platter").c_str(), 0, 0600) == 0 &&
        mdb_txn_begin(env, nullptr, MDB_RDONLY, &txn) == 0) {
      if (mdb_dbi_open(txn, nullptr, 0, &dbi) == 0) {
        for (keys = 0; keys < 100; ++keys) {
          std::string key = "key" + std::to_string(keys);
          MDB_val k{key.size(), key.data()};
          MDB_val v{};
          const std::string wanted(3000, static_cast<char>('a' + keys % 26));
          if (mdb_get(txn, dbi, &k, &v) != 0 ||
              std::string(static_cast<char*>(v.mv_data), v.mv_size) != wanted)
            break;
        }
      }
      mdb_txn_abort(txn);
    }
    mdb_env_close(env);
    return keys;
  }

  /// Opens the node's folder on the platter and counts what holds; -1 if it does not open or is damaged.
  int journal_records() const {
    try {
      persistence::lmdb_options options;
      options.folder = root_ / "platter" / "node";
      options.random_bytes = [](std::size_t count) { return std::string(count, 's'); };
      int rows = 0;
      const auto storage = persistence::open_lmdb(options);
      storage->state().scan("", "~", persistence::scan_order::ascending,
                            [&](auto, auto) { return ++rows > 0; });
      int records = 0;
      for (persistence::shard_id shard = 0; shard < storage->identity().shard_count; ++shard)
        storage->log().read(shard, 1, [&](const auto&) { return ++records > 0; });
      return rows == records ? records : -1;
    } catch (const std::exception&) {
      return -1;
    }
  }

  using files = std::map<std::string, std::string>;
  fs::path root_;
};

TEST_F(powercut, what_was_synced_is_there) {
  EXPECT_EQ(run("synced"), SIGKILL);
  EXPECT_EQ(platter(), (files{{"f", "hello"}}));
}

TEST_F(powercut, what_was_not_synced_is_gone) {
  EXPECT_EQ(run("not_synced"), SIGKILL);
  EXPECT_EQ(content(root_ / "data" / "f"), "hello");
  EXPECT_EQ(platter(), files{});
}

TEST_F(powercut, a_later_write_does_not_reach_what_was_synced) {
  EXPECT_EQ(run("overwritten_after_the_sync"), SIGKILL);
  EXPECT_EQ(platter(), (files{{"f", "first"}}));
}

TEST_F(powercut, a_sync_holds_for_all_descriptors_of_a_file) {
  EXPECT_EQ(run("synced_through_another_descriptor"), SIGKILL);
  EXPECT_EQ(platter(), (files{{"f", "hello"}}));
}

TEST_F(powercut, a_synchronous_descriptor_syncs_only_its_own_writes) {
  EXPECT_EQ(run("written_through_a_synchronous_descriptor"), SIGKILL);
  EXPECT_EQ(platter(), (files{{"f", std::string(4, '\0') + "meta"}}));
}

TEST_F(powercut, every_way_to_write_is_seen) {
  EXPECT_EQ(run("by_every_call"), SIGKILL);
  EXPECT_EQ(platter(), (files{{"f", "abcdefghcdef!"}}));
}

TEST_F(powercut, a_new_length_lasts_when_it_is_synced) {
  EXPECT_EQ(run("resized"), SIGKILL);
  EXPECT_EQ(platter(), (files{{"f", "hello"}}));
  EXPECT_EQ(run("resized_and_synced"), SIGKILL);
  EXPECT_EQ(platter(), (files{{"f", "he"}}));
}

TEST_F(powercut, allocated_room_lasts_when_it_is_synced) {
  EXPECT_EQ(run("lengthened_and_synced"), SIGKILL);
  EXPECT_EQ(platter(), (files{{"f", "hello" + std::string(3, '\0')}}));
}

TEST_F(powercut, a_name_lasts_when_its_folder_is_synced) {
  EXPECT_EQ(run("renamed"), SIGKILL);
  EXPECT_EQ(platter(), (files{{"f.new", "hello"}}));
  EXPECT_EQ(run("renamed_and_synced"), SIGKILL);
  EXPECT_EQ(platter(), (files{{"f", "hello"}}));
}

TEST_F(powercut, a_renamed_file_that_was_not_synced_is_empty) {
  EXPECT_EQ(run("renamed_unsynced_content"), SIGKILL);
  EXPECT_EQ(platter(), (files{{"f", ""}}));
}

TEST_F(powercut, a_stream_is_seen_when_it_is_synced) {
  EXPECT_EQ(run("by_a_stream"), SIGKILL);
  EXPECT_EQ(platter(), (files{{"f", "hello"}}));
}

TEST_F(powercut, left_out_syncs_lose_everything) {
  EXPECT_EQ(run("synced", {"SOUK_POWERCUT_DROP_SYNC=calls"}), SIGKILL);
  EXPECT_EQ(platter(), files{});
}

TEST_F(powercut, a_synchronous_descriptor_that_is_not_loses_too) {
  EXPECT_EQ(run("written_through_a_synchronous_descriptor", {"SOUK_POWERCUT_DROP_SYNC=all"}), SIGKILL);
  EXPECT_EQ(platter(), files{});
}

TEST_F(powercut, all_writes_may_reach_the_disk_early) {
  EXPECT_EQ(run("not_synced", {"SOUK_POWERCUT_LEAK=100"}), SIGKILL);
  EXPECT_EQ(platter(), (files{{"f", "hello"}}));
}

TEST_F(powercut, a_writable_shared_map_is_refused) {
  EXPECT_EQ(run("mapped_writable"), SIGABRT);
  EXPECT_NE(content(root_ / "stderr").find("shared map"), std::string::npos);
}

TEST_F(powercut, lmdb_keeps_all_it_committed) {
  EXPECT_EQ(run("lmdb"), SIGKILL);
  EXPECT_EQ(lmdb_keys(), 100);
}

TEST_F(powercut, lmdb_keeps_all_it_committed_whatever_else_reaches_the_disk) {
  EXPECT_EQ(run("lmdb", {"SOUK_POWERCUT_LEAK=50", "SOUK_POWERCUT_SEED=7"}), SIGKILL);
  EXPECT_EQ(lmdb_keys(), 100);
}

TEST_F(powercut, lmdb_without_syncs_loses) {
  EXPECT_EQ(run("lmdb_without_sync"), SIGKILL);
  EXPECT_LT(lmdb_keys(), 100);
}

TEST_F(powercut, the_node_keeps_all_it_committed) {
  EXPECT_EQ(run("journal"), SIGKILL);
  EXPECT_EQ(journal_records(), 200);
}

TEST_F(powercut, the_node_keeps_all_it_committed_whatever_else_reaches_the_disk) {
  EXPECT_EQ(run("journal", {"SOUK_POWERCUT_LEAK=50", "SOUK_POWERCUT_SEED=7"}), SIGKILL);
  EXPECT_EQ(journal_records(), 200);
}

TEST_F(powercut, a_node_that_forgets_to_sync_loses) {
  EXPECT_EQ(run("journal", {"SOUK_POWERCUT_DROP_SYNC=calls"}), SIGKILL);
  EXPECT_NE(journal_records(), 200);
}

}  // namespace
}  // namespace souk
