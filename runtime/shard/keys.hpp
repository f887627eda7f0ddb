#pragma once

#include "runtime/types.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Keys of the state environment. Every key is a letter, the shard (big endian) and what the letter says, so
/// that one shard's rows of one sort are one range:
///
///     m shard                             the shard's header
///     e shard kind tenant 0 key 0 row     rows of entities; row "!" is the runtime's header of the entity
///     n shard tenant 0 index 0 key        rows of secondary indexes
///     t shard due kind tenant 0 key 0 name    timers by due time
///     o shard to_shard number             effects not yet acknowledged
///     w shard number                      world calls without a result
///     i shard command_id                  kept answers
///     x shard expires command_id          kept answers by their end
///
/// All of these a snapshot brings to another member. What belongs to this disk alone:
///
///     h shard                             the highest epoch seen
///     c shard                             the embedded coordinator's record of the shard
///     s shard snapshot sequence           pieces of a snapshot that is being received
///     p shard                             a snapshot that is whole and is being installed
namespace souk::runtime::keys {

/// A half-open range of keys.
struct range {
  std::string from;
  std::string to;
};

/// All keys that start with `prefix`.
range starting_with(std::string prefix);

std::string shard_header(shard_id shard);
std::string coordinator_record(shard_id shard);
std::string seen_epoch(shard_id shard);
std::string snapshot_mark(shard_id shard);
std::string snapshot_piece(shard_id shard, std::uint64_t snapshot, std::uint64_t sequence);
std::string snapshot_pieces_prefix(shard_id shard);

/// The ranges of a shard's rows that a snapshot brings to another member, in the order of keys.
std::vector<range> in_snapshots(shard_id shard);

inline constexpr std::string_view entity_header_row = "!";
std::string entity_prefix(shard_id shard, const address& address);
std::string kind_prefix(shard_id shard, kind_id kind);
/// The address in a key under `kind_prefix`, and where its row name starts; nothing if the key is malformed.
struct entity_row {
  runtime::address address;
  std::string_view row;
};
std::optional<entity_row> parse_entity_row(std::string_view key);

std::string index_prefix(shard_id shard, std::string_view tenant, std::string_view index);

std::string timer(shard_id shard, std::int64_t due_ms, const address& address, std::string_view name);
std::string timers_from(shard_id shard, std::int64_t due_ms);
struct timer_row {
  std::int64_t due_ms = 0;
  runtime::address address;
  std::string name;
};
std::optional<timer_row> parse_timer(std::string_view key);

std::string effect(shard_id shard, shard_id to, std::uint64_t number);
std::string effects_prefix(shard_id shard);
struct effect_row {
  shard_id to = 0;
  std::uint64_t number = 0;
};
effect_row parse_effect(std::string_view key);

std::string world_call(shard_id shard, std::uint64_t number);
std::string world_calls_prefix(shard_id shard);
std::uint64_t parse_world_call(std::string_view key);

std::string kept_answer(shard_id shard, const command_id& id);
std::string answer_end(shard_id shard, std::int64_t expires_ms, const command_id& id);
std::string answer_ends_prefix(shard_id shard);
std::string answer_ends_until(shard_id shard, std::int64_t ms);
command_id parse_answer_end(std::string_view key);

}  // namespace souk::runtime::keys
