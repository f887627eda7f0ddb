#pragma once

#include "persistence/lmdb_environment.hpp"
#include "persistence/record_frame.hpp"
#include "persistence/storage.hpp"

#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace souk::persistence {

/// The journal in LMDB, a database for each shard, named by four hexadecimal digits. Rows, all big endian:
///
///     index u64 | part u16    ->  a part of a record's frame, see record_frame.hpp
///     0 | 0                   ->  the last trimmed record: index u64, epoch u64, chain u64, crc32c u32
///
/// In a tree of its own a shard's end is the end of the tree, where LMDB appends and fills its pages; within
/// one tree for all shards pages stayed half empty. Where each shard ends, its epoch and its chain are kept
/// in memory: an append reads nothing.
class lmdb_journal : public journal {
 public:
  /// `environment`, where it opens its databases, must outlive it. Call `open_tails` before anything but
  /// `read`.
  lmdb_journal(lmdb_environment& environment, std::uint16_t shard_count);

  /// Finds the ends of all shards and checks their last records. Throws `damage`.
  void open_tails();

  commit_status append(std::span<const journal_entry> entries) override;

  /// Promises room for records of so many payload bytes together. False: only an append can tell.
  bool promise_room(std::size_t payload_bytes, std::size_t records);
  /// Appends entries for which room was promised, and notes with them that the commit log's generation is
  /// `generation`.
  commit_status settle(std::span<const journal_entry> entries, std::uint64_t generation);
  /// The generation noted last; 0 if none was.
  std::uint64_t generation() const;

  journal_bounds bounds(shard_id shard) const override;
  void read(shard_id shard, std::uint64_t from,
            const std::function<bool(const journal_entry&)>& visit) const override;
  commit_status trim(shard_id shard, std::uint64_t keep_from, std::uint64_t max_records) override;
  commit_status cut(shard_id shard, std::uint64_t last) override;
  commit_status restart(shard_id shard, std::uint64_t index, std::uint64_t epoch) override;

 private:
  /// Where a shard's sequence ends and what its next record is chained to.
  struct tail {
    journal_bounds bounds;
    std::uint64_t chain = 0;
  };
  /// What a record leaves behind for its successor.
  struct link {
    std::uint64_t index = 0;
    std::uint64_t epoch = 0;
    std::uint64_t chain = 0;
  };
  using tails = std::vector<std::pair<shard_id, tail>>;

  void check_shard(shard_id shard) const;
  tail current(shard_id shard) const;
  void publish(const tails& changed);
  commit_status append_with(std::span<const journal_entry> entries, lmdb_environment::intent intent,
                            const std::function<void(MDB_txn*)>& also);
  std::size_t pages_for(std::size_t payload_bytes, std::size_t records) const;
  tails put_entries(MDB_txn* txn, const std::vector<const journal_entry*>& ordered);
  bool read_chunk(shard_id shard, std::uint64_t& from, std::uint64_t& end, std::size_t records_max,
                  std::vector<journal_entry>& chunk) const;
  record_frame check_follows(const link& previous, shard_id shard, std::uint64_t index,
                             std::string_view frame) const;
  link trimmed(lmdb_cursor& cursor, shard_id shard) const;
  link link_before(lmdb_cursor& cursor, shard_id shard, std::uint64_t index) const;
  std::uint64_t last_index(lmdb_cursor& cursor, shard_id shard) const;
  std::string_view frame_at(lmdb_cursor& cursor, shard_id shard, std::uint64_t index,
                            std::string& scratch) const;
  static void put_mark(lmdb_cursor& cursor, shard_id shard, const link& last);
  commit_status remove_records(shard_id shard, std::uint64_t first, std::uint64_t last,
                               const std::function<void(lmdb_cursor&)>& before);

  lmdb_environment& environment_;
  std::vector<MDB_dbi> shards_;
  std::string scratch_;  ///< The writer's frame under construction.
  mutable std::mutex tails_mutex_;
  std::vector<tail> tails_;
};

}  // namespace souk::persistence
