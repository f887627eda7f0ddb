#pragma once

#include "runtime/telemetry/metrics.hpp"

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace souk::telemetry {

/// Requests by route and status, how long they took, and how long they waited before anybody looked at them.
/// Any thread. The table is made once, of the routes' names: what a client sends never becomes a label, so
/// that nobody can make more of them, and nothing of a path is shown.
class http_metrics {
 public:
  /// `routes`: what the routes are called, by the number that `record` is given; the last one takes what is
  /// out of range. At least one.
  http_metrics(registry& registry, std::vector<std::string> routes);

  /// One that was answered. Costs three relaxed additions.
  void record(std::size_t route, int status, std::chrono::nanoseconds took) noexcept;
  /// One that was refused without being looked at: how quick that is says nothing of its route, and would
  /// make the route look best while the node is overloaded.
  void record(std::size_t route, int status) noexcept;
  /// One that was taken up after so long in a queue. Costs two relaxed additions.
  void record_wait(std::chrono::nanoseconds waited) noexcept { waited_.observe(waited); }

 private:
  std::vector<registry::labelled_value> read() const;

  std::vector<std::string> routes_;
  std::vector<counter> cells_;  ///< By route, then by status.
  histogram_row& took_;
  histogram& waited_;
};

}  // namespace souk::telemetry
