#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace souk::telemetry {

/// Which side of a call a span is, as OTLP counts.
enum class span_kind : std::uint8_t { internal = 1, server = 2, client = 3 };

/// One step of a trace, from its begin to its end. There is no place for a path, a query, a body or a secret:
/// names and attributes are ours, as in the access log.
struct span {
  std::string traceparent;  ///< Of the span itself, W3C.
  std::string parent;       ///< The span above it, 16 hexadecimal digits; empty: it has none.
  std::string name;         ///< A route, a kind of entity, an operation.
  span_kind kind = span_kind::internal;
  std::chrono::nanoseconds begun{0};  ///< By the node's steady clock.
  std::chrono::nanoseconds ended{0};
  bool failed = false;
  std::vector<std::pair<std::string_view, std::variant<std::int64_t, std::string>>> attributes;
};

/// Takes the spans of a node. Any thread; never waits, and may lose what is too much.
class span_sink {
 public:
  virtual ~span_sink() = default;
  virtual void record(span ended) noexcept = 0;
};

/// What a node does about traces.
struct tracing {
  std::shared_ptr<span_sink> sink;
  /// A trace that begins here is recorded once in so many; of one that a client began, the client decides.
  std::uint32_t one_of = 1;
};

/// Who made the spans, for whoever collects them.
struct span_source {
  std::string service;
  std::string instance;
  std::string version;
};

/// Appends a request of OTLP/HTTP in JSON (ExportTraceServiceRequest): see docs/operators.md.
/// `steady_offset`: what the steady clock is behind the wall clock's time since 1970.
void append_otlp(std::string& out, const span_source& source, const std::vector<span>& spans,
                 std::chrono::nanoseconds steady_offset);

}  // namespace souk::telemetry
