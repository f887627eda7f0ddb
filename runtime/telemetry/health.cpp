#include "runtime/telemetry/health.hpp"

#include "runtime/telemetry/json_text.hpp"
#include "runtime/telemetry/metrics.hpp"

#include <algorithm>

namespace souk::telemetry {

namespace {

constexpr const char* json = "application/json";

std::string ready_body(const std::vector<readiness>& conditions, bool all_ready) {
  std::string body = all_ready ? R"({"ready":true,"checks":[)" : R"({"ready":false,"checks":[)";
  for (const auto& condition : conditions) {
    if (&condition != &conditions.front()) body += ',';
    body += "{\"name\":";
    append_json_string(body, condition.name);
    body += condition.ready ? ",\"ready\":true" : ",\"ready\":false";
    if (!condition.detail.empty()) {
      body += ",\"detail\":";
      append_json_string(body, condition.detail);
    }
    body += '}';
  }
  body += "]}";
  return body;
}

}  // namespace

std::optional<admin_answer> answer_admin(std::string_view path, const admin_sources& sources) {
  if (path == "/livez") return admin_answer{200, json, R"({"live":true})"};
  if (path == "/readyz") {
    const auto conditions = sources.ready();
    const bool all_ready = std::ranges::all_of(conditions, &readiness::ready);
    return admin_answer{all_ready ? 200 : 503, json, ready_body(conditions, all_ready)};
  }
  if (path == "/metrics") return admin_answer{200, registry::content_type, sources.metrics()};
  return std::nullopt;
}

}  // namespace souk::telemetry
