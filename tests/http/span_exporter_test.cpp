#include "nodes/soukd/span_exporter.hpp"

#include "actors/gateway/http.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace souk::nodes {
namespace {

using namespace std::chrono_literals;

telemetry::span span_of(int number) {
  telemetry::span made;
  made.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  made.name = std::to_string(number);
  return made;
}

/// A collector on a socket of this process.
class span_exporter_test : public ::testing::Test {
 protected:
  span_exporter_test() {
    gateway::listener_options options;
    options.port = 0;
    listener_ = gateway::make_listener(
        options, [this](const gateway::http_request& request, std::unique_ptr<gateway::responder> answer) {
          gateway::http_response response;
          response.status = status;
          if (silent) return kept_.push_back(std::move(answer));
          take(request);
          answer->respond(std::move(response));
        });
  }

  span_exporter_options options() const {
    span_exporter_options made;
    made.to = {"127.0.0.1", listener_->port(), "/v1/traces"};
    made.source = {"souk", "shop/a", "1"};
    made.interval = 10ms;
    made.timeout = 300ms;
    return made;
  }

  /// Waits, some seconds at most.
  template <class Done>
  static bool comes(Done done) {
    std::promise<void> never;
    const auto pause = never.get_future();
    for (const auto until = std::chrono::steady_clock::now() + 20s; !done(); pause.wait_for(5ms))
      if (std::chrono::steady_clock::now() > until) return false;
    return true;
  }
  std::size_t came() {
    const std::lock_guard lock{mutex_};
    return names.size();
  }

  std::atomic<int> status = 200;
  std::atomic<bool> silent = false;
  std::vector<std::string> names;
  std::vector<std::size_t> batches;
  std::string target;
  std::string type;
  std::shared_ptr<runtime::clock> clock = runtime::make_system_clock();

 private:
  void take(const gateway::http_request& request) {
    const auto read = boost::json::parse(request.body);
    const auto& spans = read.at("resourceSpans").at(0).at("scopeSpans").at(0).at("spans").as_array();
    const std::lock_guard lock{mutex_};
    target = request.method + " " + request.path;
    type = request.field("content-type").value_or("");
    batches.push_back(spans.size());
    for (const auto& span : spans)
      names.emplace_back(span.at("name").as_string());
  }

  std::mutex mutex_;
  std::vector<std::unique_ptr<gateway::responder>> kept_;
  std::unique_ptr<gateway::listener> listener_;
};

TEST_F(span_exporter_test, all_spans_come_in_their_order_in_batches) {
  auto made = options();
  made.batch_max = 10;
  span_exporter exporter{made, clock};
  std::vector<std::string> expected;
  for (int i = 0; i < 95; ++i) {
    exporter.record(span_of(i));
    expected.push_back(std::to_string(i));
  }
  ASSERT_TRUE(comes([&] { return came() == 95; }));
  EXPECT_EQ(names, expected);
  EXPECT_EQ(target, "POST /v1/traces");
  EXPECT_EQ(type, "application/json");
  for (const auto batch : batches)
    EXPECT_LE(batch, 10u);
  EXPECT_TRUE(comes([&] { return exporter.exported() == 95; }));
  EXPECT_EQ(exporter.displaced() + exporter.refused(), 0u);
}

TEST_F(span_exporter_test, what_waits_leaves_at_the_end) {
  auto made = options();
  made.interval = 1h;
  {
    span_exporter exporter{made, clock};
    exporter.record(span_of(1));
  }
  EXPECT_EQ(names, std::vector<std::string>{"1"});
}

TEST_F(span_exporter_test, spans_that_a_collector_refuses_are_lost_and_counted_and_later_ones_come) {
  span_exporter exporter{options(), clock};
  status = 503;
  exporter.record(span_of(1));
  ASSERT_TRUE(comes([&] { return exporter.refused() == 1; }));
  status = 202;
  exporter.record(span_of(2));
  EXPECT_TRUE(comes([&] { return exporter.exported() == 1; }));
}

// A collector that takes a connection and says nothing holds up nobody but the exporter's own thread.
TEST_F(span_exporter_test, a_silent_collector_costs_spans_and_no_time) {
  silent = true;
  auto made = options();
  made.waiting_max = 20;
  made.batch_max = 5;
  span_exporter exporter{made, clock};
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < 1'000; ++i)
    exporter.record(span_of(i));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 200ms);
  EXPECT_GE(exporter.displaced(), 900u);
  EXPECT_TRUE(comes([&] { return exporter.refused() >= 5; }));
}

TEST_F(span_exporter_test, nobody_there_is_no_reason_to_wait) {
  auto made = options();
  made.to.port = 1;
  span_exporter exporter{made, clock};
  exporter.record(span_of(1));
  EXPECT_TRUE(comes([&] { return exporter.refused() == 1; }));
}

}  // namespace
}  // namespace souk::nodes
