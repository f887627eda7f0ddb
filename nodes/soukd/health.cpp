#include "nodes/soukd/health.hpp"

#include <sys/resource.h>

#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

namespace souk::nodes {

namespace {

// One family of the Prometheus text format, version 0.0.4.
class exposition {
 public:
  exposition() { out_.precision(15); }
  void counter(std::string_view name, std::string_view help, double value) {
    family(name, help, "counter", value);
  }
  void gauge(std::string_view name, std::string_view help, double value) {
    family(name, help, "gauge", value);
  }
  std::string take() && { return std::move(out_).str(); }

 private:
  void family(std::string_view name, std::string_view help, std::string_view type, double value) {
    out_ << "# HELP " << name << ' ' << help << "\n# TYPE " << name << ' ' << type << '\n'
         << name << ' ' << value << '\n';
  }

  std::ostringstream out_;
};

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// A figure of /proc/self/status, in bytes.
double memory_figure(std::string_view name) {
  std::ifstream status{"/proc/self/status"};
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(name)) return 1024.0 * std::stod(line.substr(name.size() + 1));
  }
  return 0;
}

std::string metrics(const health_sources& sources) {
  const auto& shards = sources.node->shards();
  const auto& writers = sources.node->writers();
  const auto usage = sources.storage->usage();
  exposition out;
  out.counter("souk_commands_total", "Commands and reads that shards took up.", shards.commands);
  out.counter("souk_journal_records_total", "Records committed to the journal.", writers.records);
  out.counter("souk_journal_commits_total", "Commits of the journal.", writers.commits);
  out.counter("souk_journal_bytes_total", "Bytes of records committed to the journal.", writers.bytes);
  out.counter("souk_journal_commit_seconds_total", "Time spent in commits of the journal.",
              static_cast<double>(writers.commit_nanoseconds) / 1e9);
  out.counter("souk_state_commits_total", "Commits of the state.", writers.state_commits);
  out.counter("souk_state_rows_total", "Rows written to the state.", shards.state_rows);
  out.counter("souk_entity_restarts_total", "Entities that failed.", shards.entity_restarts);
  out.counter("souk_quarantined_total", "Messages set aside.", shards.quarantined);
  out.counter("souk_refused_overloaded_total", "Requests refused because a bound was reached.",
              shards.refused_overloaded);
  out.gauge("souk_entities_active", "Entities in memory.", shards.entities_active);
  out.gauge("souk_effects_outstanding", "Effects not yet acknowledged.",
            static_cast<double>(shards.effects_outstanding));
  out.gauge("souk_shards_serving", "Shards that serve on this node.", static_cast<double>(shards.serving));
  out.gauge("souk_storage_journal_bytes", "Bytes in use in the journal.",
            static_cast<double>(usage.journal_bytes));
  out.gauge("souk_storage_state_bytes", "Bytes in use in the state.", static_cast<double>(usage.state_bytes));
  out.gauge("souk_storage_disk_free_bytes", "Free bytes of the file system.",
            static_cast<double>(usage.disk_free_bytes));
  out.counter("process_cpu_seconds_total", "Processor time used.", cpu_seconds());
  out.gauge("process_resident_memory_bytes", "Resident memory.", memory_figure("VmRSS"));
  out.gauge("process_anonymous_memory_bytes", "Resident memory that is not a file's.",
            memory_figure("RssAnon"));
  return std::move(out).take();
}

gateway::http_response text(int status, std::string body) {
  gateway::http_response response;
  response.status = status;
  response.fields.emplace_back("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
  response.body = std::move(body);
  return response;
}

}  // namespace

gateway::http_response answer_health(const gateway::http_request& request, const health_sources& sources) {
  if (request.method != "GET" && request.method != "HEAD") return text(405, "GET only\n");
  if (request.path == "/livez") return text(200, "alive\n");
  if (request.path == "/readyz") return sources.ready ? text(200, "ready\n") : text(503, "not ready\n");
  if (request.path == "/metrics") return text(200, metrics(sources));
  return text(404, "there is /livez, /readyz and /metrics\n");
}

}  // namespace souk::nodes
