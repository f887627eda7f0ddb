#pragma once

#include "runtime/links/codec.hpp"
#include "runtime/links/transport.hpp"

#include <caf/actor.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/type_id.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

/// What passes between the links of a node and the rest of it.
namespace souk::links {

/// Another node, and where it is dialled.
struct remote_node {
  std::string id;
  std::string address;  ///< "host:port".

  bool operator==(const remote_node&) const = default;
};

/// node → hub: all the other nodes, whenever they change.
struct remote_nodes {
  std::vector<remote_node> nodes;
};

/// node → hub: this node ends. All links end now, in order, and none is made any more.
struct end_links {};

/// Whoever follows a shard → link: tell your node's copy of it. May be lost. Link → this node's copy: `node`
/// says this.
struct replica_message {
  shard_id shard = 0;
  std::string node;  ///< Who said it; set by the link.
  std::string content;
};

/// Anybody → link: ask that node. Answered by `node_answer`, at the latest when its time is over. Link → this
/// node's `local_node`: another one asks.
struct node_question {
  std::string name;
  std::string content;
  std::uint64_t correlation = 0;
  caf::actor reply_to;
};
struct node_answer {
  std::uint64_t correlation = 0;
  bool answered = true;  ///< False: the link was lost, it took too long, or the node would not say.
  std::string content;
};

// -- among the links themselves

/// What a proxy wants sent.
enum class freight : std::uint8_t {
  request,  ///< Told if it cannot be sent.
  answer,   ///< Somebody waits for it.
  stream,   ///< Sent again until it is acknowledged.
};
struct outgoing {
  links::freight freight = freight::request;
  shard_id shard = 0;
  std::uint64_t correlation = 0;
  std::string content;
};
/// link → proxy: it never left.
struct not_sent {
  std::uint64_t correlation = 0;
  std::string reason;
};
/// link → proxies: the link is up, or lost.
struct link_is {
  bool up = false;
  caf::actor link;
};
/// link → proxy: the remote shard has answered.
struct answer_arrived {
  runtime::response response;
};
struct page_arrived {
  runtime::index_page page;
};
/// link → proxy: the other node does not understand what was sent.
struct refused_there {
  std::uint64_t correlation = 0;
  std::string reason;
};
/// transport → link.
struct wire_event {
  std::uint64_t generation = 0;
  std::shared_ptr<const connection_event> event;
};
/// transport → hub: of a connection that nobody has taken up yet.
struct stranger_event {
  connection_ptr connection;
  std::shared_ptr<const connection_event> event;
};
/// hub → link: your node has dialled us, and said who it is.
struct greeted {
  connection_ptr connection;
  hello theirs;
  std::uint32_t version = 0;
};
/// Reminders to oneself.
struct link_tick {};
struct redial {
  std::uint64_t generation = 0;
};
struct start_link_again {
  std::string node;
};

}  // namespace souk::links

CAF_BEGIN_TYPE_ID_BLOCK(souk_links, caf::first_custom_type_id + 70)

CAF_ADD_TYPE_ID(souk_links, (souk::links::remote_nodes))
CAF_ADD_TYPE_ID(souk_links, (souk::links::replica_message))
CAF_ADD_TYPE_ID(souk_links, (souk::links::node_question))
CAF_ADD_TYPE_ID(souk_links, (souk::links::node_answer))
CAF_ADD_TYPE_ID(souk_links, (souk::links::outgoing))
CAF_ADD_TYPE_ID(souk_links, (souk::links::not_sent))
CAF_ADD_TYPE_ID(souk_links, (souk::links::link_is))
CAF_ADD_TYPE_ID(souk_links, (souk::links::answer_arrived))
CAF_ADD_TYPE_ID(souk_links, (souk::links::page_arrived))
CAF_ADD_TYPE_ID(souk_links, (souk::links::refused_there))
CAF_ADD_TYPE_ID(souk_links, (souk::links::wire_event))
CAF_ADD_TYPE_ID(souk_links, (souk::links::stranger_event))
CAF_ADD_TYPE_ID(souk_links, (souk::links::greeted))
CAF_ADD_TYPE_ID(souk_links, (souk::links::link_tick))
CAF_ADD_TYPE_ID(souk_links, (souk::links::redial))
CAF_ADD_TYPE_ID(souk_links, (souk::links::start_link_again))
CAF_ADD_TYPE_ID(souk_links, (souk::links::end_links))

CAF_END_TYPE_ID_BLOCK(souk_links)

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::links::remote_nodes)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::links::replica_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::links::node_question)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::links::node_answer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::links::outgoing)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::links::not_sent)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::links::link_is)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::links::answer_arrived)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::links::page_arrived)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::links::refused_there)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::links::wire_event)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::links::stranger_event)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::links::greeted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::links::link_tick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::links::redial)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::links::start_link_again)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::links::end_links)
