#pragma once

#include "runtime/entity/kind.hpp"
#include "runtime/links/handshake.hpp"
#include "runtime/links/limits.hpp"
#include "runtime/links/transport.hpp"
#include "runtime/seams/seams.hpp"

#include <caf/actor.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace souk::links {

/// A link came up or was lost.
struct link_change {
  std::string node;
  bool up = false;
  std::uint64_t incarnation = 0;  ///< Of the other node's process.
  std::string reason;             ///< Why it was lost.
};

/// What all links of a node have done since its start. Any thread.
struct link_figures {
  std::atomic<std::uint64_t> envelopes_sent = 0;
  std::atomic<std::uint64_t> envelopes_received = 0;
  std::atomic<std::uint64_t> bytes_sent = 0;  ///< Of envelopes, without TLS.
  std::atomic<std::uint64_t> bytes_received = 0;
  std::atomic<std::uint64_t> requests_refused = 0;  ///< For want of room in the queue.
  std::atomic<std::uint64_t> replica_messages_dropped = 0;
  std::atomic<std::uint64_t> not_understood = 0;  ///< Envelopes from others.
  std::atomic<std::uint64_t> links_lost = 0;
};

/// Which actors stand for which nodes and shards, and which links are up. Written by the hub and its links.
/// Any thread.
class link_board {
 public:
  struct line {
    bool up = false;
    std::uint64_t incarnation = 0;
    std::uint32_t version = 0;
    std::string last_loss;  ///< Why it was lost the last time, or could not be made.
    caf::actor link;        ///< Null while there is none.
    std::vector<caf::actor> shards;
  };

  /// The actor that stands for a shard of another node; the same for as long as the hub lives, whatever
  /// becomes of the link. Null: that node was never heard of.
  caf::actor shard(const std::string& node, shard_id shard) const;
  /// The link to a node: takes `replica_message` and `node_question`. Null: there is none.
  caf::actor link(const std::string& node) const;
  bool up(const std::string& node) const;
  /// Of all nodes ever heard of, for operators.
  std::map<std::string, line> lines() const;

  /// Changes what is known of a node.
  template <class Change>
  void change(const std::string& node, Change change) {
    std::lock_guard lock{mutex_};
    change(lines_[node]);
  }
  /// Lets go of all actors.
  void clear();

 private:
  mutable std::mutex mutex_;
  std::map<std::string, line> lines_;
};

/// What the links of a node stand in. Everything behind a pointer outlives them.
struct link_environment {
  identity self;
  link_limits limits;
  std::uint16_t shard_count = 16;
  const runtime::entity_catalogue* kinds = nullptr;
  links::transport* transport = nullptr;
  link_board* board = nullptr;
  link_figures* figures = nullptr;
  std::shared_ptr<runtime::clock> time;
  std::shared_ptr<runtime::random_source> random;

  // Where what arrives goes; null while nobody is there. Any thread.
  std::function<caf::actor(shard_id)> local_shard;    ///< Takes requests, queries, streams.
  std::function<caf::actor(shard_id)> local_replica;  ///< Takes `replica_message`.
  std::function<caf::actor()> local_node;             ///< Takes `node_question`.
  /// Told of every change, before anything that arrives on a new link and after all that arrived on a lost
  /// one. Any thread; does not wait. May be empty.
  std::function<void(const link_change&)> on_change;
};

}  // namespace souk::links
