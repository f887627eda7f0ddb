#include "bench/load_report.hpp"

#include <fmt/format.h>

#include <cmath>
#include <fstream>
#include <stdexcept>

namespace souk::bench {
namespace {

// Of a distribution: points for each nine.
constexpr int points_per_decade = 10;

double microseconds(std::uint64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e3; }

std::string tenths(double value) { return fmt::format("{:.1f}", value); }

std::uint64_t requests_in(const call_times& times) {
  std::uint64_t sum = 0;
  for (const auto& [name, values] : times.by_name())
    sum += values.count();
  return sum;
}

double per_second(const load_report& report, std::uint64_t count) {
  return static_cast<double>(count) / report.run.costs().seconds();
}

// How the load came: so many clients, or so many rounds a second.
void write_load(json::writer& out, const load_report& report) {
  const load_run& run = report.run;
  if (report.options.rate <= 0) {
    out.key(report.clients).integer(report.options.clients);
    return;
  }
  out.key("rate").raw(fmt::format("{}", report.options.rate));
  out.key("under_way_max").integer(report.options.under_way);
  out.key("intended").integer(static_cast<std::int64_t>(run.intended()));
  out.key("not_started").integer(static_cast<std::int64_t>(run.not_started()));
  out.key("started_late_p99_us").raw(tenths(microseconds(run.lateness().quantile(0.99))));
  out.key("started_late_max_us").raw(tenths(microseconds(run.lateness().max())));
}

void write_timeline(json::writer& out, const timeline& seconds) {
  out.begin_array();
  for (const timeline::second& second : seconds.seconds()) {
    out.begin_object().key("count").integer(static_cast<std::int64_t>(second.count));
    out.key("failed").integer(static_cast<std::int64_t>(second.failed));
    out.key("p50_us").raw(tenths(microseconds(second.p50_ns)));
    out.key("p99_us").raw(tenths(microseconds(second.p99_ns)));
    out.key("max_us").raw(tenths(microseconds(second.max_ns))).end_object();
  }
  out.end_array();
}

void write_distributions(json::writer& out, const call_times& times) {
  out.begin_object();
  for (const auto& [name, values] : times.by_name()) {
    out.key(name).begin_array();
    for (const auto& [fraction, value] : distribution(values))
      out.begin_array().raw(fmt::format("{:.6f}", fraction)).raw(tenths(value)).end_array();
    out.end_array();
  }
  out.end_object();
}

std::string load_text(const load_report& report) {
  const load_run& run = report.run;
  if (report.options.rate <= 0) return fmt::format("{} {}", report.options.clients, report.clients);
  return fmt::format(
      "{} {}s/s wanted, {} in all, of which {} did not start ({} under way at most) and 99 % started within "
      "{:.3f} ms",
      report.options.rate, report.unit, run.intended(), run.not_started(), report.options.under_way,
      microseconds(run.lateness().quantile(0.99)) / 1e3);
}

void print_table(const load_report& report) {
  const load_run& run = report.run;
  fmt::print("{}: {}", report.scenario, load_text(report));
  for (const auto& [name, value] : report.facts)
    fmt::print(", {} {}", name, value);
  if (report.options.warm_up > 0) fmt::print(", after {} s of warm-up", report.options.warm_up);
  fmt::print(", {:.1f} s: {} {}s, {:.1f}/s; {:.1f} requests/s\n", run.costs().seconds(), run.done(),
             report.unit, per_second(report, run.done()),
             per_second(report, requests_in(report.tally.times)));
  print_calls(run.rounds(), "round");
  print_calls(report.tally.times);
  print_costs(run.costs(), report.unit, static_cast<double>(run.done()));
  print_errors(report.tally);
  if (report.books) print_books(*report.books, report.tally.orders.size());
  if (!report.fine) fmt::print("NOT everything was right\n");
}

void write_file(const std::string& file, const std::string& text) {
  if (file.empty()) return;
  std::ofstream out(file, std::ios::binary);
  out << text;
  out.close();
  if (!out) throw std::runtime_error(file + " cannot be written");
}

}  // namespace

std::vector<std::pair<double, double>> distribution(const histogram& values) {
  std::vector<std::pair<double, double>> points;
  const auto count = static_cast<double>(values.count());
  for (int i = 0;; ++i) {
    const double beyond = std::pow(10.0, -static_cast<double>(i) / points_per_decade);
    if (beyond * count < 1) return points;
    points.emplace_back(1 - beyond, microseconds(values.quantile(1 - beyond)));
  }
}

std::string json_of(const load_report& report, bool whole) {
  const load_run& run = report.run;
  const std::uint64_t requests = requests_in(report.tally.times);
  json::writer out;
  out.begin_object().key("scenario").string(report.scenario);
  write_load(out, report);
  for (const auto& [name, value] : report.facts)
    out.key(name).raw(value);
  out.key("warm_up").integer(report.options.warm_up);
  out.key("seconds").raw(fmt::format("{:.3f}", run.costs().seconds()));
  out.key(fmt::format("{}s", report.unit)).integer(static_cast<std::int64_t>(run.done()));
  out.key(fmt::format("{}s_per_s", report.unit)).raw(tenths(per_second(report, run.done())));
  out.key("failed").integer(static_cast<std::int64_t>(run.failed()));
  out.key("requests_per_s").raw(tenths(per_second(report, requests)));
  write_errors(out, report.tally);
  out.key("rounds");
  write_calls(out, run.rounds());
  out.key("calls");
  write_calls(out, report.tally.times);
  write_costs(out, run.costs(), report.unit, static_cast<double>(run.done()));
  if (report.books) {
    out.key("audit");
    write_books(out, *report.books);
  }
  if (whole) {
    out.key("timeline");
    write_timeline(out, run.seconds());
    out.key("distribution").begin_object().key("rounds");
    write_distributions(out, run.rounds());
    out.key("calls");
    write_distributions(out, report.tally.times);
    out.end_object();
  }
  out.key("fine").boolean(report.fine).end_object();
  return std::move(out).take();
}

void check_files(const report_files& files) {
  for (const std::string& file : {files.json, files.html}) {
    if (!file.empty() && !std::ofstream(file, std::ios::app))
      throw std::invalid_argument(file + " cannot be written");
  }
}

bool publish(const stage& stage, const report_files& files, const load_report& report) {
  stage.json ? fmt::print("{}\n", json_of(report, false)) : print_table(report);
  write_file(files.json, json_of(report, true) + "\n");
  write_file(files.html, html_of(report));
  return report.fine;
}

}  // namespace souk::bench
