#include "runtime/telemetry/http_metrics.hpp"
#include "runtime/telemetry/metrics.hpp"
#include "runtime/telemetry/process_metrics.hpp"

#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace souk::telemetry {
namespace {

using namespace std::chrono_literals;

/// The value of the line that begins with `name`, or "none".
std::string value_of(const std::string& text, const std::string& name) {
  std::istringstream lines{text};
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(name + ' ')) return line.substr(name.size() + 1);
  return "none";
}

TEST(metrics, counters_are_shown_with_their_help) {
  registry registry;
  auto& commits = registry.add_counter("souk_journal_commits_total", "Commits of the journal.");
  commits.add();
  commits.add(41);
  EXPECT_EQ(registry.render(),
            "# HELP souk_journal_commits_total Commits of the journal.\n"
            "# TYPE souk_journal_commits_total counter\n"
            "souk_journal_commits_total 42\n");
}

TEST(metrics, a_row_shows_its_named_values) {
  registry registry;
  auto& commands =
      registry.add_counter_row("souk_commands_total", "Commands.", "kind", {"", "cart", "", "other"});
  commands.at(1).add(3);
  commands.at(2).add(5);
  commands.at(99).add(7);
  const auto text = registry.render();
  EXPECT_EQ(value_of(text, R"(souk_commands_total{kind="cart"})"), "3");
  EXPECT_EQ(value_of(text, R"(souk_commands_total{kind="other"})"), "7");
  EXPECT_EQ(text.find(R"(kind="")"), std::string::npos);
}

TEST(metrics, readings_are_taken_when_they_are_shown) {
  registry registry;
  double level = 1;
  registry.add_reading(registry::type::gauge, "souk_level", "A level.", [&] { return level; });
  EXPECT_EQ(value_of(registry.render(), "souk_level"), "1");
  level = -2.5;
  const auto text = registry.render();
  EXPECT_EQ(value_of(text, "souk_level"), "-2.5");
  EXPECT_NE(text.find("# TYPE souk_level gauge\n"), std::string::npos);
}

TEST(metrics, a_name_can_be_given_once) {
  registry registry;
  registry.add_counter("souk_a_total", "A.");
  EXPECT_THROW(registry.add_histogram("souk_a_total", "A again."), std::logic_error);
}

TEST(metrics, observations_fall_into_the_bucket_that_ends_at_or_after_them) {
  struct row {
    std::chrono::nanoseconds time;
    std::size_t bucket;
  };
  for (const auto& row : std::vector<row>{{0ns, 0},
                                          {-5ns, 0},
                                          {10us, 0},
                                          {10us + 1ns, 1},
                                          {20us, 1},
                                          {50us, 2},
                                          {51us, 3},
                                          {1ms, 6},
                                          {10s, 18},
                                          {10s + 1ns, 19},
                                          {24h, 19}}) {
    histogram histogram;
    histogram.observe(row.time);
    for (std::size_t bucket = 0; bucket <= histogram::bounds; ++bucket)
      EXPECT_EQ(histogram.count(bucket), bucket == row.bucket ? 1U : 0U)
          << row.time.count() << " in " << bucket;
    EXPECT_EQ(histogram.sum(), row.time);
  }
}

TEST(metrics, histograms_show_running_totals) {
  registry registry;
  auto& took = registry.add_histogram("souk_journal_commit_seconds", "Commits.");
  took.observe(1ms);
  took.observe(1ms);
  took.observe(2s);
  took.observe(1min);
  const auto text = registry.render();
  EXPECT_EQ(value_of(text, R"(souk_journal_commit_seconds_bucket{le="0.001"})"), "2");
  EXPECT_EQ(value_of(text, R"(souk_journal_commit_seconds_bucket{le="1"})"), "2");
  EXPECT_EQ(value_of(text, R"(souk_journal_commit_seconds_bucket{le="2"})"), "3");
  EXPECT_EQ(value_of(text, R"(souk_journal_commit_seconds_bucket{le="+Inf"})"), "4");
  EXPECT_EQ(value_of(text, "souk_journal_commit_seconds_count"), "4");
  EXPECT_EQ(std::stod(value_of(text, "souk_journal_commit_seconds_sum")), 62.002);
}

TEST(metrics, counting_from_several_threads_loses_nothing) {
  registry registry;
  auto& count = registry.add_counter("souk_a_total", "A.");
  auto& took = registry.add_histogram("souk_a_seconds", "A.");
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&] {
        for (int n = 0; n < 10'000; ++n) {
          count.add();
          took.observe(1us * n);
        }
      });
    registry.render();
  }
  EXPECT_EQ(count.value(), 40'000U);
  EXPECT_EQ(value_of(registry.render(), "souk_a_seconds_count"), "40000");
}

