#pragma once

#include "runtime/cluster/messages.hpp"
#include "runtime/cluster/routing.hpp"
#include "runtime/links/environment.hpp"
#include "runtime/node/messages.hpp"

#include <caf/behavior.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/stateful_actor.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace souk::runtime {

/// What a node knows of its cluster now, for operators and health. Any thread.
class cluster_board {
 public:
  struct standing {
    std::shared_ptr<const cluster_view> view;  ///< Null: nothing was heard of the cluster yet.
    bool registered = false;
    std::string reason;  ///< Why not.
  };

  standing now() const {
    std::lock_guard lock{mutex_};
    return standing_;
  }
  template <class Change>
  void change(Change change) {
    std::lock_guard lock{mutex_};
    change(standing_);
  }

 private:
  mutable std::mutex mutex_;
  standing standing_;
};

/// What membership works with. Everything behind a pointer outlives it.
struct membership_options {
  std::string node;
  routing_table* routing = nullptr;
  links::link_board* links = nullptr;
  cluster_board* board = nullptr;
  std::atomic<std::uint32_t>* format = nullptr;  ///< Kept at the cluster's level.
  std::function<caf::actor()> coordinator;       ///< Null while there is none; so is the hub.
  std::function<caf::actor()> hub;
};

/// Follows the coordinator's views: tells the hub whom to have links with, the routing table who stands for
/// the primary of each shard that is another node's, and the deciders what may be written.
///
/// A node that is not registered is not forgotten, for etcd may have been away, until it is removed.
///
/// Messages: `view_changed`, `registration_changed`, `neighbour_changed`.
class membership_life {
 public:
  static inline const char* name = "membership";
  explicit membership_life(caf::event_based_actor* self) : self_(self) {}

  caf::behavior start(membership_options options);

 private:
  void on_tick();
  void take(const std::shared_ptr<const cluster_view>& view);
  void tell_hub();
  void route();

  caf::event_based_actor* self_;
  membership_options options_;
  std::shared_ptr<const cluster_view> view_;
  std::map<std::string, std::string> addresses_;  // of links, by node
  unsigned ticks_ = 0;
};

using membership_actor = caf::stateful_actor<membership_life>;
caf::behavior membership(membership_actor* self, membership_options options);

}  // namespace souk::runtime
