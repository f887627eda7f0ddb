#pragma once

#include "persistence/storage.hpp"
#include "runtime/entity/entity_memory.hpp"
#include "runtime/shard/shard_book.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace souk::runtime {

/// Lets the state of a shard follow its journal where nobody decides: the same rows as the primary writes,
/// without entities' actors. No actor, no clock. Belongs to one replica; nobody else may write the shard's
/// rows while it lives.
class state_replay {
 public:
  state_replay(shard_id shard, const entity_catalogue& kinds, persistence::storage& storage,
               const limits& limits);

  /// Reads where the state ends. Throws `damage`.
  void load();

  /// The state on disk stands for records up to here ...
  std::uint64_t applied() const { return book_.applied(); }
  /// ... and what is in memory for those up to here.
  std::uint64_t replayed() const { return book_.last_index(); }
  std::uint64_t epoch() const { return book_.epoch(); }
  /// Bytes of records that are in memory alone.
  std::size_t pending_bytes() const { return pending_bytes_; }

  /// Takes up committed records from the journal, up to `upto`, and at most so many. Throws `damage`,
  /// `undecodable`.
  void replay(std::uint64_t upto, std::size_t records_max);
  /// Removes answers that are kept no longer.
  void purge_answers(timestamp now);

  /// The rows that bring the state to `replayed()`. A flush must not be under way.
  persistence::shared_rows begin_flush();
  bool flushing() const { return flushing_; }
  /// The rows are on disk.
  void end_flush();

  const shard_book& book() const { return book_; }

 private:
  void apply(const persistence::journal_entry& entry);
  entity_memory& entity(const address& address);

  shard_id shard_;
  const entity_catalogue& kinds_;
  persistence::storage& storage_;
  const limits& limits_;
  shard_book book_;
  std::unordered_map<address, entity_memory> entities_;  // that changed since the last flush began
  std::size_t pending_bytes_ = 0;
  bool flushing_ = false;
};

}  // namespace souk::runtime
