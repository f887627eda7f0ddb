#pragma once

#include "bench/audit.hpp"
#include "bench/load.hpp"
#include "bench/scenarios.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace souk::bench {

/// What a load came to, for whoever reads it.
struct load_report {
  std::string_view scenario;
  std::string_view clients;  ///< What a closed loop's clients are: "shoppers".
  std::string_view unit;  ///< What a round is, as "order": costs are told of it, and its number as "orders".
  /// What only this scenario tells: names, and values that are JSON.
  std::vector<std::pair<std::string_view, std::string>> facts;
  const load_options& options;
  const load_run& run;
  const shopping_tally& tally;
  std::optional<audit_report> books;  ///< Of scenarios that order.
  bool fine = false;                  ///< Whether all was right, as the scenario judges.
};

/// Points of a histogram for a plot: how far (0 to below 1), and microseconds. Ten for each nine: 0, 20.6,
/// ..., 90, ..., 99, ...; as far as its number of values tells.
std::vector<std::pair<double, double>> distribution(const histogram& values);

/// Everything as one JSON object; `whole`: with `timeline` and `distribution`, which are long.
std::string json_of(const load_report& report, bool whole);

/// Everything as one page of HTML that loads nothing: tables, latency by percentile, and the run by seconds.
std::string html_of(const load_report& report);

/// Throws `std::invalid_argument` where a file that the report is to go to cannot be written: before the run.
void check_files(const report_files& files);

/// Prints it, as a table or one line of JSON, and writes the files that are wanted; returns `fine`. Throws
/// `std::runtime_error` that names a file that cannot be written.
bool publish(const stage& stage, const report_files& files, const load_report& report);

}  // namespace souk::bench
