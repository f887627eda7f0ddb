#include "bench/figures.hpp"

#include "bench/shop_client.hpp"

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

std::optional<server_figures> read_figures(const endpoint& admin) {
  std::string text;
  try {
    text = shop_client({admin, {}}).get_text("/metrics");
  } catch (const std::runtime_error&) {
    return std::nullopt;
  }
  const auto records = metric(text, "souk_journal_records_total");
  const auto commits = metric(text, "souk_journal_commits_total");
  const auto cpu = metric(text, "process_cpu_seconds_total");
  if (!records || !commits || !cpu) return std::nullopt;
  return server_figures{*records, *commits, *cpu};
}

double own_cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace souk::bench
