#pragma once

#include "actors/testkit/simulation_plan.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace souk::testkit {

/// What came of a run.
struct verdict {
  std::vector<std::string> findings;  ///< What broke, in words; empty: nothing did.
  std::vector<std::string> last_events;
  std::uint64_t trace_hash = 0;  ///< Equal for equal runs.
  std::uint64_t steps = 0;
  std::uint64_t commands = 0;  ///< Requests that were answered for good.
  std::uint64_t repeats = 0;   ///< Requests sent again, for nothing was known of the first.
  std::uint64_t orders = 0;
  std::chrono::milliseconds simulated{0};
  std::map<std::string, std::uint64_t> marks;  ///< How often something happened that should happen sometimes.

  bool passed() const { return findings.empty(); }
};

/// Runs a plan in this thread: a cluster, its customers, and what goes wrong; then all is healed, everything
/// must come to an end, and what was answered is held against what the nodes, their disks and the provider
/// have. `told` hears each event as it happens; may be empty.
///
/// Writes the log of the process to nowhere while it runs, for its marks.
verdict simulate(const simulation_plan& plan, const std::function<void(const std::string&)>& told = {});

/// Cuts a failing plan down as far as it still fails, with at most `runs_max` further runs.
simulation_plan shrink(const simulation_plan& plan, std::size_t runs_max = 200);

}  // namespace souk::testkit
