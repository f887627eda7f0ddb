#include "nodes/config/config.hpp"

#include "actors/nats/names.hpp"
#include "nodes/config/reader.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <utility>

namespace souk::config {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t KiB = 1ULL << 10;
constexpr std::uint64_t MiB = 1ULL << 20;
constexpr std::uint64_t GiB = 1ULL << 30;
constexpr std::uint64_t TiB = 1ULL << 40;
constexpr milliseconds day = 24h;
/// Each is compared with the host that a client names.
constexpr std::size_t https_others_max = 100;

/// Each is compared with the address of each connection.
constexpr std::size_t trusted_proxies_max = 100;

std::string all_problems(const std::string& file, const std::vector<problem>& problems) {
  std::string text;
  for (const problem& problem : problems) {
    if (!text.empty()) text += '\n';
    text += file + ":" + (problem.line == 0 ? "" : std::to_string(problem.line) + ":") + " " + problem.text;
  }
  return text;
}

/// The port of "host:port"; nothing if it is not that.
std::optional<std::uint16_t> port_of(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  const std::string_view digits = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return port;
}

bool is_loopback(std::string_view host_and_port) {
  const std::string_view host = host_and_port.substr(0, host_and_port.rfind(':'));
  return host == "127.0.0.1" || host == "localhost" || host == "[::1]";
}

void read_path(map_reader& reader, std::string_view key, std::filesystem::path& target) {
  std::string path = target.string();
  reader.text(key, path);
  target = path;
}

void read_tls(map_reader& reader, const std::string& section, tls_settings& tls) {
  int given = 0;
  for (const auto& [key, target] :
       {std::pair{"certificate", &tls.certificate}, {"key", &tls.key}, {"ca", &tls.ca}}) {
    read_path(reader, key, *target);
    given += !target->empty();
  }
  if (given != 0 && given != 3)
    reader.complain(std::max({reader.line_of("certificate"), reader.line_of("key"), reader.line_of("ca")}),
                    section + " needs all of certificate, key and ca, or none");
}

void read_https_certificate(map_reader& reader, const std::string& section, https_certificate& target) {
  std::string certificate;
  std::string key;
  reader.text("certificate", certificate);
  reader.text("key", key);
  if (certificate.empty() != key.empty())
    reader.complain(std::max(reader.line_of("certificate"), reader.line_of("key")),
                    section + " needs both certificate and key");
  target = {certificate, key};
}

void read_https(map_reader& reader, https_settings& tls, unsigned line) {
  tls.line = line;
  read_https_certificate(reader, "http.tls", tls.main);
  (void)reader.sections("others", [&](map_reader& inner) {
    https_certificate other;
    read_https_certificate(inner, "each of http.tls.others", other);
    if (other.certificate.empty() && other.key.empty())
      inner.complain(reader.line_of("others"), "each of http.tls.others needs both certificate and key");
    tls.others.push_back(std::move(other));
  });
  if (tls.others.size() > https_others_max)
    reader.complain(reader.line_of("others"), "http.tls.others must be at most 100");
  if (!tls.others.empty() && !tls.given())
    reader.complain(reader.line_of("others"), "http.tls.others needs http.tls.certificate and key too");
  reader.time("handshake_timeout", tls.handshake_timeout, 100ms, 10min);
  reader.time("reload_interval", tls.reload_interval, 100ms, 1h);
  reader.time("hsts", tls.hsts, 0ms, 730 * day);
}

void read_etcd(map_reader& reader, etcd_settings& etcd) {
  reader.texts("endpoints", etcd.endpoints);
  for (const std::string& endpoint : etcd.endpoints)
    if (port_of(endpoint).value_or(0) == 0)
      reader.complain(reader.line_of("endpoints"),
                      "cluster.etcd.endpoints must be hosts with ports, as in \"127.0.0.1:2379\", not \"" +
                          endpoint + "\"");
  read_tls(reader, "cluster.etcd", etcd.tls);
}

void read_cluster(map_reader& reader, cluster_settings& cluster) {
  reader.name("name", cluster.name, 64);
  reader.number("shard_count", cluster.shard_count, 1, 1024);
  reader.choice("coordinator", cluster.coordinator, {"embedded", "etcd"});
  reader.number("replicas", cluster.replicas, 1, 7);
  reader.number("min_in_sync", cluster.min_in_sync, 1, 7);
  if (cluster.min_in_sync > cluster.replicas)
    reader.complain(std::max(reader.line_of("min_in_sync"), reader.line_of("replicas")),
                    "cluster.min_in_sync is above cluster.replicas");
  reader.time("node_lease", cluster.node_lease, 2s, 1min);
  if (cluster.node_lease % 1s != 0ms)
    reader.complain(reader.line_of("node_lease"), "cluster.node_lease must be whole seconds");
  reader.section("etcd", [&](map_reader& inner) { read_etcd(inner, cluster.etcd); });
  reader.section("tls", [&](map_reader& inner) { read_tls(inner, "cluster.tls", cluster.tls); });
  if (cluster.clustered() && cluster.etcd.endpoints.empty())
    reader.complain(reader.line_of("coordinator"),
                    "cluster.etcd.endpoints must name at least one member of etcd");
}

void read_node(map_reader& reader, node_settings& node) {
  reader.name("id", node.id, 32);
  std::string data = node.data.string();
  reader.text("data", data);
  if (data.empty()) reader.complain(reader.line_of("data"), "a node's data must name a folder");
  node.data = data;
  reader.address("http", node.http);
  endpoint https;
  reader.address("https", https);
  if (reader.line_of("https") != 0) node.https = https;
  endpoint proxied;
  reader.address("proxied", proxied);
  if (reader.line_of("proxied") != 0) node.proxied = proxied;
  reader.address("admin", node.admin);
  endpoint marketplace;
  reader.address("marketplace", marketplace);
  if (reader.line_of("marketplace") != 0) node.marketplace = marketplace;
  reader.text("link", node.link);
  if (!node.link.empty() && !port_of(node.link))
    reader.complain(reader.line_of("link"),
                    "a node's link must be a host with a port, as in \"127.0.0.1:8082\"");
  if (node.http == node.admin && node.http.port != 0)
    reader.complain(std::max(reader.line_of("http"), reader.line_of("admin")),
                    "node " + node.id + " has http and admin at the same address");
  if (node.https && node.https->port != 0 && (*node.https == node.http || *node.https == node.admin))
    reader.complain(reader.line_of("https"), "node " + node.id + " has https at the address of another");
  if (node.proxied && node.proxied->port != 0 &&
      (*node.proxied == node.http || *node.proxied == node.admin || node.proxied == node.https))
    reader.complain(reader.line_of("proxied"), "node " + node.id + " has proxied at the address of another");
  if (node.marketplace && node.marketplace->port != 0 &&
      (*node.marketplace == node.http || *node.marketplace == node.admin || node.marketplace == node.https ||
       node.marketplace == node.proxied))
    reader.complain(reader.line_of("marketplace"),
                    "node " + node.id + " has marketplace at the address of another");
}

std::vector<endpoint> addresses_of(const node_settings& node) {
  std::vector<endpoint> all{node.http, node.admin};
  if (node.https) all.push_back(*node.https);
  if (node.proxied) all.push_back(*node.proxied);
  if (node.marketplace) all.push_back(*node.marketplace);
  return all;
}

void refuse_shared(map_reader& reader, const std::vector<node_settings>& nodes, unsigned line) {
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const node_settings& a = nodes[j];
      const node_settings& b = nodes[i];
      if (a.id == b.id) reader.complain(line, "two nodes have the id " + a.id);
      if (a.data.lexically_normal() == b.data.lexically_normal())
        reader.complain(line, "nodes " + a.id + " and " + b.id + " have the same data folder");
      if (!a.link.empty() && a.link == b.link && port_of(a.link).value_or(0) != 0)
        reader.complain(line, "nodes " + a.id + " and " + b.id + " have the same link " + a.link);
      for (const endpoint& of_a : addresses_of(a))
        for (const endpoint& of_b : addresses_of(b))
          if (of_a == of_b && of_a.port != 0)
            reader.complain(line, "nodes " + a.id + " and " + b.id + " both listen at " + to_string(of_a));
    }
  }
}

