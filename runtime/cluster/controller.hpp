#pragma once

#include "runtime/cluster/controller_plan.hpp"
#include "runtime/cluster/messages.hpp"
#include "runtime/seams/seams.hpp"

#include <caf/actor.hpp>
#include <caf/behavior.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/stateful_actor.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace souk::runtime {

struct controller_options {
  std::string node;
  std::uint64_t incarnation = 0;
  std::function<caf::actor()> coordinator;  ///< Null while there is none.
  /// Carries a question to a member, on whichever node it is; answered to the controller itself.
  std::function<void(const ask_position&)> ask;
  /// Whether most of several others that are registered cannot be reached from here: who cannot ask members
  /// cannot elect. Empty: never.
  std::function<bool()> is_cut_off;
  std::shared_ptr<clock> time;
  controller_limits limits;
};

/// Runs the plan on the node that holds the controller's key, and rests on all others. What it knows it has
/// from views and answers alone, so that it may start anew at any time.
///
/// Messages: `view_changed`, `registration_changed`, `position_told`.
class controller_life {
 public:
  static inline const char* name = "controller";
  explicit controller_life(caf::event_based_actor* self) : self_(self) {}

  caf::behavior start(controller_options options);

 private:
  void on_tick();
  void look();
  void look_at_links();
  bool is_controller() const;

  caf::event_based_actor* self_;
  controller_options options_;
  std::shared_ptr<const cluster_view> view_;
  std::optional<controller_plan> plan_;  // while this node is the controller
  std::optional<std::chrono::nanoseconds> cut_off_since_;
  bool aside_ = false;
  unsigned ticks_ = 0;
};

using controller_actor = caf::stateful_actor<controller_life>;
caf::behavior controller(controller_actor* self, controller_options options);

}  // namespace souk::runtime
