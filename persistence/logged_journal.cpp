#include "persistence/logged_journal.hpp"

#include "persistence/byte_order.hpp"
#include "persistence/sequence.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace souk::persistence {

namespace {

constexpr std::size_t index_offset = 2;
constexpr std::size_t epoch_offset = 10;
constexpr std::size_t length_offset = 18;
constexpr std::size_t record_header_bytes = 22;

std::size_t batch_bytes_of(std::size_t payload_bytes, std::size_t records) {
  return commit_log::header_bytes + payload_bytes + records * record_header_bytes;
}

/// `bytes`: how long the batch will be.
std::string encode(std::span<const journal_entry> entries, std::size_t bytes) {
  std::string batch = commit_log::begin_batch();
  batch.reserve(bytes + commit_log::block_bytes);
  for (const journal_entry& entry : entries) {
    std::array<char, record_header_bytes> header{};
    store_big_endian(header.data(), entry.shard);
    store_big_endian(header.data() + index_offset, entry.index);
    store_big_endian(header.data() + epoch_offset, entry.epoch);
    store_big_endian(header.data() + length_offset, static_cast<std::uint32_t>(entry.payload.size()));
    batch.append(header.data(), header.size());
    batch.append(*entry.payload.share());
  }
  return batch;
}

/// The records of a batch whose checksum holds. Throws `damage` if it is none of ours all the same.
std::vector<journal_entry> decode(std::string_view content) {
  std::vector<journal_entry> entries;
  while (!content.empty()) {
    const std::size_t payload_bytes = content.size() < record_header_bytes
                                          ? content.size()
                                          : load_big_endian<std::uint32_t>(content, length_offset);
    if (content.size() < record_header_bytes + payload_bytes) {
      throw damage("the commit log: record " + std::to_string(entries.size() + 1) + " of a batch has " +
                   std::to_string(content.size()) + " bytes, expected " +
                   std::to_string(record_header_bytes + payload_bytes));
    }
    entries.push_back({load_big_endian<shard_id>(content, 0),
                       load_big_endian<std::uint64_t>(content, index_offset),
                       load_big_endian<std::uint64_t>(content, epoch_offset),
                       std::string(content.substr(record_header_bytes, payload_bytes))});
    content.remove_prefix(record_header_bytes + payload_bytes);
  }
  return entries;
}

}  // namespace

logged_journal::logged_journal(lmdb_environment& environment, std::filesystem::path log,
                               commit_log::access access, std::uint16_t shard_count)
    : settled_(environment, shard_count), log_(std::move(log), access), waiting_(shard_count) {}

void logged_journal::open() {
  settled_.open_tails();
  for (const std::string& content : log_.open(settled_.generation())) {
    take_up(content);
  }
}

void logged_journal::take_up(std::string_view content) {
  const auto found = decode(content);
  try {
    ends_after(*this, found);
  } catch (const std::logic_error& error) {
    throw damage(std::string("the commit log does not go on where the journal ends: ") + error.what());
  }
  wait(found, payload_bytes_of(found));
}

journal_bounds logged_journal::bounds(shard_id shard) const {
  // The lock keeps a settlement from falling between the two.
  const std::lock_guard lock(mutex_);
  journal_bounds bounds = settled_.bounds(shard);
  if (const entries& waiting = waiting_[shard]; !waiting.empty() && waiting.back().index > bounds.last) {
    bounds.last = waiting.back().index;
    bounds.last_epoch = waiting.back().epoch;
  }
  return bounds;
}

commit_status logged_journal::append(std::span<const journal_entry> entries) {
  if (entries.empty()) {
    return commit_status::done;
  }
  ends_after(*this, entries);  // throws where they do not go on
  const std::size_t payload_bytes = payload_bytes_of(entries);
  const std::size_t batch_bytes = batch_bytes_of(payload_bytes, entries.size());
  if (!may_wait(payload_bytes, entries.size(), batch_bytes)) {
    if (settle() != commit_status::done) {
      return commit_status::storage_full;
    }
    if (!may_wait(payload_bytes, entries.size(), batch_bytes)) {
      return settled_.append(entries);
    }
  }
  std::string batch = encode(entries, batch_bytes);
  const auto status = log_.append(batch);
  if (status == commit_status::done) {
    wait(entries, payload_bytes);
  }
  return status;
}

/// Whether so much more may wait, in the log, in memory, and for room that the environment promises.
bool logged_journal::may_wait(std::size_t payload_bytes, std::size_t records, std::size_t batch_bytes) {
  const bool is_alone = waiting_records_ == 0;
  return log_.has_room(batch_bytes) && (is_alone || waiting_bytes_ + payload_bytes <= waiting_bytes_max) &&
         settled_.promise_room(waiting_bytes_ + payload_bytes, waiting_records_ + records);
}

void logged_journal::wait(std::span<const journal_entry> entries, std::size_t payload_bytes) {
  const std::lock_guard lock(mutex_);
  for (const journal_entry& entry : entries) {
    waiting_[entry.shard].push_back(entry);
  }
  waiting_bytes_ += payload_bytes;
  waiting_records_ += entries.size();
}

commit_status logged_journal::settle() {
  if (log_.is_empty()) {
    return commit_status::done;
  }
  entries all;
  all.reserve(waiting_records_);
  for (const entries& waiting : waiting_) {
    all.insert(all.end(), waiting.begin(), waiting.end());
  }
  const auto status = settled_.settle(all, log_.generation() + 1);
  if (status != commit_status::done) {
    return status;
  }
  log_.rewind();
  const std::lock_guard lock(mutex_);
  for (entries& waiting : waiting_) {
    waiting.clear();
  }
  waiting_bytes_ = 0;
  waiting_records_ = 0;
  return status;
}

std::size_t logged_journal::waiting_bytes() const {
  const std::lock_guard lock(mutex_);
  return waiting_bytes_;
}

void logged_journal::read(shard_id shard, std::uint64_t from,
                          const std::function<bool(const journal_entry&)>& visit) const {
  // Taken before the environment is read: what is settled meanwhile is found there.
  const entries waiting = waiting_from(shard, from);
  bool goes_on = true;
  if (waiting.empty() || waiting.front().index > from) {
    settled_.read(shard, from, [&](const journal_entry& entry) {
      from = entry.index + 1;
      goes_on = visit(entry);
      return goes_on;
    });
  }
  for (const journal_entry& entry : waiting) {
    if (!goes_on) {
      return;
    }
    if (entry.index >= from) {
      goes_on = visit(entry);
    }
  }
}

logged_journal::entries logged_journal::waiting_from(shard_id shard, std::uint64_t from) const {
  const std::lock_guard lock(mutex_);
  const entries& waiting = waiting_.at(shard);
  const auto first = std::ranges::lower_bound(waiting, from, {}, &journal_entry::index);
  return {first, waiting.end()};
}

commit_status logged_journal::trim(shard_id shard, std::uint64_t keep_from, std::uint64_t max_records) {
  if (keep_from > settled_.bounds(shard).last + 1 && settle() != commit_status::done) {
    keep_from = settled_.bounds(shard).last + 1;  // trims make the room that settling lacks
  }
  return settled_.trim(shard, keep_from, max_records);
}

commit_status logged_journal::cut(shard_id shard, std::uint64_t last) {
  const auto status = settle();
  return status == commit_status::done ? settled_.cut(shard, last) : status;
}

commit_status logged_journal::restart(shard_id shard, std::uint64_t index, std::uint64_t epoch) {
  const auto status = settle();
  return status == commit_status::done ? settled_.restart(shard, index, epoch) : status;
}

}  // namespace souk::persistence
