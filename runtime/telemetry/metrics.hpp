#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

/// Numbers for operators, in Prometheus' terms. Counting costs one relaxed atomic addition: whoever counts
/// holds the counter itself and never looks it up. Everything else happens when somebody asks.
namespace souk::telemetry {

/// Goes up only. Any thread.
class counter {
 public:
  void add(std::uint64_t count = 1) noexcept { value_.fetch_add(count, std::memory_order_relaxed); }
  std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// How long things took, in buckets of 1, 2 and 5 times a power of ten from 10 µs to 10 s: from an answer out
/// of memory to the deadline of a request, near enough to each other to tell a commit from two. All
/// histograms have the same ones, so that one can be held against another. Any thread.
class histogram {
 public:
  static constexpr std::size_t bounds = 19;

  void observe(std::chrono::nanoseconds time) noexcept;

  /// The upper end of a bucket, inclusive.
  static std::chrono::nanoseconds bound(std::size_t bucket) noexcept;
  /// Observations in this bucket alone; the bucket `bounds` holds what took longer than all.
  std::uint64_t count(std::size_t bucket) const noexcept {
    return counts_.at(bucket).load(std::memory_order_relaxed);
  }
  std::chrono::nanoseconds sum() const noexcept {
    return std::chrono::nanoseconds{sum_.load(std::memory_order_relaxed)};
  }

 private:
  std::array<std::atomic<std::uint64_t>, bounds + 1> counts_{};
  std::atomic<std::int64_t> sum_{0};
};

/// One metric for each value of a label: `souk_commands_total{kind="cart"}`. Whatever is out of range is the
/// last one's.
template <class Metric>
class metric_row {
 public:
  explicit metric_row(std::size_t size) : cells_(size) {}
  Metric& at(std::size_t value) noexcept { return cells_[value < cells_.size() ? value : cells_.size() - 1]; }

 private:
  std::vector<Metric> cells_;
};
/// Values without a name ("") are not shown.
using counter_row = metric_row<counter>;
/// Those without an observation are not shown.
using histogram_row = metric_row<histogram>;

/// All metrics of a process. They are declared while it starts, by one thread; after that any thread may
/// count, and any may render. Metrics live as long as the registry.
class registry {
 public:
  enum class type : std::uint8_t { counter, gauge };

  registry();
  ~registry();
  registry(const registry&) = delete;
  registry& operator=(const registry&) = delete;

  counter& add_counter(std::string name, std::string help);
  histogram& add_histogram(std::string name, std::string help);
  /// `values`: at least one; the last one also takes what is out of range.
  counter_row& add_counter_row(std::string name, std::string help, std::string label,
                               std::vector<std::string> values);
  /// `values`: as above.
  histogram_row& add_histogram_row(std::string name, std::string help, std::string label,
                                   std::vector<std::string> values);

  /// A number that others keep, or that must be asked for: read whenever metrics are rendered, from the
  /// thread that asks.
  void add_reading(type type, std::string name, std::string help, std::function<double()> read);
  /// One that has labels and is shown for those of its cells that are not zero.
  struct labelled_value {
    std::vector<std::pair<std::string, std::string>> labels;
    double value = 0;
  };
  void add_readings(type type, std::string name, std::string help,
                    std::function<std::vector<labelled_value>()> read);

  /// The text exposition format, version 0.0.4.
  std::string render() const;
  static constexpr const char* content_type = "text/plain; version=0.0.4; charset=utf-8";

 private:
  struct family;
  family& add(std::string name, std::string help);

  std::vector<std::unique_ptr<family>> families_;
};

}  // namespace souk::telemetry
