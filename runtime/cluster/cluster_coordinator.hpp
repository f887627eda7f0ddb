#pragma once

#include "runtime/cluster/cluster_text.hpp"
#include "runtime/cluster/coordination_store.hpp"
#include "runtime/cluster/messages.hpp"
#include "runtime/seams/seams.hpp"

#include <caf/actor.hpp>
#include <caf/actor_addr.hpp>
#include <caf/behavior.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/stateful_actor.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace souk::runtime {

/// Every time of the coordinator, and why it is that.
///
/// How soon a killed node is missed: its last renewal was 0 to `renew_interval` ago; etcd ends a lease
/// `node_lease` after the last renewal and looks every 0.5 s. So its registration is gone 1.5 to 2.5 s after
/// the kill (2 s in the middle), also its controller's key if it had it, which another node then takes within
/// a round trip. Asking, electing, swapping and opening take some 50 ms, so shards are written again
/// after 2.1 s in the middle and 3 s at most (0.4 s later where a member in sync hangs), within the 3 s and 5
/// s promised; where a replica's link to the primary breaks and it reports so, within half a second.
///
/// How much a store may stall: one renewal that is lost is repeated within 0.5 s, so nothing happens before
/// etcd is away for 1 s; a lease that ends under a living node costs a failover, and nothing else.
struct coordinator_limits {
  using milliseconds = std::chrono::milliseconds;

  std::chrono::seconds node_lease{2};  ///< etcd makes no shorter ones with its default election timeout.
  milliseconds renew_interval{500};
  /// No answer by then counts as none, and another member of the store is asked.
  milliseconds call_deadline{500};
  /// What failed is tried again after so long, doubled up to ...
  milliseconds retry_first{50};
  /// ... this: well below `node_lease`, so that nodes are back in time when the store is.
  milliseconds retry_most{500};
  milliseconds tick_interval{100};
};

struct coordinator_options {
  std::string cluster_name;
  node_registration self;
  /// The cluster that this node's disk belongs to; empty for a new disk.
  std::string cluster_id;
  /// What the cluster becomes if this node is the first to come; `cluster_id` is drawn, and so is the secret
  /// if it is empty.
  cluster_settings wanted;
  /// Whoever made it keeps it until the actor system is down, for it must not end on a thread of its own.
  std::shared_ptr<coordination_store> store;
  std::shared_ptr<clock> time;
  std::shared_ptr<random_source> random;
  /// This node cannot belong to the cluster (another id, another number of shards, removed by an operator):
  /// it must not go on. Called at most once, on a thread of the actor system.
  std::function<void(const std::string& reason)> on_refused;
  coordinator_limits limits;
};

/// The coordinator of a node of a cluster: registers it under a lease, keeps the view up to date, and makes
/// the changes of shard records that others ask for, one compare-and-swap each. Campaigns to be controller
/// when there is none.
///
/// It decides nothing from silence: while the store is away it keeps what it knows, answers `unknown` and
/// tries again; a watch that was lost starts anew from what it saw last, or from everything when that is
/// gone. A registration that was lost is made again under a new lease.
///
/// Messages: `open_epoch` (→ `epoch_opened` or `epoch_refused`; waits for the store as long as it takes),
/// `change_in_sync`, `hand_over`, `ask_controller_to_look`, `subscribe`, `propose_record`, `propose_member`,
/// `operator_request`, `leave`, `stand_aside`.
class cluster_coordinator_life {
 public:
  static inline const char* name = "coordinator";
  explicit cluster_coordinator_life(caf::event_based_actor* self) : self_(self) {}

  caf::behavior start(coordinator_options options);

 private:
  using milliseconds = std::chrono::milliseconds;
  enum class registration : std::uint8_t { none, under_way, done };

  struct report {
    std::uint64_t epoch = 0;
    std::vector<std::string> unreachable;
    bool written = false;
    bool under_way = false;
  };
  struct opening {
    open_epoch request;
    bool under_way = false;
  };

  // The store and the view: cluster_coordinator.cpp.
  template <class Result>
  coordination_store::callback<Result> here(std::function<void(Result)> go_on);
  milliseconds now() const;
  void on_tick();
  void read_everything();
  void start_watch();
  void on_watch(watch_event event);
  void publish();
  void notice_unreadable();
  void retry_later(std::function<void()> what);

  // Belonging to the cluster.
  bool may_belong();
  void refuse(const std::string& reason);
  void create_cluster();
  void grant_lease();
  void renew_lease();
  void register_node();
  void lose_registration(const std::string& why);
  void notice_lost_registration();
  void tell_registration();
  void campaign();
  bool holds_control() const;
  void give_up_control();
  bool is_registered() const { return registration_ == registration::done; }

  // Changes: cluster_coordinator_changes.cpp.
  const shard_record& record(shard_id shard) const;
  bool knows(shard_id shard) const { return view_ && shard < view_->shards.size(); }
  void swap_record(shard_id shard, const shard_record& wanted, std::vector<swap_request::condition> more,
                   std::function<void(swap_result)> told);
  void learn(const std::string& key, const std::string& text, std::int64_t revision);
  void open(const open_epoch& request);
  void work_on_openings();
  void open_next_epoch(shard_id shard, opening& waiting);
  void change(const change_in_sync& request);
  void give_away(const hand_over& request);
  template <class Answer, class Request, class Holds>
  void change_own(const Request& request, const shard_record& wanted, const Holds& already);
  void keep_report(const ask_controller_to_look& request);
  void write_reports();
  void write_report(shard_id shard, report& kept);
  void propose(const proposed_record& wish);
  void propose(const proposed_member& wish);
  void command(const operator_request& request);

  caf::event_based_actor* self_;
  coordinator_options options_;
  std::optional<cluster_keys> keys_;
  std::optional<view_builder> builder_;
  std::shared_ptr<const cluster_view> view_;  // null until everything was read once
  std::map<caf::actor_addr, caf::actor> subscribers_;
  std::vector<std::string> unreadable_told_;

  std::unique_ptr<coordination_store::watch_handle> watch_;
  std::uint64_t watch_number_ = 0;  // of the watch at work; what an older one tells is late
  milliseconds retry_after_{0};
  bool retry_waits_ = false;

  bool refused_ = false;
  bool creating_ = false;
  bool granting_ = false;
  bool campaigning_ = false;
  bool aside_ = false;  // others are to be the controller
  lease_id lease_ = 0;
  std::optional<milliseconds> renewing_since_;
  milliseconds renew_at_{0};
  milliseconds alive_until_{0};  // the lease cannot have ended before, by this clock
  registration registration_ = registration::none;
  std::int64_t registered_at_ = 0;  // a revision
  std::string waiting_reason_;

  std::map<shard_id, opening> openings_;
  std::map<shard_id, report> reports_;
};

using cluster_coordinator_actor = caf::stateful_actor<cluster_coordinator_life>;
caf::behavior cluster_coordinator(cluster_coordinator_actor* self, coordinator_options options);

}  // namespace souk::runtime
