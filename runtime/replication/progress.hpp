#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace souk::runtime {

/// How far a shard's journal is on the disks that count, and so how far it is committed: the acknowledge
/// rule. A record is committed when every member of `in_sync` has it on disk; the primary's own disk is one
/// of them. Pure.
class commit_progress {
 public:
  /// Starts an epoch with these members, all of which stand at `durable`.
  void start(const std::vector<std::string>& in_sync, std::uint64_t durable) {
    members_.clear();
    for (const auto& member : in_sync)
      members_.emplace_back(member, durable);
    committed_ = durable;
  }

  /// A member has everything up to `index` on its disk. Unknown members do not count.
  void durable(const std::string& member, std::uint64_t index) {
    for (auto& [name, upto] : members_) {
      if (name == member) upto = std::max(upto, index);
    }
    if (members_.empty()) return;
    auto slowest = std::min_element(members_.begin(), members_.end(),
                                    [](const auto& a, const auto& b) { return a.second < b.second; });
    committed_ = std::max(committed_, slowest->second);
  }

  std::uint64_t committed() const { return committed_; }

 private:
  std::vector<std::pair<std::string, std::uint64_t>> members_;
  std::uint64_t committed_ = 0;
};

}  // namespace souk::runtime
