#pragma once

#include "nodes/config/config.hpp"
#include "runtime/seams/seams.hpp"
#include "runtime/telemetry/metrics.hpp"
#include "runtime/telemetry/spans.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace souk::nodes {

struct span_exporter_options {
  config::http_url to;
  telemetry::span_source source;
  /// Spans that wait: what a busy node makes in some seconds, a few MB at most. Further ones are lost.
  std::size_t waiting_max = 8'192;
  /// Spans of one request, some 200 KB.
  std::size_t batch_max = 512;
  /// Fewer wait no longer than that.
  std::chrono::milliseconds interval{1'000};
  /// For the collector to connect, to take a batch and to answer, each.
  std::chrono::milliseconds timeout{2'000};
};

/// Posts spans to a collector, as OTLP/HTTP in JSON, from a thread of its own. A batch that is not taken is
/// lost and counted, as are spans that come faster than they leave: nobody ever waits for a collector. Its
/// end posts what waits, once.
class span_exporter final : public telemetry::span_sink {
 public:
  span_exporter(span_exporter_options options, std::shared_ptr<runtime::clock> clock);
  ~span_exporter() override;
  span_exporter(const span_exporter&) = delete;
  span_exporter& operator=(const span_exporter&) = delete;

  /// Costs a short lock.
  void record(telemetry::span ended) noexcept override;

  std::uint64_t exported() const { return exported_.load(); }    ///< Taken by the collector.
  std::uint64_t displaced() const { return displaced_.load(); }  ///< Lost because too many waited.
  std::uint64_t refused() const {
    return refused_.load();
  }  ///< Lost because the collector did not take them.

  /// What becomes of spans; the exporter must outlive the registry's use.
  void add_metrics(telemetry::registry& registry) const;

 private:
  void work(const std::stop_token& ending);
  void post(const std::vector<telemetry::span>& batch);
  bool exchange(const std::string& body) const;
  std::chrono::nanoseconds offset();

  const span_exporter_options options_;
  const std::shared_ptr<runtime::clock> clock_;
  std::chrono::nanoseconds offset_{0};
  bool failing_ = false;
  std::atomic<std::uint64_t> exported_ = 0;
  std::atomic<std::uint64_t> displaced_ = 0;
  std::atomic<std::uint64_t> refused_ = 0;
  std::mutex mutex_;
  std::condition_variable_any filled_;
  std::vector<telemetry::span> waiting_;
  std::jthread thread_;  // at last: it uses all of these
};

}  // namespace souk::nodes
