#include "runtime/testkit/disk.hpp"

#include "persistence/lmdb_storage.hpp"
#include "persistence/memory_storage.hpp"
#include "persistence/sequence.hpp"
#include "runtime/shard/keys.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <system_error>

namespace souk::runtime::testkit {

namespace {

using persistence::commit_status;
using persistence::damage;
using persistence::journal_entry;
using persistence::shard_id;

// Of a folder: what a simulation writes is little, and each run has several.
constexpr std::uint64_t map_bytes_initial = 1ULL << 20;
constexpr std::uint64_t map_bytes_max = 1ULL << 30;

std::string place_of(shard_id shard, std::uint64_t index) {
  return "journal: shard " + std::to_string(shard) + ", record " + std::to_string(index);
}

}  // namespace

/// The journal as a node sees it.
class disk::log_view final : public persistence::journal {
 public:
  explicit log_view(disk& disk) : disk_(disk) {}

  commit_status append(std::span<const journal_entry> entries) override {
    if (entries.empty()) return commit_status::done;
    if (disk_.refuses()) return commit_status::storage_full;
    const auto status = below().append(entries);
    if (status != commit_status::done) return status;
    if (disk_.lying_)
      disk_.keep(disk_.unwritten_journal_,
                 [all = std::vector(entries.begin(), entries.end())](persistence::storage& storage) {
                   return storage.log().append(all);
                 });
    return status;
  }

  persistence::journal_bounds bounds(shard_id shard) const override { return below().bounds(shard); }

  // The record before the first one is looked at too, as its hash is in the chain.
  void read(shard_id shard, std::uint64_t from,
            const std::function<bool(const journal_entry&)>& visit) const override {
    if (disk_.records_.empty()) return below().read(shard, from, visit);
    if (from > bounds(shard).first && from <= bounds(shard).last) disk_.check_record(shard, from - 1);
    below().read(shard, from, [&](const journal_entry& entry) {
      disk_.check_record(shard, entry.index);
      return visit(entry);
    });
  }

  // The mark that is left has the hash of the last record that goes.
  commit_status trim(shard_id shard, std::uint64_t keep_from, std::uint64_t max_records) override {
    const auto first = bounds(shard).first;
    const auto new_first = persistence::trimmed_first(bounds(shard), keep_from, max_records);
    if (new_first == first) return commit_status::done;
    disk_.check_record(shard, new_first - 1);
    if (disk_.keeps_trimmed_) remember(shard, first, new_first);
    return write(
        [=](persistence::storage& storage) { return storage.log().trim(shard, keep_from, max_records); },
        shard);
  }

  commit_status cut(shard_id shard, std::uint64_t last) override {
    if (last >= bounds(shard).last) return commit_status::done;
    disk_.check_record(shard, last);
    return write([=](persistence::storage& storage) { return storage.log().cut(shard, last); }, shard);
  }

  commit_status restart(shard_id shard, std::uint64_t index, std::uint64_t epoch) override {
    return write([=](persistence::storage& storage) { return storage.log().restart(shard, index, epoch); },
                 shard);
  }

 private:
  persistence::journal& below() const { return disk_.kept_->log(); }

  void remember(shard_id shard, std::uint64_t first, std::uint64_t end) {
    below().read(shard, first, [&](const journal_entry& entry) {
      if (entry.index < end) disk_.trimmed_[shard].insert_or_assign(entry.index, entry);
      return entry.index + 1 < end;
    });
  }

  commit_status write(const change& change, shard_id shard) {
    if (disk_.refuses()) return commit_status::storage_full;
    const auto status = change(*disk_.kept_);
    if (status != commit_status::done) return status;
    if (disk_.lying_) disk_.keep(disk_.unwritten_journal_, change);
    disk_.forget_removed(shard);
    return status;
  }

  disk& disk_;
};

/// The state as a node sees it.
class disk::state_view final : public persistence::state_store {
 public:
  explicit state_view(disk& disk) : disk_(disk) {}

  commit_status write_all(std::span<const persistence::row_changes> parts) override {
    std::vector<persistence::row_change> changes;
    for (const auto& part : parts)
      changes.insert(changes.end(), part.begin(), part.end());
    if (changes.empty()) return commit_status::done;
    if (disk_.refuses()) return commit_status::storage_full;
    const auto status = below().write(changes);
    if (status != commit_status::done) return status;
    if (disk_.lying_)
      disk_.keep(disk_.unwritten_state_,
                 [all = changes](persistence::storage& storage) { return storage.state().write(all); });
    if (!disk_.rows_.empty())
      for (const auto& change : changes)
        disk_.rows_.erase(change.key);
    return status;
  }

  std::optional<std::string> get(std::string_view key) const override {
    disk_.check_row(key);
    return below().get(key);
  }

  void scan(std::string_view from, std::string_view to, persistence::scan_order order,
            const std::function<bool(std::string_view, std::string_view)>& visit) const override {
    if (disk_.rows_.empty()) return below().scan(from, to, order, visit);
    below().scan(from, to, order, [&](std::string_view key, std::string_view value) {
      disk_.check_row(key);
      return visit(key, value);
    });
  }

 private:
  persistence::state_store& below() const { return disk_.kept_->state(); }

