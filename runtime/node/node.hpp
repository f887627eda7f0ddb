#pragma once

#include "persistence/storage.hpp"
#include "runtime/cluster/cluster_coordinator.hpp"
#include "runtime/cluster/routing.hpp"
#include "runtime/entity/kind.hpp"
#include "runtime/limits.hpp"
#include "runtime/links/environment.hpp"
#include "runtime/node/feed_follower.hpp"
#include "runtime/node/feed_log.hpp"
#include "runtime/node/membership.hpp"
#include "runtime/seams/seams.hpp"
#include "runtime/shard/shard.hpp"
#include "runtime/storage/writers.hpp"
#include "runtime/supervision/supervisor.hpp"
#include "runtime/telemetry/spans.hpp"

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace souk::runtime {

/// Which actor plays a role now: "journal", "replica/3", "port/payments". Supervisors say so here whenever
/// they start one or one has ended. Any thread.
class directory {
 public:
  /// Null while nobody plays it.
  caf::actor find(const std::string& role) const;
  void set(const std::string& role, caf::actor actor);
  void clear();

  /// The child with its handle kept here under `role`.
  supervision::child_spec listed(const std::string& role, supervision::child_spec child);

 private:
  mutable std::mutex mutex_;
  std::unordered_map<std::string, caf::actor> actors_;
};

/// What makes a node one of a cluster.
struct cluster_options {
  /// `self` and `store` among others; the node's id and disk must be the same.
  coordinator_options coordinator;
  links::transport* transport = nullptr;
  links::link_limits links;
};

/// What a node is made of. Everything behind a pointer outlives the node.
struct node_options {
  std::string id = "a";
  std::string disk_id = "disk";
  persistence::storage* storage = nullptr;
  std::uint16_t shard_count = 16;
  entity_catalogue kinds;
  runtime::limits limits;
  /// What this version reads and writes. A node alone writes the highest.
  format_range formats;
  std::shared_ptr<clock> time;
  std::shared_ptr<random_source> random;
  /// The writers of the storage get threads of their own. Off in a simulation.
  bool own_threads = true;
  /// Empty: a node alone, which owns all shards.
  std::optional<cluster_options> cluster;
  /// Gets a span of each command that belongs to a trace that is recorded. Null: nobody wants them.
  std::shared_ptr<telemetry::span_sink> spans;
  /// The node cannot go on (its storage failed, or something was restarted too often): ends the process.
  std::function<void(const std::string& reason)> on_fatal;
};

/// One node: its supervision tree, its shards, and what binds them.
///
///     node
///     ├─ storage         journal writer, state writer
///     ├─ coordination    coordinator; of a cluster also controller, membership, desk
///     ├─ peers           of a cluster: links, feed, follower
///     ├─ effects         workers that call the world
///     ├─ shards          one supervisor per shard → entity supervisor → entities; replica → shard
///     └─ edge            gateways
///
/// Lives on the thread that made it; what it hands out may be used from any.
class node {
 public:
  node(caf::actor_system& system, node_options options);
  ~node();
  node(const node&) = delete;
  node& operator=(const node&) = delete;

  /// Of a cluster, before `start`: starts the coordinator. `http`: where clients reach this node. `known` is
  /// called once, on an actor's thread, when the cluster is there; what cannot belong to it hears so by the
  /// coordinator's `on_refused`.
  void join(std::string http, std::function<void(const cluster_settings&)> known);

  /// Starts the tree, with what the floor above adds to it: a worker of port P is listed as "port/P". Shards
  /// serve when their opening records are committed: see `serving`.
  void start(std::vector<supervision::child_spec> effects, std::vector<supervision::child_spec> edge);

  /// Asks the tree to end, from the edge inwards; shards write out their state. It has ended when `root` has.
  void stop();

  /// Of a cluster, before `stop`: asks that other nodes become primaries of this one's shards.
  void hand_over();
  /// Shards that this node leads and another one could: what is waited for after `hand_over`.
  std::size_t still_to_hand_over() const;

  /// Of a cluster, between `hand_over` and `stop`: the others need not wait for what this node's copies would
  /// still say while they write out their state.
  void end_links();

  /// Ends what `join` began and `start` did not take over.
  void leave();

  /// Drops every handle to an actor; before its system is taken down without `stop`.
  void let_go();

  bool serving() const;  ///< Every shard serves, on this node or on one that there is a link to.
  /// Blocks the calling thread until every shard serves; not for actors. What cannot be started ends in
  /// `on_fatal`.
  void wait_until_serving() const;
  std::shared_ptr<const routing_table> routing() const { return routing_; }
  runtime::directory& directory() { return directory_; }
  /// Whoever answers `status_query` for this node's copy of a shard; null if there is none.
  caf::actor copy_of(shard_id id) const;
  const caf::actor& root() const { return root_; }
  const shard_figures& shards() const { return shard_figures_; }
  writer_figures& writers() { return writer_figures_; }
  const node_options& options() const { return options_; }
  const cluster_board& cluster() const { return cluster_; }
  const links::link_board& links() const { return links_; }
  const links::link_figures& link_figures() const { return link_figures_; }
  const feed_figures& feed() const { return feed_figures_; }

 private:
  supervision::supervisor_spec group(std::string name, supervision::strategy strategy,
                                     std::vector<supervision::child_spec> children);
  supervision::child_spec storage_group();
  supervision::child_spec coordination_group();
  supervision::child_spec coordinator_child();
  supervision::child_spec controller_child();
  supervision::child_spec membership_child();
  supervision::child_spec desk_child();
  supervision::child_spec peers_group();
  supervision::child_spec hub_child();
  supervision::child_spec feed_child();
  supervision::child_spec follower_child();
  bool is_cut_off() const;
  void tell_of_link(const links::link_change& change);
  supervision::child_spec shards_group();
  supervision::child_spec shard_group(shard_id id);
  shard_options options_of(shard_id id);
  static std::string replica_role(shard_id id) { return "replica/" + std::to_string(id); }

  caf::actor_system& system_;
  node_options options_;
  std::shared_ptr<routing_table> routing_;
  runtime::directory directory_;
  std::atomic<std::uint32_t> format_{1};  // that is written now
  shard_figures shard_figures_;
  writer_figures writer_figures_;
  caf::actor root_;

  // Of a cluster.
  std::vector<std::shared_ptr<projection>> fed_;  // those that others' events are for
  std::shared_ptr<feed_log> feed_log_;
  caf::actor joined_;  // the coordinator, until the tree takes it over
  std::string cluster_id_;
  cluster_board cluster_;
  links::link_board links_;
  links::link_figures link_figures_;
  feed_figures feed_figures_;
};

}  // namespace souk::runtime
