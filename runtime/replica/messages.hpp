#pragma once

#include "runtime/replication/codec.hpp"
#include "runtime/replication/primary.hpp"
#include "runtime/types.hpp"

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/type_id.hpp>

#include <cstdint>
#include <optional>
#include <string>

/// What passes between a node, its replica of a shard, and the shard while the replica leads.
namespace souk::runtime {

/// node → replicas: the link to another node came up or was lost. Before anything that arrives on the new
/// link, after all that arrived on the lost one.
struct link_news {
  std::string node;
  bool up = false;
};

/// shard → replica: what its primary wants of the coordinator (swaps, `ask_controller`).
struct outward {
  replication::primary_action action;
};
/// replica → shard: a member has said this.
struct member_says {
  replication::member_id member;
  replication::message content;
};
/// replica → shard: the link to this member.
struct member_link {
  replication::member_id member;
  bool up = false;
};
/// replica → shard: the coordinator's record.
struct config_told {
  replication::shard_config config;
};
/// replica → shard: what became of a change that it asked for.
struct swap_told {
  replication::swap_outcome outcome = replication::swap_outcome::unknown;
  std::optional<replication::shard_config> config;
};
/// replica → shard: hand over to this member, or, if empty, to nobody any more. May be repeated.
struct give_to {
  replication::member_id member;
};
/// shard → replica, last of all: it is primary no more, everybody who waited has been told.
struct shard_resigned {
  replication::resignation why = replication::resignation::superseded;
  std::uint64_t epoch = 0;  ///< The highest one known.
};
/// A reminder to oneself to start from the disk.
struct begin_again {};
/// A reminder to oneself to go on replaying.
struct replay_on {};

}  // namespace souk::runtime

CAF_BEGIN_TYPE_ID_BLOCK(souk_replica, caf::first_custom_type_id + 150)

CAF_ADD_TYPE_ID(souk_replica, (souk::runtime::link_news))
CAF_ADD_TYPE_ID(souk_replica, (souk::runtime::outward))
CAF_ADD_TYPE_ID(souk_replica, (souk::runtime::begin_again))
CAF_ADD_TYPE_ID(souk_replica, (souk::runtime::replay_on))
CAF_ADD_TYPE_ID(souk_replica, (souk::runtime::member_says))
CAF_ADD_TYPE_ID(souk_replica, (souk::runtime::member_link))
CAF_ADD_TYPE_ID(souk_replica, (souk::runtime::config_told))
CAF_ADD_TYPE_ID(souk_replica, (souk::runtime::swap_told))
CAF_ADD_TYPE_ID(souk_replica, (souk::runtime::shard_resigned))
CAF_ADD_TYPE_ID(souk_replica, (souk::runtime::give_to))

CAF_END_TYPE_ID_BLOCK(souk_replica)

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::link_news)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::outward)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::begin_again)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::replay_on)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::member_says)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::member_link)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::config_told)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::swap_told)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::shard_resigned)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::give_to)
