#pragma once

#include "bench/http_client.hpp"

#include <optional>
#include <string_view>

namespace souk::bench {

/// What a server counts about itself, on its admin listener.
struct server_figures {
  double records = 0;      ///< Journal records written.
  double commits = 0;      ///< Journal commits, each one synchronous.
  double cpu_seconds = 0;  ///< Processor time of the process.
};

/// The sum over all label sets of one metric in Prometheus' text form; nothing if it is not there.
std::optional<double> metric(std::string_view text, std::string_view name);

/// Reads `/metrics`; nothing if the admin listener cannot be reached or lacks one of the figures.
std::optional<server_figures> read_figures(const endpoint& admin);

/// Processor time of this process so far, in seconds.
double own_cpu_seconds();

}  // namespace souk::bench
