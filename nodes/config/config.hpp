#pragma once

#include "nodes/config/document.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

/// cluster.conf, read strictly into typed settings: a setting that is unknown, of the wrong type or
/// impossible is refused before anything starts, and all of them are named at once. What each setting means
/// to an operator, and how to choose it, stands in docs/operators.md. Plain values; any thread.
namespace souk::config {

using std::chrono::milliseconds;

/// The file cannot be used. `what()` is the whole message: one line for each problem, `file:line: text`, in
/// the file's order.
class config_error : public std::runtime_error {
 public:
  config_error(const std::string& file, std::vector<problem> problems);
  const std::vector<problem>& problems() const { return problems_; }

 private:
  std::vector<problem> problems_;
};

/// Where to listen.
struct endpoint {
  std::string address = "127.0.0.1";  ///< An IPv4 or IPv6 address, no name.
  std::uint16_t port = 0;             ///< 0: any free one.

  bool operator==(const endpoint&) const = default;
};

/// Reads "127.0.0.1:8080" or "[::1]:8080"; nothing if it is not an address with a port.
std::optional<endpoint> parse_endpoint(std::string_view text);

/// "127.0.0.1:8080", "[::1]:8080".
std::string to_string(const endpoint& endpoint);

/// PEM files for mutual TLS: all three or none. "{node}" in a path stands for the node's id, so that one file
/// serves all nodes.
struct tls_settings {
  std::filesystem::path certificate;
  std::filesystem::path key;
  std::filesystem::path ca;

