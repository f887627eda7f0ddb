#pragma once

#include "actors/gateway/http.hpp"
#include "persistence/storage.hpp"
#include "runtime/node/node.hpp"

namespace souk::nodes {

/// What the admin listener shows.
struct health_sources {
  runtime::node* node = nullptr;
  const persistence::storage* storage = nullptr;
  bool ready = false;  ///< Every shard serves and the node is not ending.
};

/// Answers `GET /livez`, `/readyz` (503 while not ready) and `/metrics` (Prometheus text); 404 else. Any
/// thread.
gateway::http_response answer_health(const gateway::http_request& request, const health_sources& sources);

}  // namespace souk::nodes
