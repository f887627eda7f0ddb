#pragma once

#include "persistence/storage.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

/// The rules that every journal and state store keeps, wherever it keeps what it is given.
namespace souk::persistence {

/// No cluster has more shards than this.
inline constexpr std::uint16_t shard_count_max = 1024;
/// The longest payload of a record, and value of a row: far above what a decision can hold, and below what
/// the part counter of a stored one can name.
inline constexpr std::size_t record_bytes_max = 48ULL << 20;

/// Throws `std::logic_error` unless `entry` continues the sequence that ends as `bounds` say.
inline void check_continues(const journal_bounds& bounds, const journal_entry& entry) {
  const auto name = [&] {
    return "shard " + std::to_string(entry.shard) + ", record " + std::to_string(entry.index) + ": ";
  };
  if (entry.index != bounds.last + 1) {
    throw std::logic_error(name() + "expected index " + std::to_string(bounds.last + 1));
  }
  if (entry.epoch < bounds.last_epoch) {
    throw std::logic_error(name() + "epoch " + std::to_string(entry.epoch) + " after epoch " +
                           std::to_string(bounds.last_epoch));
  }
  if (entry.payload.size() > record_bytes_max) {
    throw std::logic_error(name() + std::to_string(entry.payload.size()) + " bytes, at most " +
                           std::to_string(record_bytes_max) + " are allowed");
  }
}

/// Where the shards of `entries` end in `journal` when these are appended. Throws `std::logic_error` unless
/// each goes on where its shard ends, behind those before it.
inline std::map<shard_id, journal_bounds> ends_after(const journal& journal,
                                                     std::span<const journal_entry> entries) {
  std::map<shard_id, journal_bounds> ends;
  for (const journal_entry& entry : entries) {
    auto end = ends.find(entry.shard);
    if (end == ends.end()) {
      end = ends.emplace(entry.shard, journal.bounds(entry.shard)).first;
    }
    check_continues(end->second, entry);
    end->second.last = entry.index;
    end->second.last_epoch = entry.epoch;
  }
  return ends;
}

/// What entries hold together.
inline std::size_t payload_bytes_of(std::span<const journal_entry> entries) {
  std::size_t bytes = 0;
  for (const journal_entry& entry : entries) {
    bytes += entry.payload.size();
  }
  return bytes;
}

/// Throws `std::logic_error` unless the sequence can be cut after `last`.
inline void check_cut(shard_id shard, const journal_bounds& bounds, std::uint64_t last) {
  if (last + 1 < bounds.first) {
    throw std::logic_error("shard " + std::to_string(shard) + ": cut after " + std::to_string(last) +
                           ", but records below " + std::to_string(bounds.first) + " are trimmed");
  }
}

/// The first index that a trim leaves.
inline std::uint64_t trimmed_first(const journal_bounds& bounds, std::uint64_t keep_from,
                                   std::uint64_t max_records) {
  const std::uint64_t wanted = std::clamp(keep_from, bounds.first, bounds.last + 1);
  return bounds.first + std::min(wanted - bounds.first, max_records);
}

/// Throws `std::invalid_argument` for a row key of a wrong length.
inline void check_row_key(std::string_view key) {
  constexpr std::size_t key_bytes_max = 480;
  if (key.empty() || key.size() > key_bytes_max) {
    throw std::invalid_argument("a row key has " + std::to_string(key.size()) + " bytes; 1 to " +
                                std::to_string(key_bytes_max) + " are allowed");
  }
}

/// Throws `std::invalid_argument` for a change that no store takes.
inline void check_row_change(const row_change& change) {
  check_row_key(change.key);
  if (change.value && change.value->size() > record_bytes_max) {
    throw std::invalid_argument("a row's value has " + std::to_string(change.value->size()) +
                                " bytes; at most " + std::to_string(record_bytes_max) + " are allowed");
  }
}

}  // namespace souk::persistence
