#pragma once

#include "nodes/souk/bench_commands.hpp"

#include <functional>

namespace CLI {
class App;
}

namespace souk::cli {

/// Adds `bench marketplace` to the benchmarks of the command line. `choose` is called with what is to be run.
void add_marketplace_bench(CLI::App& benches, bench_options& options, const settings& settings,
                           const std::function<void(std::function<int()>)>& choose);

}  // namespace souk::cli
