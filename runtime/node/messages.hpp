#pragma once

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/type_id.hpp>

#include <string>

/// What passes between the actors that make a node one of several.
namespace souk::runtime {

/// node → its actors: the link to another node came up or was lost.
struct neighbour_changed {
  std::string node;
  bool up = false;
};
/// A shard's thread → feed: there are new events.
struct feed_grew {};

}  // namespace souk::runtime

CAF_BEGIN_TYPE_ID_BLOCK(souk_node, caf::first_custom_type_id + 170)

CAF_ADD_TYPE_ID(souk_node, (souk::runtime::neighbour_changed))
CAF_ADD_TYPE_ID(souk_node, (souk::runtime::feed_grew))

CAF_END_TYPE_ID_BLOCK(souk_node)

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::neighbour_changed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::feed_grew)
