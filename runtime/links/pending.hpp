#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

namespace souk::links {

/// What was sent and not answered yet: bounded, each with a deadline. Numbers start where nobody can guess,
/// so that an answer to an earlier life of the table's owner finds nothing.
template <class Entry>
class pending {
 public:
  using time = std::chrono::nanoseconds;

  pending(std::uint64_t first, std::size_t most) : next_(first), most_(most) {}

  bool full() const { return entries_.size() >= most_; }
  bool empty() const { return entries_.empty(); }

  /// The number to send it under.
  std::uint64_t add(Entry entry, time deadline) {
    const auto number = next_++;
    entries_.emplace(number, slot{std::move(entry), deadline});
    deadlines_.emplace(deadline, number);
    return number;
  }

  /// Nothing for a number that nobody waits for.
  std::optional<Entry> take(std::uint64_t number) {
    const auto found = entries_.find(number);
    if (found == entries_.end()) return std::nullopt;
    std::optional<Entry> entry{std::move(found->second.entry)};
    deadlines_.erase({found->second.deadline, number});
    entries_.erase(found);
    return entry;
  }

  /// Those whose time is over, oldest deadline first.
  std::vector<Entry> take_expired(time now) {
    std::vector<Entry> expired;
    while (!deadlines_.empty() && deadlines_.begin()->first <= now)
      expired.push_back(*take(deadlines_.begin()->second));
    return expired;
  }

  std::vector<Entry> take_all() { return take_expired(time::max()); }

 private:
  struct slot {
    Entry entry;
    time deadline{};
  };

  std::uint64_t next_;
  std::size_t most_;
  std::unordered_map<std::uint64_t, slot> entries_;
  std::set<std::pair<time, std::uint64_t>> deadlines_;
};

}  // namespace souk::links
