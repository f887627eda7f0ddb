#pragma once

#include "runtime/cluster/messages.hpp"
#include "runtime/links/messages.hpp"
#include "runtime/replica/messages.hpp"
#include "runtime/replica/state_replay.hpp"
#include "runtime/replication/follower.hpp"
#include "runtime/shard/shard.hpp"

#include <caf/behavior.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/stateful_actor.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace souk::runtime {

/// What a replica is given. Everything behind a pointer outlives it.
struct replica_options {
  shard_options shard;  ///< Also for the shard, while this member leads.
  /// The link to another node; null while there is none. Empty on a node alone.
  std::function<caf::actor(const std::string& node)> link;
  /// Whether that link is up. Empty on a node alone.
  std::function<bool(const std::string& node)> linked;
};

/// A node's copy of one shard. It begins from its disk as a follower, takes up what the shard's primary
/// sends, and when the coordinator gives the shard to this member opens the epoch and starts the shard, which
/// it serves as the door to the other members and the coordinator until the shard resigns; then it begins
/// again. docs/replication.md, "How a replica lives".
///
/// A shard that fails takes its replica with it, and their supervisor starts both again.
///
/// Messages: `links::replica_message` and `link_news` from the node's links, `view_changed`, `epoch_opened`,
/// `epoch_refused`, `in_sync_changed`, `handed_over` from the coordinator, `ask_position` (answered by
/// `position_told`), `status_query` (`shard_status`).
class replica_life {
 public:
  static inline const char* name = "replica";
  explicit replica_life(caf::event_based_actor* self) : self_(self) {}
  ~replica_life();
  replica_life(const replica_life&) = delete;
  replica_life& operator=(const replica_life&) = delete;

  caf::behavior start(replica_options options);

 private:
  enum class stage : std::uint8_t {
    starting,   // waits until no write of an earlier life is on its way
    following,  // also while it opens an epoch
    leading,    // the shard lives
    ending,
  };
  struct state_write {
    persistence::shared_rows rows;  // kept to be offered again
    std::function<void()> then;
    std::uint64_t life = 0;  // of an earlier one it is neither offered again nor heeded
  };

  // Names the journal's new beginning among its writes; a follower's own tickets count from 1.
  static constexpr std::uint64_t restart_ticket = ~std::uint64_t{0};

  std::chrono::nanoseconds steady() const { return options_.shard.time->steady(); }
  shard_id id() const { return options_.shard.id; }
  const replication::member_id& self_member() const { return options_.shard.member; }

  // -- beginnings and ends
  void start_from_disk();
  void start_later();
  void load();
  void lead_when_still();
  void lead();
  void on_resigned(const shard_resigned& resigned);
  void on_exit(const caf::exit_msg& exit);
  void on_down(const caf::down_msg& down);
  void forget_shard();

  // -- following
  void act();
  void take(replication::follower_action& action);
  void store_entries(const replication::write_entries& write);

  // -- the state follows
  void follow_with_state();
  void replay_some();
  void flush();

  // -- a snapshot comes
  void begin_snapshot();
  void clear_pieces(std::function<void()> then);
  void store_piece(const replication::store_chunk& piece);
  void install(const replication::install_snapshot& wanted);
  bool resume_installation();
  void mark_installation();
  void restart_journal();
  void clear_rows();
  void put_piece(std::uint64_t sequence);
  void end_installation();

  // -- the disk
  void write_state_rows(std::vector<persistence::row_change> rows, std::function<void()> then);
  void write_state_rows(persistence::shared_rows rows, std::function<void()> then);
  void write_next_rows();
  void on_state_written(bool done);

  // -- other members
  void on_message(const links::replica_message& message);
  void tell(const replication::member_id& member, replication::message content);
  bool is_linked(std::string_view node) const;
  void on_link(const link_news& news);
  std::vector<replication::member_id> linked_members() const;
  void report_primary();
  void tell_position(const ask_position& question);

  // -- the coordinator
  void on_tick();
  void on_view(const std::shared_ptr<const cluster_view>& view);
  const shard_record* record() const;
  void ask_to_open();
  void on_opened(const epoch_opened& opened);
  void ask_coordinator(const replication::primary_action& action);
  void give_away_if_asked();
  void tell_swap(swap_outcome outcome, const shard_record& record);

  caf::event_based_actor* self_;
  replica_options options_;
  std::string node_;
  stage stage_ = stage::starting;

  // starting
  std::uint64_t life_ = 0;  // counts the beginnings
  std::optional<persistence::journal_bounds> bounds_;
  bool state_is_still_ = false;

  // following
  std::optional<replication::follower> follower_;
  std::optional<std::chrono::nanoseconds> promised_until_;  // by this process
  std::optional<state_replay> replay_;
  bool replaying_ = false;  // towards the next flush
  bool opened_ = false;     // leads as soon as the flush under way is over
  std::chrono::nanoseconds last_flush_{0};
  std::deque<state_write> state_writes_;  // the first is on its way, or waits for a full disk

  // installing a snapshot
  struct installation {
    std::uint64_t snapshot = 0;
    replication::position at;
  };
  std::optional<installation> installing_;

  // opening
  std::optional<std::chrono::nanoseconds> asked_to_open_;
  std::optional<replication::shard_config> before_;   // the record when it was asked for
  std::optional<replication::shard_config> opening_;  // under this

  // leading
  caf::actor shard_;
  std::uint64_t epoch_ = 0;           // under which it leads
  bool giving_ = false;               // the shard was asked to hand over
  replication::shard_config config_;  // the newest that the shard was told

  storage_fill fill_;
  std::shared_ptr<const cluster_view> view_;
  std::set<std::string> lost_;  // nodes to which a link was lost
  ask_controller_to_look reported_;
  std::chrono::nanoseconds last_subscribed_{0};
};

using replica_actor = caf::stateful_actor<replica_life>;
caf::behavior replica(replica_actor* self, replica_options options);

}  // namespace souk::runtime
