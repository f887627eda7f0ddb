#pragma once

#include "actors/gateway/gateway.hpp"
#include "runtime/cluster/routing.hpp"
#include "runtime/messages.hpp"
#include "runtime/seams/seams.hpp"

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/behavior.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/type_id.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace souk::import_job {

class import_desk;

/// gateway → importer: an import was accepted.
struct import_accepted {
  runtime::address import;
};

/// gateway → importer: the answer to a call that a line came to. Status 0: the gateway went away.
struct line_answered {
  std::uint64_t batch = 0;
  std::size_t position = 0;
  gateway::http_response response;
};

/// The importer to itself.
struct importer_tick {};

struct importer_config {
  std::shared_ptr<const runtime::routing_table> routing;
  std::shared_ptr<runtime::clock> clock;
  std::shared_ptr<runtime::random_source> random;
  std::function<caf::actor()> gateway;  ///< Who takes its calls; null for a while is fine.
  /// Where accepted files lie, "<tenant>.<random>.<format>": the first tenant's imports and those of the
  /// tenants that have a file here are gone on with at the start.
  std::filesystem::path folder;
  /// There are other nodes, with importers and files of their own: an import whose file is not here is left
  /// to the node that accepted it.
  bool one_of_several = false;
  /// Lines under way at a time: enough to fill commits, few enough to leave room for shoppers.
  std::size_t batch_lines = 64;
  /// A call that found nobody or came to no end is made again so often, a tick apart, before its line has
  /// failed.
  unsigned tries_max = 100;
  std::chrono::milliseconds tick{100};
  std::chrono::milliseconds patience{2'000};  ///< After that, a question to an import is asked again.
};

struct importer_state {
  std::shared_ptr<import_desk> desk;
  static inline const char* name = "importer";
};

/// IMPORTER: works through accepted files, one after the other, a batch of lines at a time, each line as the
/// calls that a client would make, under keys made of import and line: so a batch that is done again after a
/// restart changes nothing. When it starts it goes on with whatever is not finished. Handles:
///   import_accepted     from the gateway's route
///   line_answered       from the gateway, through the responder of a call
///   runtime::response   from the shard of an import
///   runtime::index_page from every shard, when it starts
///   importer_tick       from itself
caf::behavior importer(caf::stateful_actor<importer_state>* self, importer_config config);

}  // namespace souk::import_job

// The runtime has the first hundred numbers, the gateway the next twenty.
CAF_BEGIN_TYPE_ID_BLOCK(souk_importer, caf::first_custom_type_id + 120)

CAF_ADD_TYPE_ID(souk_importer, (souk::import_job::import_accepted))
CAF_ADD_TYPE_ID(souk_importer, (souk::import_job::line_answered))
CAF_ADD_TYPE_ID(souk_importer, (souk::import_job::importer_tick))

CAF_END_TYPE_ID_BLOCK(souk_importer)

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::import_job::import_accepted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::import_job::line_answered)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::import_job::importer_tick)
