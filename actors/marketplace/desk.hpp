#pragma once

#include "runtime/cluster/routing.hpp"
#include "runtime/seams/seams.hpp"

#include <caf/behavior.hpp>
#include <caf/stateful_actor.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

namespace souk::marketplace {

struct desk_config {
  std::shared_ptr<const runtime::routing_table> routing;
  std::shared_ptr<runtime::clock> clock;
  std::shared_ptr<runtime::random_source> random;
  std::string tenant = "main";
  /// Requests under way at one desk; the next one is refused. Bounds memory, a KB each.
  std::size_t calls_max = 4'096;
  /// How long a client waits for an answer before it hears that there is none.
  std::chrono::milliseconds request_deadline{10'000};
  /// How often deadlines and lost shards are looked at: their precision.
  std::chrono::milliseconds tick{100};
};

struct desk_state;

/// DESK: takes the requests of the benchmark's listener and answers each of them exactly once. A node runs a
/// few of them; they share nothing. Handles:
///   gateway::exchange      from the listener; answered through its responder
///   runtime::response      from a shard
///   gateway::gateway_tick  from itself
caf::behavior desk(caf::stateful_actor<desk_state>* self, desk_config config);

class open_desk;
struct desk_state {
  std::shared_ptr<open_desk> desk;
  static inline const char* name = "marketplace";
};

}  // namespace souk::marketplace
