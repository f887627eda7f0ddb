#include "runtime/telemetry/spans.hpp"

#include "runtime/telemetry/json_text.hpp"

namespace souk::telemetry {

namespace {

/// Where the parts of a traceparent stand.
constexpr std::size_t trace_at = 3;
constexpr std::size_t trace_digits = 32;
constexpr std::size_t span_at = 36;
constexpr std::size_t span_digits = 16;
constexpr int status_error = 2;

void append_member(std::string& out, std::string_view name, std::string_view text) {
  out.append("\"").append(name).append("\":");
  append_json_string(out, text);
}

/// 64-bit numbers are texts: JSON's own are not that exact.
void append_number(std::string& out, std::string_view name, std::int64_t number) {
  out.append("\"").append(name).append("\":\"").append(std::to_string(number)).append("\"");
}

void append_attribute(std::string& out, std::string_view key, std::string_view text) {
  out += "{";
  append_member(out, "key", key);
  out += ",\"value\":{";
  append_member(out, "stringValue", text);
  out += "}}";
}

void append_attribute(std::string& out, std::string_view key, std::int64_t number) {
  out += "{";
  append_member(out, "key", key);
  out += ",\"value\":{";
  append_number(out, "intValue", number);
  out += "}}";
}

void append_span(std::string& out, const span& span, std::chrono::nanoseconds offset) {
  const std::string_view trace{span.traceparent};
  out += "{";
  append_member(out, "traceId", trace.substr(trace_at, trace_digits));
  out += ",";
  append_member(out, "spanId", trace.substr(span_at, span_digits));
  if (!span.parent.empty()) {
    out += ",";
    append_member(out, "parentSpanId", span.parent);
  }
  out += ",";
  append_member(out, "name", span.name);
  out += ",\"kind\":" + std::to_string(static_cast<int>(span.kind)) + ",";
  append_number(out, "startTimeUnixNano", (span.begun + offset).count());
  out += ",";
  append_number(out, "endTimeUnixNano", (span.ended + offset).count());
  out += ",\"attributes\":[";
  bool first = true;
  for (const auto& [key, value] : span.attributes) {
    if (!std::exchange(first, false)) out += ",";
    std::visit([&out, key = key](const auto& plain) { append_attribute(out, key, plain); }, value);
  }
  out += "]";
  if (span.failed) out += ",\"status\":{\"code\":" + std::to_string(status_error) + "}";
  out += "}";
}

}  // namespace

void append_otlp(std::string& out, const span_source& source, const std::vector<span>& spans,
                 std::chrono::nanoseconds steady_offset) {
  out += R"({"resourceSpans":[{"resource":{"attributes":[)";
  append_attribute(out, "service.name", source.service);
  out += ",";
  append_attribute(out, "service.instance.id", source.instance);
  out += ",";
  append_attribute(out, "service.version", source.version);
  out += R"(]},"scopeSpans":[{"scope":{"name":"souk"},"spans":[)";
  bool first = true;
  for (const auto& span : spans) {
    if (!std::exchange(first, false)) out += ",";
    append_span(out, span, steady_offset);
  }
  out += "]}]}]}";
}

}  // namespace souk::telemetry
