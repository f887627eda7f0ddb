#pragma once

#include "nodes/soukd/service.hpp"
#include "persistence/storage.hpp"
#include "runtime/cluster/coordination_store.hpp"
#include "runtime/links/tls_transport.hpp"
#include "runtime/node/node.hpp"
#include "runtime/seams/seams.hpp"
#include "runtime/telemetry/health.hpp"
#include "runtime/telemetry/metrics.hpp"

#include <memory>
#include <string>
#include <vector>

namespace souk::nodes {

/// What a node of a cluster has of the world outside: etcd and the network. Made before its actors and gone
/// after them.
class cluster_parts {
 public:
  /// Listens for other nodes. Throws what an operator can act on.
  cluster_parts(const service_options& options, const persistence::storage_identity& disk,
                std::shared_ptr<runtime::clock> clock, std::shared_ptr<runtime::random_source> random);

  /// For the node.
  runtime::cluster_options options() const;

  /// No actor is called any more by the network; before the actor system goes.
  void stop() { transport_->stop(); }

 private:
  const service_options& options_;
  std::string disk_id_;
  std::string secret_;  // of a cluster that this node is the first of
  std::shared_ptr<runtime::clock> clock_;
  std::shared_ptr<runtime::random_source> random_;
  std::shared_ptr<runtime::coordination_store> store_;
  std::unique_ptr<links::tls_transport> transport_;
};

/// What a node of a cluster counts, and when its certificate ends; before the node starts.
void add_cluster_metrics(telemetry::registry& registry, const runtime::node& node,
                         const service_options& options);

/// Whether the node takes part in its cluster.
std::vector<telemetry::readiness> cluster_ready(const runtime::node& node);

}  // namespace souk::nodes
