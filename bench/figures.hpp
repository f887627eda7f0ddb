#pragma once

#include "actors/json/writer.hpp"
#include "bench/http_client.hpp"

#include <chrono>
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

/// What a text of `/metrics` says; nothing if it lacks one of the figures.
std::optional<server_figures> figures_in(std::string_view metrics);

/// Reads `/metrics`; nothing if the admin listener cannot be reached or lacks one of the figures.
std::optional<server_figures> read_figures(const endpoint& admin);

/// Processor time of this process so far, in seconds.
double own_cpu_seconds();

/// What a measured time costs the server and the load generator, from its making to `stop()`. One thread.
class cost_meter {
 public:
  /// `admin`: where the server's own figures are; absent: not reported.
  explicit cost_meter(const std::optional<endpoint>& admin);
  /// Begins anew, in a loop that is at work.
  task<void> begin_again(event_loop& loop);
  void stop();

  double seconds() const { return seconds_; }
  /// Of the load generator.
  double client_cpu_seconds() const { return client_cpu_seconds_; }
  /// What the server wrote and used meanwhile; nothing where its figures could not be read.
  const std::optional<server_figures>& server() const { return spent_; }

 private:
  std::optional<endpoint> admin_;
  std::optional<server_figures> before_;
  std::optional<server_figures> spent_;
  double client_cpu_seconds_ = 0;
  double seconds_ = 0;
  std::chrono::steady_clock::time_point started_;
};

/// The members "records_per_commit", "syncs_per_s", "commits_per_UNIT", "cpu_us_per_UNIT" (of the server) and
/// "client_cpu_us_per_UNIT", null where nobody knows. `count`: what was done, in units as "order".
void write_costs(json::writer& out, const cost_meter& costs, std::string_view unit, double count);

/// The same as a line on standard output.
void print_costs(const cost_meter& costs, std::string_view unit, double count);

}  // namespace souk::bench
