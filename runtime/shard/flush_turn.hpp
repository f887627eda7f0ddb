#pragma once

#include "runtime/types.hpp"

#include <chrono>

namespace souk::runtime {

/// The states of a node's shards are written in so many turns: all at once they would hold up every request
/// for some tenths of a second. More turns would be more commits.
inline constexpr shard_id flush_turns = 16;

/// Whether the state of a shard, last written at `last`, is to be written again: once in each `interval`, at
/// a moment in it that is the shard's own, however long nothing was to be written before. Steady times;
/// `interval` is positive.
constexpr bool flush_due(shard_id shard, std::chrono::nanoseconds last, std::chrono::nanoseconds now,
                         std::chrono::nanoseconds interval) {
  const auto turn = interval * (shard % flush_turns) / flush_turns;
  const auto number = [&](std::chrono::nanoseconds at) { return (at + interval - turn) / interval; };
  return number(now) != number(last);
}

}  // namespace souk::runtime
