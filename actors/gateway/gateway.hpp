#pragma once

#include "actors/gateway/call.hpp"
#include "actors/gateway/event_stream.hpp"
#include "actors/gateway/http.hpp"
#include "runtime/cluster/routing.hpp"
#include "runtime/messages.hpp"
#include "runtime/telemetry/access_log.hpp"
#include "runtime/telemetry/http_metrics.hpp"

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/behavior.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/type_id.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace souk::gateway {

class desk;

/// listener → gateway: one request and who takes its answer.
struct exchange {
  std::shared_ptr<const http_request> request;
  std::shared_ptr<gateway::responder> responder;
  /// Set by an actor of this node that acts for the shop's staff: it needs no key.
  std::optional<keyring::credential> as = std::nullopt;
  /// When it was read, by the node's clock: what it waits from then on is counted. Nothing: it is not.
  std::optional<std::chrono::nanoseconds> read_at = std::nullopt;
};

/// An outside view → gateway, through the callback that it was given.
struct view_shown {
  std::uint64_t correlation = 0;
  std::string json;
};

/// The gateway to itself: time to look at the deadlines.
struct gateway_tick {};

struct gateway_config {
  std::shared_ptr<const runtime::routing_table> routing;
  gateway::services services;
  /// Counts requests by the routes of `route_names`; shared by all gateways. Null: they are not counted.
  std::shared_ptr<telemetry::http_metrics> metrics;
  /// Gets a line for each request that came from outside; shared by all gateways. Null: nobody wants them.
  std::shared_ptr<telemetry::access_log> access;
  /// Calls under way in one gateway; the next one is refused as overloaded. Bounds memory, some KB each.
  std::size_t calls_max = 4'096;
  /// How long a client waits for an answer before it hears that there is none.
  std::chrono::milliseconds request_deadline{10'000};
  /// How long a call waits for a shard that nobody serves: a restart within a node is over by then. Of
  /// several nodes a failover should be, too.
  std::chrono::milliseconds shard_wait{2'000};
  /// How often deadlines are looked at: their precision.
  std::chrono::milliseconds tick{50};
};

/// The names of all routes in their order, and at last of what fits none: for metrics.
std::vector<std::string> route_names();

struct gateway_state {
  std::shared_ptr<gateway::desk> desk;
  static inline const char* name = "gateway";
};

/// The position of a route among these names; null: of what fits none.
std::size_t number_of(const route* route);

/// The answer to a request that is refused because too much is going on.
http_response overloaded(const http_request& request, runtime::random_source& random);

/// Removes the file of a request that nobody takes.
void drop_file(const http_request& request);

/// GATEWAY: takes requests from the listener and answers each of them exactly once, whatever becomes of the
/// shards. A node runs a few of them; they share nothing but what `services` holds. Handles:
///   exchange            from the listener; answered through its responder
///   runtime::response   from a shard
///   runtime::index_page from a shard
///   view_shown          from an outside view
///   event_pull          from the listener, for who follows events
///   gateway_tick        from itself
caf::behavior gateway(caf::stateful_actor<gateway_state>* self, gateway_config config);

}  // namespace souk::gateway

// The runtime has the first hundred numbers.
CAF_BEGIN_TYPE_ID_BLOCK(souk_gateway, caf::first_custom_type_id + 100)

CAF_ADD_TYPE_ID(souk_gateway, (souk::gateway::exchange))
CAF_ADD_TYPE_ID(souk_gateway, (souk::gateway::view_shown))
CAF_ADD_TYPE_ID(souk_gateway, (souk::gateway::gateway_tick))
CAF_ADD_TYPE_ID(souk_gateway, (souk::gateway::event_pull))

CAF_END_TYPE_ID_BLOCK(souk_gateway)

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::gateway::exchange)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::gateway::view_shown)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::gateway::gateway_tick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::gateway::event_pull)
