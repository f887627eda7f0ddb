#pragma once

#include "runtime/replication/history.hpp"
#include "runtime/replication/limits.hpp"
#include "runtime/replication/messages.hpp"
#include "runtime/replication/progress.hpp"
#include "runtime/replication/types.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace souk::replication {

/// What a primary is given. Its epoch is stored on this disk (`follower::open`), was opened by this process,
/// and was never written under before.
struct primary_start {
  member_id self;
  shard_config config;          ///< As the coordinator holds it; `config.primary == self`.
  history journal;              ///< What is on this disk; no write of this shard is on its way.
  std::uint64_t committed = 0;  ///< Known to be committed.
  /// Nothing is decided before: `wait_until(...)` below.
  std::chrono::nanoseconds not_before{0};
  replication::limits limits;
};

/// What becomes of an opening. A process may write under an epoch only if it never did before, so an epoch
/// that this disk has seen is of no use: the coordinator is to be asked for the next one.
enum class opening : std::uint8_t { not_ours, may_open, ask_for_next_epoch };
opening may_open(const shard_config& config, const member_id& self, std::uint64_t highest_epoch_on_disk);

/// When a new primary may decide its opening record: when its own promise (`follower::promised_until`) is
/// over, unless nobody can be reading under an older epoch. `before` is the record as it was before `config`
/// gave this epoch, if known.
std::chrono::nanoseconds wait_until(const std::optional<shard_config>& before, const shard_config& config,
                                    const member_id& self, position on_disk,
                                    std::chrono::nanoseconds promised_until);

struct send_append {
  member_id to;
  append message;
};
struct send_snapshot_chunk {
  member_id to;
  snapshot_chunk message;
};
/// Read records from the own journal, from `from` on, at least one and at most so many and so large (one may
/// be larger), and hand them to `journal_read`. Were they trimmed meanwhile: hand over none after calling
/// `trimmed`.
struct read_journal {
  member_id member;
  std::uint64_t from = 0;
  std::size_t records_max = 0;
  std::size_t bytes_max = 0;
};
/// Hand the next piece of a snapshot to `snapshot_read`. Sequence 0: begin a new one, of the state as it is
/// at one committed record, not before the journal's first. Pieces are asked for in order, each once.
struct read_snapshot {
  member_id member;
  std::uint64_t snapshot = 0;
  std::uint64_t sequence = 0;
};
/// The snapshot is not read any more.
struct end_snapshot {
  member_id member;
  std::uint64_t snapshot = 0;
};
/// Not before now may the shard decide; the first thing is the opening record of this epoch, handed to
/// `decided`.
struct decide_opening {};
/// Everything up to here is committed. Comes first for the opening record: from then on the shard serves.
struct primary_committed {
  std::uint64_t upto = 0;
};
/// Change `in_sync` by compare-and-swap of the revision, then call `swap_answered`.
struct swap_in_sync {
  std::int64_t revision = 0;
  members in_sync;
};
/// Give the shard to `to` under the next epoch, with `handed_over` set, by compare-and-swap; then call
/// `swap_answered`.
struct swap_primary {
  std::int64_t revision = 0;
  std::uint64_t epoch = 0;
  member_id to;
};
/// This primary cannot commit or read, and cannot help itself. Repeated while it lasts.
struct ask_controller {
  std::vector<member_id> silent;  ///< Whose answers are missing.
};
enum class resignation : std::uint8_t {
  superseded,     ///< A higher epoch was seen.
  handed_over,    ///< As asked.
  write_refused,  ///< The own storage refused what others may have: go on under a new epoch.
};
std::string_view to_string(resignation why);
/// The last action: this object is of no use any more. What was decided and not committed has an unknown
/// outcome. Wait until no write is on its way, then start a follower from the disk.
struct resigned {
  resignation why = resignation::superseded;
  std::uint64_t epoch = 0;  ///< The highest one known.
};

/// A member does not have what it had said was on its disk: whoever runs it should know.
struct records_lost {
  member_id member;
  std::uint64_t had = 0;  ///< Up to this record.
  std::uint64_t has = 0;
};

using primary_action =
    std::variant<send_append, send_snapshot_chunk, read_journal, read_snapshot, end_snapshot, decide_opening,
                 primary_committed, swap_in_sync, swap_primary, ask_controller, records_lost, resigned>;

enum class swap_outcome : std::uint8_t {
  done,
  refused,  ///< Another revision stands there.
  unknown,  ///< It may have been done, or may be done later.
};

