#pragma once

#include "persistence/record.pb.h"
#include "runtime/limits.hpp"
#include "runtime/shard/keys.hpp"
#include "runtime/shard/layered_rows.hpp"
#include "runtime/shard/state.pb.h"
#include "runtime/types.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

namespace souk::runtime {

/// Which numbers of a stream have arrived: all up to a watermark, and a few above it.
class received_numbers {
 public:
  received_numbers() = default;
  received_numbers(std::uint64_t watermark, std::set<std::uint64_t> above)
      : watermark_(watermark), above_(std::move(above)) {}

  bool contains(std::uint64_t number) const { return number <= watermark_ || above_.contains(number); }
  void add(std::uint64_t number);
  std::uint64_t watermark() const { return watermark_; }
  const std::set<std::uint64_t>& above() const { return above_; }

 private:
  std::uint64_t watermark_ = 0;
  std::set<std::uint64_t> above_;
};

/// An effect on its way to another entity.
struct outgoing_effect {
  std::uint64_t number = 0;
  std::uint64_t index = 0;  ///< The journal record that caused it.
  address to;
  address sender;
  message_ptr command;      ///< Null when it was read back from the disk.
  std::string bytes;        ///< Then the command, serialised.
  kind_id failed_kind = 0;  ///< Set: it reports that an effect of `to`'s failed. See pb::Effect.
  std::string failed_key;
  std::string failure;
  std::string traceparent;  ///< Of the record that caused it.
  bool on_disk = false;
};

/// A call to the world without a result.
struct open_call {
  std::uint64_t index = 0;
  address caller;
  std::string port;
  message_ptr request;      ///< Null when it was read back from the disk.
  std::string bytes;        ///< Then the request, serialised.
  std::string traceparent;  ///< Of the record that caused it.
  bool on_disk = false;
};

/// A timer that is due.
struct due_timer {
  std::int64_t due_ms = 0;
  address entity;
  std::string name;

  auto operator<=>(const due_timer&) const = default;
};

/// What a shard knows besides the state of its entities: streams of effects, timers, kept answers, indexes,
/// calls to the world. All of it follows from the journal's records: the same `apply` serves a decision just
/// taken and a record read at recovery. No actors, no clock. Belongs to one shard.
class shard_book {
 public:
  shard_book(shard_id self, const persistence::state_store& disk, const limits& limits);

  /// Reads header, effects and calls from the state environment. Records of the journal after `applied()` are
  /// to be applied next, then `start_timers`.
  void load();

  shard_id self() const { return self_; }
  std::uint64_t applied() const { return applied_; }
  std::uint64_t last_index() const { return last_index_; }
  std::uint64_t epoch() const { return epoch_; }

  /// Gives the record's effects their numbers in their streams, and its calls theirs.
  void number(persistence::pb::Record& record);

  /// Takes over what a record says; `index` is `last_index() + 1`. `effect_commands` and `world_requests` are
  /// the messages whose bytes are in the record, or empty at recovery. `first_answer`: nothing is kept yet of
  /// the keyed request that the record takes up or answers at once; otherwise it is looked up.
  void apply(std::uint64_t index, const persistence::pb::Record& record,
             const std::vector<message_ptr>& effect_commands, const std::vector<message_ptr>& world_requests,
             bool first_answer = false);

  /// Records up to `index` are committed. Adds to `acknowledge` the shards that are owed an acknowledgement.
  void committed(std::uint64_t index, std::set<shard_id>& acknowledge);

  // -- effects received
  // ------------------------------------------------------------------------------------------

  /// True once for each effect: it is not decided and not in work.
  bool take_up(shard_id from, std::uint64_t number);
  /// It could not be taken up after all (its entity's queue is full): it will be sent again.
  void put_back(shard_id from, std::uint64_t number);
  /// What of `from`'s stream is committed here.
  const received_numbers& received(shard_id from) { return in_[from].committed; }

  // -- effects sent
  // ----------------------------------------------------------------------------------------------

