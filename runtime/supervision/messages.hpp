#pragma once

#include "runtime/supervision/tree.hpp"

#include <caf/actor.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/type_id.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

/// What supervisors send and receive, within a node. Never serialised.
namespace souk::supervision {

/// anyone → supervisor, as a request: answered with a `tree_node`, at the latest after `wait`. The asker's
/// own timeout should be a little longer.
struct tree_request {
  std::chrono::nanoseconds wait = std::chrono::seconds{1};
};

/// supervisor → child that supervises: answer with `ready` once all your children are.
struct ready_request {};

/// child → its supervisor.
struct ready {};

/// shard → entity supervisor: look after this entity, which I have just spawned.
struct adopt {
  std::uint64_t token =
      0;             ///< Names the entity in `entity_down`; the same for all activations of one entity.
  std::string name;  ///< For operators: "cart/...".
  caf::actor entity;
  caf::actor shard;  ///< Who is told of its failure.
};

/// entity supervisor → shard: the entity has failed. Not sent when it ended normally.
struct entity_down {
  std::uint64_t token = 0;
  std::string reason;
  std::chrono::nanoseconds retry_after{};  ///< Activate it no earlier.
};

/// supervisor → itself.
struct restart_due {
  std::uint64_t ticket = 0;
};

/// supervisor → itself: the child had long enough to end by itself.
struct kill_due {
  std::size_t child = 0;
  std::uint64_t life = 0;  ///< Stale if the child is another by now.
};

}  // namespace souk::supervision

// The runtime's own messages have the ids before these (runtime/messages.hpp).
CAF_BEGIN_TYPE_ID_BLOCK(souk_supervision, caf::first_custom_type_id + 50)

CAF_ADD_TYPE_ID(souk_supervision, (souk::supervision::tree_request))
CAF_ADD_TYPE_ID(souk_supervision, (souk::supervision::tree_node))
CAF_ADD_TYPE_ID(souk_supervision, (souk::supervision::ready_request))
CAF_ADD_TYPE_ID(souk_supervision, (souk::supervision::ready))
CAF_ADD_TYPE_ID(souk_supervision, (souk::supervision::adopt))
CAF_ADD_TYPE_ID(souk_supervision, (souk::supervision::entity_down))
CAF_ADD_TYPE_ID(souk_supervision, (souk::supervision::restart_due))
CAF_ADD_TYPE_ID(souk_supervision, (souk::supervision::kill_due))

CAF_END_TYPE_ID_BLOCK(souk_supervision)

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::supervision::tree_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::supervision::tree_node)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::supervision::ready_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::supervision::ready)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::supervision::adopt)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::supervision::entity_down)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::supervision::restart_due)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::supervision::kill_due)
