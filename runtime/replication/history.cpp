#include "runtime/replication/history.hpp"

#include <algorithm>

namespace souk::replication {

history history::read(std::uint64_t first, std::uint64_t last, std::uint64_t last_epoch,
                      const std::function<std::uint64_t(std::uint64_t index)>& epoch_at) {
  history found;
  found.first_ = first;
  found.last_ = last;
  if (last == 0) return found;
  if (last < first) {
    found.runs_.push_back({last, last_epoch});
    return found;
  }
  std::uint64_t from = first;
  auto epoch = epoch_at(first);
  found.runs_.push_back({from, epoch});
  while (epoch != last_epoch) {
    // The first record of another epoch: after `low`, not after `high`.
    auto low = from;
    auto high = last;
    while (high - low > 1) {
      const auto middle = low + (high - low) / 2;
      (epoch_at(middle) == epoch ? low : high) = middle;
    }
    from = high;
    const auto next = high == last ? last_epoch : epoch_at(high);
    if (next <= epoch)
      throw broken_protocol{"the epochs of record " + std::to_string(high) + " and before it fall"};
    epoch = next;
    found.runs_.push_back({from, epoch});
  }
  return found;
}

std::uint64_t history::epoch_at(std::uint64_t index) const {
  if (index > last_) throw broken_protocol{"there is no record " + std::to_string(index)};
  const auto after =
      std::partition_point(runs_.begin(), runs_.end(), [&](const run& run) { return run.from <= index; });
  if (index == 0 || after == runs_.begin()) return 0;
  return std::prev(after)->epoch;
}

void history::append(position next) {
  if (next.index != last_ + 1 || next.epoch == 0 || (!runs_.empty() && next.epoch < runs_.back().epoch))
    throw broken_protocol{"record " + std::to_string(next.index) + " of epoch " + std::to_string(next.epoch) +
                          " does not follow record " + std::to_string(last_)};
  if (runs_.empty() || runs_.back().epoch != next.epoch) runs_.push_back({next.index, next.epoch});
  last_ = next.index;
}

void history::cut(std::uint64_t last) {
  if (last + 1 < first_)
    throw broken_protocol{"records below " + std::to_string(first_) + " are trimmed, not to be cut"};
  last_ = std::min(last_, last);
  while (!runs_.empty() && runs_.back().from > last_)
    runs_.pop_back();
}

void history::trim(std::uint64_t first) {
  first_ = std::max(first_, std::min(first, last_ + 1));
  // The epoch just before the first is still of use: it is what a first append is checked against.
  while (runs_.size() > 1 && runs_[1].from < first_)
    runs_.erase(runs_.begin());
}

void history::restart(position at) {
  first_ = at.index + 1;
  last_ = at.index;
  runs_.clear();
  if (at.index > 0) runs_.push_back({at.index, at.epoch});
}

std::optional<position> history::meet(position theirs) const {
  auto index = std::min(theirs.index, last_);
  if (index + 1 < first_) return std::nullopt;
  while (index + 1 > first_ && epoch_at(index) > theirs.epoch) {
    const auto run = std::prev(
        std::partition_point(runs_.begin(), runs_.end(), [&](const auto& run) { return run.from <= index; }));
    index = std::max(run->from, first_) - 1;
  }
  if (index + 1 == first_ && epoch_at(index) > theirs.epoch) return std::nullopt;
  return position{index, epoch_at(index)};
}

}  // namespace souk::replication
