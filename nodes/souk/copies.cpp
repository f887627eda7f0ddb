#include "nodes/souk/copies.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace souk::cli {

comparison compare_copies(const std::string& primary, const std::vector<shard_copy>& copies) {
  comparison result;
  for (const shard_copy& copy : copies) {
    if (!copy.failure.empty()) {
      result.text = fmt::format("{} says nothing: {}", copy.node, copy.failure);
      return result;
    }
  }
  const auto leader = std::find_if(copies.begin(), copies.end(),
                                   [&primary](const shard_copy& copy) { return copy.node == primary; });
  if (leader == copies.end()) {
    result.text = "nobody is primary";
    return result;
  }
  const bool at_rest = std::all_of(copies.begin(), copies.end(), [&leader](const shard_copy& copy) {
    return copy.applied == copy.last && copy.applied == leader->applied;
  });
  if (!at_rest) {
    result.text = "is being written to:";
    for (const shard_copy& copy : copies)
      result.text += fmt::format(" {} stands for {} of {}", copy.node, copy.applied, copy.last);
    return result;
  }
  for (const shard_copy& copy : copies)
    if (copy.digest != leader->digest) result.others.push_back(copy.node);
  result.is = result.others.empty() ? comparison::verdict::same : comparison::verdict::different;
  if (!result.others.empty())
    result.text = fmt::format("at record {} the copy of {} is not that of the primary, {}", leader->applied,
                              fmt::join(result.others, ", "), primary);
  return result;
}

}  // namespace souk::cli
