#pragma once

#include "persistence/storage.hpp"
#include "runtime/cluster/messages.hpp"
#include "runtime/cluster/view.hpp"
#include "runtime/shard/messages.hpp"

#include <caf/behavior.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/stateful_actor.hpp>

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>

namespace souk::runtime {

/// The coordinator of a node without a cluster: one member, which owns every shard. Keeps the shard records
/// (epoch, primary, in-sync set, replicas) in the state environment and changes them as a cluster's
/// coordinator would: one compare-and-swap at a time, durable before it is told.
///
/// Messages: `open_epoch` (answered by `epoch_opened`), `subscribe` (`view_changed`),
/// `ask_controller_to_look` (there is none).
class embedded_coordinator_life {
 public:
  static inline const char* name = "coordinator";
  explicit embedded_coordinator_life(caf::event_based_actor* self) : self_(self) {}

  caf::behavior start(persistence::storage* storage, std::string member, std::uint16_t shard_count,
                      caf::actor state_writer);

 private:
  void read_records(std::uint16_t shard_count);
  void open(const open_epoch& request);
  void publish(const epoch_opened& opened);

  caf::event_based_actor* self_;
  persistence::storage* storage_ = nullptr;
  std::string member_;
  caf::actor state_writer_;
  cluster_view view_;
  std::map<caf::actor_addr, caf::actor> subscribers_;
  std::deque<std::pair<caf::actor, epoch_opened>> unanswered_;  // in the order of their writes
};

using embedded_coordinator_actor = caf::stateful_actor<embedded_coordinator_life>;
caf::behavior embedded_coordinator(embedded_coordinator_actor* self, persistence::storage* storage,
                                   std::string member, std::uint16_t shard_count, caf::actor state_writer);

}  // namespace souk::runtime
