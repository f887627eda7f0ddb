#pragma once

#include "actors/catalogue/catalogue.hpp"
#include "actors/gateway/hold_limits.hpp"
#include "actors/gateway/http.hpp"
#include "actors/gateway/step.hpp"
#include "actors/gateway/uri.hpp"
#include "actors/json/reader.hpp"
#include "actors/keyring/credential_directory.hpp"
#include "actors/webhook/target.hpp"
#include "runtime/cluster/operator_plan.hpp"
#include "runtime/seams/seams.hpp"
#include "runtime/telemetry/spans.hpp"
#include "runtime/types.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace souk::gateway {

class access_tokens;
class admission;
class stream_places;
struct route;

/// What handlers may use besides the call: all of it shared by the gateways of a node, safe from any thread.
struct services {
  std::shared_ptr<const catalogue::replica> catalogue;
  std::shared_ptr<const keyring::credential_directory> credentials;
  std::shared_ptr<access_tokens> tokens;  ///< Of staff and customers. Null: none are taken.
  /// Whether this node may not have heard yet of keys that are valid. Empty: it knows them all.
  std::function<bool()> keys_are_coming;
  /// Whether this node has just started and its catalogue is not there yet. Empty: it is.
  std::function<bool()> catalogue_is_coming;
  std::shared_ptr<gateway::admission> admission;    ///< Null: nobody is limited.
  gateway::hold_limits hold_limits;                 ///< Of one buyer.
  std::shared_ptr<gateway::stream_places> streams;  ///< Who may follow events; null: any number.
  std::shared_ptr<runtime::clock> clock;
  std::shared_ptr<runtime::random_source> random;
  std::string secret;  ///< The cluster's: seals cursors, derives the ids of keyed creates.
  std::uint16_t shard_count = 16;
  std::string tenant = "main";  ///< Of who shows no credential.
  bool test_mode = false;       ///< Opens `POST /v1/test/crash`.
  bool traces = false;          ///< Requests that bring no trace get one: somebody will read its id.
  /// Requests of traces that are recorded get a span. Null: nobody wants them.
  std::shared_ptr<const telemetry::tracing> tracing;

  outside_view tree;           ///< The supervision tree, as JSON.
  outside_view status;         ///< What the node is doing, as JSON.
  outside_view cluster;        ///< Nodes and shards of the cluster, as JSON.
  outside_view quarantine;     ///< Messages that were set aside, as JSON.
  outside_view test_payments;  ///< The test provider's ledger, as JSON.

  /// Asks for an operator's command, of the cluster; `then` as with an outside view. What is answered begins
  /// with `{"outcome":"done"`, `"refused"` or `"unknown"`.
  std::function<void(const runtime::operator_command& command, bool dry_run,
                     std::function<void(std::string json)> then)>
      cluster_order;

  /// Asks for the digest of this node's copy of a shard, without answers that end before a moment (ms since
  /// 1970); `then` as with an outside view.
  std::function<void(runtime::shard_id shard, std::int64_t answers_from_ms,
                     std::function<void(std::string json)> then)>
      digest;

  /// Called from a handler's step when an import was accepted, to start its work. May be empty.
  std::function<void(const runtime::address& import)> import_accepted;
  std::filesystem::path import_folder;  ///< Where accepted files wait for the importer.

  webhook::target_rules webhook_targets;  ///< Where webhooks may go.
};

/// A request that passed the checks that all routes share.
struct call {
  std::shared_ptr<const http_request> http;
  const gateway::route* route = nullptr;
  std::vector<std::string> arguments;  ///< Values of the path's placeholders, decoded, in order.
  query_parameters query;              ///< Only names that the route knows, each at most once.
  json::value body;                    ///< Null where there was none.

  std::string request_id;
  std::string traceparent;  ///< W3C Trace Context; empty: it has none.
  /// Set: it is a span of its own that is recorded; under this one, or empty.
  std::optional<std::string> parent_span;
  std::string tenant;
  std::optional<keyring::credential> credential;
  std::string key_scope;  ///< The Idempotency-Key within its scope; empty if none was given.
  runtime::command_id id{};
  std::optional<runtime::fingerprint> fingerprint;
  runtime::timestamp now;
  bool minimal = false;  ///< Prefer: return=minimal.
  header_fields limits;  ///< What the client is to know of its limits.

  /// Whether the caller has the route's scope.
  bool staff() const;
  /// The customer who calls; empty: it is staff, or nobody known.
  std::string_view customer() const;
  bool keyed() const { return !key_scope.empty(); }
  /// The value of a query parameter, or nothing.
  std::optional<std::string_view> parameter(std::string_view name) const;
  std::string_view if_none_match() const { return http->field("if-none-match").value_or(""); }
};

/// Why a request is refused before its handler sees it.
struct refusal {
  json::problem problem;
  header_fields fields;
  std::string request_id;
  const gateway::route* route = nullptr;   ///< Null: there is none for it.
  std::string traceparent;                 ///< As of a call.
  std::optional<std::string> parent_span;  ///< As well.
  std::string credential;                  ///< The id of the caller's; empty: none, or not looked at.
  std::string tenant;
  bool use_is_news = false;  ///< As of a credential.
};

/// The name of a request: its Request-Id, or a fresh one.
std::string request_id_of(const http_request& http, runtime::random_source& random);

/// The trace that a request belongs to: its traceparent if that is one, else a fresh one that nobody records.
std::string traceparent_of(const http_request& http, runtime::random_source& random);

/// Checks what all routes have in common: path and method, names, credential, media types, query, key, body.
/// `as`: whoever sent it from within the node, in place of an Authorization field.
std::variant<call, refusal> take_up(std::shared_ptr<const http_request> http, const services& services,
                                    std::optional<keyring::credential> as = std::nullopt);

/// Whether the credential of a call that was taken up still opens it now; else the problem.
std::optional<json::problem> check_again(call& call, const services& services);

/// The unguessable part for an entity that this call creates: derived from the Idempotency-Key if there is
/// one, so that a repeat meets its first, else random.
std::string new_part(const call& call, const services& services);

/// Where an entity of the call's tenant lives.
runtime::address address_of(const call& call, runtime::kind_id kind, std::string key);

/// A list's page: `limit` and `cursor` as the query has them.
struct page {
  std::uint32_t limit = 20;
  std::string after;  ///< Empty: from the start.
};
/// Or the problem with them. `list` names the list and its filters, which a cursor is sealed for.
std::variant<page, json::problem> page_of(const call& call, std::string_view list, const services& services);

/// 404 for an id that cannot be one.
step not_found(const call& call, std::string_view what);

/// 403 for what takes more than the credential opens.
step refuse_scope(const call& call, std::string detail);

/// 422 for a query parameter.
json::problem bad_parameter(std::string_view name, std::string detail);

}  // namespace souk::gateway
