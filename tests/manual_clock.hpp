#pragma once

#include "runtime/seams/seams.hpp"

#include <atomic>
#include <chrono>

namespace souk::tests {

/// A clock that moves only when the test says so. Any thread may read it.
class manual_clock final : public runtime::clock {
 public:
  runtime::timestamp now() const override { return runtime::from_ms(0); }
  std::chrono::nanoseconds steady() const override { return time_; }
  void advance(std::chrono::nanoseconds duration) { time_ = time_.load() + duration; }

 private:
  std::atomic<std::chrono::nanoseconds> time_{};
};

}  // namespace souk::tests
