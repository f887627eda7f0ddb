#include "bench/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

namespace souk::bench {
namespace {

constexpr std::chrono::milliseconds show_every{200};
constexpr auto wipe = "\r\x1b[K";

}  // namespace

std::string progress_text(const std::string& what, const std::string& unit, std::uint64_t count,
                          std::uint64_t total, double seconds) {
  const double rate = seconds > 0 ? static_cast<double>(count) / seconds : 0.0;
  if (total == 0) return fmt::format("{}: {} {}, {:.0f}/s", what, count, unit, rate);
  std::string text = fmt::format("{}: {}/{} {}, {:.0f}/s", what, count, total, unit, rate);
  if (rate > 0 && count < total) {
    const auto left = static_cast<std::uint64_t>(static_cast<double>(total - count) / rate);
    text += fmt::format(", {}:{:02} left", left / 60, left % 60);
  }
  return text;
}

progress_line::progress_line(std::string what, std::string unit, std::uint64_t total)
    : what_(std::move(what)),
      unit_(std::move(unit)),
      total_(total),
      terminal_(isatty(STDERR_FILENO) == 1),
      started_(std::chrono::steady_clock::now()),
      shown_(started_) {}

progress_line::~progress_line() {
  if (terminal_) std::fputs(wipe, stderr);
}

void progress_line::done(std::uint64_t count) {
  if (!terminal_) return;
  const auto now = std::chrono::steady_clock::now();
  if (now - shown_ < show_every) return;
  show(count, now);
}

void progress_line::show(std::uint64_t count, std::chrono::steady_clock::time_point now) {
  shown_ = now;
  const double seconds = std::chrono::duration<double>(now - started_).count();
  fmt::print(stderr, "{}{}", wipe, progress_text(what_, unit_, count, total_, seconds));
}

}  // namespace souk::bench
