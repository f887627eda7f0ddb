#pragma once

#include "runtime/cluster/messages.hpp"
#include "runtime/links/messages.hpp"

#include <caf/behavior.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/stateful_actor.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace souk::runtime {

struct node_desk_options {
  std::string node;
  std::function<caf::actor(shard_id)> replica;              ///< Of this node; null: there is none now.
  std::function<caf::actor(const std::string& node)> link;  ///< Null: there is none now.
  std::function<caf::actor()> feed;                         ///< Takes `node_question`s about the feed.
};

/// Speaks for this node to others, and for its controller to their replicas. Silence is an answer: nobody is
/// waited for, whoever asked asks again.
///
/// Messages: `ask_position` (answered by `position_told`, or not), `links::node_question` (answered by
/// `links::node_answer`).
class node_desk_life {
 public:
  static inline const char* name = "desk";
  explicit node_desk_life(caf::event_based_actor* self) : self_(self) {}

  caf::behavior start(node_desk_options options);

 private:
  /// Another node waits for what a replica of ours says.
  struct visitor {
    std::uint64_t correlation = 0;
    caf::actor reply_to;
  };
  /// A controller waits for what another node says.
  struct errand {
    shard_id shard = 0;
    caf::actor reply_to;
  };

  void take(const ask_position& question);
  void take(const links::node_question& question);
  void take(const position_told& told);
  void take(const links::node_answer& answer);

  caf::event_based_actor* self_;
  node_desk_options options_;
  std::uint64_t next_ = 1;
  std::map<shard_id, std::deque<visitor>> visitors_;
  std::map<std::uint64_t, errand> errands_;
};

using node_desk_actor = caf::stateful_actor<node_desk_life>;
caf::behavior node_desk(node_desk_actor* self, node_desk_options options);

}  // namespace souk::runtime
