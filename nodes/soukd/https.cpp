#include "nodes/soukd/https.hpp"

#include "runtime/seams/seams.hpp"
#include "runtime/telemetry/log.hpp"

#include <atomic>
#include <chrono>

namespace souk::nodes {

namespace {

gateway::certificate_files files_of(const config::https_certificate& files, const std::string& node) {
  const auto own = config::of_node(files, node);
  return {own.certificate, own.key};
}

void tell_of_reload(const std::string& problem) {
  if (problem.empty())
    log::info("the certificates for clients were read again");
  else
    log::error("the certificates for clients cannot be used; the earlier ones stay", {{"why", problem}});
}

}  // namespace

std::optional<gateway::tls_options> https_of(const config::settings& settings,
                                             const config::node_settings& node) {
  if (!node.https) return std::nullopt;
  const auto& tls = settings.http.tls;
  gateway::tls_options options;
  options.address = node.https->address;
  options.port = node.https->port;
  options.main = files_of(tls.main, node.id);
  for (const auto& other : tls.others)
    options.others.push_back(files_of(other, node.id));
  options.handshake_timeout_ms = static_cast<unsigned>(tls.handshake_timeout.count());
  options.reload_interval_ms = static_cast<unsigned>(tls.reload_interval.count());
  options.hsts = std::chrono::floor<std::chrono::seconds>(tls.hsts);
  options.reloaded = tell_of_reload;
  return options;
}

void refuse_bad_https(const config::settings& settings, const config::node_settings& node,
                      const std::string& file) {
  const auto options = https_of(settings, node);
  if (!options) return;
  try {
    gateway::check(*options, std::chrono::floor<std::chrono::seconds>(runtime::make_system_clock()->now()));
  } catch (const gateway::bad_tls_files& error) {
    throw config::config_error(file, {{settings.http.tls.line, std::string{"http.tls: "} + error.what()}});
  }
}

void add_https_metrics(telemetry::registry& registry, const gateway::tls_listener& listener) {
  using type = telemetry::registry::type;
  const auto& figures = listener.tls();
  const auto add = [&](type kind, const char* name, const char* help, const auto& value) {
    registry.add_reading(kind, name, help, [&value] { return static_cast<double>(value.load()); });
  };
  add(type::counter, "souk_https_handshakes_total", "TLS handshakes with clients.", figures.handshakes);
  add(type::counter, "souk_https_resumed_total", "Handshakes that resumed a session.", figures.resumed);
  add(type::counter, "souk_https_handshakes_failed_total",
      "Handshakes that were refused, broken off or too slow.", figures.failed);
  add(type::counter, "souk_https_reloads_total", "Times that new certificates were taken up.",
      figures.reloads);
  add(type::counter, "souk_https_reloads_failed_total", "Times that new certificates could not be used.",
      figures.reloads_failed);
  add(type::gauge, "souk_https_certificate_expiry_seconds",
      "When the first certificate for clients ends, in seconds since 1970.", figures.expiry_s);
}

}  // namespace souk::nodes
