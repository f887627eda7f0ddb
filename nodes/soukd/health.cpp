#include "nodes/soukd/health.hpp"

#include <atomic>
#include <cstdint>
#include <string>
#include <utility>

namespace souk::nodes {

namespace {

using type = telemetry::registry::type;

/// Shows a figure that its owner counts.
template <class Number>
void add_figure(telemetry::registry& registry, type type, std::string name, std::string help,
                const std::atomic<Number>& figure) {
  registry.add_reading(type, std::move(name), std::move(help),
                       [&figure] { return static_cast<double>(figure.load(std::memory_order_relaxed)); });
}

void add_storage_metrics(telemetry::registry& registry, const persistence::storage& storage) {
  const auto add = [&](std::string name, std::string help,
                       std::uint64_t persistence::storage_usage::* figure) {
    registry.add_reading(type::gauge, std::move(name), std::move(help),
                         [&storage, figure] { return static_cast<double>(storage.usage().*figure); });
  };
  using persistence::storage_usage;
  add("souk_storage_journal_bytes", "Bytes in use in the journal.", &storage_usage::journal_bytes);
  add("souk_storage_journal_bytes_max", "Size of the journal's map.", &storage_usage::journal_bytes_max);
  add("souk_storage_state_bytes", "Bytes in use in the state.", &storage_usage::state_bytes);
  add("souk_storage_state_bytes_max", "Size of the state's map.", &storage_usage::state_bytes_max);
  add("souk_storage_disk_free_bytes", "Free bytes of the file system.", &storage_usage::disk_free_bytes);
}

gateway::http_response plain(int status, std::string text) {
  gateway::http_response response;
  response.status = status;
  response.fields.emplace_back("Content-Type", "text/plain; charset=utf-8");
  response.body = std::move(text);
  return response;
}

}  // namespace

void add_node_metrics(telemetry::registry& registry, runtime::node& node,
                      const persistence::storage& storage) {
  const auto& shards = node.shards();
  auto& writers = node.writers();
  const auto counter = [&](std::string name, std::string help, const auto& figure) {
    add_figure(registry, type::counter, std::move(name), std::move(help), figure);
  };
  const auto gauge = [&](std::string name, std::string help, const auto& figure) {
    add_figure(registry, type::gauge, std::move(name), std::move(help), figure);
  };
  counter("souk_commands_total", "Commands and reads that shards took up.", shards.commands);
  counter("souk_refused_overloaded_total", "Requests refused because a bound was reached.",
          shards.refused_overloaded);
  counter("souk_journal_records_total", "Records committed to the journal.", writers.records);
  counter("souk_journal_commits_total", "Commits of the journal.", writers.commits);
  counter("souk_journal_trims_total", "Commits of the journal that only removed records.", writers.trims);
  counter("souk_journal_bytes_total", "Bytes of records committed to the journal.", writers.bytes);
  counter("souk_state_commits_total", "Commits of the state.", writers.state_commits);
  counter("souk_state_flushes_total", "Times that a shard wrote its state out.", shards.state_flushes);
  counter("souk_state_rows_total", "Rows written to the state.", shards.state_rows);
  counter("souk_entity_restarts_total", "Entities that failed.", shards.entity_restarts);
  counter("souk_quarantined_total", "Messages set aside.", shards.quarantined);
  gauge("souk_entities_active", "Entities in memory.", shards.entities_active);
  gauge("souk_effects_outstanding", "Effects not yet acknowledged.", shards.effects_outstanding);
  gauge("souk_shards_serving", "Shards that serve on this node.", shards.serving);
  auto& commit_time =
      registry.add_histogram("souk_journal_commit_seconds", "Time a commit of the journal took.");
  writers.on_commit = [&commit_time](std::chrono::nanoseconds took) { commit_time.observe(took); };
  add_storage_metrics(registry, storage);
}

void add_admission_metrics(telemetry::registry& registry, const gateway::admission& admission) {
  registry.add_reading(type::gauge, "souk_limited_clients", "Clients whose requests are being counted.",
                       [&admission] { return static_cast<double>(admission.clients()); });
  registry.add_readings(type::counter, "souk_http_limited_total",
                        "Requests refused because of a client's limit.", [&admission] {
                          std::vector<telemetry::registry::labelled_value> values;
                          for (const auto by : gateway::admission_parties)
                            for (std::size_t n = 0; n < gateway::traffic_classes; ++n) {
                              const auto what = static_cast<gateway::traffic>(n);
                              values.push_back({{{"by", std::string{gateway::name_of(by)}},
                                                 {"class", std::string{gateway::name_of(what)}}},
                                                static_cast<double>(admission.refused(by, what))});
                            }
                          return values;
                        });
}

void add_overload_metrics(telemetry::registry& registry, const gateway::overload_guard& guard) {
  const auto gauge = [&](std::string name, std::string help, auto figure) {
    registry.add_reading(type::gauge, std::move(name), std::move(help),
                         [&guard, figure] { return static_cast<double>(figure(guard.read())); });
  };
  using figures = gateway::overload_guard::figures;
  gauge("souk_http_calls", "Requests under way.", [](const figures& now) { return now.under_way; });
  gauge("souk_http_calls_limit", "Requests that may be under way now.",
        [](const figures& now) { return now.limit; });
  gauge("souk_http_tenants", "Tenants that the requests of the last moments were for.",
        [](const figures& now) { return now.tenants; });
  gauge("souk_http_delay_seconds", "What half of the requests for carts, or of those that look, took lately.",
        [](const figures& now) { return std::chrono::duration<double>(now.delay).count(); });
  registry.add_readings(
      type::counter, "souk_http_shed_total", "Requests refused because too many were under way.", [&guard] {
        const auto now = guard.read();
        std::vector<telemetry::registry::labelled_value> values;
        values.reserve(gateway::progress_steps);
        for (std::size_t n = 0; n < gateway::progress_steps; ++n)
          values.push_back({{{"for", std::string{gateway::name_of(static_cast<gateway::progress>(n))}}},
                            static_cast<double>(now.refused.at(n))});
        return values;
      });
}

void add_access_metrics(telemetry::registry& registry, const telemetry::access_log& log) {
  registry.add_reading(type::counter, "souk_access_log_lines_total",
                       "Lines of the access log, those that were lost too.",
                       [&log] { return static_cast<double>(log.recorded()); });
  registry.add_readings(type::counter, "souk_access_log_lost_total",
                        "Lines of the access log that were lost.", [&log] {
                          return std::vector<telemetry::registry::labelled_value>{
                              {{{"why", "too_many"}}, static_cast<double>(log.displaced())},
                              {{{"why", "disk"}}, static_cast<double>(log.unwritten())}};
                        });
}

void add_webhook_metrics(telemetry::registry& registry, const webhook::sender_figures& figures) {
  const auto reading = [&](auto what, std::string name, std::string help, const auto& figure) {
    registry.add_reading(what, std::move(name), std::move(help),
                         [&figure] { return static_cast<double>(figure.load()); });
  };
  reading(type::gauge, "souk_webhook_endpoints", "Endpoints that this node sends events to.",
          figures.endpoints);
  reading(type::gauge, "souk_webhook_outages", "Of them, those that take nothing.", figures.outages);
  reading(type::gauge, "souk_webhook_waiting", "Events that they did not take yet.", figures.parked);
  reading(type::counter, "souk_webhook_disabled_total", "Endpoints disabled for what came of deliveries.",
          figures.disabled);
  registry.add_readings(
      type::counter, "souk_webhook_tries_total", "Tries to deliver an event, by what came of them.",
      [&figures] {
        std::vector<telemetry::registry::labelled_value> values;
        values.reserve(webhook::sender_figures::results.size());
        for (std::size_t n = 0; n < webhook::sender_figures::results.size(); ++n)
          values.push_back({{{"result", std::string{webhook::sender_figures::results.at(n)}}},
                            static_cast<double>(figures.tries.at(n).load())});
        return values;
      });
}

void add_nats_metrics(telemetry::registry& registry, const nats::publisher_figures& figures) {
  const auto reading = [&](auto what, std::string name, std::string help, const auto& figure) {
    registry.add_reading(what, std::move(name), std::move(help),
                         [&figure] { return static_cast<double>(figure.load()); });
  };
  reading(type::gauge, "souk_nats_shards", "Shards whose events this node publishes.", figures.shards);
  reading(type::gauge, "souk_nats_waiting", "Events that were read and are not in the stream yet.",
          figures.waiting);
  reading(type::gauge, "souk_nats_away", "1 while NATS takes nothing.", figures.away);
  reading(type::counter, "souk_nats_lost_records_total",
          "Records that were trimmed before their events were published.", figures.lost_records);
  registry.add_reading(type::gauge, "souk_nats_behind_seconds", "How old the oldest event is that waits.",
                       [&figures] { return static_cast<double>(figures.behind_ms.load()) / 1'000; });
  registry.add_readings(
      type::counter, "souk_nats_tries_total", "Tries to publish an event, by what came of them.", [&figures] {
        std::vector<telemetry::registry::labelled_value> values;
        values.reserve(nats::publisher_figures::results.size());
        for (std::size_t n = 0; n < nats::publisher_figures::results.size(); ++n)
          values.push_back({{{"result", std::string{nats::publisher_figures::results.at(n)}}},
                            static_cast<double>(figures.tries.at(n).load())});
        return values;
      });
}

telemetry::readiness shards_ready(const runtime::node& node) {
  const auto serving = node.shards().serving.load();
  return {"shards", node.serving(),
          std::to_string(serving) + " of " + std::to_string(node.options().shard_count) + " serve"};
}

gateway::http_response answer_health(const gateway::http_request& request,
                                     const telemetry::admin_sources& sources) {
  if (request.method != "GET" && request.method != "HEAD") return plain(405, "GET only\n");
  auto answer = telemetry::answer_admin(request.path, sources);
  if (!answer) return plain(404, "there is /livez, /readyz and /metrics\n");
  gateway::http_response response;
  response.status = answer->status;
  response.fields.emplace_back("Content-Type", std::move(answer->content_type));
  response.body = std::move(answer->body);
  return response;
}

}  // namespace souk::nodes
