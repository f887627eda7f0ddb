#include "bench/load_report.hpp"
#include "bench/plot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

namespace souk::bench {
namespace {

// Of a timeline: more seconds than these are drawn several to a point.
constexpr std::size_t points_max = 1'200;
// Below it no plot of times begins, in ms: what takes less is drawn there.
constexpr double least_ms = 0.01;

constexpr std::string_view head = R"(<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<style>
:root { color-scheme: light dark }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; margin: .5rem 0 1.5rem }
th, td { padding: .15rem .8rem; text-align: right; border-bottom: 1px solid #8884 }
th:first-child, td:first-child { text-align: left }
svg { width: 100%; font: 12px system-ui, sans-serif }
svg text { fill: currentColor }
.grid { stroke: #8884; fill: none }
.wrong { color: #d33; font-weight: bold }
</style>
)";

double milliseconds(std::uint64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e6; }

void row(std::string& out, std::string_view name, const std::string& value) {
  fmt::format_to(std::back_inserter(out), "<tr><td>{}</td><td>{}</td></tr>\n", html_escaped(name),
                 html_escaped(value));
}

std::string load_table(const load_report& report) {
  const load_run& run = report.run;
  std::string out = "<table>\n";
  if (report.options.rate > 0) {
    row(out, fmt::format("{}s a second, wanted", report.unit), fmt::format("{}", report.options.rate));
    row(out, "to start in all", fmt::format("{}", run.intended()));
    row(out, fmt::format("not started, {} were under way", report.options.under_way),
        fmt::format("{}", run.not_started()));
    row(out, "started late by the load generator itself, p99",
        fmt::format("{:.3f} ms", milliseconds(run.lateness().quantile(0.99))));
  } else {
    row(out, report.clients, fmt::format("{}", report.options.clients));
  }
  for (const auto& [name, value] : report.facts)
    row(out, name, value);
  row(out, "warm-up", fmt::format("{} s", report.options.warm_up));
  row(out, "measured", fmt::format("{:.1f} s", run.costs().seconds()));
  row(out, fmt::format("{}s", report.unit), fmt::format("{}", run.done()));
  row(out, fmt::format("{}s a second", report.unit),
      fmt::format("{:.1f}", static_cast<double>(run.done()) / run.costs().seconds()));
  row(out, "failed", fmt::format("{}", run.failed()));
  const double done = std::max(1.0, static_cast<double>(run.done()));
  if (const auto& spent = run.costs().server()) {
    row(out, fmt::format("processor of the server for each {}", report.unit),
        fmt::format("{:.0f} us", spent->cpu_seconds * 1e6 / done));
    row(out, fmt::format("journal's commits for each {}", report.unit),
        fmt::format("{:.3f}", spent->commits / done));
  }
  row(out, fmt::format("processor of the load generator for each {}", report.unit),
      fmt::format("{:.0f} us", run.costs().client_cpu_seconds() * 1e6 / done));
  return out + "</table>\n";
}

std::string times_table(std::string_view of, const call_times& times) {
  std::string out = fmt::format(
      "<table><tr><th>{}</th><th>count</th><th>p50 ms</th><th>p90 ms</th><th>p99 ms</th><th>p99.9 ms</th>"
      "<th>p99.99 ms</th><th>max ms</th></tr>\n",
      of);
  for (const auto& [name, values] : times.by_name()) {
    if (values.count() == 0) continue;
    fmt::format_to(std::back_inserter(out), "<tr><td>{}</td><td>{}</td>", html_escaped(name), values.count());
    for (const double fraction : {0.5, 0.9, 0.99, 0.999, 0.9999, 1.0})
      fmt::format_to(std::back_inserter(out), "<td>{:.3f}</td>", milliseconds(values.quantile(fraction)));
    out += "</tr>\n";
  }
  return out + "</table>\n";
}

// A line of times in ms over how many nines of all are below.
plot_line percentile_line(const std::string& name, const histogram& values) {
  plot_line line{name, {}};
  for (const auto& [fraction, us] : distribution(values))
    line.points.emplace_back(-std::log10(1 - fraction), us / 1e3);
  return line;
}

std::string percentiles_plot(const load_report& report) {
  std::vector<plot_line> lines;
  for (const auto& [name, values] : report.run.rounds().by_name())
    if (values.count() > 0) lines.push_back(percentile_line("whole " + name, values));
  for (const auto& [name, values] : report.tally.times.by_name())
    if (values.count() > 0) lines.push_back(percentile_line(name, values));
  double nines = 1;
  double most = 10 * least_ms;
  double least = most;
  for (const plot_line& line : lines) {
    nines = std::max(nines, line.points.back().first);
    most = std::max(most, line.points.back().second);
    least = std::min(least, line.points.front().second);
  }
  plot_axis x{"percentile", 0, std::ceil(nines), false, {{0, "0"}, {1, "90 %"}}};
  for (double nine = 2; nine <= x.to; ++nine)
    x.marks.emplace_back(
        nine, fmt::format("{:.{}f} %", 100 - std::pow(10.0, 2 - nine), static_cast<int>(nine) - 2));
  return svg_plot(x, decades_axis("ms", std::max(least, least_ms), most), lines);
}

// The run second by second; of long runs the mean of the counts and the worst of the times in each point.
struct drawn_seconds {
  plot_line rate{"a second", {}};
  plot_line failed{"failed", {}};
  plot_line p50{"p50", {}};
  plot_line p99{"p99", {}};
  plot_line worst{"slowest", {}};
  double rate_most = 1;
  double time_most = 10 * least_ms;
  double length = 1;
};

drawn_seconds draw(const std::vector<timeline::second>& seconds) {
  drawn_seconds drawn;
  drawn.length = static_cast<double>(std::max<std::size_t>(seconds.size(), 1));
  const std::size_t each = seconds.size() / points_max + 1;
  for (std::size_t from = 0; from < seconds.size(); from += each) {
    const std::size_t to = std::min(from + each, seconds.size());
    timeline::second sum;
    for (std::size_t i = from; i < to; ++i) {
      sum.count += seconds[i].count;
      sum.failed += seconds[i].failed;
      sum.p50_ns = std::max(sum.p50_ns, seconds[i].p50_ns);
      sum.p99_ns = std::max(sum.p99_ns, seconds[i].p99_ns);
      sum.max_ns = std::max(sum.max_ns, seconds[i].max_ns);
    }
    const auto at = static_cast<double>(from);
    const auto width = static_cast<double>(to - from);
    drawn.rate.points.emplace_back(at, static_cast<double>(sum.count) / width);
    drawn.failed.points.emplace_back(at, static_cast<double>(sum.failed) / width);
    drawn.p50.points.emplace_back(at, milliseconds(sum.p50_ns));
    drawn.p99.points.emplace_back(at, milliseconds(sum.p99_ns));
    drawn.worst.points.emplace_back(at, milliseconds(sum.max_ns));
    drawn.rate_most =
        std::max({drawn.rate_most, drawn.rate.points.back().second, drawn.failed.points.back().second});
    drawn.time_most = std::max(drawn.time_most, drawn.worst.points.back().second);
  }
  return drawn;
}

std::string timeline_plots(const load_report& report) {
  const drawn_seconds drawn = draw(report.run.seconds().seconds());
  const plot_axis x = linear_axis("seconds", drawn.length);
  return fmt::format(
      "<h2>{0}s that ended in each second</h2>\n{1}\n<h2>Their times</h2>\n{2}\n", report.unit,
      svg_plot(x, linear_axis("a second", drawn.rate_most), {drawn.rate, drawn.failed}),
      svg_plot(x, decades_axis("ms", least_ms * 10, drawn.time_most), {drawn.p50, drawn.p99, drawn.worst}));
}

std::string verdict(const load_report& report) {
  std::string out = report.fine ? "<p>Every answer was right, and all checks at the end held.</p>\n"
                                : "<p class='wrong'>Not everything was right.</p>\n";
  if (report.books) {
    fmt::format_to(
        std::back_inserter(out),
        "<p>Audit: {} unbalanced skus, {} charges for {} orders, {} of {} answered orders are there.</p>\n",
        report.books->unbalanced, report.books->charges, report.books->orders, report.books->answered,
        report.tally.orders.size());
    for (const std::string& finding : report.books->findings)
      out += "<p class='wrong'>" + html_escaped(finding) + "</p>\n";
  }
  for (const auto& [code, count] : report.tally.errors)
    fmt::format_to(std::back_inserter(out), "<p>{}: {}</p>\n", html_escaped(code), count);
  for (const auto& [code, detail] : report.tally.first_errors)
    fmt::format_to(std::back_inserter(out), "<p>the first {}: {}</p>\n", html_escaped(code),
                   html_escaped(detail));
  return out;
}

}  // namespace

std::string html_of(const load_report& report) {
  const std::string title = fmt::format("souk bench {}", report.scenario);
  std::string out(head);
  fmt::format_to(std::back_inserter(out), "<title>{0}</title></head><body>\n<h1>{0}</h1>\n", title);
  out += verdict(report) + load_table(report);
  out += times_table("whole round", report.run.rounds()) + times_table("call", report.tally.times);
  out += "<h2>Time by percentile</h2>\n" + percentiles_plot(report);
  if (report.options.rate > 0)
    out += "<p>Whole rounds count from the moment at which they were to start.</p>\n";
  return out + timeline_plots(report) + "</body></html>\n";
}

}  // namespace souk::bench
