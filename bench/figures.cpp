#include "bench/figures.hpp"

#include "bench/shop_client.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <charconv>
#include <string>

namespace souk::bench {

std::optional<double> metric(std::string_view text, std::string_view name) {
  std::optional<double> sum;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (!line.starts_with(name) || line.size() == name.size()) continue;
    std::size_t value_at = name.size();
    if (line[value_at] == '{') value_at = line.rfind('}') + 1;
    if (value_at >= line.size() || line[value_at] != ' ') continue;
    const std::string_view digits = line.substr(value_at + 1);
    double value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error == std::errc{}) sum = sum.value_or(0) + value;
  }
  return sum;
}

std::optional<server_figures> figures_in(std::string_view metrics) {
  const auto records = metric(metrics, "souk_journal_records_total");
  const auto commits = metric(metrics, "souk_journal_commits_total");
  const auto cpu = metric(metrics, "process_cpu_seconds_total");
  if (!records || !commits || !cpu) return std::nullopt;
  return server_figures{*records, *commits, *cpu};
}

std::optional<server_figures> read_figures(const endpoint& admin) {
  std::string text;
  try {
    text = shop_client({admin, {}}).get_text("/metrics");
  } catch (const std::runtime_error&) {
    return std::nullopt;
  }
  return figures_in(text);
}

double own_cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

cost_meter::cost_meter(const std::optional<endpoint>& admin) : admin_(admin) {
  if (admin_) before_ = read_figures(*admin_);
  client_cpu_seconds_ = -own_cpu_seconds();
  started_ = std::chrono::steady_clock::now();
}

task<void> cost_meter::begin_again(event_loop& loop) {
  before_.reset();
  if (admin_) {
    connection link(loop, *admin_);
    request_text text(*admin_, {});
    const std::string_view request = text.get("/metrics");
    const http_answer& answer = co_await link.send(request);
    if (answer.ok()) before_ = figures_in(answer.body);
  }
  client_cpu_seconds_ = -own_cpu_seconds();
  started_ = std::chrono::steady_clock::now();
}

void cost_meter::stop() {
  seconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
  client_cpu_seconds_ += own_cpu_seconds();
  if (!before_) return;
  const auto after = read_figures(*admin_);
  if (!after) return;
  spent_ = server_figures{after->records - before_->records, after->commits - before_->commits,
                          after->cpu_seconds - before_->cpu_seconds};
}

void write_costs(json::writer& out, const cost_meter& costs, std::string_view unit, double count) {
  const auto put = [&out](const std::string& name, double value, double of, const char* format) {
    out.key(name);
    of > 0 ? out.raw(fmt::format(fmt::runtime(format), value / of)) : out.null();
  };
  const server_figures spent = costs.server().value_or(server_figures{});
  const double known = costs.server() ? count : 0;
  put("records_per_commit", spent.records, spent.commits, "{:.2f}");
  put("syncs_per_s", spent.commits, known > 0 ? costs.seconds() : 0, "{:.1f}");
  put(fmt::format("commits_per_{}", unit), spent.commits, known, "{:.3f}");
  put(fmt::format("cpu_us_per_{}", unit), spent.cpu_seconds * 1e6, known, "{:.1f}");
  put(fmt::format("client_cpu_us_per_{}", unit), costs.client_cpu_seconds() * 1e6, count, "{:.1f}");
}

void print_costs(const cost_meter& costs, std::string_view unit, double count) {
  const double each = count > 0 ? count : 1;
  if (costs.server()) {
    const server_figures& spent = *costs.server();
    fmt::print("journal: {:.2f} records per commit, {:.1f} syncs/s; processor per {}: server {:.1f} us",
               spent.commits > 0 ? spent.records / spent.commits : 0.0, spent.commits / costs.seconds(), unit,
               spent.cpu_seconds * 1e6 / each);
  } else {
    fmt::print("no figures of the server (its admin listener does not answer); processor per {}:", unit);
  }
  fmt::print(", client {:.1f} us\n", costs.client_cpu_seconds() * 1e6 / each);
}

}  // namespace souk::bench
