#pragma once

#include "nodes/souk/commands.hpp"

#include <cstdint>
#include <string>

namespace souk::cli {

struct simulate_options {
  std::uint64_t seed = 1;   ///< The first.
  std::uint64_t seeds = 1;  ///< How many, from there on.
  unsigned jobs = 1;        ///< Processes at work at the same time.
  std::size_t nodes = 0;    ///< 0: drawn from the seed.
  std::string profile = "storm";
  bool shrink = false;
  std::string trace;                  ///< A file for every event; of one seed.
  unsigned seconds_per_seed_max = 0;  ///< Of the processor; 0: what it takes.
  std::string mutant;  ///< A planted bug to look for, of a build that has them; "list": all names.
};

/// `souk simulate`: whole clusters in one thread each, and what goes wrong with them, drawn from seeds. What
/// is found is told with the command that repeats it.
int simulate(const settings& settings, const simulate_options& options);

/// `souk simulate --mutant NAME`: with this bug at work, how many seeds until something is found. Only in a
/// build with planted bugs (SOUK_MUTANTS).
int hunt_mutant(const settings& settings, const simulate_options& options);

}  // namespace souk::cli
