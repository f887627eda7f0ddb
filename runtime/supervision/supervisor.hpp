#pragma once

#include "runtime/supervision/messages.hpp"
#include "runtime/supervision/restart_policy.hpp"

#include <caf/actor.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/stateful_actor.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace souk::supervision {

/// One child of a supervisor.
struct child_spec {
  std::string name;
  std::string kind = "worker";  ///< For operators.
  restart when = restart::permanent;
  /// How long it may take to end when asked (an exit message with `user_shutdown`) before it is killed. A
  /// child that blocks its thread, or awaits an answer, can not even be killed: its supervisor waits for it.
  duration stop_within = std::chrono::seconds{5};
  /// Spawns it, neither linked nor monitored; the supervisor keeps the handle. What it throws is a failure of
  /// the child.
  std::function<caf::actor(caf::event_based_actor* supervisor)> start;
  /// Tells directories of the new handle. May be empty. What it throws is a failure of the child.
  std::function<void(const caf::actor&)> on_started;
  /// Tells directories that the handle is dead. May be empty; must not throw.
  std::function<void()> on_ended;
  /// It answers `tree_request` and `ready_request`, as supervisors do. Other children are ready when they
  /// have begun: their initialiser has run and they take messages.
  bool supervises = false;
};

struct supervisor_spec {
  std::string name;
  supervision::strategy strategy = strategy::one_for_one;
  supervision::intensity intensity{};
  supervision::back_off back_off{};
  std::vector<child_spec> children;       ///< In the order of their start.
  std::function<std::uint64_t()> random;  ///< For the jitter of restarts. Empty: none.
  /// At the root of the tree: called when there were too many restarts, after all children have ended; what
  /// ends the process goes here. Elsewhere empty: the supervisor's own failure tells its parent.
  std::function<void(const std::string& why)> on_escalation;
};

/// What a supervisor knows. Public only because CAF wants it so.
class supervisor_state {
 public:
  static inline const char* name = "supervisor";

  explicit supervisor_state(caf::event_based_actor* self) : self_(self) {}
  /// However the supervisor ends, its children end with it.
  ~supervisor_state();
  supervisor_state(const supervisor_state&) = delete;
  supervisor_state& operator=(const supervisor_state&) = delete;

  caf::behavior start(supervisor_spec spec);

 private:
  struct child {
    child_spec spec;
    caf::actor handle{};  ///< Held, or CAF would end the actor at once. Null while it does not live.
    std::uint64_t life = 0;
    std::string last_error{};
    std::string start_error{};  ///< It lives but must not: what `on_started` threw.
  };
  struct collection;

  duration now() const;
  std::uint64_t random() const { return spec_.random ? spec_.random() : 0; }

  /// Does these steps and all that follow from them.
  void carry_out(steps todo);
  /// Does one step; answers what follows from it.
  steps do_step(const step& step);
  std::optional<std::size_t> child_of(const caf::actor_addr& address) const;
  steps start_child(std::size_t index);
  void stop_child(std::size_t index);
  void kill_child(const kill_due& due);
  void on_ready_request();
  void on_ready(const caf::strong_actor_ptr& child);
  void on_down(const caf::down_msg& down);
  void on_exit(const caf::exit_msg& exit);
  void escalate();

  caf::result<tree_node> collect_tree(const tree_request& request);
  void ask(const std::shared_ptr<collection>& tree, std::size_t index, duration wait);
  tree_node describe(std::size_t index) const;

  caf::event_based_actor* self_;
  supervisor_spec spec_;
  std::vector<child> children_;
  std::optional<restart_policy> policy_;
  caf::strong_actor_ptr parent_;  ///< Waits to hear that we are ready.
  std::string last_failure_;      ///< Of a child, with its name.
  bool damaged_ = false;          ///< It was of a kind that no restart mends.
  caf::error exit_reason_;
};

/// A supervisor: starts its children in order, restarts them by its rules, stops them in reverse order. It
/// ends when it is sent an exit message, after its children, or fails when there were too many restarts. All
/// supervisors are scheduled actors that never block; all times are those of the system's clock.
caf::behavior supervisor(caf::stateful_actor<supervisor_state>* self, supervisor_spec spec);

/// A supervisor as a child of another. It is given time for its own children to end, one after the other.
child_spec supervisor_child(supervisor_spec spec, restart when = restart::permanent);

}  // namespace souk::supervision
