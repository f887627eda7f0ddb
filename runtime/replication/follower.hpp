#pragma once

#include "runtime/replication/history.hpp"
#include "runtime/replication/limits.hpp"
#include "runtime/replication/messages.hpp"
#include "runtime/replication/types.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace souk::replication {

/// What a follower is given: what its disk holds, with no write of this shard on its way.
struct follower_start {
  history journal;
  std::uint64_t epoch = 0;  ///< The highest epoch ever stored on this disk, by follower or primary.
  std::uint64_t committed =
      0;  ///< Known to be committed: at least what the state stands for and what was trimmed.
  /// Until when this node promised not to serve. A process that just started does not know what it promised
  /// before: now + `limits::promise`. A follower that takes over from another object in the same process:
  /// that one's `promised_until`.
  std::chrono::nanoseconds promised_until{0};
  replication::limits limits;
};

/// Store this epoch (it outlives the process), then call `epoch_stored`. Nothing is accepted under it before.
struct store_epoch {
  std::uint64_t epoch = 0;
};
/// Drop all records after `last`, after all writes asked for before; then call `stored(ticket)`.
struct cut_journal {
  std::uint64_t ticket = 0;
  std::uint64_t last = 0;
};
/// Append these, after all writes asked for before; then call `stored(ticket)`, or of several the last ticket
/// alone. If the storage refuses, it must refuse after it whatever does not continue what is on disk, and
/// this object is of no use any more: wait until no write is on its way and start another from the disk, not
/// more often than once a second.
struct write_entries {
  std::uint64_t ticket = 0;
  std::vector<entry> entries;
};
struct send_appended {
  member_id to;
  appended message;
};
struct send_snapshot_received {
  member_id to;
  snapshot_received message;
};
/// A new snapshot comes: forget what was stored of another one.
struct begin_snapshot {
  std::uint64_t snapshot = 0;
};
/// Put this aside, then call `chunk_stored`.
struct store_chunk {
  std::uint64_t snapshot = 0;
  std::uint64_t sequence = 0;
  std::shared_ptr<const std::string> data;
};
/// All of it is there and whole: make it the state, and let the journal hold nothing and go on after `at`. If
/// the process ends half way, the disk must come up either as before or as after. Then call
/// `snapshot_installed`.
struct install_snapshot {
  std::uint64_t snapshot = 0;
  position at;
};
/// Committed and on this disk: the state may follow up to here.
struct follower_committed {
  std::uint64_t upto = 0;
};
/// Asked for by `open`: the epoch is stored, no write is on its way. Now the node may start a `primary` from
/// this follower, and this object ends.
struct epoch_open {
  std::uint64_t epoch = 0;
};

using follower_action =
    std::variant<store_epoch, cut_journal, write_entries, send_appended, send_snapshot_received,
                 begin_snapshot, store_chunk, install_snapshot, follower_committed, epoch_open>;

/// A copy of a shard that follows its primary: takes up what continues its sequence, cuts what an older epoch
/// left that the primary does not have, and never lets go of what is committed.
///
/// After each call, or after several, `take()` hands out what is to be done, in order. Throws
/// `broken_protocol`.
class follower {
 public:
  explicit follower(follower_start start);

  // From the links. Any message, from anyone who claims to be primary.
  void receive(const member_id& from, const append& message, std::chrono::nanoseconds now);
  void receive(const member_id& from, const snapshot_chunk& message, std::chrono::nanoseconds now);

  // From the storage.
  void epoch_stored(std::uint64_t epoch, std::chrono::nanoseconds now);
  /// All writes and cuts up to this ticket are on disk.
  void stored(std::uint64_t ticket, std::chrono::nanoseconds now);
  void chunk_stored(std::uint64_t snapshot, std::uint64_t sequence, std::chrono::nanoseconds now);
  void snapshot_installed(std::uint64_t snapshot, std::chrono::nanoseconds now);
  /// Records below were trimmed, all of them committed.
  void trimmed(std::uint64_t first) { journal_.trim(first); }

  /// The coordinator's record gives this node the shard under `epoch`, and `may_open` allows it. Ends in
  /// `epoch_open`, unless a higher epoch comes in between.
  void open(std::uint64_t epoch);

  /// The epoch that is being opened; 0: none, or a higher one came in between.
  std::uint64_t opening() const { return opening_; }

  std::vector<follower_action> take();

  /// For elections: what is on this disk.
  position on_disk() const { return {durable_, journal_.epoch_at(durable_)}; }
  /// The highest epoch seen, stored or about to be.
  std::uint64_t highest_epoch() const;
  /// Committed and on this disk.
  std::uint64_t committed() const;
  std::chrono::nanoseconds promised_until() const { return promised_until_; }
  /// What was accepted; after `epoch_open`, what is on disk.
  const history& journal() const { return journal_; }

 private:
  struct write {
    std::uint64_t ticket = 0;
    std::uint64_t last = 0;
    bool cut = false;
  };
  struct incoming_snapshot {
    std::uint64_t id = 0;
    member_id from;
    std::uint64_t next = 0;  // the chunk expected
    std::uint64_t digest = 0;
    position at;
    std::optional<std::uint64_t> storing;
    bool last_taken = false;
    bool installing = false;
    bool installed = false;
  };
  using held_message = std::variant<std::monostate, append, snapshot_chunk>;

  bool admit(const member_id& from, std::uint64_t epoch, const held_message& message);
  void accept(const member_id& from, const append& message, std::chrono::nanoseconds now);
  void accept(const member_id& from, const snapshot_chunk& message, std::chrono::nanoseconds now);
  bool agrees(position prev) const;
  bool take_up(const append& message);
  void cut_after(std::uint64_t last);
  void answer(append_result result, position hint, std::chrono::nanoseconds now);
  bool has_all_of(position at);
  void answer_has_all(std::chrono::nanoseconds now);
  void answer_chunk(const member_id& to, std::uint64_t snapshot, std::uint64_t sequence, bool damaged);
  void tell_committed();
  void open_if_ready();

  history journal_;            // accepted, if not all on disk yet
  std::uint64_t durable_ = 0;  // of `journal_`, on disk
  std::uint64_t matched_ = 0;  // of `journal_`, the same as the primary's of `epoch_`
  std::uint64_t committed_ = 0;
  std::uint64_t committed_told_ = 0;
  std::uint64_t epoch_ = 0;    // stored
  std::uint64_t storing_ = 0;  // asked to be stored; 0: none
  std::uint64_t opening_ = 0;  // for ourselves; 0: not
  member_id held_from_;        // the newest message under the epoch that is being stored
  held_message held_;
  std::chrono::nanoseconds promised_until_{0};
  std::chrono::nanoseconds promise_{0};

  std::deque<write> writes_;  // on their way, in order
  std::uint64_t next_ticket_ = 1;

  member_id primary_;  // of `epoch_`, as far as it spoke
  std::uint64_t newest_number_ = 0;
  std::chrono::nanoseconds newest_sent_at_{0};
  std::optional<incoming_snapshot> snapshot_;
  std::vector<follower_action> actions_;
};

}  // namespace souk::replication
