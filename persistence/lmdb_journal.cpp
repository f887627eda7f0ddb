#include "persistence/lmdb_journal.hpp"

#include "persistence/byte_order.hpp"
#include "persistence/checksum.hpp"
#include "persistence/record_frame.hpp"
#include "persistence/sequence.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <stdexcept>

namespace souk::persistence {

namespace {

/// What a trim leaves behind: index, epoch and chain of the last record dropped, and a sum over them.
constexpr std::size_t trim_mark_covered = 24;
constexpr std::size_t trim_mark_bytes = trim_mark_covered + sizeof(std::uint32_t);

/// Counts the commit log's generations, among the environment's facts.
constexpr std::string_view generation_fact = "log_generation";

constexpr std::size_t page_bytes = 4096;
/// What a record takes beside its payload: frame, keys, LMDB's own.
constexpr std::size_t row_overhead_bytes = 64;
constexpr std::size_t tree_depth_max = 6;

/// A reader copies this many bytes or records at most before it lets go of its transaction.
constexpr std::size_t chunk_bytes_max = 1ULL << 20;
constexpr std::size_t chunk_records_max = 1024;
/// The first chunk is small, for readers that want one record; each further one is twice the size.
constexpr std::size_t chunk_records_first = 8;

class part_key {
 public:
  constexpr part_key(std::uint64_t index, std::uint16_t part) {
    store_big_endian(bytes_.data(), index);
    store_big_endian(bytes_.data() + sizeof index, part);
  }
  constexpr std::string_view view() const { return {bytes_.data(), bytes_.size()}; }

