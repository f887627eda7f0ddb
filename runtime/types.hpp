#pragma once

#include "persistence/storage.hpp"

#include <array>
#include <chrono>
#include <compare>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace google::protobuf {
class Message;
}

/// What makes a decision live: supervision, entities, shards, replication, effects, telemetry. No commerce
/// here.
namespace souk::runtime {

using persistence::shard_id;

/// A point in time as data: milliseconds since 1970, UTC. Never used to measure how long something takes.
using timestamp = std::chrono::sys_time<std::chrono::milliseconds>;

/// Milliseconds since 1970 of a timestamp, as journalled.
constexpr std::int64_t to_ms(timestamp time) { return time.time_since_epoch().count(); }
/// The timestamp of a journalled time.
constexpr timestamp from_ms(std::int64_t ms) { return timestamp{std::chrono::milliseconds{ms}}; }

/// A serialisable message that nobody changes any more: a command, an event, a reply. Shared, never copied.
using message_ptr = std::shared_ptr<const google::protobuf::Message>;

/// The number of an entity kind. Assigned in `actors/kinds.hpp`, journalled, never reused. 0: none.
using kind_id = std::uint8_t;

/// Where an entity lives in the world of names: `{tenant, kind, key}`. The same everywhere and for ever.
struct address {
  std::string tenant = "main";  ///< 1 to 32 characters.
  kind_id kind = 0;
  std::string key;  ///< 1 to 128 bytes.

  auto operator<=>(const address&) const = default;
};

/// Names one request for good: random, or derived from an Idempotency-Key, so that a repeat has the same
/// name.
using command_id = std::array<std::uint8_t, 16>;

/// A digest of a request's meaning (its body as JSON values); tells a repeat from a reuse of its key.
using fingerprint = std::array<std::uint8_t, 16>;

/// The bytes of a command id or a fingerprint, as journalled.
inline std::string bytes_of(const std::array<std::uint8_t, 16>& id) {
  return {reinterpret_cast<const char*>(id.data()), id.size()};
}

/// "cart/crt_..." style text of an address, for logs and operators.
std::string to_string(const address& address, std::string_view kind_name);

/// 32 hexadecimal digits.
std::string to_string(const command_id& id);

}  // namespace souk::runtime

template <>
struct std::hash<souk::runtime::address> {
  std::size_t operator()(const souk::runtime::address& address) const noexcept {
    return std::hash<std::string_view>{}(address.key) * 31 + address.kind;
  }
};

template <>
struct std::hash<souk::runtime::command_id> {
  std::size_t operator()(const souk::runtime::command_id& id) const noexcept {
    return std::hash<std::string_view>{}({reinterpret_cast<const char*>(id.data()), id.size()});
  }
};
