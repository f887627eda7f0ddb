#pragma once

#include "runtime/telemetry/metrics.hpp"

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace souk::telemetry {

/// Requests by route and status, and how long they took. Any thread.
class http_metrics {
 public:
  /// `routes`: what the routes are called, by the number that `record` is given; the last one takes what is
  /// out of range. At least one.
  http_metrics(registry& registry, std::vector<std::string> routes);

  /// Costs three relaxed additions.
  void record(std::size_t route, int status, std::chrono::nanoseconds took) noexcept;

 private:
  std::vector<registry::labelled_value> read() const;

  std::vector<std::string> routes_;
  std::vector<counter> cells_;  ///< By route, then by status.
  histogram& took_;
};

}  // namespace souk::telemetry
