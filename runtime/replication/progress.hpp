#pragma once

#include "runtime/replication/types.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace souk::replication {

/// The acknowledge rule: a record is committed when every member of `in_sync` has it on disk, the primary's
/// own disk counted as one, and `in_sync` is large enough. While a change of `in_sync` is under way, or its
/// outcome unknown: every member of the old and of the new set. Pure.
class commit_progress {
 public:
  /// Starts an epoch; up to `committed` is known to be committed.
  void start(members in_sync, std::uint64_t committed, std::size_t min_in_sync = 1) {
    in_sync_ = std::move(in_sync);
    wanted_.clear();
    min_in_sync_ = min_in_sync;
    durable_.clear();
    committed_ = committed;
  }

  /// A change to `wanted` is about to be asked for: from here on both sets count.
  void change_asked(members wanted) { wanted_ = std::move(wanted); }

  /// The coordinator's record is known, and no change is under way any more.
  void settled(members in_sync, std::size_t min_in_sync) {
    in_sync_ = std::move(in_sync);
    wanted_.clear();
    min_in_sync_ = min_in_sync;
    advance();
  }

  /// A member has everything up to `index` on its disk. Those that do not count now may count later.
  void durable(const member_id& member, std::uint64_t index) {
    auto known =
        std::find_if(durable_.begin(), durable_.end(), [&](const auto& d) { return d.first == member; });
    if (known == durable_.end())
      durable_.emplace_back(member, index);
    else
      known->second = std::max(known->second, index);
    advance();
  }

  /// A member does not have any more what it had: what it was counted for stays so, what comes waits for it.
  void went_back(const member_id& member, std::uint64_t index) {
    for (auto& known : durable_)
      if (known.first == member) known.second = std::min(known.second, index);
  }

  /// What a member is known to have on disk; 0 as long as it said nothing.
  std::uint64_t durable_of(const member_id& member) const {
    auto known =
        std::find_if(durable_.begin(), durable_.end(), [&](const auto& d) { return d.first == member; });
    return known == durable_.end() ? 0 : known->second;
  }

  /// Everyone whose disk counts now.
  members counted() const {
    auto all = in_sync_;
    for (const auto& member : wanted_)
      if (!contains(all, member)) all.push_back(member);
    return all;
  }

  /// Whether something holds for everyone whose disk counts now.
  template <class Holds>
  bool all_counted(const Holds& holds) const {
    return std::all_of(in_sync_.begin(), in_sync_.end(), holds) &&
           std::all_of(wanted_.begin(), wanted_.end(), holds);
  }

  /// What all that count have on disk.
  std::uint64_t slowest() const {
    auto least = ~std::uint64_t{0};
    for (const auto* set : {&in_sync_, &wanted_})
      for (const auto& member : *set)
        least = std::min(least, durable_of(member));
    return in_sync_.empty() ? 0 : least;
  }

  std::uint64_t committed() const { return committed_; }

 private:
  void advance() {
    const bool enough =
        in_sync_.size() >= min_in_sync_ && (wanted_.empty() || wanted_.size() >= min_in_sync_);
    if (enough) committed_ = std::max(committed_, slowest());
  }

  members in_sync_;
  members wanted_;  // empty: no change under way
  std::size_t min_in_sync_ = 1;
  std::vector<std::pair<member_id, std::uint64_t>> durable_;
  std::uint64_t committed_ = 0;
};

}  // namespace souk::replication
