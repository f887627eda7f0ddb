#pragma once

#include "persistence/storage.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

/// What makes a commit of the journal durable: one write and one sync of a short file, where LMDB takes two
/// syncs and some pages of each shard. The journal's environment takes up many commits at once, later.
namespace souk::persistence {

/// A file of fixed size, written from its beginning, batch behind batch, each at the beginning of a block:
///
///     u32 magic | u32 crc32c | u64 generation | u32 number | u32 content bytes | content | zeros
///
/// When everything in it is elsewhere too, it begins anew under the next generation; what an earlier one left
/// behind counts for nothing. The CRC32C is over all that follows it, the zeros to the block's end too.
///
/// Threads: one at a time. `load` may also be used by another process, on a `commit_log` of its own.
class commit_log {
 public:
  /// The unit in which disks write. No batch shares one with another, so a write that is cut short harms
  /// nothing that was acknowledged.
  static constexpr std::size_t block_bytes = 4096;
  /// Room for what waits (`lmdb_journal` moves it on at a quarter of this) and for the batch of a burst.
  static constexpr std::size_t file_bytes = 4ULL << 20;

  enum class access : std::uint8_t {
    make,        ///< Nothing is in it: where it is missing it is made, full of zeros, and synced.
    write,       ///< It has to be there.
    read,        ///< It has to be there, and nobody writes to it.
    read_along,  ///< It has to be there, and another process may be writing to it.
    none,        ///< There may be no file, and nothing is in it.
  };

  /// Opens the file. Throws `std::system_error`; a folder that has none is `std::runtime_error`.
  commit_log(std::filesystem::path file, access access);
  ~commit_log();
  commit_log(const commit_log&) = delete;
  commit_log& operator=(const commit_log&) = delete;

  /// Reads the file as it is at this moment.
  void load();
  /// The contents of the loaded batches of `generation`, in order; what is appended from here on follows
  /// them, under that generation. Throws `damage` for a batch that does not hold while a later one does: the
  /// last one may have been cut short before anyone was told that it is on disk.
  std::vector<std::string> open(std::uint64_t generation);

  std::uint64_t generation() const { return generation_; }
  /// Whether a batch of so many bytes has room behind the others.
  bool has_room(std::size_t batch_bytes) const;
  /// Nothing is in it under this generation.
  bool is_empty() const { return next_number_ == 0; }

  /// What a batch begins with: content is appended to it, then the whole is given to `append`.
  static std::string begin_batch() { return std::string(header_bytes, '\0'); }
  /// Where the content of a batch begins.
  static constexpr std::size_t header_bytes = 24;
  /// Completes the batch, for which there has to be room, and returns when it is on disk. `storage_full`:
  /// the file system had no place for any of it (one that never writes in place). Throws `std::system_error`
  /// if it failed otherwise: it then refuses all further ones, and the process must end.
  commit_status append(std::string& batch);

  /// Begins anew under the next generation: the caller has put everything elsewhere, and that on disk.
  void rewind();

 private:
  void make_file() const;
  [[noreturn]] void fail() const;
  [[noreturn]] void give_up();
  std::string_view batch_at(std::size_t offset, std::uint32_t number) const;
  void check_nothing_follows() const;

  std::filesystem::path path_;
  access access_;
  int file_ = -1;
  bool failed_ = false;
  std::string loaded_;
  std::uint64_t generation_ = 0;
  std::uint32_t next_number_ = 0;
  std::size_t end_ = 0;  ///< Where the next batch begins.
};

}  // namespace souk::persistence
