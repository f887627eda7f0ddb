#pragma once

#include "actors/webhook/endpoint.pb.h"
#include "runtime/types.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

/// What goes out next to one endpoint, and what an outcome changes. Pure: time comes in, nothing happens.
namespace souk::webhook {

using std::chrono::milliseconds;

/// Up to a tenth more or less than a wait, so that what failed together does not come back together. `dice`:
/// any number.
milliseconds spread(milliseconds wait, std::uint64_t dice);

/// Bounds of one endpoint's deliveries.
struct plan_limits {
  /// Tries under way at a time: a slow receiver gets several subjects at once, and no more than it may like.
  std::size_t in_flight_max = 16;
  /// Events read and not settled: then nothing more is read. About half a megabyte.
  std::size_t unsettled_max = 256;
  /// Events kept with the endpoint, because it did not take them or one of their subject before ...
  std::size_t parked_max = 1'000;
  /// ... and their bytes. With either reached what failed stays unsettled, until no more is read: the journal
  /// keeps the rest.
  std::size_t parked_bytes_max = 4u << 20;
  /// Bytes of bodies in one commit of progress, unless the first is longer: it must fit into one envelope
  /// between nodes.
  std::size_t commit_bytes_max = 128u << 10;
  /// Records of a shard passed over without an event for the endpoint before that is committed: what a
  /// restart reads again.
  std::uint64_t passed_over_max = 1'000;
  /// Failures one after the other, of whichever subjects, that mean an outage: nothing new is tried then, so
  /// that an endpoint that is down neither is flooded nor fills its share of parked events.
  unsigned outage_failures = 10;
  /// In an outage, something is tried so often beside what is due: an endpoint that is back is found so soon.
  milliseconds probe_interval{60'000};
  /// Of a 429 or 503 that asks for a pause, the most that is heeded for all subjects; the event itself waits
  /// as long as was asked, up to a day.
  milliseconds pause_max{std::chrono::minutes{15}};
};

/// Waits after the first failure of an event, the second, ...: about three days in all. After the last try
/// the endpoint is disabled.
inline constexpr std::array<milliseconds, 9> retry_waits{
    std::chrono::seconds{5}, std::chrono::minutes{5}, std::chrono::minutes{30},
    std::chrono::hours{2},   std::chrono::hours{5},   std::chrono::hours{10},
    std::chrono::hours{14},  std::chrono::hours{20},  std::chrono::hours{24}};

/// An event, read from the feed.
struct feed_event {
  pb::Place at;
  std::string tenant;
  std::string id;
  std::string type;
  std::string subject;
  std::int64_t time_ms = 0;
  std::string body;
};

/// Something was read: perhaps an event, and where to go on behind it.
struct feed_step {
  pb::Place after;
  std::optional<feed_event> event;
};

/// What came of a try.
struct try_outcome {
  enum class kind : std::uint8_t {
    taken,   ///< 2xx.
    failed,  ///< Another status, or none.
    gone,    ///< 410.
    paused,  ///< 429 or 503 with Retry-After.
  };
  kind what = kind::failed;
  std::string detail;          ///< Of a failure, for people: "status 500".
  milliseconds retry_after{};  ///< Of a pause.
};

/// One try to be made.
struct delivery_try {
  std::string id;  ///< Of the event.
  std::string body;
};

/// The work for one endpoint, from a claim on. Subjects are served in turn, each in its order, one event at a
/// time; one that is not taken holds up its subject alone.
class delivery_plan {
 public:
  delivery_plan(const pb::Claimed& claimed, plan_limits limits);

  // -- reading
  /// Not while enough is read, nor when nothing is to be sent any more.
  bool wants_more() const;
  /// Where to read a shard on.
  const pb::Place& place(runtime::shard_id shard) const;
  /// Takes what was read from `place` on, in order; what is not wanted is passed over.
  void take(runtime::shard_id shard, std::vector<feed_step> steps);
  /// What was to be read next is trimmed, up to `first`: the endpoint is disabled, and would go on with
  /// whatever is the first that is kept when it is enabled.
  void lost(runtime::shard_id shard, const pb::Place& first);

  // -- sending
  /// The next try to be made now, which is under way then; nothing: none for now.
  std::optional<delivery_try> next(runtime::timestamp now);
  /// What came of it. `dice`: any number, to spread the waits.
  void ended(const std::string& id, const try_outcome& outcome, runtime::timestamp now, std::uint64_t dice);
  std::size_t under_way() const { return under_way_; }

  // -- committing
  /// What is to be committed, once; nothing: nothing of weight. What is given out counts as committed.
  std::optional<pb::Progress> progress();

  /// Why nothing is sent any more; empty: it goes on.
  const std::string& disabled() const { return disabled_; }
  bool in_outage() const { return failures_ >= limits_.outage_failures; }
  std::size_t parked() const { return parked_count_; }
  std::size_t unsettled() const { return unsettled_; }

 private:
  struct item {
    feed_event event;
    unsigned attempts = 0;
    std::int64_t next_try_ms = 0;
    bool parked = false;
    bool under_way = false;
    bool probing = false;   // tried out of turn: a failure changes nothing
    bool forgiven = false;  // due early, after an outage: a failure is none more
  };
  // An event that was read: in `items_` until it is taken, or passed over at once.
  struct step {
    pb::Place after;
    std::string id;  // empty: nothing to be sent
  };
  struct reader {
    pb::Place next;       // to be read
    pb::Place settled;    // all before is delivered or parked
    pb::Place committed;  // what was given out of it
    std::deque<step> steps;
  };
  struct subject {
    std::set<std::string> ids;  // of its items; they sort as they happened
    bool under_way = false;
  };

  bool is_wanted(const feed_event& event) const;
  void add(item item);
  item& head(const subject& subject) { return items_.at(*subject.ids.begin()); }
  delivery_try begin(subject& subject, item& item);
  std::optional<delivery_try> next_in_turn(std::int64_t now_ms);
  std::optional<delivery_try> next_in_outage(std::int64_t now_ms);
  void taken(const std::string& id, std::int64_t now_ms);
  void failed(item& item, const try_outcome& outcome, std::int64_t now_ms, std::uint64_t dice);
  bool has_room_for(const item& item) const;
  void settle(reader& reader, pb::Progress& progress, std::size_t& bytes);

  plan_limits limits_;
  pb::Endpoint endpoint_;
  std::set<std::string, std::less<>> types_;  // empty: all
  std::map<runtime::shard_id, reader> readers_;
  std::map<std::string, item> items_;  // by the event's id
  std::map<std::string, subject> subjects_;
  std::string turn_;  // the subject that was served last
  std::size_t under_way_ = 0;
  std::size_t unsettled_ = 0;
  std::size_t parked_count_ = 0;
  std::size_t parked_bytes_ = 0;
  unsigned failures_ = 0;  // one after the other
  std::int64_t paused_until_ms_ = 0;
  std::int64_t next_probe_ms_ = 0;
  std::string disabled_;

  // To be committed.
  std::set<runtime::shard_id> lost_;
  std::set<std::string> delivered_;
  std::set<std::string> retried_;
  std::string failure_;
  bool recovered_ = false;
  bool failing_ = false;  // the endpoint's row says so
  bool weighty_ = false;
};

}  // namespace souk::webhook
