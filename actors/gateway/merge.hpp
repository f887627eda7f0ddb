#pragma once

#include "actors/gateway/step.hpp"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace souk::gateway {

/// A page of a list whose rows lie in several shards.
struct merged_page {
  std::vector<std::pair<std::string, std::string>> rows;
  bool more = false;
};

/// The first `limit` rows over the pages of all shards, each asked for that many after the same key, newest
/// (the greatest key) first.
merged_page merge_newest_first(std::vector<reply> pages, std::size_t limit);

}  // namespace souk::gateway
