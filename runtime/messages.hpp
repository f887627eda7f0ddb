#pragma once

#include "runtime/entity/decision.hpp"
#include "runtime/types.hpp"

#include <caf/actor.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/type_id.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// What passes between the gateway, the shards, the workers and their neighbours within a node: plain
/// structs, never serialised, never changed after they were sent.
namespace souk::runtime {

/// gateway → shard: a client's command or read for one entity. Answered by exactly one `response`, unless the
/// shard goes down meanwhile: the gateway keeps its own deadline.
struct request {
  address to;
  message_ptr command;
  command_id id{};  ///< Random, or derived from the Idempotency-Key.
  std::optional<runtime::fingerprint>
      fingerprint;  ///< Set: the client gave a key; the first answer is kept and repeated.
  std::string request_id;
  std::string traceparent;
  bool admin = false;
  /// As whom the client proved to be known, of those who are not staff; empty: as nobody.
  std::string caller;
  bool read_only = false;         ///< Decides nothing: answered also when the storage is full.
  bool crash = false;             ///< Test mode: the entity throws instead of deciding.
  std::uint64_t correlation = 0;  ///< Chosen by the sender, echoed in the response.
  caf::actor reply_to;
  /// When the sender stops waiting, on this node's steady clock; 0: not known.
  std::chrono::nanoseconds deadline{0};
};

/// How a request ended.
enum class outcome : std::uint8_t {
  answered,     ///< `answer` is the decider's.
  replayed,     ///< `answer` is the first one to this Idempotency-Key.
  in_flight,    ///< The first request with this key is still running.
  key_reused,   ///< The key came with another body before.
  overloaded,   ///< A bound was reached; nothing was done.
  unavailable,  ///< The shard does not serve now; nothing was done.
  full,         ///< The storage is full; nothing was done.
  failed,       ///< The entity threw; nothing was done.
  quarantined,  ///< This request made its entity throw too often and was set aside; nothing was done.
  unknown,      ///< It may or may not have been done.
  /// The node that has the shard is of another version, and does not understand; nothing was done. Said by
  /// the asking node's end of the link, and never sent.
  not_understood,
};

/// shard → gateway.
struct response {
  std::uint64_t correlation = 0;
  runtime::outcome outcome = outcome::answered;
  runtime::answer answer;
  std::string detail;  ///< For `failed` and `quarantined`: what was thrown.
};

/// A place in a shard's sequence of records, and what is to be read of it from there.
struct journal_place {
  static constexpr std::uint64_t at_end = ~std::uint64_t{0};

  std::uint64_t index =
      0;  ///< The next record to read; 0: the first that is kept; `at_end`: what comes next.
  std::uint64_t epoch = 0;     ///< Of the record before it, so that another history is noticed; 0: not known.
  std::vector<kind_id> kinds;  ///< Whose records are asked for.
  /// Those of all tenants, whatever the query says. Of shards of this node alone: it does not travel.
  bool all_tenants = false;
};

/// What a page says of the sequence that it was read from.
struct journal_extent {
  std::uint64_t first = 0;  ///< The first record that is kept.
  std::uint64_t next = 0;   ///< The next record to read after this page.
  std::uint64_t epoch = 0;  ///< Of the record before `next`; 0: not known.
  bool lost = false;        ///< The place asked for is trimmed, or of a history that was given up.
};

/// gateway → shard: one page of an index, or of what is committed in the journal.
struct index_query {
  std::string tenant = "main";
  std::string index;
  std::string after;  ///< Exclusive; empty: from the start (or the end, descending).
  bool descending = false;
  std::uint32_t limit = 20;  ///< 1 to 1000.
  std::uint64_t correlation = 0;
  caf::actor reply_to;
  /// Set: of the journal, and `index`, `after` and `descending` say nothing. Rows are records with events,
  /// see runtime/shard/journal_rows.hpp.
  std::optional<journal_place> journal = std::nullopt;
};

/// shard → gateway.
struct index_page {
  std::uint64_t correlation = 0;
  bool available = true;  ///< False: the shard does not serve now.
  std::vector<std::pair<std::string, std::string>> rows;
  bool more = false;
  std::optional<journal_extent> journal = std::nullopt;  ///< Of a page of the journal.
};

/// shard → the worker of a port: make this call to the world and answer with `world_result`. Repeated after a
/// restart until the result is journalled.
struct world_request {
  std::string port;
  address caller;
  std::uint64_t number = 0;
  message_ptr request;
  std::string request_bytes;  ///< Set instead of `request` when it was read back from the disk.
  std::string traceparent;    ///< Of what the call is made for; empty: nobody traces it.
  caf::actor reply_to;
};

/// worker → shard: the command that tells the calling entity what came of it.
struct world_result {
  address caller;
  std::uint64_t number = 0;
  message_ptr command;
};

}  // namespace souk::runtime

CAF_BEGIN_TYPE_ID_BLOCK(souk_runtime, caf::first_custom_type_id)

CAF_ADD_TYPE_ID(souk_runtime, (souk::runtime::request))
CAF_ADD_TYPE_ID(souk_runtime, (souk::runtime::response))
CAF_ADD_TYPE_ID(souk_runtime, (souk::runtime::index_query))
CAF_ADD_TYPE_ID(souk_runtime, (souk::runtime::index_page))
CAF_ADD_TYPE_ID(souk_runtime, (souk::runtime::world_request))
CAF_ADD_TYPE_ID(souk_runtime, (souk::runtime::world_result))

CAF_END_TYPE_ID_BLOCK(souk_runtime)

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::response)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::index_query)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::index_page)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::world_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::world_result)
