#pragma once

#include "runtime/replication/messages.hpp"
#include "runtime/replication/replication.pb.h"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

namespace souk::replication {

/// Whatever passes between the members of a shard.
using message =
    std::variant<append, appended, snapshot_chunk, snapshot_received, position_query, position_answer>;

/// A message and between whom: a link leads to a node, and a node may have got another disk.
struct letter {
  member_id from;
  member_id to;
  message content;
};

/// As it travels.
pb::Message encode(std::uint16_t shard, const message& message);
std::string to_bytes(std::uint16_t shard, const letter& letter);

/// Takes the payloads out of `from`. Empty: not a message that this version knows, or not well-formed; the
/// link's other side speaks something else.
std::optional<message> decode(pb::Message&& from);
std::optional<letter> letter_of(const std::string& bytes);

}  // namespace souk::replication
