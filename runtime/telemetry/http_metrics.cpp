#include "runtime/telemetry/http_metrics.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace souk::telemetry {

namespace {

/// The statuses that are counted by themselves; the slot after them takes any other.
constexpr std::array statuses{100, 200, 201, 202, 204, 206, 301, 302, 303, 304, 307, 308, 400, 401,
                              403, 404, 405, 406, 408, 409, 410, 411, 412, 413, 414, 415, 417, 421,
                              422, 423, 424, 425, 428, 429, 431, 500, 501, 502, 503, 504, 505, 507};
constexpr std::size_t status_slots = statuses.size() + 1;

std::size_t slot_of(int status) {
  const auto found = std::ranges::lower_bound(statuses, status);
  if (found == statuses.end() || *found != status) return statuses.size();
  return static_cast<std::size_t>(found - statuses.begin());
}

std::string name_of(std::size_t slot) {
  return slot < statuses.size() ? std::to_string(statuses[slot]) : "other";
}

}  // namespace

http_metrics::http_metrics(registry& registry, std::vector<std::string> routes)
    : routes_(std::move(routes)),
      cells_(routes_.size() * status_slots),
      took_(registry.add_histogram_row(
          "souk_http_request_seconds",
          "Time from when a request was read to when its answer was handed over for writing.", "route",
          routes_)),
      waited_(registry.add_histogram("souk_http_queue_seconds",
                                     "Time from when a request was read to when a gateway took it up.")) {
  registry.add_readings(registry::type::counter, "souk_http_requests_total", "Requests answered.",
                        [this] { return read(); });
}

void http_metrics::record(std::size_t route, int status, std::chrono::nanoseconds took) noexcept {
  record(route, status);
  took_.at(route).observe(took);
}

void http_metrics::record(std::size_t route, int status) noexcept {
  const auto row = std::min(route, routes_.size() - 1);
  cells_[row * status_slots + slot_of(status)].add();
}

std::vector<registry::labelled_value> http_metrics::read() const {
  std::vector<registry::labelled_value> values;
  for (std::size_t cell = 0; cell < cells_.size(); ++cell) {
    const auto count = cells_[cell].value();
    if (count == 0) continue;  // most pairs of route and status never come about
    values.push_back({{{"route", routes_[cell / status_slots]}, {"status", name_of(cell % status_slots)}},
                      static_cast<double>(count)});
  }
  return values;
}

}  // namespace souk::telemetry
