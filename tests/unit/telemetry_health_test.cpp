#include "runtime/telemetry/health.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace souk::telemetry {
namespace {

admin_sources sources(std::vector<readiness> conditions) {
  return {.ready = [conditions] { return conditions; }, .metrics = [] { return std::string{"m 1\n"}; }};
}

TEST(health, a_process_that_answers_is_alive_whatever_it_waits_for) {
  const auto answer = answer_admin("/livez", sources({{"shards", false, ""}}));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->content_type, "application/json");
  EXPECT_EQ(answer->body, R"({"live":true})");
}

TEST(health, is_ready_when_every_condition_is_met) {
  struct row {
    std::vector<readiness> conditions;
    int status;
    std::string body;
  };
  for (const auto& row : std::vector<row>{
           {{}, 200, R"({"ready":true,"checks":[]})"},
           {{{"shards", true, ""}}, 200, R"({"ready":true,"checks":[{"name":"shards","ready":true}]})"},
           {{{"storage", true, ""}, {"shards", false, "14 of 16 serve"}},
            503,
            R"({"ready":false,"checks":[{"name":"storage","ready":true},)"
            R"({"name":"shards","ready":false,"detail":"14 of 16 serve"}]})"}}) {
    const auto answer = answer_admin("/readyz", sources(row.conditions));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, row.status);
    EXPECT_EQ(answer->body, row.body);
    EXPECT_NO_THROW(boost::json::parse(answer->body));
  }
}

TEST(health, metrics_are_plain_text) {
  const auto answer = answer_admin("/metrics", sources({}));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(answer->body, "m 1\n");
}

TEST(health, knows_no_other_paths) {
  for (const auto* path : {"/", "/livez/", "/metrics?x", "/v1/tree", ""})
    EXPECT_FALSE(answer_admin(path, sources({})));
}

}  // namespace
}  // namespace souk::telemetry
