#include "runtime/testkit/copies.hpp"

#include "persistence/checksum.hpp"
#include "persistence/memory_storage.hpp"
#include "runtime/replica/state_replay.hpp"
#include "runtime/shard/keys.hpp"
#include "runtime/shard/snapshot.hpp"
#include "runtime/shard/state.pb.h"
#include "runtime/shard/state_digest.hpp"

#include <cctype>
#include <functional>
#include <limits>
#include <memory>
#include <string_view>
#include <vector>

namespace souk::runtime::testkit {

namespace {

std::string printable(const std::string& bytes) {
  std::string text;
  for (const char byte : bytes)
    text += std::isprint(static_cast<unsigned char>(byte)) != 0 ? byte : '.';
  return text;
}

// An entity's header in its words, other rows as they are.
std::string readable(const std::string& key, const std::string& value) {
  const auto row = keys::parse_entity_row(key);
  if (!row || row->row != keys::entity_header_row) return printable(value);
  pb::EntityHeader header;
  header.ParseFromString(value);
  return header.ShortDebugString();
}

template <class Visit>
void visit_rows(persistence::storage& storage, shard_id shard, const Visit& visit) {
  for (const char letter : {'e', 'n', 't', 'w'}) {
    const auto range = keys::starting_with(keys::shard_header(shard).replace(0, 1, 1, letter));
    storage.state().scan(range.from, range.to, persistence::scan_order::ascending,
                         [&](std::string_view key, std::string_view value) {
                           visit(key, value);
                           return true;
                         });
  }
}

// Copies are the same nearly always: their sums say so, and only where these differ all is held side by side.
std::uint64_t sum(std::uint64_t before, std::string_view bytes) {
  return (before ^ persistence::chain_hash(bytes)) * 0x9e3779b97f4a7c15ULL;
}

std::uint64_t sum_of_rows(persistence::storage& storage, shard_id shard) {
  std::uint64_t all = 0;
  visit_rows(storage, shard,
             [&](std::string_view key, std::string_view value) { all = sum(sum(all, key), value); });
  return all;
}

std::map<std::uint64_t, std::uint64_t> sums_of_records(persistence::storage& storage, shard_id shard) {
  std::map<std::uint64_t, std::uint64_t> sums;
  storage.log().read(shard, 1, [&](const persistence::journal_entry& entry) {
    const std::string& payload = entry.payload;
    sums.emplace_hint(sums.end(), entry.index, sum(entry.epoch, payload));
    return true;
  });
  return sums;
}

std::string difference_of_rows(persistence::storage& one, persistence::storage& other, shard_id shard) {
  const auto here = state_rows(one, shard);
  const auto there = state_rows(other, shard);
  std::string found;
  for (const auto& [key, value] : here) {
    const auto same = there.find(key);
    if (same == there.end())
      found += "only the first has " + printable(key) + "\n";
    else if (same->second != value)
      found += printable(key) + " is " + readable(key, value) + " and " + readable(key, same->second) + "\n";
  }
  for (const auto& [key, value] : there)
    if (!here.contains(key)) found += "only the second has " + printable(key) + "\n";
  return found;
}

state_digest digest_of(persistence::storage& storage, shard_id shard, timestamp now) {
  digest_reader reader{shard, storage.state(), to_ms(now)};
  while (reader.next(1 << 20) == digest_reader::progress::more) {
  }
  return reader.result();
}

// A storage with a snapshot and what came after it, up to a record. Null: some of it is missing.
std::unique_ptr<persistence::storage> storage_of(const shard_snapshot& from, const shard_records& records,
                                                 shard_id shard, std::uint64_t upto) {
  std::vector<persistence::journal_entry> entries;
  for (auto next = records.upper_bound(from.applied); next != records.end() && next->first <= upto; ++next)
    entries.push_back(next->second);
  if (entries.size() != upto - from.applied) return nullptr;
  std::unique_ptr<persistence::storage> made = persistence::make_memory_storage();
  std::vector<persistence::row_change> rows;
  rows.reserve(from.rows.size());
  for (const auto& [key, value] : from.rows)
    rows.push_back({key, value});
  made->state().write(rows);
  if (!entries.empty() && from.applied > 0) made->log().restart(shard, from.applied, entries.front().epoch);
  made->log().append(entries);
  return made;
}

}  // namespace

std::map<std::string, std::string> state_rows(persistence::storage& storage, shard_id shard) {
  std::map<std::string, std::string> rows;
  visit_rows(storage, shard, [&](std::string_view key, std::string_view value) { rows.emplace(key, value); });
  return rows;
}

std::string difference(persistence::storage& one, persistence::storage& other, shard_id shard) {
  std::string found;
  if (sum_of_rows(one, shard) != sum_of_rows(other, shard)) found = difference_of_rows(one, other, shard);
  const auto later = sums_of_records(other, shard);
  for (const auto& [index, sum] : sums_of_records(one, shard))
    if (const auto same = later.find(index); same != later.end() && same->second != sum)
      found += "record " + std::to_string(index) + " differs\n";
  return found;
}

std::optional<shard_snapshot> snapshot_of(persistence::storage& storage, shard_id shard) {
  if (storage.state().get(keys::snapshot_mark(shard))) return std::nullopt;
  shard_snapshot taken;
  std::string from;
  visit_piece(shard, storage.state(), from, std::numeric_limits<std::size_t>::max(),
              [&](std::string_view key, std::string_view value) { taken.rows.emplace(key, value); });
  pb::ShardHeader header;
  if (const auto row = taken.rows.find(keys::shard_header(shard)); row != taken.rows.end())
    header.ParseFromString(row->second);
  taken.applied = header.applied();
  return taken;
}

std::optional<std::string> replay_difference(const shard_snapshot& from, const shard_records& records,
                                             persistence::storage& storage, shard_id shard,
                                             const entity_catalogue& kinds, const limits& limits,
                                             timestamp now) {
  const auto live = digest_of(storage, shard, now);
  if (live.applied < from.applied) return std::nullopt;
  const auto replayed = storage_of(from, records, shard, live.applied);
  if (!replayed) return std::nullopt;
  state_replay replay{shard, kinds, *replayed, limits};
  replay.load();
  replay.replay(live.applied, std::numeric_limits<std::size_t>::max());
  replayed->state().write(*replay.begin_flush());
  replay.end_flush();
  if (auto found = difference(*replayed, storage, shard); !found.empty()) return found;
  const auto digest = digest_of(*replayed, shard, now);
  if (digest.digest == live.digest) return std::string{};
  return "the digest is " + digest.digest + " and " + live.digest;
}

}  // namespace souk::runtime::testkit
