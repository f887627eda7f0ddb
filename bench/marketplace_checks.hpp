#pragma once

#include "actors/json/writer.hpp"
#include "bench/marketplace_traffic.hpp"
#include "bench/marketplace_world.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace souk::bench {

/// What was compared after a run: how many places of each kind did not agree. All must be zero.
struct marketplace_checks {
  std::vector<std::pair<std::string_view, std::uint64_t>> counts;
  std::vector<std::string> wrong;  ///< The first that did not agree.

  bool fine() const;
};

/// Reads every stock, dashboard and customer and compares them with each other and with what was answered
/// during the run.
marketplace_checks check_marketplace(const marketplace_options& options, const marketplace_world& world,
                                     const marketplace_tally& tally);

}  // namespace souk::bench
