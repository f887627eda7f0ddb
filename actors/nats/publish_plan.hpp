#pragma once

#include "actors/nats/sink.pb.h"
#include "actors/nats/stream_link.hpp"
#include "actors/webhook/delivery_plan.hpp"
#include "runtime/types.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

/// What a node publishes next, and what an outcome changes. Pure: time comes in, nothing happens.
namespace souk::nats {

using webhook::feed_event;
using webhook::feed_step;
using Place = webhook::pb::Place;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

/// Bounds of what a node publishes.
struct plan_limits {
  /// Events under way at a time, of all shards: some hundreds hide the way to a server of another site, and
  /// are half a megabyte.
  std::size_t in_flight_max = 256;
  /// Events of one shard that are read and whose publishing is not committed: then no more is read of it. So
  /// many of a shard, and what came with the last page, are published again after a crash.
  std::size_t window_max = 512;
  /// Events of all shards that are read and have not come through: about 16 MB. Then no more is read of a
  /// shard that has some.
  std::size_t waiting_max = 16'384;
  /// Progress of a shard is committed when so many events came through, a quarter of the window, so that a
  /// busy shard need not stop for it ...
  std::size_t commit_events = 128;
  /// ... or when this is over since the last time: a record a second and shard while few events happen.
  milliseconds commit_interval{1'000};
  /// Records of a shard passed over without an event before that is committed: what a restart reads again.
  std::uint64_t passed_over_max = 1'000;
  /// After a failure this is waited, and twice as long after each one more ...
  milliseconds wait_first{250};
  /// ... but no longer: so soon after NATS is back it is noticed.
  milliseconds wait_max{30'000};
};

/// One event to be published now.
struct publish_try {
  std::uint64_t number = 0;  ///< Names the try.
  feed_event event;
};

/// The work of one node, for all shards that it leads. Events of one subject go one at a time, in order: the
/// next when the stream has the one before. Those of several subjects go side by side. An event that is
/// refused holds up its subject, and its shard when the window is full; while NATS is away one event at a
/// time tries whether it is back.
class publish_plan {
 public:
  explicit publish_plan(plan_limits limits) : limits_(limits) {}

  // -- shards
  /// Takes a shard up where its sink is. Precondition: it is not there.
  void begin(runtime::shard_id shard, const pb::Sink& sink, nanoseconds now);
  /// Leaves it to others. What is under way of it counts for nothing.
  void end(runtime::shard_id shard);
  bool has(runtime::shard_id shard) const { return lanes_.contains(shard); }

  // -- reading. Precondition of all: the shard is there
  /// Not while enough is read.
  bool wants_more(runtime::shard_id shard) const;
  /// Where to read on.
  const Place& place(runtime::shard_id shard) const { return lanes_.at(shard).next; }
  /// Takes what was read from `place` on, in order.
  void take(runtime::shard_id shard, std::vector<feed_step> steps);
  /// What was to be read next is trimmed: goes on with the first that is kept. Returns how many records are
  /// lost.
  std::uint64_t lost(runtime::shard_id shard, const Place& first);

  // -- publishing
  /// The next event to be published now, which is under way then; nothing: none for now.
  std::optional<publish_try> next(nanoseconds now);
  /// What came of a try; of one that is not known nothing is done. `dice`: any number, to spread the waits.
  /// Returns the shard it was of, if that is there still.
  std::optional<runtime::shard_id> ended(std::uint64_t number, publish_result::kind what, nanoseconds now,
                                         std::uint64_t dice);

  // -- committing
  /// What is to be committed, once; nothing: nothing of weight, or not yet. Its `run` is the caller's.
  std::optional<pb::Progress> progress(runtime::shard_id shard, nanoseconds now);
  /// What was given out last is on disk.
  void committed(runtime::shard_id shard);

  // -- for operators
  std::size_t shards() const { return lanes_.size(); }
  std::size_t under_way() const { return flights_.size(); }
  /// Events that were read and have not come through.
  std::size_t waiting() const { return waiting_; }
  /// When the oldest of them happened, in milliseconds since 1970; nothing: there is none.
  std::optional<std::int64_t> oldest_ms() const;
  bool away() const { return failures_ > 0; }

 private:
  // Something was read: an event until it came through, or nothing.
  struct step {
    Place after;
    std::string id;  // empty: nothing to be published
    std::int64_t time_ms = 0;
  };
  struct subject {
    std::deque<feed_event> events;
    unsigned refusals = 0;  // of the first one
  };
  // What is known of one shard.
  struct lane {
    std::uint64_t number = 0;  // of this taking up
    Place next;                // to be read
    Place settled;             // all before came through
    Place committed;           // what was given out of it
    std::deque<step> steps;
    std::set<std::string> open;  // ids of events that have not come through
    std::map<std::string, subject> subjects;
    std::size_t unsettled = 0;    // events among the steps
    std::uint64_t published = 0;  // settled since progress was given out
    std::uint64_t given_out = 0;  // events whose progress is on its way to the disk
    std::uint64_t lost_records = 0;
    nanoseconds committed_at{};
  };
  struct flight {
    runtime::shard_id shard = 0;
    std::uint64_t lane = 0;
    std::string subject;
  };
  // A subject whose first event may go. Each subject with events has one, or is under way.
  struct turn {
    runtime::shard_id shard = 0;
    std::uint64_t lane = 0;
    std::string subject;
  };

  lane* lane_of(runtime::shard_id shard, std::uint64_t number);
  static void add_step(lane& lane, step step);
  publish_try begin_flight(turn turn, const subject& subject);
  void came_through(lane& lane, turn turn);
  void not_there(nanoseconds now, std::uint64_t dice);
  nanoseconds wait_after(unsigned failures, std::uint64_t dice) const;
  static void settle(lane& lane);

  plan_limits limits_;
  std::map<runtime::shard_id, lane> lanes_;
  std::map<std::uint64_t, flight> flights_;
  std::deque<turn> ready_;
  std::multimap<nanoseconds, turn> later_;  // of those that were refused
  std::uint64_t last_number_ = 0;
  std::size_t waiting_ = 0;
  unsigned failures_ = 0;  // one after the other, of NATS as a whole
  nanoseconds again_{};    // then it is tried whether it is back
};

}  // namespace souk::nats
