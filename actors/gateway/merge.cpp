#include "actors/gateway/merge.hpp"

#include <algorithm>
#include <iterator>

namespace souk::gateway {

merged_page merge_newest_first(std::vector<reply> pages, std::size_t limit) {
  merged_page merged;
  for (reply& page : pages) {
    std::move(page.rows.begin(), page.rows.end(), std::back_inserter(merged.rows));
    merged.more = merged.more || page.more;
  }
  std::sort(merged.rows.begin(), merged.rows.end(),
            [](const auto& a, const auto& b) { return a.first > b.first; });
  if (merged.rows.size() > limit) {
    merged.rows.resize(limit);
    merged.more = true;
  }
  return merged;
}

}  // namespace souk::gateway
