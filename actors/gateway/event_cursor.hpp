#pragma once

#include "runtime/messages.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace souk::gateway {

/// How far a reader of events is in one shard.
struct event_position {
  std::uint64_t index = 0;   ///< The next record; 0: the first that is kept; `journal_place::at_end`.
  std::uint64_t epoch = 0;   ///< Of the record before it; 0: not known.
  std::uint32_t events = 0;  ///< Of that next record so many events were given already.

  bool operator==(const event_position&) const = default;
};

/// How far a reader is in all shards, in their order.
using event_positions = std::vector<event_position>;

/// From the first events that are kept.
event_positions earliest_positions(std::uint16_t shard_count);
/// From whatever comes next.
event_positions latest_positions(std::uint16_t shard_count);

/// The positions as an opaque text, sealed with the cluster's secret: the `next_cursor` of a page, the `id`
/// in a stream. Good with any `types`.
std::string seal_positions(std::string_view secret, const event_positions& positions);
/// Or nothing, for a text that `seal_positions` did not make for so many shards.
std::optional<event_positions> open_positions(std::string_view secret, std::uint16_t shard_count,
                                              std::string_view cursor);

/// "evt_...": names one event for ever, whoever leads its shard: made of the shard, the record's index and
/// the event's number in the record. Those of one shard sort as they happened.
std::string event_id(runtime::shard_id shard, std::uint64_t index, std::uint32_t number);

}  // namespace souk::gateway