/// How a member stands, for operators and metrics.
struct member_status {
  member_id member;
  bool in_sync = false;
  bool linked = false;
  bool snapshot = false;      ///< Is being sent one.
  std::uint64_t durable = 0;  ///< Known to be on its disk.
};

/// The primary of a shard for one epoch: brings what is decided to all replicas, says what is committed,
/// changes `in_sync`, and says whether reads may be answered.
///
/// After each call, or after several, `take()` hands out what is to be done, in order; what was decided since
/// the last time goes out in common messages. Calls of a burst may so be followed by one `take`. Throws
/// `broken_protocol`.
class primary {
 public:
  primary(primary_start start, std::chrono::nanoseconds now);

  // From the shard.
  /// Continues the sequence, under this epoch. They may be on their way to the local disk at the same time.
  void decided(std::vector<entry> entries, std::chrono::nanoseconds now);
  /// Give the shard to `to`, a member in sync: call it when intake is stopped. Ends in `resigned`, or in
  /// nothing while `to` is not up to date.
  void hand_over(const member_id& to);
  /// Intake goes on. False: too late, the coordinator was asked.
  bool keep();

  // From the local storage.
  void locally_durable(std::uint64_t index, std::chrono::nanoseconds now);
  /// Nothing from `first` on was written, nor will be: once for all that was on its way. If others may have
  /// it already, the primary resigns; else the indexes may be used again.
  void locally_refused(std::uint64_t first, std::chrono::nanoseconds now);
  void journal_read(const member_id& member, std::uint64_t from, std::vector<entry> entries);
  void snapshot_read(const member_id& member, std::uint64_t snapshot, std::uint64_t sequence, position at,
                     std::shared_ptr<const std::string> data, bool last);
  /// The snapshot cannot be read to its end: begin another one.
  void snapshot_lost(const member_id& member, std::uint64_t snapshot);
  /// Records below were trimmed. Keep those from `keep_from()` on.
  void trimmed(std::uint64_t first) { journal_.trim(first); }

  // From the links.
  void link_up(const member_id& member, std::chrono::nanoseconds now);
  void link_lost(const member_id& member, std::chrono::nanoseconds now);
  void receive(const member_id& from, const appended& message, std::chrono::nanoseconds now);
  void receive(const member_id& from, const snapshot_received& message, std::chrono::nanoseconds now);
  /// Another claims to be primary. Resigns before a higher epoch (the message is then for the follower that
  /// comes); answers a lower one.
  std::optional<appended> receive(const append& message);
  std::optional<snapshot_received> receive(const snapshot_chunk& message);

  // From the coordinator.
  /// `config`: what stands there now, if the answer or a look afterwards told it.
  void swap_answered(swap_outcome outcome, const std::optional<shard_config>& config,
                     std::chrono::nanoseconds now);
  /// The record as seen by a watch or a look at any time. `replicas` may change without its revision, when a
  /// node turns out to have another disk.
  void config_seen(const shard_config& config, std::chrono::nanoseconds now);

  /// Every 100 ms or so.
  void tick(std::chrono::nanoseconds now);
  std::vector<primary_action> take(std::chrono::nanoseconds now);

  /// Whether what was read may be answered at this moment, provided that what was seen is committed. Ask when
  /// the answer leaves, not when the read begins.
  bool may_read(std::chrono::nanoseconds now) const;
  /// The opening record is committed.
  bool serves() const { return opened_ && !resigned_; }
  /// `decided` may be called: the opening was asked for, and the shard is not being given away.
  bool takes_decisions() const {
    return !resigned_ && opening_asked_ && !handing_to_ && !(swap_ && swap_->is_handover());
  }
  bool is_resigned() const { return resigned_; }
  std::uint64_t epoch() const { return config_.epoch; }
  std::uint64_t committed() const { return committed_; }
  std::uint64_t last() const { return journal_.last(); }
  const shard_config& config() const { return config_; }
  const history& journal() const { return journal_; }
  /// The first record that a member in sync may still need.
  std::uint64_t keep_from() const;
  std::vector<member_status> status() const;

 private:
  enum class mode : std::uint8_t { probing, streaming, snapshot };

