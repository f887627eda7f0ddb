#pragma once

#include "runtime/cluster/routing.hpp"
#include "runtime/entity/entity_memory.hpp"
#include "runtime/entity/kind.hpp"
#include "runtime/seams/seams.hpp"
#include "runtime/shard/messages.hpp"

#include <caf/behavior.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/stateful_actor.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace souk::runtime {

/// What all entities of a shard share. What its pointers lead to outlives them.
struct entity_environment {
  const entity_catalogue* kinds = nullptr;
  const persistence::state_store* state = nullptr;
  std::shared_ptr<clock> time;
  std::shared_ptr<random_source> random;
  const routing_table* routing = nullptr;
  shard_id shard = 0;
  const std::atomic<std::uint32_t>* format = nullptr;  ///< What is written now; null: the first.
};

/// The life of a decider: holds the state of one entity, decides one message after the other on its newest
/// state, and hands what it decided to its shard. It writes nothing itself and answers nobody: the shard
/// does, when what was decided is committed.
///
/// Messages (all from its shard): `wake_up` first, then `work_item` (answered by `decided`, in order) and
/// `capture` (answered by `captured`). An exception ends the actor; the shard starts another one from what is
/// decided.
class entity_life {
 public:
  static inline const char* name = "entity";

  explicit entity_life(caf::event_based_actor* self) : self_(self) {}

  caf::behavior start(std::shared_ptr<const entity_environment> environment, address address,
                      std::uint64_t token, caf::actor shard);

 private:
  void wake(const wake_up& from);
  void decide(const work& work);
  decision ask_decider(const work& work, timestamp now);
  void fill_record(decided& result, decision& decision, const work& work, timestamp now);
  void change_timers(persistence::pb::Record& record, const decision& decision, const work& work);
  void hand_out(const capture& request);

  caf::event_based_actor* self_;
  std::shared_ptr<const entity_environment> environment_;
  address address_;
  std::uint64_t token_ = 0;
  caf::actor shard_;
  entity_memory memory_;
};

using entity_actor = caf::stateful_actor<entity_life>;

caf::behavior entity(entity_actor* self, std::shared_ptr<const entity_environment> environment,
                     address address, std::uint64_t token, caf::actor shard);

}  // namespace souk::runtime
