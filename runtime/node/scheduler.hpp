#pragma once

#include <cstddef>
#include <cstdint>

namespace caf {
class actor_system_config;
}

namespace souk::runtime {

struct scheduler_settings {
  std::uint16_t threads = 2;
  /// Messages that one actor may take in a row before others get their turn: a hot item must not own a
  /// thread.
  std::size_t messages_in_a_row = 300;
};

/// Has an actor system schedule as a node does: one queue for all threads (no polling when idle, a wake-up
/// where work waits), and entities that end without waking the thread of the clock. Call it before the system
/// is made.
void use_node_scheduler(caf::actor_system_config& config, const scheduler_settings& settings);

}  // namespace souk::runtime
