#pragma once

#include "persistence/lmdb_storage.hpp"
#include "persistence/memory_storage.hpp"

#include <stdlib.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
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

/// The message of the `std::runtime_error` that `act` throws.
inline std::string error_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

inline std::string content_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// For as long as it lives no file of this process can become longer, or be written behind so many bytes.
class file_size_limit {
 public:
  explicit file_size_limit(::rlim_t bytes) : old_handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &old_);
    const ::rlimit limit{bytes, old_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~file_size_limit() {
    ::setrlimit(RLIMIT_FSIZE, &old_);
    std::signal(SIGXFSZ, old_handler_);
  }
  file_size_limit(const file_size_limit&) = delete;
  file_size_limit& operator=(const file_size_limit&) = delete;

 private:
  void (*old_handler_)(int);
  ::rlimit old_{};
};

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
