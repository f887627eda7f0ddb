#include "nodes/soukd/cluster_parts.hpp"

#include "nodes/soukd/joined_cluster.hpp"
#include "nodes/soukd/version.hpp"
#include "persistence/checksum.hpp"
#include "runtime/cluster/etcd_client.hpp"

#include <fstream>
#include <iterator>
#include <stdexcept>
#include <utility>

namespace souk::nodes {

namespace {

std::string read_text(const std::filesystem::path& file) {
  std::ifstream in{file, std::ios::binary};
  if (!in) throw std::runtime_error(file.string() + ": cannot be read");
  return {std::istreambuf_iterator<char>{in}, {}};
}

runtime::etcd_options etcd_of(const config::etcd_settings& settings, const std::string& node) {
  runtime::etcd_options etcd;
  etcd.endpoints = settings.endpoints;
  if (!settings.tls.given()) return etcd;
  const auto files = config::of_node(settings.tls, node);
  etcd.ca = read_text(files.ca);
  etcd.certificate = read_text(files.certificate);
  etcd.key = read_text(files.key);
  return etcd;
}

links::tls_files files_of(const service_options& options) {
  const auto files = config::of_node(options.settings.cluster.tls, options.node.id);
  return {files.certificate, files.key, files.ca};
}

std::string host_of(const std::string& link) { return link.substr(0, link.rfind(':')); }

}  // namespace

cluster_parts::cluster_parts(const service_options& options, const persistence::storage_identity& disk,
                             std::shared_ptr<runtime::clock> clock,
                             std::shared_ptr<runtime::random_source> random)
    : options_(options),
      disk_id_(disk.disk_id),
      secret_(persistence::hex(std::string_view(disk.cluster_secret))),
      clock_(std::move(clock)),
      random_(std::move(random)) {
  const bool trusting = !options.settings.cluster.tls.given();
  transport_ = links::make_tls_transport({.node = options.node.id,
                                          .listen = options.node.link,
                                          .files = trusting ? links::tls_files{} : files_of(options),
                                          .limits = {},
                                          .insecure = trusting});
  store_ = runtime::make_etcd_client(etcd_of(options.settings.cluster.etcd, options.node.id));
}

runtime::cluster_options cluster_parts::options() const {
  const auto& settings = options_.settings.cluster;
  runtime::cluster_options cluster;
  auto& coordinator = cluster.coordinator;
  coordinator.cluster_name = settings.name;
  coordinator.self.id = options_.node.id;
  coordinator.self.disk_id = disk_id_;
  coordinator.self.incarnation = random_->next_u64();
  coordinator.self.link_address = host_of(options_.node.link) + ":" + std::to_string(transport_->port());
  coordinator.self.version = program_version();
  if (const auto joined = read_joined(options_.node.data)) coordinator.cluster_id = joined->id;
  coordinator.wanted.shard_count = settings.shard_count;
  coordinator.wanted.replicas = settings.replicas;
  coordinator.wanted.min_in_sync = settings.min_in_sync;
  // Of a folder that was restored it is the one of old, by which retried requests find their answers.
  coordinator.wanted.cluster_secret = secret_;
  coordinator.store = store_;
  coordinator.time = clock_;
  coordinator.random = random_;
  coordinator.on_refused = options_.on_fatal;
  coordinator.limits.node_lease = std::chrono::duration_cast<std::chrono::seconds>(settings.node_lease);
  cluster.transport = transport_.get();
  return cluster;
}

void add_cluster_metrics(telemetry::registry& registry, const runtime::node& node,
                         const service_options& options) {
  using type = telemetry::registry::type;
  const auto add = [&](type kind, const char* name, const char* help, const auto& figure) {
    registry.add_reading(kind, name, help, [&figure] { return static_cast<double>(figure.load()); });
  };
  const auto& links = node.link_figures();
  add(type::counter, "souk_link_envelopes_sent_total", "Envelopes sent to other nodes.",
      links.envelopes_sent);
  add(type::counter, "souk_link_envelopes_received_total", "Envelopes from other nodes.",
      links.envelopes_received);
  add(type::counter, "souk_link_bytes_sent_total", "Bytes of envelopes sent to other nodes.",
      links.bytes_sent);
  add(type::counter, "souk_link_bytes_received_total", "Bytes of envelopes from other nodes.",
      links.bytes_received);
  add(type::counter, "souk_links_lost_total", "Links to other nodes that were lost.", links.links_lost);
  add(type::gauge, "souk_feed_shards_behind", "Shards of other nodes whose catalogue is not followed.",
      node.feed().behind);
  registry.add_reading(type::gauge, "souk_links_up", "Links to other nodes that are up.", [&node] {
    double up = 0;
    for (const auto& [id, line] : node.links().lines())
      up += line.up;
    return up;
  });
  registry.add_reading(type::gauge, "souk_cluster_registered", "Whether this node is registered.",
                       [&node] { return node.cluster().now().registered ? 1.0 : 0.0; });
  if (!options.settings.cluster.tls.given()) return;
  registry.add_reading(type::gauge, "souk_certificate_expiry_seconds",
                       "When this node's certificate ends, in seconds since 1970.",
                       [files = files_of(options)] {
                         try {
                           return static_cast<double>(links::expiry_of(files).time_since_epoch().count());
                         } catch (const links::bad_certificate&) {
                           return 0.0;  // being renewed, or gone
                         }
                       });
}

std::vector<telemetry::readiness> cluster_ready(const runtime::node& node) {
  const auto standing = node.cluster().now();
  const auto behind = node.feed().behind.load();
  return {{"registered", standing.registered, standing.reason},
          {"catalogue", behind == 0,
           behind == 0 ? "" : "shards of others that are not followed yet: " + std::to_string(behind)}};
}

}  // namespace souk::nodes