  disk& disk_;
};

disk::disk(std::uint16_t shard_count, std::filesystem::path folder)
    : folder_(std::move(folder)),
      shard_count_(shard_count),
      kept_(folder_.empty() ? persistence::make_memory_storage() : nullptr),
      log_(std::make_unique<log_view>(*this)),
      state_(std::make_unique<state_view>(*this)) {}

disk::~disk() {
  kept_.reset();
  std::error_code no_matter;
  if (!in_memory()) std::filesystem::remove_all(folder_, no_matter);
}

persistence::journal& disk::log() { return *log_; }

persistence::state_store& disk::state() { return *state_; }

persistence::storage_usage disk::usage() const { return kept_->usage(); }

// -- its power ---------------------------------------------------------------------------------------

void disk::power_on() {
  off_ = false;
  open();
  // Whoever opens a journal looks at the end of each shard.
  for (const auto& [shard, index] : records_)
    if (index == kept_->log().bounds(shard).last) check_record(shard, index);
}

void disk::open() {
  if (kept_) return;
  persistence::lmdb_options options;
  options.folder = folder_;
  options.map_bytes_initial = map_bytes_initial;
  options.journal_bytes_max = options.state_bytes_max = map_bytes_max;
  options.disk_reserve_bytes = 0;  // how full this machine is must not matter
  options.shard_count = shard_count_;
  // What names the folder is of no meaning to the cluster.
  options.random_bytes = [](std::size_t bytes) { return std::string(bytes, 's'); };
  kept_ = persistence::open_lmdb(options);
}

void disk::power_cut(std::size_t journal_kept, std::size_t state_kept) {
  off_ = false;
  if (!in_memory()) {
    kept_.reset();
    return open();
  }
  if (!lying_) return;
  lying_ = false;
  auto& memory = static_cast<persistence::memory_storage&>(*kept_);
  memory.lose_unsynced();
  memory.hold_back(false);
  const auto write_again = [&](std::vector<change>& changes, std::size_t kept) {
    for (std::size_t n = 0; n < std::min(kept, changes.size()); ++n)
      changes[n](memory);
    changes.clear();
  };
  write_again(unwritten_journal_, journal_kept);
  write_again(unwritten_state_, state_kept);
}

// -- what goes wrong ---------------------------------------------------------------------------------

void disk::refuse_writes(unsigned count, std::uint64_t later) {
  refused_ = count;
  later_ = later;
}

bool disk::refuses() {
  if (off_) return true;
  ++writes_;
  if (refused_ == 0) return false;
  if (later_ > 0) {
    --later_;
    return false;
  }
  --refused_;
  return true;
}

void disk::lie() {
  if (!in_memory()) throw std::logic_error("a disk that is real does not lie");
  if (std::exchange(lying_, true)) return;
  static_cast<persistence::memory_storage&>(*kept_).hold_back(true);
}

void disk::stop_lying() {
  if (!std::exchange(lying_, false)) return;
  auto& memory = static_cast<persistence::memory_storage&>(*kept_);
  memory.sync();
  memory.hold_back(false);
  unwritten_journal_.clear();
  unwritten_state_.clear();
}

void disk::keep(std::vector<change>& unwritten, change change) { unwritten.push_back(std::move(change)); }

std::pair<std::size_t, std::size_t> disk::unwritten() const {
  return {unwritten_journal_.size(), unwritten_state_.size()};
}

std::string disk::spoil(std::uint64_t number) {
  auto what = number % 2 == 0 ? spoil_record(number / 2) : spoil_row(number / 2);
  return what.empty() ? spoil_row(number / 2) : what;
}

std::string disk::spoil_record(std::uint64_t number) {
  std::vector<shard_id> shards;
  for (shard_id shard = 0; shard < shard_count_; ++shard)
    if (kept_->log().bounds(shard).last >= kept_->log().bounds(shard).first) shards.push_back(shard);
  if (shards.empty()) return {};
  const auto shard = shards[number % shards.size()];
  const auto bounds = kept_->log().bounds(shard);
  const auto index = bounds.last - number / shards.size() % (bounds.last - bounds.first + 1);
  records_.emplace(shard, index);
  return place_of(shard, index);
}

std::string disk::spoil_row(std::uint64_t number) {
  std::vector<std::string> keys;
  const auto entities = keys::starting_with("e");
  kept_->state().scan(entities.from, entities.to, persistence::scan_order::ascending,
                      [&](std::string_view key, std::string_view) {
                        keys.emplace_back(key);
                        return true;
                      });
  if (keys.empty()) return {};
  const auto& key = keys[number % keys.size()];
  rows_.insert(key);
  const auto parsed = keys::parse_entity_row(key);
  return "state: a row of " + (parsed ? parsed->address.key : key);
}

void disk::forget_removed(shard_id shard) {
  if (records_.empty()) return;
  const auto bounds = kept_->log().bounds(shard);
  std::erase_if(records_, [&](const place& each) {
    return each.first == shard && (each.second < bounds.first || each.second > bounds.last);
  });
}

void disk::check_record(shard_id shard, std::uint64_t index) const {
  if (records_.contains({shard, index}))
    throw damage(place_of(shard, index) + ": its content has another checksum than expected");
}

void disk::check_row(std::string_view key) const {
  if (!rows_.empty() && rows_.contains(key))
    throw damage("state: a row's content has another checksum than expected");
}

const std::map<std::uint64_t, journal_entry>& disk::trimmed(shard_id shard) const {
  static const std::map<std::uint64_t, journal_entry> none;
  const auto found = trimmed_.find(shard);
  return found == trimmed_.end() ? none : found->second;
}

}  // namespace souk::runtime::testkit
