#pragma once

#include "actors/gateway/tls.hpp"
#include "nodes/config/config.hpp"
#include "runtime/telemetry/metrics.hpp"

#include <optional>
#include <string>

namespace souk::nodes {

/// How a node serves by TLS; nothing if it does not.
std::optional<gateway::tls_options> https_of(const config::settings& settings,
                                             const config::node_settings& node);

/// Refuses certificates that cannot be served with. `file` is where the settings are from. Throws
/// `config::config_error`.
void refuse_bad_https(const config::settings& settings, const config::node_settings& node,
                      const std::string& file);

/// What the listener counts about TLS; it must outlive the registry's use.
void add_https_metrics(telemetry::registry& registry, const gateway::tls_listener& listener);

}  // namespace souk::nodes
