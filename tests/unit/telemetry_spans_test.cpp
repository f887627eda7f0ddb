#include "runtime/telemetry/spans.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace souk::telemetry {
namespace {

using namespace std::chrono_literals;

span a_span() {
  span made;
  made.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  made.parent = "b7ad6b7169203331";
  made.name = "create_checkout";
  made.kind = span_kind::server;
  made.begun = 5ms;
  made.ended = 7ms + 3ns;
  made.attributes.emplace_back("http.response.status_code", std::int64_t{201});
  made.attributes.emplace_back("souk.tenant", std::string{"a \"shop\""});
  return made;
}

boost::json::object read(const std::vector<span>& spans) {
  std::string text;
  append_otlp(text, {"souk", "shop/a", "1.0"}, spans, 1'795'000'000s);
  return boost::json::parse(text).as_object();
}

// ExportTraceServiceRequest in OTLP's JSON: names in camel case, ids as hexadecimal digits, 64-bit numbers as
// texts, enumerations as numbers.
TEST(spans, are_written_as_otlp_has_them) {
  EXPECT_EQ(boost::json::value(read({a_span()})), boost::json::parse(R"({"resourceSpans":[{
    "resource":{"attributes":[
      {"key":"service.name","value":{"stringValue":"souk"}},
      {"key":"service.instance.id","value":{"stringValue":"shop/a"}},
      {"key":"service.version","value":{"stringValue":"1.0"}}]},
    "scopeSpans":[{"scope":{"name":"souk"},"spans":[{
      "traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7","parentSpanId":"b7ad6b7169203331",
      "name":"create_checkout","kind":2,
      "startTimeUnixNano":"1795000000005000000","endTimeUnixNano":"1795000000007000003",
      "attributes":[{"key":"http.response.status_code","value":{"intValue":"201"}},
                    {"key":"souk.tenant","value":{"stringValue":"a \"shop\""}}]}]}]}]})"));
}

TEST(spans, that_failed_say_so_and_those_without_a_parent_have_none) {
  auto root = a_span();
  root.parent.clear();
  root.failed = true;
  root.kind = span_kind::client;
  root.attributes.clear();
  const auto written = read({root, a_span()});
  const auto& spans = written.at("resourceSpans").at(0).at("scopeSpans").at(0).at("spans").as_array();
  ASSERT_EQ(spans.size(), 2u);
  const auto& first = spans[0].as_object();
  EXPECT_FALSE(first.contains("parentSpanId"));
  EXPECT_EQ(first.at("kind"), 3);
  EXPECT_EQ(first.at("status"), boost::json::parse(R"({"code":2})"));
  EXPECT_TRUE(first.at("attributes").as_array().empty());
  EXPECT_FALSE(spans[1].as_object().contains("status"));
}

}  // namespace
}  // namespace souk::telemetry
