#pragma once

#include "actors/gateway/event_cursor.hpp"
#include "actors/gateway/step.hpp"
#include "persistence/record.pb.h"

#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace souk::gateway {

/// Which events a reader wants.
struct event_filter {
  std::set<std::string, std::less<>> types;  ///< Empty: all.

  /// The kinds whose events may be among them.
  std::vector<runtime::kind_id> kinds() const;
};

/// Reads `types`, names with commas between them; or the name that is none.
struct no_such_type {
  std::string name;
};
std::variant<event_filter, no_such_type> parse_types(std::string_view types);

/// An event in the journal of a shard that no table knows: it is of a later version than this node.
class unknown_event : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// An event as readers see it.
struct feed_event {
  std::string id;
  std::string_view type;
  std::string subject;
  std::string json;  ///< All of it: CloudEvents 1.0.
};
/// The event of that number in a record of a shard. Throws `unknown_event`.
feed_event show_event(runtime::shard_id shard, std::uint64_t index, std::uint32_t number,
                      const persistence::pb::Record& record);

/// Merges what the shards show of their journals into one order: by time, then by shard; within a shard it is
/// the journal's, whatever its clocks said. Knows after each event how to go on, so that nothing is repeated
/// or left out.
///
/// A shard that has more and whose rows are used up holds up the others, for what it has may be older than
/// what they have: it is among `wanting`, and the merge goes on when its next page was taken.
class event_merge {
 public:
  event_merge(event_positions from, event_filter filter);

  /// The shards to be asked next, and what.
  std::vector<runtime::shard_id> wanting() const;
  page_question question_for(runtime::shard_id shard, std::uint32_t limit) const;

  /// Takes a shard's page. False: its position is lost; it is moved to the first record that is kept, and
  /// `lost` has it. Throws `std::runtime_error` for rows that cannot be read.
  bool take(runtime::shard_id shard, const reply& page);
  const std::vector<runtime::shard_id>& lost() const { return lost_; }

  /// The next event, as JSON (CloudEvents 1.0); nothing while some shard is wanting, or all are at their end.
  /// Throws `unknown_event`.
  std::optional<std::string> next();

  /// Where to go on after what `next` gave.
  const event_positions& positions() const { return positions_; }
  /// Whether something is there, or may be, that `next` has not given.
  bool more() const;

 private:
  struct row {
    std::uint64_t index = 0;
    std::uint64_t epoch_before = 0;
    persistence::pb::Record record;
  };
  struct source {
    bool asked = false;  // has taken a page
    bool more = false;   // after its rows
    event_position end;  // after its rows
    std::deque<row> rows;
  };

  bool wants(const source& source) const { return !source.asked || (source.rows.empty() && source.more); }
  std::optional<runtime::shard_id> earliest() const;
  std::optional<std::string> take_event(runtime::shard_id shard);

  event_positions positions_;
  event_filter filter_;
  std::vector<source> sources_;
  std::vector<runtime::shard_id> lost_;
};

}  // namespace souk::gateway
