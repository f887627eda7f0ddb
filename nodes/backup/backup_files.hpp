#pragma once

#include "nodes/backup/backup.pb.h"
#include "persistence/storage.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

/// The files of a backup: `manifest`, and `shard-N` for each shard.
namespace souk::backup {

/// A file that is on disk when `finish` returns. Throws `std::system_error`.
class durable_file {
 public:
  explicit durable_file(const std::filesystem::path& path);
  ~durable_file();
  durable_file(const durable_file&) = delete;
  durable_file& operator=(const durable_file&) = delete;

  void write(std::string_view bytes);
  void finish();

 private:
  std::filesystem::path path_;
  int number_;
};

/// Writes a shard's file, piece by piece, with little in memory.
class shard_writer {
 public:
  explicit shard_writer(const std::filesystem::path& path) : file_(path) {}

  void add_row(std::string_view key, std::string_view value);
  void add_record(const persistence::journal_entry& entry);
  /// On disk when it returns.
  void finish();
  std::uint64_t bytes() const { return bytes_; }
  std::uint64_t digest() const { return digest_; }

 private:
  void flush_when_long(std::size_t more);
  void flush();

  durable_file file_;
  pb::Piece piece_;
  std::size_t piece_bytes_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t digest_ = 0;
};

std::filesystem::path shard_file(const std::filesystem::path& folder, std::size_t shard);

/// Visits the pieces of a shard's file, all of which have been checked when it returns. Throws
/// `persistence::damage`, which names the file, and `std::system_error`.
void read_shard(const std::filesystem::path& file, const pb::Shard& expected,
                const std::function<void(pb::Piece&)>& visit);

/// On disk when it returns.
void write_manifest(const std::filesystem::path& folder, const pb::Manifest& manifest);
/// Throws `std::runtime_error` if it is missing, damaged or of a newer format.
pb::Manifest read_manifest(const std::filesystem::path& folder);

}  // namespace souk::backup