TEST(metrics, requests_are_counted_by_route_and_status) {
  registry registry;
  http_metrics http{registry, {"GET /v1/products", "other"}};
  http.record(0, 200, 1ms);
  http.record(0, 200, 1ms);
  http.record(0, 304, 1ms);
  http.record(7, 404, 1ms);
  http.record(1, 299, 1ms);
  const auto text = registry.render();
  EXPECT_EQ(value_of(text, R"(souk_http_requests_total{route="GET /v1/products",status="200"})"), "2");
  EXPECT_EQ(value_of(text, R"(souk_http_requests_total{route="GET /v1/products",status="304"})"), "1");
  EXPECT_EQ(value_of(text, R"(souk_http_requests_total{route="other",status="404"})"), "1");
  EXPECT_EQ(value_of(text, R"(souk_http_requests_total{route="other",status="other"})"), "1");
  EXPECT_EQ(text.find("status=\"500\""), std::string::npos) << "what never happened is not shown";
  EXPECT_EQ(value_of(text, R"(souk_http_request_seconds_count{route="GET /v1/products"})"), "3");
  EXPECT_EQ(value_of(text, R"(souk_http_request_seconds_count{route="other"})"), "2");
}

TEST(metrics, requests_that_nobody_looked_at_are_counted_without_a_time) {
  registry registry;
  http_metrics http{registry, {"list", "none"}};
  http.record(0, 503);
  const auto text = registry.render();
  EXPECT_EQ(value_of(text, R"(souk_http_requests_total{route="list",status="503"})"), "1");
  EXPECT_EQ(text.find("souk_http_request_seconds_count"), std::string::npos) << text;
}

TEST(metrics, waiting_is_measured_apart_from_routes) {
  registry registry;
  http_metrics http{registry, {"list", "none"}};
  http.record_wait(3ms);
  const auto text = registry.render();
  EXPECT_EQ(value_of(text, R"(souk_http_queue_seconds_bucket{le="0.002"})"), "0");
  EXPECT_EQ(value_of(text, R"(souk_http_queue_seconds_bucket{le="0.005"})"), "1");
}

/// Reads the text exposition format: each line of it must be one that the format has.
struct exposition {
  explicit exposition(const std::string& text) {
    static const std::regex comment{"# (HELP|TYPE) ([a-z_]+) .+"};
    static const std::regex sample{
        R"re(([a-z_]+)(\{([a-z]+="[^"\\]*")(,[a-z]+="[^"\\]*")*\})? ([0-9.e+-]+))re"};
    std::istringstream lines{text};
    std::smatch match;
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with('#'))
        EXPECT_TRUE(std::regex_match(line, match, comment)) << line;
      else if (std::regex_match(line, match, sample))
        EXPECT_TRUE(samples.emplace(match[1].str() + match[2].str(), std::stod(match[5])).second) << line;
      else
        ADD_FAILURE() << line;
    }
  }
  std::map<std::string, double> samples;
};

TEST(metrics, histograms_by_route_are_what_the_format_asks_for) {
  registry registry;
  http_metrics http{registry, {"list", "buy", "never", "none"}};
  for (int i = 1; i <= 100; ++i)
    http.record(0, 200, 1ms * i);
  http.record(1, 201, 1min);
  const exposition read{registry.render()};
  for (const auto& [route, observed] : std::map<std::string, double>{{"list", 100}, {"buy", 1}}) {
    const auto of = [&, &route = route](const std::string& suffix, const std::string& more = {}) {
      return read.samples.at("souk_http_request_seconds" + suffix + "{route=\"" + route + "\"" + more + "}");
    };
    double before = 0;
    for (const auto* bound : {"0.001", "0.002", "0.005", "0.01", "0.02", "0.05", "0.1", "10", "+Inf"}) {
      const auto now = of("_bucket", std::string{",le=\""} + bound + "\"");
      EXPECT_GE(now, before) << route << " " << bound;
      before = now;
    }
    EXPECT_EQ(before, observed);
    EXPECT_EQ(of("_count"), observed);
    EXPECT_GT(of("_sum"), 0);
  }
  for (const auto& [name, value] : read.samples)
    EXPECT_EQ(name.find("never"), std::string::npos) << "a route that nobody called is shown: " << name;
}

TEST(metrics, the_process_is_measured) {
  registry registry;
  add_process_metrics(registry);
  const auto text = registry.render();
  EXPECT_GT(std::stod(value_of(text, "process_cpu_seconds_total")), 0);
  EXPECT_GT(std::stod(value_of(text, "process_open_fds")), 2);
  const auto resident = std::stod(value_of(text, "process_resident_memory_bytes"));
  const auto anonymous = std::stod(value_of(text, "process_anonymous_memory_bytes"));
  EXPECT_GT(anonymous, 100'000);
  EXPECT_GT(resident, anonymous);
}

}  // namespace
}  // namespace souk::telemetry
