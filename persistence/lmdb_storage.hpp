#pragma once

#include "persistence/storage.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace souk::persistence {

/// How to open a data folder.
struct lmdb_options {
  std::filesystem::path folder;                     ///< Made with mode 0700 if missing.
  std::uint64_t map_bytes_initial = 256ULL << 20;   ///< First size of each map; it doubles before it is full.
  std::uint64_t journal_bytes_max = 64ULL << 30;    ///< The journal's map never grows beyond it.
  std::uint64_t state_bytes_max = 256ULL << 30;     ///< The state's map never grows beyond it.
  std::uint64_t disk_reserve_bytes = 256ULL << 20;  ///< With less free on the file system, `nearly_full`.
  std::uint16_t shard_count = 16;                   ///< Used only when the folder is new; 1 to 1024.
  std::function<std::string(std::size_t)> random_bytes;  ///< For a new folder's identity; required.
  std::string cluster_secret;                            ///< Of a new folder; empty: drawn.
};

/// A data folder on LMDB: environments `journal` and `state`, both with full synchronous commits.
class lmdb_storage : public storage {
 public:
  /// The identity of the folder (as created).
  virtual const storage_identity& identity() const = 0;
};

/// Opens the folder, creates it if it is new. Throws `std::runtime_error` with a message an operator can act
/// on: in use by another process, not ours, of a newer format, no permission, damaged. Throws
/// `std::invalid_argument` for options that make no sense.
std::unique_ptr<lmdb_storage> open_lmdb(const lmdb_options& options);

/// What a data folder holds, as of one moment, while another process may go on with it. One thread.
class frozen_folder {
 public:
  virtual ~frozen_folder() = default;
  virtual const storage_identity& identity() const = 0;
  virtual const state_store& state() const = 0;  ///< As of when it was opened.
  /// As of this call. Later than the state, so that it has all that the state stands for.
  virtual const journal& freeze_log() = 0;
};

/// Opens a data folder to read it, also while soukd works on it: the moment of its state. What is freed
/// meanwhile is not used again by soukd until this ends. Throws `std::runtime_error`.
std::unique_ptr<frozen_folder> freeze_folder(const std::filesystem::path& folder);

/// What a full check of a data folder found.
struct verify_report {
  std::uint64_t records = 0;  ///< Journal records read.
  std::uint64_t bytes = 0;    ///< Their payload bytes.
  std::uint16_t shards = 0;   ///< Shards with at least one record.
  std::string first_damage;   ///< Empty when everything holds.
};

/// Reads every journal record of a folder that no process has open and checks sums and chain. Throws
/// `std::runtime_error` if a process has it, or if it is no data folder.
verify_report verify_folder(const std::filesystem::path& folder);

}  // namespace souk::persistence