 private:
  std::array<char, 10> bytes_{};
};

/// Where the trim mark stands: before all records.
constexpr part_key trim_key(0, 0);

std::uint32_t trim_mark_sum(shard_id shard, std::string_view covered) {
  std::array<char, sizeof shard> name{};
  store_big_endian(name.data(), shard);
  return crc32c(covered, crc32c({name.data(), name.size()}));
}

std::vector<std::string> database_names(std::uint16_t shard_count) {
  std::vector<std::string> names;
  for (shard_id shard = 0; shard < shard_count; ++shard) {
    std::array<char, sizeof shard> bytes{};
    store_big_endian(bytes.data(), shard);
    names.push_back(hex({bytes.data(), bytes.size()}));
  }
  return names;
}

std::vector<const journal_entry*> by_shard(std::span<const journal_entry> entries) {
  std::vector<const journal_entry*> ordered;
  ordered.reserve(entries.size());
  for (const journal_entry& entry : entries) {
    ordered.push_back(&entry);
  }
  std::ranges::stable_sort(ordered, {}, [](const journal_entry* entry) { return entry->shard; });
  return ordered;
}

}  // namespace

lmdb_journal::lmdb_journal(lmdb_environment& environment, std::uint16_t shard_count)
    : environment_(environment),
      shards_(environment.open_databases(database_names(shard_count))),
      tails_(shard_count) {}

void lmdb_journal::open_tails() {
  const lmdb_environment::view view(environment_);
  tails found;
  for (shard_id shard = 0; shard < shards_.size(); ++shard) {
    lmdb_cursor cursor(view.txn(), shards_[shard]);
    const std::uint64_t first = trimmed(cursor, shard).index + 1;
    const std::uint64_t last = last_index(cursor, shard);
    const link end = link_before(cursor, shard, last + 1);
    found.emplace_back(shard, tail{{first, last, end.epoch}, end.chain});
  }
  publish(found);
}

journal_bounds lmdb_journal::bounds(shard_id shard) const { return current(shard).bounds; }

void lmdb_journal::check_shard(shard_id shard) const {
  if (shard >= shards_.size()) {
    throw std::logic_error("shard " + std::to_string(shard) + " of " + std::to_string(shards_.size()));
  }
}

lmdb_journal::tail lmdb_journal::current(shard_id shard) const {
  check_shard(shard);
  const std::lock_guard lock(tails_mutex_);
  return tails_[shard];
}

void lmdb_journal::publish(const tails& changed) {
  const std::lock_guard lock(tails_mutex_);
  for (const auto& [shard, end] : changed) {
    tails_[shard] = end;
  }
}

commit_status lmdb_journal::append(std::span<const journal_entry> entries) {
  if (entries.empty()) {
    return commit_status::done;
  }
  return append_with(entries, lmdb_environment::intent::add, [](MDB_txn*) {});
}

commit_status lmdb_journal::settle(std::span<const journal_entry> entries, std::uint64_t generation) {
  std::array<char, sizeof generation> fact{};
  store_big_endian(fact.data(), generation);
  return append_with(entries, lmdb_environment::intent::keep_promise, [&](MDB_txn* txn) {
    put_row(txn, environment_.facts(), generation_fact, {fact.data(), fact.size()});
  });
}

std::uint64_t lmdb_journal::generation() const {
  const std::string fact = environment_.fact(std::string(generation_fact));
  if (fact.empty()) {
    return 0;
  }
  if (fact.size() != sizeof(std::uint64_t)) {
    throw damage(environment_.file() + ": " + std::string(generation_fact) + ": it has " +
                 std::to_string(fact.size()) + " bytes, expected " + std::to_string(sizeof(std::uint64_t)));
  }
  return load_big_endian<std::uint64_t>(fact, 0);
}

bool lmdb_journal::promise_room(std::size_t payload_bytes, std::size_t records) {
  return environment_.promise_room(pages_for(payload_bytes, records));
}

/// Pages are at least half full, for no row takes more than that; each shard copies a path of its tree.
std::size_t lmdb_journal::pages_for(std::size_t payload_bytes, std::size_t records) const {
  return 2 * (payload_bytes + records * row_overhead_bytes) / page_bytes +
         tree_depth_max * std::min(records, shards_.size());
}

/// Appends entries and does `also` in the same transaction.
commit_status lmdb_journal::append_with(std::span<const journal_entry> entries,
                                        lmdb_environment::intent intent,
                                        const std::function<void(MDB_txn*)>& also) {
  const auto ordered = by_shard(entries);
  const std::size_t pages = pages_for(payload_bytes_of(entries), entries.size());
  tails ends;
  const auto status = environment_.write(intent, pages, [&](MDB_txn* txn) {
    ends = put_entries(txn, ordered);
    also(txn);
  });
  if (status == commit_status::done) {
    publish(ends);
  }
  return status;
}

lmdb_journal::tails lmdb_journal::put_entries(MDB_txn* txn,
                                              const std::vector<const journal_entry*>& ordered) {
  tails ends;
  std::optional<lmdb_cursor> cursor;
  for (const journal_entry* entry : ordered) {
    if (ends.empty() || ends.back().first != entry->shard) {
      ends.emplace_back(entry->shard, current(entry->shard));
      cursor.emplace(txn, shards_[entry->shard]);
    }
    tail& end = ends.back().second;
    check_continues(end.bounds, *entry);
    encode_frame({environment_.file(), entry->shard, entry->index},
                 {entry->epoch, end.chain, *entry->payload.share()}, scratch_);
    const std::string_view frame = scratch_;
    for (std::size_t at = 0; at < frame.size(); at += part_bytes_max) {
      const auto part = static_cast<std::uint16_t>(at / part_bytes_max);
      cursor->put(part_key(entry->index, part).view(), frame.substr(at, part_bytes_max), MDB_APPEND);
    }
    end.bounds.last = entry->index;
    end.bounds.last_epoch = entry->epoch;
    end.chain = chain_hash(frame);
  }
  return ends;
}

void lmdb_journal::read(shard_id shard, std::uint64_t from,
                        const std::function<bool(const journal_entry&)>& visit) const {
  check_shard(shard);
  std::vector<journal_entry> chunk;
  std::size_t records_max = chunk_records_first;
  std::uint64_t end = 0;
  while (read_chunk(shard, from, end, records_max, chunk)) {
    for (const journal_entry& entry : chunk) {
      if (!visit(entry)) {
        return;
      }
    }
    records_max = std::min(2 * records_max, chunk_records_max);
  }
}

/// Reads some records from `from` on, which it moves behind them. `end` is set by the first chunk of a read:
/// what is appended later is not waited for. False: nothing is left.
bool lmdb_journal::read_chunk(shard_id shard, std::uint64_t& from, std::uint64_t& end,
                              std::size_t records_max, std::vector<journal_entry>& chunk) const {
  chunk.clear();
  const lmdb_environment::view view(environment_);
  lmdb_cursor cursor(view.txn(), shards_[shard]);
  const std::uint64_t last = last_index(cursor, shard);
  end = end == 0 ? last + 1 : std::min(end, last + 1);
  from = std::max(from, trimmed(cursor, shard).index + 1);
  if (from >= end) {
    return false;
  }
  link previous = link_before(cursor, shard, from);
  std::string scratch;
  std::size_t bytes = 0;
  while (from < end && chunk.size() < records_max && bytes < chunk_bytes_max) {
    try {
      const std::string_view frame = frame_at(cursor, shard, from, scratch);
      const record_frame record = check_follows(previous, shard, from, frame);
      previous = {from, record.epoch, chain_hash(frame)};
      bytes += record.payload.size();
      chunk.push_back({shard, from, record.epoch, std::string(record.payload)});
    } catch (const damage&) {
      if (chunk.empty()) {
        throw;
      }
      return true;  // what holds is visited first; the next chunk begins with the damage
    }
    ++from;
  }
  return true;
}

/// Checks one record as stored and that it follows on `previous`. Throws `damage`.
record_frame lmdb_journal::check_follows(const link& previous, shard_id shard, std::uint64_t index,
                                         std::string_view frame) const {
  const record_place place{environment_.file(), shard, index};
  const record_frame record = decode_frame(place, frame);
  if (record.chain != previous.chain) {
    throw damage(to_string(place) + ": it follows a record with the hash " + hex(record.chain) +
                 ", but the hash of record " + std::to_string(previous.index) + " is " + hex(previous.chain));
  }
  if (record.epoch < previous.epoch) {
    throw damage(to_string(place) + ": its epoch is " + std::to_string(record.epoch) +
                 ", expected at least " + std::to_string(previous.epoch));
  }
  return record;
}

/// The last trimmed record of a shard; all zero if none was.
lmdb_journal::link lmdb_journal::trimmed(lmdb_cursor& cursor, shard_id shard) const {
  if (!cursor.move(MDB_SET, trim_key.view())) {
    return {};
  }
  const std::string_view mark = cursor.value();
  const std::string place = environment_.file() + ": shard " + std::to_string(shard) + ", trim mark";
  if (mark.size() != trim_mark_bytes) {
    throw damage(place + ": it has " + std::to_string(mark.size()) + " bytes, expected " +
                 std::to_string(trim_mark_bytes));
  }
  const auto stored = load_big_endian<std::uint32_t>(mark, trim_mark_covered);
  const auto computed = trim_mark_sum(shard, mark.substr(0, trim_mark_covered));
  if (stored != computed) {
    throw damage(place + ": its content has the checksum " + hex(computed) + ", expected " + hex(stored));
  }
  return {load_big_endian<std::uint64_t>(mark, 0), load_big_endian<std::uint64_t>(mark, 8),
          load_big_endian<std::uint64_t>(mark, 16)};
}

/// What the record before `index` leaves behind, trimmed or not.
lmdb_journal::link lmdb_journal::link_before(lmdb_cursor& cursor, shard_id shard, std::uint64_t index) const {
  const link mark = trimmed(cursor, shard);
  if (mark.index + 1 == index) {
    return mark;
  }
  std::string scratch;
  const std::string_view frame = frame_at(cursor, shard, index - 1, scratch);
  const record_frame record = decode_frame({environment_.file(), shard, index - 1}, frame);
  return {index - 1, record.epoch, chain_hash(frame)};
}

/// The newest index of a shard as the cursor's transaction sees it, also if it was trimmed.
std::uint64_t lmdb_journal::last_index(lmdb_cursor& cursor, shard_id shard) const {
  if (!cursor.move(MDB_LAST) || cursor.key() == trim_key.view()) {
    return trimmed(cursor, shard).index;
  }
  if (cursor.key().size() != trim_key.view().size()) {
    throw damage(environment_.file() + ": shard " + std::to_string(shard) + ", last key: it has " +
                 std::to_string(cursor.key().size()) + " bytes, expected " +
                 std::to_string(trim_key.view().size()));
  }
  return load_big_endian<std::uint64_t>(cursor.key(), 0);
}

/// The whole frame of a record, which has to be there: in the page, or put together in `scratch`.
std::string_view lmdb_journal::frame_at(lmdb_cursor& cursor, shard_id shard, std::uint64_t index,
                                        std::string& scratch) const {
  const record_place place{environment_.file(), shard, index};
  if (!cursor.move(MDB_SET, part_key(index, 0).view())) {
    throw damage(to_string(place) + ": it is missing, though later ones are there");
  }
  const std::size_t parts = count_parts(place, cursor.value());
  if (parts == 1) {
    return cursor.value();
  }
  scratch.assign(cursor.value());
  for (std::size_t part = 1; part < parts; ++part) {
    const part_key key(index, static_cast<std::uint16_t>(part));
    if (!cursor.move(MDB_NEXT) || cursor.key() != key.view()) {
      throw damage(to_string(place) + ": part " + std::to_string(part + 1) + " of " + std::to_string(parts) +
                   " is missing");
    }
    scratch.append(cursor.value());
  }
  return scratch;
}

commit_status lmdb_journal::trim(shard_id shard, std::uint64_t keep_from, std::uint64_t max_records) {
  tail end = current(shard);
  const std::uint64_t first = end.bounds.first;
  end.bounds.first = trimmed_first(end.bounds, keep_from, max_records);
  if (end.bounds.first == first) {
    return commit_status::done;
  }
  const auto mark_last = [&](lmdb_cursor& cursor) {
    put_mark(cursor, shard, link_before(cursor, shard, end.bounds.first));
  };
  const auto status = remove_records(shard, first, end.bounds.first - 1, mark_last);
  if (status == commit_status::done) {
    publish({{shard, end}});
  }
  return status;
}

commit_status lmdb_journal::cut(shard_id shard, std::uint64_t last) {
  tail end = current(shard);
  if (last >= end.bounds.last) {
    return commit_status::done;
  }
  check_cut(shard, end.bounds, last);
  const auto find_end = [&](lmdb_cursor& cursor) {
    const link before = link_before(cursor, shard, last + 1);
    end.bounds.last_epoch = before.epoch;
    end.chain = before.chain;
  };
  const auto status = remove_records(shard, last + 1, end.bounds.last, find_end);
  if (status == commit_status::done) {
    end.bounds.last = last;
    publish({{shard, end}});
  }
  return status;
}

commit_status lmdb_journal::restart(shard_id shard, std::uint64_t index, std::uint64_t epoch) {
  const journal_bounds before = bounds(shard);
  const auto mark = [&](lmdb_cursor& cursor) { put_mark(cursor, shard, {index, epoch, 0}); };
  const auto status = remove_records(shard, before.first, before.last, mark);
  if (status == commit_status::done) {
    publish({{shard, tail{{index + 1, index, epoch}, 0}}});
  }
  return status;
}

/// What a trim leaves behind.
void lmdb_journal::put_mark(lmdb_cursor& cursor, shard_id shard, const link& last) {
  std::array<char, trim_mark_bytes> mark{};
  store_big_endian(mark.data(), last.index);
  store_big_endian(mark.data() + 8, last.epoch);
  store_big_endian(mark.data() + 16, last.chain);
  store_big_endian(mark.data() + trim_mark_covered, trim_mark_sum(shard, {mark.data(), trim_mark_covered}));
  cursor.put(trim_key.view(), {mark.data(), mark.size()});
}

/// Removes all parts of the records from `first` to `last`, after `before` has taken from them what it needs.
commit_status lmdb_journal::remove_records(shard_id shard, std::uint64_t first, std::uint64_t last,
                                           const std::function<void(lmdb_cursor&)>& before) {
  // Pages emptied on the way are used again at once; what grows is the list of those that become free.
  constexpr std::uint64_t records_per_page = 64;
  const std::size_t pages = (last + 1 - first) / records_per_page;
  return environment_.write(lmdb_environment::intent::remove, pages, [&](MDB_txn* txn) {
    lmdb_cursor cursor(txn, shards_[shard]);
    before(cursor);
    const part_key behind(last + 1, 0);
    while (cursor.move(MDB_SET_RANGE, part_key(first, 0).view()) && cursor.key() < behind.view()) {
      cursor.remove();
    }
  });
}

}  // namespace souk::persistence
