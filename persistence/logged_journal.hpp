#pragma once

#include "persistence/commit_log.hpp"
#include "persistence/lmdb_journal.hpp"
#include "persistence/storage.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <span>
#include <string_view>
#include <vector>

namespace souk::persistence {

/// The journal of a node: an `lmdb_journal` with a commit log in front of it.
///
/// An append is durable in the log, and waits there and in memory until enough have come together to be moved
/// ("settled") in one transaction. A batch of the log holds, for each record:
///
///     shard u16 | index u64 | epoch u64 | payload bytes u32 | payload
///
/// The transaction that settles what waits also counts the log's generation up, so that a log and an
/// environment belong together, and nothing of the log is taken for missing that is only older. Where the
/// environment cannot promise room for all that would wait, and for a batch that is too long for the log, an
/// append goes to the environment at once, which takes or refuses it.
class logged_journal : public journal {
 public:
  /// Payload bytes that wait at most: some thousand records, a few milliseconds of LMDB's work.
  static constexpr std::size_t waiting_bytes_max = commit_log::file_bytes / 4;

  /// `environment`, where it opens its databases, must outlive it. Call `load` and `open` before anything
  /// else.
  logged_journal(lmdb_environment& environment, std::filesystem::path log, commit_log::access access,
                 std::uint16_t shard_count);

  /// Reads the log as it is at this moment: before the environment is frozen, as what is settled between the
  /// two is then in both, and not in neither.
  void load() { log_.load(); }
  /// Finds the ends of all shards, checks their last records, and takes up what is in the log. Throws
  /// `damage`.
  void open();
  /// Settles what waits: done where nothing does. Writes, as `append` does.
  commit_status settle();
  /// Payload bytes that wait; any thread.
  std::size_t waiting_bytes() const;

  commit_status append(std::span<const journal_entry> entries) override;
  journal_bounds bounds(shard_id shard) const override;
  void read(shard_id shard, std::uint64_t from,
            const std::function<bool(const journal_entry&)>& visit) const override;
  commit_status trim(shard_id shard, std::uint64_t keep_from, std::uint64_t max_records) override;
  commit_status cut(shard_id shard, std::uint64_t last) override;
  commit_status restart(shard_id shard, std::uint64_t index, std::uint64_t epoch) override;

 private:
  using entries = std::vector<journal_entry>;

  void take_up(std::string_view content);
  bool may_wait(std::size_t payload_bytes, std::size_t records, std::size_t batch_bytes);
  void wait(std::span<const journal_entry> entries, std::size_t payload_bytes);
  entries waiting_from(shard_id shard, std::uint64_t from) const;

  lmdb_journal settled_;
  commit_log log_;
  mutable std::mutex mutex_;      ///< Guards what waits; only the writer changes it.
  std::vector<entries> waiting_;  ///< By shard: what the log has and the environment has not.
  std::size_t waiting_bytes_ = 0;
  std::size_t waiting_records_ = 0;
};

}  // namespace souk::persistence
