#pragma once

#include "bench/marketplace.hpp"
#include "bench/scenarios.hpp"
#include "nodes/souk/commands.hpp"

#include <functional>
#include <memory>

namespace CLI {
class App;
}

namespace souk::cli {

/// The options of all benchmarks; lives as long as the command line that they are bound to.
struct bench_options {
  std::string admin_url = "http://127.0.0.1:8081";
  std::string ledger_file;
  bench::checkout_options checkout;
  bench::checkout_options hot;
  bench::load_setting cart;
  bench::load_setting browse;
  bench::load_setting mixed;
  bench::prepared_options prepared;
  bench::cart_sizes_options cart_sizes;
  bench::flash_options flash;
  bench::crowd_options crowd;
  bench::pulse_options pulse;
  bench::histories_options histories;
  bench::retries_options retries;
  std::string marketplace_url = "http://127.0.0.1:8083";
  bench::marketplace_options marketplace;
};

/// Adds `bench` and its scenarios to the command line. `choose` is called with what is to be run.
void add_bench(CLI::App& app, bench_options& options, const settings& settings,
               const std::function<void(std::function<int()>)>& choose);

}  // namespace souk::cli
