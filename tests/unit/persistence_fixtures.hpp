#pragma once

#include "persistence/lmdb_storage.hpp"
#include "persistence/memory_storage.hpp"

#include <stdlib.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace souk::persistence {

/// A folder of its own for a test, removed with it. In memory where that is large enough: nothing tested here
/// depends on the medium, and a busy disk's syncs would take most of the time.
class temporary_folder {
 public:
  temporary_folder() : path_((parent() / "souk-test-XXXXXX").string()) {
    if (::mkdtemp(path_.data()) == nullptr) {
      throw std::runtime_error("no temporary folder");
    }
  }
  ~temporary_folder() { std::filesystem::remove_all(path_); }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  std::filesystem::path path() const { return path_; }

 private:
  static std::filesystem::path parent() {
    constexpr std::uintmax_t bytes_wanted = 256ULL << 20;
    const std::filesystem::path memory = "/dev/shm";
    std::error_code none;
    const auto space = std::filesystem::space(memory, none);
    return !none && space.available >= bytes_wanted ? memory : std::filesystem::temp_directory_path();
  }

  std::string path_;
};

/// What the disk would show if the process that has the folder ended now, without a word.
inline void copy_as_after_a_crash(const std::filesystem::path& from, const std::filesystem::path& to) {
  std::filesystem::copy(from, to, std::filesystem::copy_options::recursive);
}

inline lmdb_options options_for(const std::filesystem::path& folder) {
  lmdb_options options;
  options.folder = folder;
  options.shard_count = 4;
  options.map_bytes_initial = 4ULL << 20;
  options.disk_reserve_bytes = 0;
  options.random_bytes = [](std::size_t count) { return std::string(count, 'r'); };
  return options;
}

inline journal_entry entry(shard_id shard, std::uint64_t index, std::uint64_t epoch, std::string payload) {
  return {shard, index, epoch, std::move(payload)};
}

inline commit_status append(storage& storage, const std::vector<journal_entry>& entries) {
  return storage.log().append(entries);
}

/// Appends records `from` to `last` of a shard, each in a write of its own.
inline void append_range(storage& storage, shard_id shard, std::uint64_t from, std::uint64_t last,
                         std::uint64_t epoch = 1) {
  for (std::uint64_t index = from; index <= last; ++index) {
    const std::string payload = "record " + std::to_string(index) + " of " + std::to_string(shard);
    if (append(storage, {entry(shard, index, epoch, payload)}) != commit_status::done) {
      throw std::runtime_error("append refused");
    }
  }
}

/// The indexes of a shard's records from `from` on.
inline std::vector<std::uint64_t> indexes(storage& storage, shard_id shard, std::uint64_t from = 1) {
  std::vector<std::uint64_t> found;
  storage.log().read(shard, from, [&](const journal_entry& entry) {
    found.push_back(entry.index);
    return true;
  });
  return found;
}

inline std::vector<journal_entry> records(storage& storage, shard_id shard, std::uint64_t from = 1) {
  std::vector<journal_entry> found;
  storage.log().read(shard, from, [&](const journal_entry& entry) {
    found.push_back(entry);
    return true;
  });
  return found;
}

using rows = std::vector<std::pair<std::string, std::string>>;

inline rows scanned(storage& storage, std::string_view from, std::string_view to,
                    scan_order order = scan_order::ascending) {
  rows found;
  storage.state().scan(from, to, order, [&](std::string_view key, std::string_view value) {
    found.emplace_back(key, value);
    return true;
  });
  return found;
}

inline commit_status write(storage& storage, const std::vector<row_change>& changes) {
  return storage.state().write(changes);
}

}  // namespace souk::persistence
