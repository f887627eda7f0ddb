#pragma once

#include "runtime/supervision/messages.hpp"
#include "runtime/supervision/restart_policy.hpp"
#include "runtime/supervision/supervisor.hpp"

#include <caf/actor.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/stateful_actor.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <string>
#include <unordered_map>

namespace souk::supervision {

struct entity_supervisor_spec {
  std::string name = "entities";
  supervision::back_off back_off{};
  std::function<std::uint64_t()> random;  ///< For the jitter. Empty: none.
  std::function<void()> on_failure;       ///< For metrics: called at each failure of an entity. May be empty.
  std::function<void(std::int64_t)> on_live;  ///< For metrics: the change of the number of living entities.
};

/// What an entity supervisor knows. Public only because CAF wants it so.
class entity_supervisor_state {
 public:
  static inline const char* name = "entity_supervisor";

  /// Entities that failed most recently and whose failures are still counted. An entity that falls off the
  /// end starts counting anew; so many that fail at the same time mean that something else is wrong.
  static constexpr std::size_t failed_max = 1'024;
  /// How many of them are shown in a tree.
  static constexpr std::size_t shown_max = 50;

  explicit entity_supervisor_state(caf::event_based_actor* self) : self_(self) {}
  /// However the supervisor ends, its entities end with it.
  ~entity_supervisor_state();
  entity_supervisor_state(const entity_supervisor_state&) = delete;
  entity_supervisor_state& operator=(const entity_supervisor_state&) = delete;

  caf::behavior start(entity_supervisor_spec spec);

 private:
  struct entity {
    std::uint64_t token = 0;
    std::string name;
    caf::actor handle;  ///< Held, or CAF would end the actor once nobody else does.
    caf::actor shard;
  };
  struct failed_entity {
    std::uint64_t token = 0;
    std::string name;
    std::string last_error{};
    std::uint64_t restarts = 0;
    std::uint32_t in_a_row = 0;
    duration at{};
  };

  void take_in(adopt& adopt);
  void on_down(const caf::down_msg& down);
  void on_exit(const caf::exit_msg& exit);
  /// Counts a failure and says how long to wait.
  duration note_failure(const entity& entity, const std::string& reason);
  tree_node describe() const;

  caf::event_based_actor* self_;
  entity_supervisor_spec spec_;
  std::unordered_map<caf::actor_id, entity> live_;
  std::list<failed_entity> failed_;  ///< Newest first.
  std::unordered_map<std::uint64_t, std::list<failed_entity>::iterator> failed_by_token_;
  std::uint64_t restarts_ = 0;
  bool closing_ = false;
  caf::error exit_reason_;
};

/// Looks after the entities of a shard, thousands that come and go: `adopt` hands one over. It keeps each
/// alive until it ends by itself, tells the shard of those that failed and how long to wait (first not at
/// all, then longer and longer), and ends all when it ends. It restarts nothing itself: an entity is
/// activated again by the next message for it. Entities are monitored, not linked: a link costs a search
/// among all others.
caf::behavior entity_supervisor(caf::stateful_actor<entity_supervisor_state>* self,
                                entity_supervisor_spec spec);

/// An entity supervisor as a child of a shard's supervisor.
child_spec entity_supervisor_child(entity_supervisor_spec spec);

}  // namespace souk::supervision
