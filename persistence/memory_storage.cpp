#include "persistence/memory_storage.hpp"

#include "persistence/sequence.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <utility>

namespace souk::persistence {

namespace {

/// One shard's sequence, from `bounds.first` on.
struct sequence {
  journal_bounds bounds;
  std::uint64_t trimmed_epoch = 0;
  std::deque<journal_entry> entries;

  std::uint64_t epoch_at_end() const { return entries.empty() ? trimmed_epoch : entries.back().epoch; }
};

struct contents {
  std::map<shard_id, sequence> shards;
  std::map<std::string, std::string, std::less<>> rows;
  std::uint64_t journal_bytes = 0;  ///< Of all payloads.
  std::uint64_t state_bytes = 0;    ///< Of all keys and values.
};

/// What journal and state share: the contents, and what a power cut would leave of them.
class disk {
 public:
  const contents& now() const { return now_; }

  /// Runs `change` as one write.
  template <class Change>
  commit_status write(const Change& change) {
    if (scans > 0) {
      throw std::logic_error("a write inside a scan");
    }
    if (refused > 0) {
      --refused;
      return commit_status::storage_full;
    }
    if (!holding) {
      durable_.reset();
    } else if (!durable_) {
      durable_ = now_;
    }
    change(now_);
    return commit_status::done;
  }
  void sync() { durable_.reset(); }
  void lose_unsynced() {
    if (durable_) {
      now_ = std::move(*durable_);
      durable_.reset();
    }
  }

  bool holding = false;
  unsigned refused = 0;
  unsigned scans = 0;

 private:
  contents now_;
  std::optional<contents> durable_;  ///< Empty: all of `now_` is.
};

class memory_journal final : public journal {
 public:
  explicit memory_journal(disk& disk) : disk_(disk) {}

  commit_status append(std::span<const journal_entry> entries) override {
    if (entries.empty()) {
      return commit_status::done;
    }
    const auto ends = ends_after(*this, entries);
    return disk_.write([&](contents& now) {
      for (const journal_entry& entry : entries) {
        now.shards[entry.shard].entries.push_back(entry);
        now.journal_bytes += entry.payload.size();
      }
      for (const auto& [shard, end] : ends) {
        now.shards[shard].bounds = end;
      }
    });
  }

  journal_bounds bounds(shard_id shard) const override {
    if (shard >= shard_count_max) {
      throw std::logic_error("shard " + std::to_string(shard) + " of " + std::to_string(shard_count_max));
    }
    const auto found = disk_.now().shards.find(shard);
    return found == disk_.now().shards.end() ? journal_bounds{} : found->second.bounds;
  }

  void read(shard_id shard, std::uint64_t from,
            const std::function<bool(const journal_entry&)>& visit) const override {
    const std::uint64_t last = bounds(shard).last;
    journal_entry entry;
    // The visitor may append and trim: nothing is kept over the call but a copy of the record.
    for (std::uint64_t index = from;; ++index) {
      const journal_bounds now = bounds(shard);
      index = std::max(index, now.first);
      if (index > std::min(last, now.last)) {
        return;
      }
      entry = disk_.now().shards.at(shard).entries[index - now.first];
      if (!visit(entry)) {
        return;
      }
    }
  }

  commit_status trim(shard_id shard, std::uint64_t keep_from, std::uint64_t max_records) override {
    const std::uint64_t first = trimmed_first(bounds(shard), keep_from, max_records);
    if (first == bounds(shard).first) {
      return commit_status::done;
    }
    return disk_.write([&](contents& now) {
      sequence& sequence = now.shards[shard];
      for (; sequence.bounds.first < first; ++sequence.bounds.first) {
        sequence.trimmed_epoch = sequence.entries.front().epoch;
        now.journal_bytes -= sequence.entries.front().payload.size();
        sequence.entries.pop_front();
      }
    });
  }

  commit_status cut(shard_id shard, std::uint64_t last) override {
    if (last >= bounds(shard).last) {
      return commit_status::done;
    }
    check_cut(shard, bounds(shard), last);
    return disk_.write([&](contents& now) {
      sequence& sequence = now.shards[shard];
      for (; sequence.bounds.last > last; --sequence.bounds.last) {
        now.journal_bytes -= sequence.entries.back().payload.size();
        sequence.entries.pop_back();
      }
      sequence.bounds.last_epoch = sequence.epoch_at_end();
    });
  }

