#pragma once

#include "actors/gateway/admission.hpp"
#include "actors/gateway/http.hpp"
#include "actors/gateway/overload.hpp"
#include "actors/nats/publisher.hpp"
#include "actors/webhook/sender.hpp"
#include "persistence/storage.hpp"
#include "runtime/node/node.hpp"
#include "runtime/telemetry/access_log.hpp"
#include "runtime/telemetry/health.hpp"
#include "runtime/telemetry/metrics.hpp"

namespace souk::nodes {

/// Declares what a node counts, and times the commits of its journal; before the node starts. The node and
/// the storage must live for as long as the registry is rendered.
void add_node_metrics(telemetry::registry& registry, runtime::node& node,
                      const persistence::storage& storage);

/// Declares what the limits of clients do. They must live for as long as the registry is rendered.
void add_admission_metrics(telemetry::registry& registry, const gateway::admission& admission);

/// Declares what is refused because there is too much, and how much there is; as well.
void add_overload_metrics(telemetry::registry& registry, const gateway::overload_guard& guard);

/// Declares what becomes of the lines of the access log; as well.
void add_access_metrics(telemetry::registry& registry, const telemetry::access_log& log);

/// Declares what becomes of webhooks; as well.
void add_webhook_metrics(telemetry::registry& registry, const webhook::sender_figures& figures);

/// Declares what becomes of events on their way to NATS; as well.
void add_nats_metrics(telemetry::registry& registry, const nats::publisher_figures& figures);

/// Whether each shard of the node serves.
telemetry::readiness shards_ready(const runtime::node& node);

/// Answers `GET /livez`, `/readyz` (503 while not ready) and `/metrics` (Prometheus text); 404 else. Any
/// thread.
gateway::http_response answer_health(const gateway::http_request& request,
                                     const telemetry::admin_sources& sources);

}  // namespace souk::nodes
