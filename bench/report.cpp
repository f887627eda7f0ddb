#include "bench/report.hpp"

#include <fmt/format.h>

namespace souk::bench {
namespace {

double microseconds(std::uint64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e3; }

}  // namespace

histogram& call_times::operator[](std::string_view name) {
  const auto found = by_name_.find(name);
  return found != by_name_.end() ? found->second : by_name_[std::string(name)];
}

void write_calls(json::writer& out, const call_times& times) {
  out.begin_object();
  for (const auto& [name, values] : times.by_name()) {
    out.key(name).begin_object().key("count").integer(static_cast<std::int64_t>(values.count()));
    out.key("p50_us").raw(fmt::format("{:.1f}", microseconds(values.quantile(0.5))));
    out.key("p99_us").raw(fmt::format("{:.1f}", microseconds(values.quantile(0.99))));
    out.key("p999_us").raw(fmt::format("{:.1f}", microseconds(values.quantile(0.999))));
    out.key("max_us").raw(fmt::format("{:.1f}", microseconds(values.max()))).end_object();
  }
  out.end_object();
}

void print_calls(const call_times& times) {
  fmt::print("{:<14}{:>10}{:>12}{:>12}{:>12}{:>12}\n", "call", "count", "p50 ms", "p99 ms", "p99.9 ms",
             "max ms");
  for (const auto& [name, values] : times.by_name()) {
    fmt::print("{:<14}{:>10}{:>12.3f}{:>12.3f}{:>12.3f}{:>12.3f}\n", name, values.count(),
               microseconds(values.quantile(0.5)) / 1e3, microseconds(values.quantile(0.99)) / 1e3,
               microseconds(values.quantile(0.999)) / 1e3, microseconds(values.max()) / 1e3);
  }
}

}  // namespace souk::bench