  bool given() const { return !certificate.empty(); }
};

/// The same for one node: each "{node}" is its id.
tls_settings of_node(const tls_settings& tls, const std::string& node);

/// How nodes reach etcd.
struct etcd_settings {
  std::vector<std::string> endpoints;  ///< "host:port" of its members.
  tls_settings tls;
};

struct cluster_settings {
  std::string name = "souk";             ///< 1 to 64 of a-z, 0-9, "-" and "_".
  std::uint16_t shard_count = 16;        ///< 1 to 1024; fixed for ever when the cluster is created.
  std::string coordinator = "embedded";  ///< embedded: one node that owns all; etcd: one of several.
  std::uint16_t replicas = 3;            ///< Copies of each shard; 1 to 7; fixed when it is created.
  std::uint16_t min_in_sync = 2;         ///< Nothing is written with fewer copies in sync; up to `replicas`.
  milliseconds node_lease{2'000};        ///< A node is missed so long after it was heard last; 2 s to 1 min.
  etcd_settings etcd;
  tls_settings tls;  ///< Who a node is to the others; with etcd it must be given.

  bool clustered() const { return coordinator == "etcd"; }
};

/// One node of the cluster.
struct node_settings {
  std::string id = "a";                   ///< 1 to 32 of a-z, 0-9, "-" and "_"; unique.
  std::filesystem::path data = "./data";  ///< Its folder, relative to the working directory; unique.
  endpoint http{"127.0.0.1", 8080};       ///< Where clients come in.
  /// Where clients come in by TLS; with `http.tls`. Nothing: nowhere.
  std::optional<endpoint> https;
  /// Where proxies come in that speak the PROXY protocol; with `http.trusted_proxies`. Nothing: nowhere.
  std::optional<endpoint> proxied;
  endpoint admin{"127.0.0.1", 8081};  ///< Health and metrics; loopback by default.
  /// Where clients of the Online Marketplace benchmark come in, without any key. Nothing: nowhere.
  std::optional<endpoint> marketplace;
  /// "host:port" where the other nodes reach it, and where it listens for them; port 0: any free one. With
  /// etcd it must be given.
  std::string link;
};

/// Who a node is to clients that come by TLS. Paths may contain `{node}`.
struct https_certificate {
  std::filesystem::path certificate;
  std::filesystem::path key;
};

/// TLS towards clients.
struct https_settings {
  https_certificate main;                  ///< For clients that name no host that another one is for.
  std::vector<https_certificate> others;   ///< For the hosts that they name themselves; up to 100.
  milliseconds handshake_timeout{10'000};  ///< For a whole handshake; 100 ms to 10 min.
  milliseconds reload_interval{1'000};     ///< How often the files are looked at; 100 ms to 1 h.
  milliseconds hsts{31'536'000'000};       ///< Strict-Transport-Security; 0: none; up to 2 years.
  unsigned line = 0;                       ///< Of the section, for complaints about the files; 0: none.

  bool given() const { return !main.certificate.empty(); }
};

/// The same for one node: each "{node}" is its id.
https_certificate of_node(const https_certificate& files, const std::string& node);

/// A path with each "{node}" in it replaced by the node's id.
std::filesystem::path of_node(const std::filesystem::path& path, const std::string& node);

/// The public listener and the gateway behind it.
struct http_settings {
  std::uint64_t head_max = 16 << 10;       ///< Bytes of a request's head; 1 KiB to 64 KiB.
  std::uint64_t body_max = 1 << 20;        ///< Bytes of a request's body; 64 KiB to 16 MiB.
  std::uint64_t import_max = 256 << 20;    ///< Bytes of an import's body, kept on disk; 1 MiB to 4 GiB.
  std::uint32_t connections_max = 10'000;  ///< 1 to 100,000.
  std::uint32_t connections_per_address_max = 10'000;  ///< 1 to 100,000.
  std::uint32_t pipeline_max = 16;                     ///< Requests read ahead of their answers; 1 to 1,000.
  milliseconds head_timeout{10'000};                   ///< For a whole head to arrive; 100 ms to 10 min.
  milliseconds body_timeout{30'000};                   ///< For a whole body to arrive; 100 ms to 1 h.
  milliseconds idle_timeout{75'000};                   ///< Between two requests; 100 ms to 1 h.
  milliseconds write_timeout{30'000};                  ///< For an answer to be taken; 100 ms to 1 h.
  milliseconds request_deadline{10'000};     ///< After it the answer is `outcome_unknown`; 100 ms to 5 min.
  std::uint16_t gateways = 2;                ///< Gateway actors; 1 to 64.
  std::vector<std::string> trusted_proxies;  ///< Addresses and networks; up to 100.
  https_settings tls;                        ///< Must be given where a node has `https`.
};

/// Requests in a window of `limits.window`, of one client or tenant; each 0 (no limit) to 1,000,000.
struct request_limits {
  std::uint32_t browse = 0;    ///< Catalogue, orders by their id, whatever is not there.
  std::uint32_t cart = 0;      ///< Carts.
  std::uint32_t checkout = 0;  ///< Checkouts and their payments.
  std::uint32_t admin = 0;     ///< Routes for staff.
};

/// What one buyer may hold in checkouts that are not paid; each 0: any number.
struct hold_settings {
  std::uint32_t units_per_sku = 0;  ///< Of one sku; up to 1,000,000.
  std::uint32_t checkouts = 0;      ///< Open at once; up to 10,000.
};

/// How many requests one client may send; the cluster's, divided over its nodes. And what one buyer may hold.
struct limit_settings {
  milliseconds window{10'000};  ///< Whole seconds; 1 s to 1 h.
  request_limits address;       ///< Of one address; of IPv6 of one /64.
  request_limits credential;    ///< Of one key.
  request_limits tenant;        ///< Of all clients of one tenant together.
  /// Requests are refused where even the quickest take longer, whoever sends them; 5 ms to 5 s; 0: never.
  milliseconds delay_target{0};
  hold_settings customer;              ///< Of who shows a customer's token.
  hold_settings guest;                 ///< Of other clients of one address; of IPv6 of one /64.
  std::uint32_t clients_max = 50'000;  ///< Remembered for each of these limits; 100 to 10,000,000.
};

/// Whose access tokens make their bearers staff or customers: `jwks`, `issuer` and `audience` all, or none.
struct auth_settings {
  std::filesystem::path jwks;           ///< The issuer's public keys, a JSON Web Key Set.
  std::string issuer;                   ///< The `iss` of its tokens.
  std::string audience;                 ///< Their `aud`, or one of them: this shop.
  milliseconds reload_interval{1'000};  ///< How often the file is looked at; 100 ms to 1 h.
  unsigned line = 0;                    ///< Of `jwks`, for complaints about the file; 0: none.

  bool given() const { return !jwks.empty(); }
};

struct storage_settings {
  std::uint64_t map_initial = 256ULL << 20;   ///< First size of each map; it doubles before it is full.
  std::uint64_t journal_max = 64ULL << 30;    ///< The journal's map never grows beyond it; 16 MiB to 16 TiB.
  std::uint64_t state_max = 256ULL << 30;     ///< The state's map never grows beyond it; 16 MiB to 16 TiB.
  std::uint64_t disk_reserve = 256ULL << 20;  ///< With less free disk new work is refused; up to 1 TiB.
  milliseconds flush_interval{5'000};         ///< Each shard writes its state once in it; 10 ms to 1 min.
  std::uint64_t flush_bytes = 32ULL << 20;    ///< Unless that much waits; 64 KiB to 4 GiB.
};

/// A stream of NATS JetStream that events are published to.
struct nats_settings {
  std::vector<std::string> servers;        ///< `url`, see actors/nats/names.hpp; none: nothing is published.
  std::string stream = "SOUK";             ///< 1 to 32 of a-z, A-Z, 0-9, "-" and "_".
  std::string prefix = "souk";             ///< Of subjects; names with dots between them.
  bool create = true;                      ///< The stream is made where there is none.
  milliseconds duplicate_window{120'000};  ///< Of a stream that is made; 1 s to 24 h.
  std::uint16_t replicas = 1;              ///< As well; 1 to 5.
  std::string user;                        ///< With `password_file`; or `credentials`; or neither.
  std::filesystem::path password_file;
  std::filesystem::path credentials;
  std::filesystem::path certificate;  ///< With `key`, towards servers by TLS.
  std::filesystem::path key;
  std::filesystem::path ca;  ///< Empty: the system's.

  bool given() const { return !servers.empty(); }
};

/// The same for one node: each "{node}" in a path is its id.
nats_settings of_node(nats_settings nats, const std::string& node);

struct event_settings {
  std::uint32_t keep = 100'000;  ///< Records of each shard for readers of events; up to 100,000,000; 0: none.
  std::uint32_t streams = 32;    ///< Who may follow events at a node at a time; up to 1,000; 0: nobody.
  nats_settings nats;
};

/// Where webhooks may go, beside what anybody on the internet may reach.
struct webhook_settings {
  std::vector<std::string> allowed_networks;  ///< "10.1.0.0/16", "fd00::/8" or one address; there also http.
  std::filesystem::path ca;  ///< Certificates that receivers' are held against; empty: the system's.
};

struct entity_settings {
  std::uint32_t max_active = 50'000;  ///< Entities in memory, of all shards; 100 to 10,000,000.
  milliseconds idle_timeout{60'000};  ///< Put away after so long without work; 10 ms to 24 h.
  std::uint32_t queue_max = 10'000;   ///< Commands waiting for one entity; 1 to 1,000,000.
};

struct checkout_settings {
  milliseconds hold_ttl{900'000};             ///< How long a checkout keeps its stock; 1 s to 7 d.
  milliseconds authentication_time{300'000};  ///< At least, for a buyer who must authenticate; 1 s to 1 h.
};

struct cart_settings {
  milliseconds ttl{2'592'000'000};  ///< A cart expires so long after its last change; 1 min to 365 d.
};

/// The test provider.
struct test_provider_settings {
  std::string url;  ///< "http://127.0.0.1:9090" of a `souk test-provider`; empty: embedded in the node.
  std::filesystem::path ledger;  ///< The embedded one's ledger; empty: <data>/test-provider.ledger.
};

struct payment_settings {
  milliseconds timeout{2'000};  ///< Silence after which the provider is asked; 100 ms to 1 min.
  test_provider_settings test;
};

/// One line for each answered request.
struct access_log_settings {
  std::filesystem::path file;            ///< Empty: none. May contain `{node}`; of several nodes it must.
  std::uint64_t file_max = 64ULL << 20;  ///< Then the next one is begun; 1 MiB to 16 GiB.
  std::uint16_t files = 8;               ///< With the one that is written to; 1 to 1,000.
  std::uint32_t one_of = 1;              ///< Requests for each line, but for 5xx; 1 to 1,000,000.
};

struct log_settings {
  std::string level = "info";   ///< trace, debug, info, warn, error.
  std::string format = "auto";  ///< text, json, or auto: text on a terminal, JSON lines otherwise.
  access_log_settings access;
};

/// Where a collector of spans takes them.
struct http_url {
  std::string host;  ///< A name or an address; of IPv6 without brackets.
  std::uint16_t port = 0;
  std::string path;  ///< With its slash.
};

/// "http://HOST:PORT/PATH"; nothing if it is not that.
std::optional<http_url> parse_http_url(std::string_view text);

/// Spans of traces, for a collector that speaks OTLP/HTTP.
struct telemetry_settings {
  std::optional<http_url> otlp;  ///< `telemetry.otlp.url`; nothing: no spans are made.
  std::uint32_t one_of = 1;      ///< Traces that begin here for each that is recorded; 1 to 1,000,000.
};

struct scheduler_settings {
  std::uint16_t threads = 2;  ///< Threads that run actors; 1 to 256.
};

struct process_settings {
  std::string user;  ///< Whom the process becomes when it was started by root; empty: nobody else.
};

/// A whole cluster.conf. Every member has a working default.
struct settings {
  cluster_settings cluster;
  std::vector<node_settings> nodes{node_settings{}};  ///< At least one.
  http_settings http;
  limit_settings limits;
  auth_settings auth;
  storage_settings storage;
  event_settings events;
  webhook_settings webhooks;
  entity_settings entities;
  checkout_settings checkout;
  cart_settings cart;
  payment_settings payments;
  log_settings log;
  telemetry_settings telemetry;
  scheduler_settings scheduler;
  process_settings process;
};

/// Reads settings from text; `file` names it in messages. Throws `config_error`.
settings parse_settings(std::string_view text, const std::string& file);

/// Reads a file. Throws `config_error`, also when it cannot be read.
settings load_settings(const std::filesystem::path& file);

/// What soukd's command line may override.
struct overrides {
  std::optional<std::string> node;         ///< --node
  std::optional<std::string> data;         ///< --data
  std::optional<std::string> http;         ///< --http
  std::optional<std::string> admin;        ///< --admin
  std::optional<std::string> link;         ///< --link
  std::optional<std::string> https;        ///< --https
  std::optional<std::string> marketplace;  ///< --marketplace
};

/// The node to run: the one named, or the only one, with the overrides applied. Throws `config_error`.
node_settings choose_node(const settings& settings, const overrides& overrides);

/// Refuses a node of a cluster that has no certificates for its links or for etcd. `insecure_loopback` (the
/// option of that name, for tests) does without them where everything is on 127.0.0.1. Throws `config_error`.
void refuse_unprotected(const settings& settings, const node_settings& node, bool insecure_loopback);

}  // namespace souk::config