  commit_status restart(shard_id shard, std::uint64_t index, std::uint64_t epoch) override {
    (void)bounds(shard);  // refuses an impossible shard
    return disk_.write([&](contents& now) {
      sequence& sequence = now.shards[shard];
      for (const journal_entry& entry : sequence.entries) {
        now.journal_bytes -= entry.payload.size();
      }
      sequence = {{index + 1, index, epoch}, epoch, {}};
    });
  }

 private:
  disk& disk_;
};

class memory_state final : public state_store {
 public:
  explicit memory_state(disk& disk) : disk_(disk) {}

  commit_status write_all(std::span<const row_changes> parts) override {
    auto changes = std::views::join(parts);
    if (changes.begin() == changes.end()) {
      return commit_status::done;
    }
    std::ranges::for_each(changes, check_row_change);
    return disk_.write([&](contents& now) {
      for (const row_change& change : changes) {
        const auto place = now.rows.lower_bound(change.key);
        const bool is_there = place != now.rows.end() && place->first == change.key;
        if (is_there) {
          now.state_bytes -= change.key.size() + place->second.size();
        }
        if (change.value) {
          now.state_bytes += change.key.size() + change.value->size();
          if (is_there) {
            place->second = *change.value;
          } else {
            now.rows.emplace_hint(place, change.key, *change.value);
          }
        } else if (is_there) {
          now.rows.erase(place);
        }
      }
    });
  }

  std::optional<std::string> get(std::string_view key) const override {
    check_row_key(key);
    const auto found = disk_.now().rows.find(key);
    return found == disk_.now().rows.end() ? std::nullopt : std::optional(found->second);
  }

  void scan(std::string_view from, std::string_view to, scan_order order,
            const std::function<bool(std::string_view, std::string_view)>& visit) const override {
    if (from >= to) {
      return;
    }
    const scan_mark mark(disk_);
    const auto& rows = disk_.now().rows;
    const auto first = rows.lower_bound(from);
    if (order == scan_order::ascending) {
      for (auto row = first; row != rows.end() && row->first < to && visit(row->first, row->second); ++row) {
      }
    } else {
      for (auto row = rows.lower_bound(to);
           row != first && visit(std::prev(row)->first, std::prev(row)->second); --row) {
      }
    }
  }

 private:
  class scan_mark {
   public:
    explicit scan_mark(disk& disk) : disk_(disk) { ++disk_.scans; }
    ~scan_mark() { --disk_.scans; }
    scan_mark(const scan_mark&) = delete;
    scan_mark& operator=(const scan_mark&) = delete;

   private:
    disk& disk_;
  };

  disk& disk_;
};

class memory_storage_impl final : public memory_storage {
 public:
  journal& log() override { return journal_; }
  state_store& state() override { return state_; }

  storage_usage usage() const override {
    constexpr std::uint64_t bytes_max = 1ULL << 30;
    storage_usage usage;
    usage.journal_bytes = disk_.now().journal_bytes;
    usage.state_bytes = disk_.now().state_bytes;
    usage.journal_bytes_max = bytes_max;
    usage.state_bytes_max = bytes_max;
    usage.disk_free_bytes = bytes_max;
    usage.nearly_full = nearly_full_;
    return usage;
  }

  void hold_back(bool on) override { disk_.holding = on; }
  void sync() override { disk_.sync(); }
  void lose_unsynced() override { disk_.lose_unsynced(); }
  void refuse_writes(unsigned count) override { disk_.refused = count; }
  void set_nearly_full(bool full) override { nearly_full_ = full; }

 private:
  disk disk_;
  memory_journal journal_{disk_};
  memory_state state_{disk_};
  bool nearly_full_ = false;
};

}  // namespace

std::unique_ptr<memory_storage> make_memory_storage() { return std::make_unique<memory_storage_impl>(); }

}  // namespace souk::persistence
