#pragma once

#include "runtime/cluster/view.hpp"
#include "runtime/replication/election.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace souk::runtime {

/// A shard's record as the replication protocol sees it: nodes become members, with the disks that they are
/// registered with.
replication::shard_config config_of(const cluster_view& view, const shard_record& record);

/// Every time and bound of the controller, and why it is that.
struct controller_limits {
  using milliseconds = std::chrono::milliseconds;

  /// Where most nodes are gone at once it is the store that was away, and they are about to register again:
  /// so long nobody is taken for dead. Longer than a node takes to register when the store is back.
  milliseconds settle{3'000};
  /// For the first assignment all copies' nodes should be there; then fewer must do, down to the floor.
  milliseconds assign_patience{5'000};
  /// Members that are registered answer within a round trip; one that hangs is not waited for any longer.
  milliseconds position_patience{400};
  /// An election that decided nothing is held again after so long.
  milliseconds ask_again{1'000};
  /// A proposed change that nobody saw happen is proposed again after so long.
  milliseconds propose_again{2'000};
  /// Nothing is moved for balance before the cluster was left alone for so long.
  milliseconds balance_after{10'000};
  /// A primary that did not give a shard away in that time is not asked to any more, for as long again.
  milliseconds move_patience{15'000};
  /// Shards that are handed over at a time, and shards that gain a copy at a time: those take from the disks
  /// that sell.
  std::size_t moves_max = 2;
};

/// A change of a shard's record that the controller wants: by compare-and-swap of `record.revision`.
struct proposed_record {
  shard_id shard = 0;
  shard_record record;
  std::string reason;  ///< For the log.
};
/// The same of a member's.
struct proposed_member {
  cluster_member member;
  std::string reason;
};
/// Ask these members of the shard what they have on disk.
struct position_question {
  shard_id shard = 0;
  std::vector<std::string> members;
};
struct controller_decisions {
  std::vector<proposed_record> records;
  std::vector<proposed_member> members;
  std::vector<position_question> questions;
};

/// What the controller decides: pure, of what it was told and of the times it was told at (monotonic, from
/// any start). Whoever holds the controller's key runs one from scratch; two at a time only waste each
/// other's swaps.
///
///   * first assignment: copies and primaries spread evenly, over nodes that are there;
///   * failover: when the primary's registration is gone or of another disk, or a member reports that it
///     cannot be reached, or it asks for help itself: the members in sync are asked, and one of them is
///     elected (runtime/replication/election.hpp);
///   * copies: a shard with too few gets a learner; one with too many loses one when all others are in sync;
///     a node that was joined gets its share so, a node that is being removed loses all;
///   * primaries: handed over away from nodes that are drained, and, when all is quiet, to nodes with fewer.
///
/// It changes `in_sync` only in failovers and never adds to it; within an epoch that is the primary's.
class controller_plan {
 public:
  using milliseconds = std::chrono::milliseconds;

  explicit controller_plan(controller_limits limits = {}) : limits_(limits) {}

  /// What is to be done now. Call it with each new view, after answers, and every 100 ms or so.
  controller_decisions step(const cluster_view& view, milliseconds now);

  /// A member has answered.
  void told(shard_id shard, const replication::position_answer& answer);

 private:
  /// The members in sync were asked who could be primary.
  struct inquiry {
    std::int64_t revision = 0;
    milliseconds asked{0};
    bool over = false;  // decided nothing
    std::map<std::string, replication::position_answer> answers;
  };
  struct proposal {
    std::int64_t revision = 0;
    milliseconds at{0};
  };
  /// A change of a record that was proposed and not seen yet.
  struct swap_under_way {
    shard_record record;  // as it will be; its revision is that of the record it takes the place of
    milliseconds at{0};
  };
  struct move {
    std::string to;
    milliseconds since{0};
  };

  void look_at_nodes(const cluster_view& view, milliseconds now);
  void count(const cluster_view& view, milliseconds now);
  bool is_up(std::string_view node) const;
  bool is_active(std::string_view node) const;
  /// Its copies count on it, even if it is away for a while.
  bool is_wanted(std::string_view node) const;
  bool is_replica_in_sync(const shard_record& record, std::string_view node) const;
  bool is_healthy(const shard_record& record) const;
  bool is_quiet(milliseconds now) const { return now - changed_ >= limits_.balance_after; }
  const shard_record* pending(shard_id shard, const shard_record& seen, milliseconds now) const;
  bool waits_for_swap(shard_id shard, const shard_record& record, milliseconds now);

  void assign(shard_id shard, milliseconds now);
  bool in_trouble(shard_id shard) const;
  bool primary_is_gone(const shard_record& record) const;
  void hold_election(shard_id shard, milliseconds now);
  void end_election(shard_id shard, const replication::new_primary& elected, milliseconds now);
  bool follow_move(shard_id shard, milliseconds now);
  bool leave_drained(shard_id shard, milliseconds now);
  bool place_copies(shard_id shard, milliseconds now);
  bool drop_copy(shard_id shard, milliseconds now);
  bool spread_copies(shard_id shard, milliseconds now);
  bool balance_primary(shard_id shard, milliseconds now);
  void finish_removals(milliseconds now);

  std::string least_loaded(const std::vector<std::string>& nodes, const std::map<std::string, int>& load,
                           shard_id shard) const;
  std::vector<std::string> active_nodes() const;
  void propose(shard_id shard, shard_record record, std::string reason, milliseconds now);

  controller_limits limits_;

  // Kept from step to step.
  std::map<shard_id, inquiry> inquiries_;
  std::map<shard_id, swap_under_way> proposals_;
  std::map<std::string, proposal> removals_;
  std::map<shard_id, move> moves_;
  std::map<shard_id, milliseconds> given_up_;  // moves for balance
  std::set<std::pair<std::string, std::uint64_t>> seen_nodes_;
  std::optional<milliseconds> few_since_;  // most nodes are gone
  std::optional<milliseconds> assignable_since_;
  milliseconds changed_{0};
  bool started_ = false;

  // Of one step.
  const cluster_view* view_ = nullptr;
  controller_decisions decisions_;
  std::map<std::string, int> primaries_;  // by node, as they will be
  std::map<std::string, int> copies_;
  std::size_t handing_ = 0;   // shards that are being handed over
  std::size_t learning_ = 0;  // shards with a copy that is not in sync yet
  bool may_take_for_dead_ = true;
};

}  // namespace souk::runtime