void read_nodes(map_reader& reader, std::vector<node_settings>& nodes) {
  std::vector<node_settings> read;
  const auto read_one = [&](map_reader& inner) {
    node_settings node;
    read_node(inner, node);
    if (inner.line_of("id") == 0) inner.complain(reader.line_of("nodes"), "a node needs an id");
    read.push_back(std::move(node));
  };
  const auto listed = reader.sections("nodes", read_one);
  if (!listed) return;
  const unsigned line = reader.line_of("nodes");
  if (*listed == 0) reader.complain(line, "nodes must name at least one node");
  refuse_shared(reader, read, line);
  if (!read.empty()) nodes = std::move(read);
}

void read_http(map_reader& reader, http_settings& http) {
  reader.size("head_max", http.head_max, KiB, 64 * KiB);
  reader.size("body_max", http.body_max, 64 * KiB, 16 * MiB);
  reader.size("import_max", http.import_max, MiB, 4 * GiB);
  reader.number("connections_max", http.connections_max, 1, 100'000);
  reader.number("connections_per_address_max", http.connections_per_address_max, 1, 100'000);
  reader.number("pipeline_max", http.pipeline_max, 1, 1'000);
  reader.time("head_timeout", http.head_timeout, 100ms, 10min);
  reader.time("body_timeout", http.body_timeout, 100ms, 1h);
  reader.time("idle_timeout", http.idle_timeout, 100ms, 1h);
  reader.time("write_timeout", http.write_timeout, 100ms, 1h);
  reader.time("request_deadline", http.request_deadline, 100ms, 5min);
  reader.number("gateways", http.gateways, 1, 64);
  reader.networks("trusted_proxies", http.trusted_proxies);
  if (http.trusted_proxies.size() > trusted_proxies_max)
    reader.complain(reader.line_of("trusted_proxies"), "http.trusted_proxies must be at most 100");
  reader.section("tls", [&](map_reader& inner) { read_https(inner, http.tls, reader.line_of("tls")); });
}

void read_limits(map_reader& reader, limit_settings& limits) {
  reader.time("window", limits.window, 1s, 1h);
  if (limits.window % 1s != 0ms)
    reader.complain(reader.line_of("window"), "limits.window must be whole seconds");
  const auto read = [&](std::string_view whose, request_limits& most) {
    reader.section(whose, [&](map_reader& inner) {
      inner.number("browse", most.browse, 0, 1'000'000);
      inner.number("cart", most.cart, 0, 1'000'000);
      inner.number("checkout", most.checkout, 0, 1'000'000);
      inner.number("admin", most.admin, 0, 1'000'000);
    });
  };
  reader.time("delay_target", limits.delay_target, 0ms, 5s);
  if (limits.delay_target > 0ms && limits.delay_target < 5ms)
    reader.complain(reader.line_of("delay_target"), "limits.delay_target must be 0 or at least 5ms");
  read("address", limits.address);
  read("credential", limits.credential);
  read("tenant", limits.tenant);
  const auto read_holds = [&](std::string_view whose, hold_settings& most) {
    reader.section(whose, [&](map_reader& inner) {
      inner.number("units_per_sku", most.units_per_sku, 0, 1'000'000);
      inner.number("checkouts", most.checkouts, 0, 10'000);
    });
  };
  read_holds("customer", limits.customer);
  read_holds("guest", limits.guest);
  reader.number("clients_max", limits.clients_max, 100, 10'000'000);
}

void read_auth(map_reader& reader, auth_settings& auth) {
  std::string jwks;
  reader.text("jwks", jwks);
  auth.jwks = jwks;
  auth.line = reader.line_of("jwks");
  reader.text("issuer", auth.issuer);
  reader.text("audience", auth.audience);
  reader.time("reload_interval", auth.reload_interval, 100ms, 1h);
  const auto given = !jwks.empty() + !auth.issuer.empty() + !auth.audience.empty();
  if (given != 0 && given != 3)
    reader.complain(std::max({auth.line, reader.line_of("issuer"), reader.line_of("audience")}),
                    "auth needs all of jwks, issuer and audience, or none");
}

void read_storage(map_reader& reader, storage_settings& storage) {
  reader.size("map_initial", storage.map_initial, MiB, TiB);
  reader.size("journal_max", storage.journal_max, 16 * MiB, 16 * TiB);
  reader.size("state_max", storage.state_max, 16 * MiB, 16 * TiB);
  reader.size("disk_reserve", storage.disk_reserve, 0, TiB);
  reader.time("flush_interval", storage.flush_interval, 10ms, 1min);
  reader.size("flush_bytes", storage.flush_bytes, 64 * KiB, 4 * GiB);
  for (const auto& [key, most] :
       {std::pair{"journal_max", storage.journal_max}, {"state_max", storage.state_max}})
    if (storage.map_initial > most)
      reader.complain(std::max(reader.line_of("map_initial"), reader.line_of(key)),
                      std::string{"storage.map_initial is above storage."} + key);
}

void read_entities(map_reader& reader, entity_settings& entities) {
  reader.number("max_active", entities.max_active, 100, 10'000'000);
  reader.time("idle_timeout", entities.idle_timeout, 10ms, day);
  reader.number("queue_max", entities.queue_max, 1, 1'000'000);
}

void read_payments(map_reader& reader, payment_settings& payments) {
  reader.time("timeout", payments.timeout, 100ms, 1min);
  reader.section("test", [&](map_reader& test) {
    test.text("url", payments.test.url);
    if (!payments.test.url.empty() &&
        (!payments.test.url.starts_with("http://") || !parse_endpoint(payments.test.url.substr(7))))
      test.complain(test.line_of("url"),
                    "payments.test.url must be empty or as in \"http://127.0.0.1:9090\"");
    read_path(test, "ledger", payments.test.ledger);
  });
}

/// Who the nodes are to servers of NATS, and whom they trust.
void read_nats_access(map_reader& reader, nats_settings& nats) {
  reader.text("user", nats.user);
  read_path(reader, "password_file", nats.password_file);
  read_path(reader, "credentials", nats.credentials);
  read_path(reader, "certificate", nats.certificate);
  read_path(reader, "key", nats.key);
  read_path(reader, "ca", nats.ca);
  if (nats.user.empty() != nats.password_file.empty())
    reader.complain(std::max(reader.line_of("user"), reader.line_of("password_file")),
                    "events.nats needs both user and password_file, or neither");
  if (!nats.user.empty() && !nats.credentials.empty())
    reader.complain(reader.line_of("credentials"), "events.nats takes a user or credentials, not both");
  if (nats.certificate.empty() != nats.key.empty())
    reader.complain(std::max(reader.line_of("certificate"), reader.line_of("key")),
                    "events.nats needs both certificate and key, or neither");
  const bool tls = nats.given() && nats.servers.front().starts_with("tls://");
  if (nats.given() && !tls && (!nats.certificate.empty() || !nats.ca.empty()))
    reader.complain(std::max(reader.line_of("certificate"), reader.line_of("ca")),
                    "events.nats.certificate and ca are for a url of tls://");
}

void read_nats(map_reader& reader, nats_settings& nats) {
  std::string url;
  reader.text("url", url);
  if (!url.empty()) {
    const auto servers = souk::nats::servers_of(url);
    if (!servers)
      reader.complain(
          reader.line_of("url"),
          "events.nats.url must be empty or as in \"nats://127.0.0.1:4222\" or \"tls://...\", up to "
          "16 of one kind with commas between them");
    nats.servers = servers.value_or(std::vector<std::string>{});
  }
  reader.text("stream", nats.stream);
  if (!souk::nats::is_stream_name(nats.stream))
    reader.complain(reader.line_of("stream"),
                    "events.nats.stream must be 1 to 32 of a-z, A-Z, 0-9, \"-\" and \"_\"");
  reader.text("prefix", nats.prefix);
  if (!souk::nats::is_prefix(nats.prefix))
    reader.complain(reader.line_of("prefix"),
                    "events.nats.prefix must be names with dots between them, as in \"shop.events\"");
  reader.flag("create", nats.create);
  reader.time("duplicate_window", nats.duplicate_window, 1s, day);
  reader.number("replicas", nats.replicas, 1, 5);
  read_nats_access(reader, nats);
}

void read_webhooks(map_reader& reader, webhook_settings& webhooks) {
  reader.networks("allowed_networks", webhooks.allowed_networks);
  read_path(reader, "ca", webhooks.ca);
}

void read_log(map_reader& reader, log_settings& log) {
  reader.choice("level", log.level, {"trace", "debug", "info", "warn", "error"});
  reader.choice("format", log.format, {"auto", "text", "json"});
  reader.section("access", [&](map_reader& inner) {
    read_path(inner, "file", log.access.file);
    inner.size("file_max", log.access.file_max, MiB, 16 * GiB);
    inner.number("files", log.access.files, 1, 1'000);
    inner.number("one_of", log.access.one_of, 1, 1'000'000);
  });
}

void read_telemetry(map_reader& reader, telemetry_settings& telemetry) {
  reader.section("otlp", [&](map_reader& otlp) {
    std::string url;
    otlp.text("url", url);
    telemetry.otlp = parse_http_url(url);
    if (!url.empty() && !telemetry.otlp)
      otlp.complain(otlp.line_of("url"),
                    "telemetry.otlp.url must be empty or as in \"http://127.0.0.1:4318/v1/traces\"");
    otlp.number("one_of", telemetry.one_of, 1, 1'000'000);
  });
}

void read_all(map_reader& reader, settings& all) {
  reader.section("cluster", [&](map_reader& inner) { read_cluster(inner, all.cluster); });
  read_nodes(reader, all.nodes);
  reader.section("http", [&](map_reader& inner) { read_http(inner, all.http); });
  reader.section("limits", [&](map_reader& inner) { read_limits(inner, all.limits); });
  reader.section("auth", [&](map_reader& inner) { read_auth(inner, all.auth); });
  reader.section("storage", [&](map_reader& inner) { read_storage(inner, all.storage); });
  reader.section("events", [&](map_reader& inner) {
    inner.number("keep", all.events.keep, 0, 100'000'000);
    inner.number("streams", all.events.streams, 0, 1'000);
    inner.section("nats", [&](map_reader& nats) { read_nats(nats, all.events.nats); });
  });
  reader.section("webhooks", [&](map_reader& inner) { read_webhooks(inner, all.webhooks); });
  reader.section("entities", [&](map_reader& inner) { read_entities(inner, all.entities); });
  reader.section("checkout", [&](map_reader& inner) {
    inner.time("hold_ttl", all.checkout.hold_ttl, 1s, 7 * day);
    inner.time("authentication_time", all.checkout.authentication_time, 1s, 1h);
  });
  reader.section("cart", [&](map_reader& inner) { inner.time("ttl", all.cart.ttl, 1min, 365 * day); });
  reader.section("payments", [&](map_reader& inner) { read_payments(inner, all.payments); });
  reader.section("log", [&](map_reader& inner) { read_log(inner, all.log); });
  reader.section("telemetry", [&](map_reader& inner) { read_telemetry(inner, all.telemetry); });
  reader.section("scheduler",
                 [&](map_reader& inner) { inner.number("threads", all.scheduler.threads, 1, 256); });
  reader.section("process", [&](map_reader& inner) { inner.text("user", all.process.user); });
  if (all.http.request_deadline <= all.payments.timeout)
    reader.complain(
        std::max(reader.line_of("http"), reader.line_of("payments")),
        "http.request_deadline must be longer than payments.timeout: a silent provider could never be "
        "asked in time");
  if (all.checkout.hold_ttl >= all.cart.ttl)
    reader.complain(std::max(reader.line_of("checkout"), reader.line_of("cart")),
                    "checkout.hold_ttl must be shorter than cart.ttl");
  for (const node_settings& node : all.nodes)
    if (node.https && !all.http.tls.given())
      reader.complain(reader.line_of("nodes"),
                      "node " + node.id + " has https, which needs http.tls with certificate and key");
  for (const node_settings& node : all.nodes)
    if (node.proxied && all.http.trusted_proxies.empty())
      reader.complain(reader.line_of("nodes"),
                      "node " + node.id +
                          " has proxied, which needs http.trusted_proxies: who may say whose a "
                          "connection is");
  const auto& access = all.log.access.file;
  if (all.nodes.size() > 1 && !access.empty() && of_node(access, "a") == access)
    reader.complain(reader.line_of("log"),
                    "log.access.file needs {node} in it: nodes must not write to one file");
  if (all.cluster.clustered() && all.payments.test.url.empty())
    reader.complain(std::max(reader.line_of("payments"), reader.line_of("cluster")),
                    "payments.test.url must name the one provider of all nodes: see souk test-provider");
  if (all.cluster.clustered() && reader.line_of("nodes") != 0)
    for (const node_settings& node : all.nodes)
      if (node.link.empty())
        reader.complain(std::max(reader.line_of("nodes"), reader.line_of("cluster")),
                        "node " + node.id + " needs a link, where the other nodes reach it");
  reader.refuse_unknown();
}

endpoint override_endpoint(const char* option, const std::string& text) {
  if (auto parsed = parse_endpoint(text)) return *parsed;
  throw config_error(option, {{0, "must be an IP address and a port, as in 127.0.0.1:8080, not " + text}});
}

}  // namespace

config_error::config_error(const std::string& file, std::vector<problem> problems)
    : std::runtime_error(all_problems(file, problems)), problems_(std::move(problems)) {}

std::optional<endpoint> parse_endpoint(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string host{text.substr(0, colon)};
  const std::string_view digits = text.substr(colon + 1);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  unsigned char binary[sizeof(in6_addr)];
  if (inet_pton(bracketed ? AF_INET6 : AF_INET, host.c_str(), binary) != 1) return std::nullopt;
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return endpoint{std::move(host), port};
}

std::string to_string(const endpoint& endpoint) {
  const bool v6 = endpoint.address.find(':') != std::string::npos;
  return (v6 ? "[" + endpoint.address + "]" : endpoint.address) + ":" + std::to_string(endpoint.port);
}

std::optional<http_url> parse_http_url(std::string_view text) {
  constexpr std::string_view scheme = "http://";
  if (!text.starts_with(scheme)) return std::nullopt;
  text.remove_prefix(scheme.size());
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto path = text.substr(slash);
  // It is written into the request as it is.
  const bool plain = std::all_of(path.begin(), path.end(), [](char c) { return c > ' ' && c < 0x7f; });
  const auto authority = text.substr(0, slash);
  const auto port = port_of(authority);
  std::string host{authority.substr(0, authority.rfind(':'))};
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const bool named = !host.empty() && host.find_first_not_of(
                                          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                          "0123456789.-:") == std::string::npos;
  if (!plain || !named || port.value_or(0) == 0) return std::nullopt;
  return http_url{std::move(host), *port, std::string{path}};
}

settings parse_settings(std::string_view text, const std::string& file) {
  document read = parse_document(text);
  settings all;
  map_reader reader{read.root, "", read.problems};
  read_all(reader, all);
  if (!read.problems.empty()) {
    std::stable_sort(read.problems.begin(), read.problems.end(),
                     [](const problem& a, const problem& b) { return a.line < b.line; });
    throw config_error(file, std::move(read.problems));
  }
  return all;
}

settings load_settings(const std::filesystem::path& file) {
  std::ifstream in{file, std::ios::binary};
  if (!in.is_open() || std::filesystem::is_directory(file))
    throw config_error(file.string(), {{0, "cannot be read"}});
  const std::string text{std::istreambuf_iterator<char>{in}, {}};
  return parse_settings(text, file.string());
}

node_settings choose_node(const settings& settings, const overrides& overrides) {
  const std::vector<node_settings>& nodes = settings.nodes;
  if (!overrides.node && nodes.size() > 1)
    throw config_error("--node",
                       {{0, "must say which of the " + std::to_string(nodes.size()) + " nodes to run"}});
  auto chosen = nodes.begin();
  if (overrides.node) {
    chosen = std::find_if(nodes.begin(), nodes.end(),
                          [&](const node_settings& n) { return n.id == *overrides.node; });
    if (chosen == nodes.end())
      throw config_error("--node", {{0, "no node " + *overrides.node + " is configured"}});
  }
  node_settings node = *chosen;
  if (overrides.data) node.data = *overrides.data;
  if (overrides.http) node.http = override_endpoint("--http", *overrides.http);
  if (overrides.https) node.https = override_endpoint("--https", *overrides.https);
  if (overrides.https && !settings.http.tls.given())
    throw config_error("--https", {{0, "needs http.tls with certificate and key in cluster.conf"}});
  if (overrides.admin) node.admin = override_endpoint("--admin", *overrides.admin);
  if (overrides.marketplace) node.marketplace = override_endpoint("--marketplace", *overrides.marketplace);
  if (overrides.link) node.link = *overrides.link;
  if (overrides.link && !port_of(node.link))
    throw config_error("--link", {{0, "must be a host and a port, as in 127.0.0.1:8082, not " + node.link}});
  if (settings.cluster.clustered() && node.link.empty())
    throw config_error("--link", {{0, "must say where the other nodes reach this one"}});
  if (node.data.empty()) throw config_error("--data", {{0, "must name a folder"}});
  if (node.http == node.admin && node.http.port != 0)
    throw config_error("--http", {{0, "is the same address as --admin: " + to_string(node.http)}});
  return node;
}

std::filesystem::path of_node(const std::filesystem::path& path, const std::string& node) {
  constexpr std::string_view placeholder = "{node}";
  std::string text = path.string();
  for (std::size_t at = text.find(placeholder); at != std::string::npos;
       at = text.find(placeholder, at + node.size()))
    text.replace(at, placeholder.size(), node);
  return text;
}

tls_settings of_node(const tls_settings& tls, const std::string& node) {
  return {of_node(tls.certificate, node), of_node(tls.key, node), of_node(tls.ca, node)};
}

nats_settings of_node(nats_settings nats, const std::string& node) {
  for (auto* path : {&nats.password_file, &nats.credentials, &nats.certificate, &nats.key, &nats.ca})
    *path = of_node(*path, node);
  return nats;
}

https_certificate of_node(const https_certificate& files, const std::string& node) {
  return {of_node(files.certificate, node), of_node(files.key, node)};
}

void refuse_unprotected(const settings& settings, const node_settings& node, bool insecure_loopback) {
  const cluster_settings& cluster = settings.cluster;
  if (!cluster.clustered() || (cluster.tls.given() && cluster.etcd.tls.given())) return;
  if (!insecure_loopback) {
    const std::string section = cluster.tls.given() ? "cluster.etcd" : "cluster.tls";
    throw config_error(section,
                       {{0,
                         "needs certificate, key and ca: souk certs init makes them; --insecure-loopback "
                         "does without, on 127.0.0.1 and for tests alone"}});
  }
  std::vector<std::string> addresses = cluster.etcd.endpoints;
  addresses.push_back(node.link);
  for (const std::string& address : addresses)
    if (!is_loopback(address))
      throw config_error("--insecure-loopback", {{0, "is for 127.0.0.1 alone, not for " + address}});
}

}  // namespace souk::config
