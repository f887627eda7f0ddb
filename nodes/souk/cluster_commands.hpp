#pragma once

#include "nodes/souk/commands.hpp"

#include <string>

namespace souk::cli {

struct cluster_options {
  std::string command;  ///< As the route takes it: "drain".
  std::string node;
  unsigned shard = 0;
  bool of_a_shard = false;
  bool accept_loss = false;
  bool dry_run = false;
};

/// Nodes, shards, who is primary and who is in sync. With `lag` every node is asked how far its copies are.
int show_cluster(const settings& settings, bool lag);

/// Whether the cluster is there and each shard has a primary: what a first start waits for.
int init_cluster(const settings& settings);

/// Compares the states of all copies of all shards. A shard that is being written to is asked for again, so
/// many seconds in all.
int verify_cluster(const settings& settings, int seconds);

/// Asks for an operator's command. Each is safe to repeat.
int order_cluster(const settings& settings, const cluster_options& options);

}  // namespace souk::cli
