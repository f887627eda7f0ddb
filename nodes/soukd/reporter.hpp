#pragma once

#include "actors/gateway/step.hpp"
#include "runtime/node/node.hpp"
#include "runtime/shard/state_digest.hpp"

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/behavior.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/type_id.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace souk::nodes {

/// What an operator may ask a node.
enum class view : std::uint8_t { tree, status, quarantine, cluster };

/// anyone → reporter: hand `then` the view as JSON, at the latest after a second; empty if it cannot be had.
struct report {
  view what = view::status;
  std::function<void(std::string json)> then;
};

/// anyone → reporter: ask the cluster's coordinator for this, and hand `then` what came of it:
/// {"outcome","dry_run","lines":[...]}.
struct order {
  runtime::operator_command command;
  bool dry_run = false;
  std::function<void(std::string json)> then;
};

/// anyone → reporter: hand `then` the digest of this node's copy of a shard as JSON; empty if the copy
/// changes all the time, or too many are being made.
struct digest_question {
  runtime::shard_id shard = 0;
  std::int64_t answers_from_ms = 0;
  std::function<void(std::string json)> then;
};

/// reporter → itself: go on with a digest.
struct digest_on {
  std::uint64_t correlation = 0;
};

/// reporter → itself: a collection had its time.
struct report_due {
  std::uint64_t correlation = 0;
};

struct reporter_state {
  struct collection {
    view what = view::status;
    std::function<void(std::string)> then;
    std::size_t awaited = 0;
    std::vector<runtime::shard_status> shards;
    std::vector<std::pair<std::string, std::string>> rows;  // quarantine: key, value
  };
  struct digest {
    digest_question asked;
    std::unique_ptr<runtime::digest_reader> reader;
    int beginnings = 0;
  };
  static inline const char* name = "reporter";
  runtime::node* node = nullptr;
  std::uint64_t next = 0;
  std::map<std::uint64_t, collection> open;
  std::map<std::uint64_t, order> orders;    // under way
  std::map<std::uint64_t, digest> digests;  // being made
};

/// REPORTER: asks the actors of this node what operators want to know of them and writes it as JSON.
caf::behavior reporter(caf::stateful_actor<reporter_state>* self, runtime::node* node);

/// The view as the gateway asks for it.
gateway::outside_view view_of(view what, std::function<caf::actor()> reporter);

}  // namespace souk::nodes

CAF_BEGIN_TYPE_ID_BLOCK(souk_nodes, caf::first_custom_type_id + 300)

CAF_ADD_TYPE_ID(souk_nodes, (souk::nodes::report))
CAF_ADD_TYPE_ID(souk_nodes, (souk::nodes::report_due))

CAF_ADD_TYPE_ID(souk_nodes, (souk::nodes::order))
CAF_ADD_TYPE_ID(souk_nodes, (souk::nodes::digest_question))
CAF_ADD_TYPE_ID(souk_nodes, (souk::nodes::digest_on))

CAF_END_TYPE_ID_BLOCK(souk_nodes)

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::nodes::report)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::nodes::report_due)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::nodes::order)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::nodes::digest_question)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::nodes::digest_on)
