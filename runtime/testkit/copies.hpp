#pragma once

#include "persistence/storage.hpp"
#include "runtime/entity/kind.hpp"
#include "runtime/limits.hpp"
#include "runtime/types.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace souk::runtime::testkit {

/// What a state says of a shard's entities, indexes, timers and calls: what its journal amounts to, on any
/// disk. Effects are not compared: that one was taken up is known to the primary before a record tells
/// others.
std::map<std::string, std::string> state_rows(persistence::storage& storage, shard_id shard);

/// Where two copies of a shard differ, in words; empty: nowhere. Of a journal, what both still have is
/// compared.
std::string difference(persistence::storage& one, persistence::storage& other, shard_id shard);

/// What a snapshot of a shard brings, as of the record that it stands for.
struct shard_snapshot {
  std::uint64_t applied = 0;
  std::map<std::string, std::string> rows;
};
/// Nothing while one is being put in place there.
std::optional<shard_snapshot> snapshot_of(persistence::storage& storage, shard_id shard);

/// Records of a shard by index, from one or several journals.
using shard_records = std::map<std::uint64_t, persistence::journal_entry>;

/// Where the state of a shard differs from what its records amount to on top of a snapshot, or from the first
/// on if that is empty; in words, or empty: nowhere. Kept answers that end before `now` are not compared.
/// Nothing if records are missing. Of a state at rest.
std::optional<std::string> replay_difference(const shard_snapshot& from, const shard_records& records,
                                             persistence::storage& storage, shard_id shard,
                                             const entity_catalogue& kinds, const limits& limits,
                                             timestamp now);

}  // namespace souk::runtime::testkit
