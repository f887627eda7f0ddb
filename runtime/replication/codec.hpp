#pragma once

#include "runtime/replication/messages.hpp"
#include "runtime/replication/replication.pb.h"

#include <cstdint>
#include <optional>
#include <variant>

namespace souk::replication {

/// Whatever passes between the members of a shard.
using message =
    std::variant<append, appended, snapshot_chunk, snapshot_received, position_query, position_answer>;

/// As it travels.
pb::Message encode(std::uint16_t shard, const message& message);

/// Takes the payloads out of `from`. Empty: not a message that this version knows, or not well-formed; the
/// link's other side speaks something else.
std::optional<message> decode(pb::Message&& from);

}  // namespace souk::replication