  /// Shards for which committed effects wait to be sent.
  std::vector<shard_id> destinations_waiting() const;
  /// The committed effects to a shard that were not sent yet; they count as sent now.
  std::vector<const outgoing_effect*> take_unsent(shard_id to);
  /// All unacknowledged effects count as not sent.
  void send_again();
  /// The same of each stream whose first effect waits since `patience`. Told the time at each tick.
  void send_again_what_rests(std::chrono::nanoseconds now, std::chrono::nanoseconds patience);
  void acknowledged(shard_id to, std::uint64_t watermark, const std::vector<std::uint64_t>& above);
  /// Adds to a record what other shards have acknowledged since it was last recorded. Replicas hear of it no
  /// other way. False: nothing.
  bool add_acknowledged(persistence::pb::Record& record) const;
  std::size_t effects_outstanding() const;

  // -- calls to the world
  // ----------------------------------------------------------------------------------------

  const std::map<std::uint64_t, open_call>& open_calls() const { return open_calls_; }

  // -- timers
  // ----------------------------------------------------------------------------------------------------

  /// Loads the timers that are due before `now` + horizon; call after recovery and, cheaply, at every tick.
  void advance_timers(timestamp now);
  /// At most `most` timers due at `now` that were not handed out since they were set.
  std::vector<due_timer> take_due(timestamp now, std::size_t most);
  /// The timer was answered without a change: it was stale.
  void forget_firing(const due_timer& timer) { firing_.erase(timer); }
  /// It goes back among the due ones: its entity could not take it.
  void fire_again(const due_timer& timer);
  /// The next moment at which something is due, for clocks that jump.
  std::optional<std::int64_t> next_due() const;

  // -- kept answers
  // ----------------------------------------------------------------------------------------------

  std::optional<pb::KeptAnswer> find_answer(const command_id& id) const;
  /// Removes answers that ended before `now`, at most `most`.
  void purge_answers(timestamp now, std::size_t most);

  // -- rows
  // ------------------------------------------------------------------------------------------------------

  layered_rows& rows() { return rows_; }
  const layered_rows& rows() const { return rows_; }

  /// Everything up to `last_index()` that is not on disk: rows to write, the header with them. Entities' rows
  /// must have been put into `rows()` before.
  persistence::shared_rows begin_flush();
  void end_flush();

 private:
  struct stream_out {
    std::uint64_t next = 1;
    std::uint64_t sent = 0;
    std::uint64_t acknowledged = 0;
    std::uint64_t recorded = 0;  // of `acknowledged`, in the journal
    std::uint64_t first = 0;     // not acknowledged, when last looked at; 0: none
    std::chrono::nanoseconds first_since{0};
    std::map<std::uint64_t, outgoing_effect> items;
  };
  struct stream_in {
    received_numbers decided;
    received_numbers committed;
    std::set<std::uint64_t> in_work;
  };
  struct received_at {
    std::uint64_t index;
    shard_id from;
    std::uint64_t number;
  };

  void apply_timer(const address& entity, const persistence::pb::TimerChange& change);
  // What was kept when a request was taken up, for the answer that comes later.
  struct claim {
    std::string fingerprint;
    std::int64_t expires_ms = 0;
  };

  void apply_in_flight(const persistence::pb::InFlight& request, std::int64_t time_ms, bool is_first);
  void apply_answer(const persistence::pb::Answer& answer, std::int64_t time_ms, bool is_first);
  std::optional<claim> claim_of(const command_id& id);
  std::int64_t keep_until(const command_id& id, std::int64_t time_ms);
  void load_effects();
  void load_calls();
  std::string header_row() const;

  shard_id self_;
  const persistence::state_store& disk_;
  const limits& limits_;
  layered_rows rows_;

  std::uint64_t applied_ = 0;
  std::uint64_t last_index_ = 0;
  std::uint64_t committed_ = 0;
  std::uint64_t epoch_ = 0;
  std::uint64_t flushing_upto_ = 0;

  std::map<shard_id, stream_out> out_;
  std::map<shard_id, stream_in> in_;
  std::deque<received_at> received_uncommitted_;

  std::uint64_t next_call_ = 1;
  std::map<std::uint64_t, open_call> open_calls_;
  // Of requests under way that were taken up since this shard serves: as many as it may leave unanswered.
  std::unordered_map<command_id, claim> claims_;

  std::set<due_timer> near_;
  std::set<due_timer> firing_;
  std::int64_t horizon_ms_ = 0;
};

}  // namespace souk::runtime
