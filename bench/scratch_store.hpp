#pragma once

#include "persistence/lmdb_storage.hpp"

#include <stdlib.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

namespace souk::bench {

/// A new data folder in TMPDIR, which names the disk that is measured; removed with everything in it at the
/// end.
class scratch_store {
 public:
  static constexpr std::uint16_t shard_count = 16;

  scratch_store() : folder_((std::filesystem::temp_directory_path() / "souk-bench-XXXXXX").string()) {
    if (::mkdtemp(folder_.data()) == nullptr) throw std::runtime_error("no temporary folder");
    persistence::lmdb_options options;
    options.folder = folder_;
    options.shard_count = shard_count;
    options.random_bytes = [](std::size_t count) { return std::string(count, 'b'); };
    storage_ = persistence::open_lmdb(options);
  }
  ~scratch_store() {
    storage_.reset();
    std::filesystem::remove_all(folder_);
  }
  scratch_store(const scratch_store&) = delete;
  scratch_store& operator=(const scratch_store&) = delete;

  persistence::journal& log() { return storage_->log(); }

 private:
  std::string folder_;
  std::unique_ptr<persistence::lmdb_storage> storage_;
};

}  // namespace souk::bench
