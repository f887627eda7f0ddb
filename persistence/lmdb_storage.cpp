#include "persistence/lmdb_storage.hpp"

#include "persistence/checksum.hpp"
#include "persistence/data_folder.hpp"
#include "persistence/lmdb_environment.hpp"
#include "persistence/lmdb_state.hpp"
#include "persistence/logged_journal.hpp"
#include "persistence/sequence.hpp"

#include <stdexcept>
#include <string>
#include <utility>

namespace souk::persistence {

namespace {

namespace fs = std::filesystem;

/// Ties each environment to its folder, so that files put together from two folders are refused.
constexpr const char* disk_id_fact = "disk_id";
constexpr std::uint64_t map_bytes_reading = 1ULL << 20;  // LMDB takes the file's size if that is larger

constexpr unsigned state_databases = 2;

/// A folder that was closed in order has nothing in its commit log: then it is of the first format, which
/// knows no log, and programs that do not either can open it.
constexpr std::uint32_t format_without_log = 1;
constexpr std::uint32_t format_with_log = 2;

fs::path log_of(const fs::path& folder) { return folder / "journal" / "log"; }

environment_options journal_options(const lmdb_options& options) {
  return {options.folder / "journal", options.map_bytes_initial, options.journal_bytes_max, shard_count_max};
}

environment_options state_options(const lmdb_options& options) {
  return {options.folder / "state", options.map_bytes_initial, options.state_bytes_max, state_databases};
}

/// The folder, held and with an identity; a new one is still unfinished.
struct prepared_folder {
  explicit prepared_folder(const lmdb_options& options)
      : lock((make_folder(options.folder), options.folder)), is_new(!has_identity(options.folder)) {
    if (is_new) {
      identity = new_identity(options);
      begin_identity(options.folder, identity);
      return;
    }
    identity = read_identity(options.folder);
    for (const char* environment : {"journal", "state"}) {
      if (!fs::exists(options.folder / environment / "data.mdb")) {
        throw std::runtime_error((options.folder / environment).string() +
                                 ": missing; restore the folder from a backup");
      }
    }
  }

  static storage_identity new_identity(const lmdb_options& options) {
    if (options.shard_count == 0 || options.shard_count > shard_count_max) {
      throw std::invalid_argument("shard_count is " + std::to_string(options.shard_count) + ", 1 to " +
                                  std::to_string(shard_count_max) + " are allowed");
    }
    constexpr std::size_t id_bytes = 16;
    constexpr std::size_t secret_bytes = 32;
    storage_identity made;
    made.disk_id = hex(std::string_view(options.random_bytes(id_bytes)));
    made.cluster_id = hex(std::string_view(options.random_bytes(id_bytes)));
    made.cluster_secret =
        options.cluster_secret.empty() ? options.random_bytes(secret_bytes) : options.cluster_secret;
    made.shard_count = options.shard_count;
    return made;
  }

  folder_lock lock;
  bool is_new;
  storage_identity identity;
};

void check_owner(const lmdb_environment& environment, const storage_identity& identity) {
  if (const std::string owner = environment.fact(disk_id_fact); owner != identity.disk_id) {
    throw std::runtime_error(environment.file() + ": belongs to the data folder with disk id '" + owner +
                             "', not to '" + identity.disk_id + "'");
  }
}

class lmdb_storage_impl final : public lmdb_storage {
 public:
  explicit lmdb_storage_impl(const lmdb_options& options)
      : options_(options),
        folder_(options),
        journal_environment_(journal_options(options)),
        state_environment_(state_options(options)),
        journal_(journal_environment_, log_of(options.folder),
                 has_log() && !folder_.is_new ? commit_log::access::write : commit_log::access::make,
                 folder_.identity.shard_count),
        state_(state_environment_) {
    if (folder_.is_new) {
      finish();
    }
    check_owner(journal_environment_, folder_.identity);
    check_owner(state_environment_, folder_.identity);
    if (!has_log()) {
      sync_folder(options_.folder / "journal");
      set_format(format_with_log);
    }
    journal_.load();
    journal_.open();
  }
  ~lmdb_storage_impl() override {
    try {
      if (journal_.settle() == commit_status::done) {
        set_format(format_without_log);
      }
    } catch (const std::exception&) {  // what waits stays in the log, where the next start finds it
    }
  }
  lmdb_storage_impl(const lmdb_storage_impl&) = delete;
  lmdb_storage_impl& operator=(const lmdb_storage_impl&) = delete;

  const storage_identity& identity() const override { return folder_.identity; }
  journal& log() override { return journal_; }
  state_store& state() override { return state_; }

