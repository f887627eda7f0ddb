#pragma once

#include "runtime/entity/kind.hpp"
#include "runtime/shard/messages.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

/// Links between nodes: one per remote node, over mutual TLS, and actors that stand for remote shards.
namespace souk::links {

using runtime::shard_id;

/// A node's introduction.
struct hello {
  std::string cluster;  ///< The cluster's id.
  std::string node;
  std::string expects;            ///< The node that was meant to be dialled; empty from the one who was.
  std::uint64_t incarnation = 0;  ///< Random, new with every start of the process.
  std::uint32_t lowest_version = 0;
  std::uint32_t highest_version = 0;
};
/// Why the link ends.
struct goodbye {
  std::string reason;
};
struct heartbeat {};
/// An envelope of ours could not be taken up there; nothing was done.
struct refusal {
  std::string reason;
};
/// What replicas of a shard tell each other.
struct replication {
  std::string content;
};
/// A question to a node rather than to a shard. Names and contents are those of whoever asks.
struct node_call {
  std::string name;
  std::string content;
};
struct node_reply {
  bool answered = true;  ///< False: the node does not know the question, or cannot tell now.
  std::string content;
};

using payload = std::variant<hello, goodbye, heartbeat, refusal, runtime::request, runtime::response,
                             runtime::index_query, runtime::index_page, runtime::stream_batch,
                             runtime::stream_ack, replication, node_call, node_reply>;

/// Where an envelope stands among others. Stamped by the link when it is sent.
struct stamp {
  std::uint32_t version = 0;
  std::string sender;  ///< A node.
  std::uint64_t incarnation = 0;
  std::uint64_t sequence = 0;
};

/// An envelope as it arrived. The correlations inside of requests, responses, queries and pages are that of
/// the envelope; `reply_to` is empty.
struct arrival {
  links::stamp stamp;
  shard_id shard = 0;  ///< The shard it is for, or from which it answers.
  std::uint64_t correlation = 0;
  std::chrono::milliseconds deadline{0};  ///< From when it was sent; 0: none.
  links::payload payload;
};
/// An envelope whose content this build does not understand: its sender is to be told.
struct not_understood {
  links::stamp stamp;
  shard_id shard = 0;
  std::uint64_t correlation = 0;
  std::string reason;
};
/// No envelope at all: the connection is of no use any more.
struct garbage {
  std::string reason;
};
using decoded = std::variant<arrival, not_understood, garbage>;

/// Reads one envelope. Nothing in `bytes`, whatever it is, does more than end in `not_understood` or
/// `garbage`.
decoded decode(std::string_view bytes, const runtime::entity_catalogue& kinds);

/// One envelope without its stamp. An envelope is the bytes of its stamp followed by those of its content.
std::string content(shard_id shard, std::uint64_t correlation, const hello& what);
std::string content(shard_id shard, std::uint64_t correlation, const goodbye& what);
std::string content(shard_id shard, std::uint64_t correlation, const heartbeat& what);
std::string content(shard_id shard, std::uint64_t correlation, const refusal& what);
std::string content(shard_id shard, std::uint64_t correlation, const runtime::request& what,
                    std::chrono::milliseconds deadline);
std::string content(shard_id shard, std::uint64_t correlation, const runtime::response& what);
std::string content(shard_id shard, std::uint64_t correlation, const runtime::index_query& what);
std::string content(shard_id shard, std::uint64_t correlation, const runtime::index_page& what);
std::string content(shard_id shard, std::uint64_t correlation, const runtime::stream_ack& what);
std::string content(shard_id shard, std::uint64_t correlation, replication what);
std::string content(shard_id shard, std::uint64_t correlation, const node_call& what);
std::string content(shard_id shard, std::uint64_t correlation, const node_reply& what);
/// A batch in as many envelopes as its bounds ask for, in order.
std::vector<std::string> contents(const runtime::stream_batch& batch);

/// The bytes of a stamp.
std::string stamped(const stamp& stamp);

}  // namespace souk::links
