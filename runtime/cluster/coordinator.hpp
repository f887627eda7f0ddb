#pragma once

#include "persistence/storage.hpp"
#include "runtime/shard/messages.hpp"

#include <caf/behavior.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/stateful_actor.hpp>

#include <string>

namespace souk::runtime {

/// The coordinator of a node without a cluster: one member, which owns every shard. Keeps the shard records
/// (epoch, primary, in-sync set, replicas) in the state environment and changes them as a cluster's
/// coordinator would: one compare-and-swap at a time, durable before it is told.
///
/// Messages: `open_epoch` (answered by `epoch_opened`).
class embedded_coordinator_life {
 public:
  static inline const char* name = "coordinator";
  explicit embedded_coordinator_life(caf::event_based_actor* self) : self_(self) {}

  caf::behavior start(persistence::storage* storage, std::string member, caf::actor state_writer);

 private:
  void open(const open_epoch& request);

  caf::event_based_actor* self_;
  persistence::storage* storage_ = nullptr;
  std::string member_;
  caf::actor state_writer_;
  std::deque<std::pair<caf::actor, epoch_opened>> unanswered_;  // in the order of their writes
};

using embedded_coordinator_actor = caf::stateful_actor<embedded_coordinator_life>;
caf::behavior embedded_coordinator(embedded_coordinator_actor* self, persistence::storage* storage,
                                   std::string member, caf::actor state_writer);

}  // namespace souk::runtime