  storage_usage usage() const override {
    storage_usage usage;
    // What waits will fill its pages by three quarters: two parts of a record in each.
    usage.journal_bytes = journal_environment_.bytes_used() + journal_.waiting_bytes() / 3 * 4;
    usage.journal_bytes_max = journal_environment_.bytes_max();
    usage.state_bytes = state_environment_.bytes_used();
    usage.state_bytes_max = state_environment_.bytes_max();
    usage.disk_free_bytes = fs::space(options_.folder).available;
    const auto nearly = [](std::uint64_t used, std::uint64_t max) { return used >= max / 10 * 9; };
    usage.nearly_full = nearly(usage.journal_bytes, usage.journal_bytes_max) ||
                        nearly(usage.state_bytes, usage.state_bytes_max) ||
                        usage.disk_free_bytes < options_.disk_reserve_bytes;
    return usage;
  }

 private:
  bool has_log() const { return folder_.identity.format_version >= format_with_log; }

  void set_format(std::uint32_t version) {
    folder_.identity.format_version = version;
    begin_identity(options_.folder, folder_.identity);
    finish_identity(options_.folder);
  }

  void finish() {
    journal_environment_.set_fact(disk_id_fact, folder_.identity.disk_id);
    state_environment_.set_fact(disk_id_fact, folder_.identity.disk_id);
    for (const fs::path& folder : {options_.folder / "journal", options_.folder / "state", options_.folder}) {
      sync_folder(folder);
    }
    finish_identity(options_.folder);
  }

  lmdb_options options_;
  prepared_folder folder_;
  lmdb_environment journal_environment_;
  lmdb_environment state_environment_;
  logged_journal journal_;
  lmdb_state state_;
};

}  // namespace

std::unique_ptr<lmdb_storage> open_lmdb(const lmdb_options& options) {
  return std::make_unique<lmdb_storage_impl>(options);
}

namespace {

/// For reading while another process writes and the file grows: LMDB refuses a map that ends before the data.
environment_options growing(const fs::path& folder, unsigned databases) {
  constexpr std::uint64_t growth = 1ULL << 30;
  const std::uint64_t bytes = 2 * fs::file_size(folder / "data.mdb") + growth;
  return {folder, bytes, bytes, databases, true};
}

/// Of the first format there may be a log too: whoever opens the folder meanwhile begins to write in it.
commit_log::access access_to_read(const fs::path& folder, const storage_identity& identity,
                                  commit_log::access access) {
  const bool has_log = identity.format_version >= format_with_log || fs::exists(log_of(folder));
  return has_log ? access : commit_log::access::none;
}

class frozen_folder_impl final : public frozen_folder {
 public:
  explicit frozen_folder_impl(const fs::path& folder)
      : identity_(read_identity(folder)),
        journal_environment_(growing(folder / "journal", shard_count_max)),
        state_environment_(growing(folder / "state", state_databases)),
        journal_(journal_environment_, log_of(folder),
                 access_to_read(folder, identity_, commit_log::access::read_along), identity_.shard_count),
        state_(state_environment_) {
    check_owner(journal_environment_, identity_);
    check_owner(state_environment_, identity_);
    state_environment_.freeze();
  }

  const storage_identity& identity() const override { return identity_; }
  const state_store& state() const override { return state_; }
  const journal& freeze_log() override {
    journal_.load();
    journal_environment_.freeze();
    journal_.open();
    return journal_;
  }

 private:
  storage_identity identity_;
  lmdb_environment journal_environment_;
  lmdb_environment state_environment_;
  logged_journal journal_;
  lmdb_state state_;
};

}  // namespace

std::unique_ptr<frozen_folder> freeze_folder(const fs::path& folder) {
  if (!fs::is_directory(folder) || !fs::exists(folder / "identity")) {
    throw std::runtime_error(folder.string() + ": not a data folder of Souk: it has no file 'identity'");
  }
  return std::make_unique<frozen_folder_impl>(folder);
}

verify_report verify_folder(const fs::path& folder) {
  if (!fs::is_directory(folder) || !fs::exists(folder / "identity")) {
    throw std::runtime_error(folder.string() + ": not a data folder of Souk: it has no file 'identity'");
  }
  const folder_lock lock(folder);
  const storage_identity identity = read_identity(folder);
  verify_report report;
  try {
    lmdb_environment environment(
        {folder / "journal", map_bytes_reading, map_bytes_reading, shard_count_max, true});
    logged_journal journal(environment, log_of(folder),
                           access_to_read(folder, identity, commit_log::access::read), identity.shard_count);
    check_owner(environment, identity);
    journal.load();
    journal.open();
    for (shard_id shard = 0; shard < identity.shard_count; ++shard) {
      const std::uint64_t before = report.records;
      journal.read(shard, 1, [&](const journal_entry& entry) {
        report.records += 1;
        report.bytes += entry.payload.size();
        return true;
      });
      report.shards += report.records > before ? 1 : 0;
    }
  } catch (const std::runtime_error& error) {
    report.first_damage = error.what();
  }
  return report;
}

}  // namespace souk::persistence
