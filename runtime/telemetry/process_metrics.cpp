#include "runtime/telemetry/process_metrics.hpp"

#include <sys/resource.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>

namespace souk::telemetry {

namespace {

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
}

/// A line of /proc/self/status that counts kilobytes; 0 if the kernel shows none.
double status_bytes(std::string_view field) {
  std::ifstream status{"/proc/self/status"};
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with(field) || line.size() <= field.size() || line[field.size()] != ':') continue;
    return std::stod(line.substr(field.size() + 1)) * 1024;
  }
  return 0;
}

double open_files() {
  std::error_code ignored;
  const std::filesystem::directory_iterator files{"/proc/self/fd", ignored};
  return static_cast<double>(std::distance(begin(files), end(files)));
}

}  // namespace

void add_process_metrics(registry& registry) {
  using enum registry::type;
  registry.add_reading(counter, "process_cpu_seconds_total", "Processor time used, user and system.",
                       cpu_seconds);
  registry.add_reading(gauge, "process_resident_memory_bytes", "Resident memory, mapped storage included.",
                       [] { return status_bytes("VmRSS"); });
  registry.add_reading(gauge, "process_anonymous_memory_bytes",
                       "Resident memory that is not mapped from files.",
                       [] { return status_bytes("RssAnon"); });
  registry.add_reading(gauge, "process_open_fds", "Open files and connections.", open_files);
}

}  // namespace souk::telemetry
