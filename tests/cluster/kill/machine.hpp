#pragma once

#include "bench/shop_client.hpp"
#include "tests/cluster/kill/process.hpp"

#include <cstdint>
#include <filesystem>
#include <string>

namespace souk::cluster_test {

/// How the machine loses its power.
struct machine_options {
  std::filesystem::path programs;  ///< The folder of soukd, souk and the shim.
  std::filesystem::path root;      ///< All files of the run; empty at first.
  bool shim = false;               ///< After a kill only what was synced is left.
  std::string
      drop_sync;  ///< "calls" or "all": the syncs that soukd leaves out after its first start. Needs `shim`.
  unsigned leak_per_cent = 0;  ///< Of the unsynced writes that survive all the same.
  std::uint64_t seed = 1;      ///< Of what leaks.
};

/// One node and its payment provider, each a process of its own, on ports that stay the same.
class machine {
 public:
  explicit machine(machine_options options);

  /// Starts both for the first time and learns their addresses. Throws `std::runtime_error` as do all here.
  void first_start();

  /// kill -9 of the node, and of the provider too; with the shim their folders then hold what was synced.
  void cut_power(bool provider_too);

  /// Starts what does not run, on the same data.
  void restart();

  /// Ends both in order. Returns soukd's exit code.
  int shut_down();

  /// Checks the journal's sums and chain while the node is down. Returns the exit code of `souk verify`.
  int verify_chain();

  bench::shop shop() const;   ///< As the shop's staff: with the admin key.
  bench::shop guest() const;  ///< Without a credential.
  bench::endpoint admin() const { return admin_; }
  pid_t node_pid() const { return node_.pid(); }

 private:
  void write_config() const;
  void start_node(const std::string& drop_sync);
  void start_provider();
  void lose_unsynced(const std::string& name) const;
  process::start_options options_for(const std::string& name, const std::string& drop_sync) const;

  machine_options options_;
  process node_;
  process provider_;
  bench::endpoint http_{"127.0.0.1", 0};
  bench::endpoint admin_{"127.0.0.1", 0};
  bench::endpoint provider_at_{"127.0.0.1", 0};
};

}  // namespace souk::cluster_test
