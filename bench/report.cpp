#include "bench/report.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace souk::bench {
namespace {

// What is told of a histogram, beside its number and its largest value.
constexpr std::array<std::pair<std::string_view, double>, 5> told{
    {{"p50_us", 0.5}, {"p90_us", 0.9}, {"p99_us", 0.99}, {"p999_us", 0.999}, {"p9999_us", 0.9999}}};

double microseconds(std::uint64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e3; }

}  // namespace

histogram& call_times::operator[](std::string_view name) {
  const auto found = by_name_.find(name);
  return found != by_name_.end() ? found->second : by_name_[std::string(name)];
}

void call_times::clear() {
  for (auto& [name, values] : by_name_)
    values = {};
}

void write_calls(json::writer& out, const call_times& times) {
  out.begin_object();
  for (const auto& [name, values] : times.by_name()) {
    if (values.count() == 0) continue;
    out.key(name).begin_object().key("count").integer(static_cast<std::int64_t>(values.count()));
    for (const auto& [key, fraction] : told)
      out.key(key).raw(fmt::format("{:.1f}", microseconds(values.quantile(fraction))));
    out.key("max_us").raw(fmt::format("{:.1f}", microseconds(values.max()))).end_object();
  }
  out.end_object();
}

void print_calls(const call_times& times, std::string_view of) {
  fmt::print("{:<14}{:>10}{:>12}{:>12}{:>12}{:>12}{:>12}{:>12}\n", of, "count", "p50 ms", "p90 ms", "p99 ms",
             "p99.9 ms", "p99.99 ms", "max ms");
  for (const auto& [name, values] : times.by_name()) {
    if (values.count() == 0) continue;
    fmt::print("{:<14}{:>10}", name, values.count());
    for (const auto& [key, fraction] : told)
      fmt::print("{:>12.3f}", microseconds(values.quantile(fraction)) / 1e3);
    fmt::print("{:>12.3f}\n", microseconds(values.max()) / 1e3);
  }
}

}  // namespace souk::bench
