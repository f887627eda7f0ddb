#include "runtime/telemetry/metrics.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>
#include <stdexcept>

namespace souk::telemetry {

namespace {

constexpr std::array<std::int64_t, histogram::bounds> make_bounds() {
  std::array<std::int64_t, histogram::bounds> bounds{};
  std::int64_t decade = 10'000;  // 10 µs
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    constexpr std::array<std::int64_t, 3> steps{1, 2, 5};
    bounds[i] = decade * steps[i % 3];
    if (i % 3 == 2) decade *= 10;
  }
  return bounds;
}
constexpr auto upper_bounds = make_bounds();
static_assert(upper_bounds.back() == 10'000'000'000);

constexpr double to_seconds(std::chrono::nanoseconds time) { return static_cast<double>(time.count()) / 1e9; }

prometheus::ClientMetric describe(const histogram& histogram) {
  prometheus::ClientMetric metric;
  std::uint64_t so_far = 0;
  for (std::size_t i = 0; i <= histogram::bounds; ++i) {
    so_far += histogram.count(i);
    const double upper =
        i < histogram::bounds ? to_seconds(histogram::bound(i)) : std::numeric_limits<double>::infinity();
    metric.histogram.bucket.push_back({so_far, upper});
  }
  // Counted from the buckets, so that the two agree even while others observe.
  metric.histogram.sample_count = so_far;
  metric.histogram.sample_sum = to_seconds(histogram.sum());
  return metric;
}

}  // namespace

void histogram::observe(std::chrono::nanoseconds time) noexcept {
  const auto bucket = std::ranges::lower_bound(upper_bounds, time.count()) - upper_bounds.begin();
  counts_[static_cast<std::size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(time.count(), std::memory_order_relaxed);
}

std::chrono::nanoseconds histogram::bound(std::size_t bucket) noexcept {
  return std::chrono::nanoseconds{upper_bounds[bucket]};
}

/// One name with its help and whatever gives its values.
struct registry::family {
  std::string name;
  std::string help;
  prometheus::MetricType type = prometheus::MetricType::Counter;
  std::unique_ptr<telemetry::counter> counter;
  std::unique_ptr<telemetry::histogram> histogram;
  std::unique_ptr<counter_row> row;
  std::unique_ptr<histogram_row> histograms;
  std::string label;                ///< Of `histograms`.
  std::vector<std::string> values;  ///< Of that label.
  std::function<std::vector<labelled_value>()> read;

  prometheus::MetricFamily describe() const;
  void describe_histograms(std::vector<prometheus::ClientMetric>& metrics) const;
};

void registry::family::describe_histograms(std::vector<prometheus::ClientMetric>& metrics) const {
  for (std::size_t i = 0; i < values.size(); ++i) {
    auto metric = telemetry::describe(histograms->at(i));
    if (metric.histogram.sample_count == 0) continue;
    metric.label.push_back({label, values[i]});
    metrics.push_back(std::move(metric));
  }
}

prometheus::MetricFamily registry::family::describe() const {
  prometheus::MetricFamily described{name, help, type, {}};
  if (histogram) {
    described.metric.push_back(telemetry::describe(*histogram));
    return described;
  }
  if (histograms) {
    describe_histograms(described.metric);
    return described;
  }
  for (const auto& value : read()) {
    prometheus::ClientMetric metric;
    for (const auto& [label, text] : value.labels)
      metric.label.push_back({label, text});
    (type == prometheus::MetricType::Gauge ? metric.gauge.value : metric.counter.value) = value.value;
    described.metric.push_back(std::move(metric));
  }
  return described;
}

registry::registry() = default;
registry::~registry() = default;

registry::family& registry::add(std::string name, std::string help) {
  const bool taken = std::ranges::any_of(families_, [&](const auto& family) { return family->name == name; });
  if (taken) throw std::logic_error("two metrics are named " + name);
  families_.push_back(std::make_unique<family>());
  families_.back()->name = std::move(name);
  families_.back()->help = std::move(help);
  return *families_.back();
}

counter& registry::add_counter(std::string name, std::string help) {
  auto& family = add(std::move(name), std::move(help));
  family.counter = std::make_unique<counter>();
  family.read = [&counter = *family.counter] {
    return std::vector<labelled_value>{{{}, static_cast<double>(counter.value())}};
  };
  return *family.counter;
}

histogram& registry::add_histogram(std::string name, std::string help) {
  auto& family = add(std::move(name), std::move(help));
  family.type = prometheus::MetricType::Histogram;
  family.histogram = std::make_unique<histogram>();
  return *family.histogram;
}

counter_row& registry::add_counter_row(std::string name, std::string help, std::string label,
                                       std::vector<std::string> values) {
  if (values.empty()) throw std::logic_error("a metric without a value of its label: " + name);
  auto& family = add(std::move(name), std::move(help));
  family.row = std::make_unique<counter_row>(values.size());
  family.read = [&row = *family.row, label = std::move(label), values = std::move(values)] {
    std::vector<labelled_value> cells;
    for (std::size_t i = 0; i < values.size(); ++i)
      if (!values[i].empty()) cells.push_back({{{label, values[i]}}, static_cast<double>(row.at(i).value())});
    return cells;
  };
  return *family.row;
}

histogram_row& registry::add_histogram_row(std::string name, std::string help, std::string label,
                                           std::vector<std::string> values) {
  if (values.empty()) throw std::logic_error("a metric without a value of its label: " + name);
  auto& family = add(std::move(name), std::move(help));
  family.type = prometheus::MetricType::Histogram;
  family.histograms = std::make_unique<histogram_row>(values.size());
  family.label = std::move(label);
  family.values = std::move(values);
  return *family.histograms;
}

void registry::add_reading(type type, std::string name, std::string help, std::function<double()> read) {
  add_readings(type, std::move(name), std::move(help),
               [read = std::move(read)] { return std::vector<labelled_value>{{{}, read()}}; });
}

void registry::add_readings(type type, std::string name, std::string help,
                            std::function<std::vector<labelled_value>()> read) {
  auto& family = add(std::move(name), std::move(help));
  family.type = type == type::gauge ? prometheus::MetricType::Gauge : prometheus::MetricType::Counter;
  family.read = std::move(read);
}

std::string registry::render() const {
  std::vector<prometheus::MetricFamily> described;
  described.reserve(families_.size());
  for (const auto& family : families_)
    described.push_back(family->describe());
  return prometheus::TextSerializer{}.Serialize(described);
}

}  // namespace souk::telemetry
