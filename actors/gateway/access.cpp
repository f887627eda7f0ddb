#include "actors/gateway/access.hpp"

#include "actors/gateway/routes.hpp"
#include "runtime/trace_context.hpp"

#include <algorithm>

namespace souk::gateway {

namespace {

/// The method as a text of ours; empty if it is none that a route could have.
std::string_view known_method(std::string_view method) {
  const auto* found = std::find(served_methods.begin(), served_methods.end(), method);
  return found == served_methods.end() ? std::string_view{} : *found;
}

}  // namespace

telemetry::access_entry access_of(const http_request& http, const http_response& response,
                                  const route* route) {
  telemetry::access_entry entry;
  entry.route = route == nullptr ? std::string_view{"none"} : route->name;
  entry.method = known_method(http.method);
  entry.status = response.status;
  entry.bytes = entry.method == "HEAD" ? 0 : response.body.size();
  entry.client = http.client;
  return entry;
}

void record_unread(telemetry::access_log& log, const http_request& http, const http_response& response,
                   const services& services) {
  auto entry = access_of(http, response, route_of(http, services.test_mode));
  const auto request_id = std::find_if(response.fields.begin(), response.fields.end(),
                                       [](const auto& field) { return field.first == "Request-Id"; });
  if (request_id != response.fields.end()) entry.request_id = request_id->second;
  const auto traceparent = traceparent_of(http, *services.random);
  entry.time = services.clock->now();
  entry.trace_id = runtime::trace_id_of(traceparent);
  entry.tenant = services.tenant;
  log.record(entry);
}

}  // namespace souk::gateway