  struct outgoing_snapshot {
    std::uint64_t id = 0;
    std::uint64_t sequence = 0;  // of the piece at work
    std::uint64_t digest = 0;    // before it
    position at;
    std::optional<snapshot_chunk> sent;
  };
  // A record that was the last one at some time, to tell how long someone has been behind.
  struct mark {
    std::uint64_t index = 0;
    std::chrono::nanoseconds since{0};
  };
  struct sent_batch {
    std::uint64_t last = 0;
    std::size_t records = 0;
    std::size_t bytes = 0;
  };
  struct peer {
    bool linked = false;
    bool lost = false;  // the link was there and broke
    mode doing = mode::probing;
    std::uint64_t next = 0;                         // the next record to send
    std::uint64_t number = 0;                       // of the last send
    std::uint64_t heeded_from = 0;                  // a mismatch of an older send is old news
    std::optional<std::chrono::nanoseconds> asked;  // when the question or the chunk at work was sent
    std::chrono::nanoseconds last_sent{0};
    std::deque<sent_batch> window;
    std::size_t window_records = 0;
    std::size_t window_bytes = 0;
    bool reading = false;     // the journal, for this peer
    std::vector<entry> read;  // what it found
    std::optional<outgoing_snapshot> snapshot;
    std::optional<std::chrono::nanoseconds> answered;  // the sending time of the newest that was answered
    std::chrono::nanoseconds heard{0};
    std::optional<mark> behind;
    std::optional<std::chrono::nanoseconds> removed;  // from in_sync, by us
  };
  struct pending_swap {
    std::int64_t revision = 0;
    members in_sync;                                   // wanted
    member_id to;                                      // or: hand over to
    std::optional<std::chrono::nanoseconds> retry_at;  // the outcome is unknown

    bool is_handover() const { return !to.empty(); }
  };

  bool is_replica(const member_id& member) const;
  void add_peers(std::chrono::nanoseconds now);
  void set_replicas(const members& replicas, std::chrono::nanoseconds now);
  void resign(resignation why, std::uint64_t epoch);
  void advance(std::chrono::nanoseconds now);
  void forget_recent();

  void pump(const member_id& member, peer& peer, std::chrono::nanoseconds now);
  void probe(const member_id& member, peer& peer, std::chrono::nanoseconds now);
  void stream(const member_id& member, peer& peer, std::chrono::nanoseconds now);
  std::vector<entry> next_batch(const member_id& member, peer& peer);
  void send(const member_id& member, peer& peer, std::vector<entry> entries, std::chrono::nanoseconds now);
  void ask_where_we_agree(peer& peer, std::uint64_t next);
  void on_accepted(const member_id& from, peer& peer, const appended& message);
  void on_mismatch(const member_id& from, peer& peer, const appended& message);

  void begin_snapshot(const member_id& member, peer& peer);
  void drop_snapshot(const member_id& member, peer& peer);
  void pump_snapshot(const member_id& member, peer& peer, std::chrono::nanoseconds now);

  void note_progress(const member_id& member, peer& peer, std::chrono::nanoseconds now);
  bool overdue(std::chrono::nanoseconds since, std::chrono::nanoseconds now) const;
  std::optional<member_id> worst_member(std::chrono::nanoseconds now) const;
  std::optional<member_id> returning_member(std::chrono::nanoseconds now, bool urgent) const;
  void change_in_sync(std::chrono::nanoseconds now);
  void ask_swap();
  void hand_over_if_drained();
  void watch_ability(std::chrono::nanoseconds now);

  member_id self_;
  shard_config config_;
  limits limits_;
  history journal_;  // with what is decided and not on disk yet
  std::uint64_t local_durable_ = 0;
  std::uint64_t opening_index_ = 0;
  std::uint64_t committed_ = 0;
  std::uint64_t committed_told_ = 0;
  std::chrono::nanoseconds not_before_{0};
  bool opening_asked_ = false;
  bool opened_ = false;
  bool resigned_ = false;

  commit_progress progress_;
  std::map<member_id, peer> peers_;
  std::deque<entry> recent_;  // the end of the sequence
  std::size_t recent_bytes_ = 0;
  std::uint64_t sent_upto_ = 0;  // someone may have it
  std::uint64_t snapshots_begun_ = 0;

  std::optional<pending_swap> swap_;
  std::optional<member_id> handing_to_;
  bool review_ = true;  // whether `in_sync` should change

  std::chrono::nanoseconds started_{0};
  std::chrono::nanoseconds last_tick_{0};
  std::chrono::nanoseconds judged_from_{0};  // silence before counts for nothing
  std::chrono::nanoseconds able_{0};         // when all was well last
  std::uint64_t able_committed_ = 0;
  std::vector<primary_action> actions_;
};

}  // namespace souk::replication
