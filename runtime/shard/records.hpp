#pragma once

#include "runtime/entity/kind.hpp"
#include "runtime/shard/messages.hpp"
#include "runtime/shard/shard_book.hpp"

#include <cstdint>
#include <vector>

/// How records are read back from the journal: by a shard that starts, and by a replica whose state follows.
namespace souk::runtime {

/// Throws `undecodable`, naming the record.
persistence::pb::Record parse_record(const persistence::journal_entry& entry);

/// Whether a record changed its entity. What left no trace in it, an acknowledgement or a refusal that is
/// kept, must leave none where it is replayed, not even its time: the copies would differ.
inline bool leaves_trace(const persistence::pb::Record& record) {
  return record.events_size() > 0 || record.timers_size() > 0;
}

/// What a record changed in the entity that decided it: `first_version` and on, one for each. Throws
/// `undecodable`.
std::vector<message_ptr> events_of(const persistence::pb::Record& record, const entity_kind& kind);

/// Throws `damage` unless a journal from `first` to `last` goes on where the state ends.
void check_journal(const shard_book& book, std::uint64_t first, std::uint64_t last);

/// The first record to keep of a sequence that ends at `last`, where all before `keep_from` could go: the
/// newest `journal_kept_records` stay for members that were away.
std::uint64_t keep_for_others(std::uint64_t keep_from, std::uint64_t last, const limits& limits);

/// The same for readers of events: the newest `events_kept_records`.
std::uint64_t keep_for_readers(std::uint64_t keep_from, std::uint64_t last, const limits& limits);

}  // namespace souk::runtime
