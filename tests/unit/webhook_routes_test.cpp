#include "actors/gateway/event_cursor.hpp"
#include "actors/keyring/keyring.pb.h"
#include "actors/kinds.hpp"
#include "actors/webhook/endpoint.hpp"
#include "tests/unit/gateway_bench.hpp"

#include <string>
#include <utility>
#include <vector>

namespace souk::gateway {
namespace {

using testing::id;
using testing::request;
using webhook::pb::Command;

/// `/v1/webhook_endpoints` without actors.
class webhook_routes : public testing::bench {
 protected:
  webhook_routes() { services_.shard_count = 2; }

  request ask_to(std::string method, std::string path, std::string body = {}) const {
    request request{
        .method = std::move(method), .path = std::move(path), .fields = {staff()}, .body = std::move(body)};
    if (!request.body.empty()) request.fields.push_back(json());
    return request;
  }
  request create(std::string body) const { return ask_to("POST", "/v1/webhook_endpoints", std::move(body)); }
  /// Two shards at their ends, and what endpoints they have.
  static std::vector<reply> shards(std::size_t endpoints = 0, bool lost = false) {
    std::vector<reply> replies(4);
    replies[0].journal = runtime::journal_extent{1, 11, 1, false};
    replies[1].journal = runtime::journal_extent{1, 21, 2, lost};
    for (std::size_t n = 0; n < endpoints; ++n)
      replies[2 + n % 2].rows.emplace_back("K" + std::to_string(n), "1");
    return replies;
  }
  /// A credential with these scopes.
  std::pair<std::string, std::string> limited(std::initializer_list<const char*> scopes) {
    keyring::pb::Grant grant;
    for (const auto* scope : scopes)
      grant.add_scopes(scope);
    const auto key =
        keyring::make_key("limited", grant, std::string(20, '2'), std::string(32, 'l'), testing::now);
    keyring::pb::Event event;
    event.mutable_added()->set_id(key.add.id());
    event.mutable_added()->set_hash(key.add.hash());
    *event.mutable_added()->mutable_grant() = key.add.grant();
    credentials_->apply({"main", kinds::keyring, "main"}, ++version_, event);
    return {"authorization", "Bearer " + key.secret};
  }

  std::uint64_t version_ = 1;
};

TEST_F(webhook_routes, an_endpoint_begins_where_the_feed_is_before_it_is_made) {
  const auto asked =
      ask_of(create(R"({"url":"https://h.example/","types":["order.placed.v1","cart.created.v1"]})"));
  ASSERT_EQ(asked.questions.size(), 4u);
  EXPECT_EQ(std::get<page_question>(asked.questions[0]).journal->index, runtime::journal_place::at_end);
  EXPECT_EQ(std::get<page_question>(asked.questions[3]).index, webhook::endpoint_index);
  const auto made = ask_in(asked.then(shards()));
  const auto& command = command_of<Command>(made).create();
  EXPECT_TRUE(command.endpoint_id().starts_with("whe_"));
  EXPECT_EQ(command.url(), "https://h.example/");
  EXPECT_EQ(command.types(0), "cart.created.v1");
  EXPECT_EQ(command.secret().size(), webhook::secret_bytes);
  ASSERT_EQ(command.places_size(), 2);
  EXPECT_EQ(command.places(1).index(), 21u);
  EXPECT_EQ(command.places(1).epoch(), 2u);
  EXPECT_FALSE(question_of(made).keyed);  // no answer with a secret is kept
  const auto shown = answer_in(made.then({answered(201, R"({"id":"whe_1"})")}));
  EXPECT_EQ(shown.body, R"({"id":"whe_1","secret":")" + webhook::secret_text(command.secret()) + "\"}");
}

TEST_F(webhook_routes, an_endpoint_may_begin_at_a_cursor_that_is_kept) {
  const auto cursor = seal_positions(services_.secret, {{3, 1, 1}, {5, 1, 0}});
  const auto asked = ask_of(create(R"({"url":"https://h.example/","after":")" + cursor + R"("})"));
  EXPECT_EQ(std::get<page_question>(asked.questions[0]).journal->index, 3u);
  const auto made = ask_in(asked.then(shards()));
  EXPECT_EQ(command_of<Command>(made).create().places(0).index(), 3u);
  EXPECT_EQ(command_of<Command>(made).create().places(0).events(), 1u);
  EXPECT_EQ(problem_in(answer_in(asked.then(shards(0, true)))), "410 expired");
}

TEST_F(webhook_routes, an_endpoint_that_begins_with_the_earliest_notices_when_that_is_trimmed) {
  const auto asked = ask_of(create(R"({"url":"https://h.example/","after":"earliest"})"));
  EXPECT_EQ(std::get<page_question>(asked.questions[0]).journal->index, 0u);
  auto replies = shards();
  replies[1].journal->first = 7;
  const auto made = ask_in(asked.then(replies));
  EXPECT_EQ(command_of<Command>(made).create().places(0).index(), 1u);
  EXPECT_EQ(command_of<Command>(made).create().places(1).index(), 7u);
}

TEST_F(webhook_routes, there_are_not_endlessly_many) {
  const auto asked = ask_of(create(R"({"url":"https://h.example/"})"));
  EXPECT_EQ(ask_in(asked.then(shards(webhook::endpoints_max - 1))).questions.size(), 1u);
  EXPECT_EQ(problem_in(answer_in(asked.then(shards(webhook::endpoints_max)))), "409 invalid_state");
}

TEST_F(webhook_routes, urls_and_types_are_looked_at) {
  for (const char* body :
       {R"({})", R"({"url":"h.example"})", R"({"url":"ftp://h/"})", R"({"url":"https://u:p@h/"})",
        R"({"url":"http://h.example/"})", R"({"url":"https://127.0.0.1/"})", R"({"url":"https://[::1]/"})",
        R"({"url":"https://10.0.0.1:8443/"})", R"({"url":"https://169.254.169.254/latest"})",
        R"({"url":"https://h/","types":[]})", R"({"url":"https://h/","types":["order.lost.v1"]})",
        R"({"url":"https://h/","types":["order.placed.v1,cart.created.v1"]})",
        R"({"url":"https://h/","after":"nowhere"})",
        R"({"url":"https://h/","after":"2026-01-01T00:00:00Z"})"})
    EXPECT_EQ(problem_of(create(body)), "422 validation_failed") << body;
  EXPECT_EQ(problem_of(create(R"({"url":"https://h/","secret":"mine"})")), "400 unknown_field");
  services_.webhook_targets.allowed = {values::parse_network("127.0.0.0/8").value()};
  EXPECT_EQ(ask_of(create(R"({"url":"http://127.0.0.1:9000/"})")).questions.size(), 4u);
  EXPECT_EQ(ask_of(create(R"({"url":"http://h.example/"})")).questions.size(),
            4u);  // found out when it connects
  EXPECT_EQ(problem_of(create(R"({"url":"http://10.0.0.1/"})")), "422 validation_failed");
}

TEST_F(webhook_routes, take_the_scope_to_read_what_they_send) {
  const auto with = [&](request request, std::pair<std::string, std::string> credential) {
    request.fields.front() = std::move(credential);
    return request;
  };
  const auto one = "/v1/webhook_endpoints/" + id("whe_");
  const auto writer = limited({"webhooks:write"});
  EXPECT_EQ(problem_of(with(create(R"({"url":"https://h.example/"})"), writer)), "403 insufficient_scope");
  EXPECT_EQ(problem_of(with(ask_to("PATCH", one, R"({"url":"https://h.example/"})"), writer)),
            "403 insufficient_scope");
  EXPECT_EQ(problem_of(with(ask_to("POST", one + "/replay", R"({"after":"earliest"})"), writer)),
            "403 insufficient_scope");
  EXPECT_EQ(ask_of(with(ask_to("DELETE", one), writer)).questions.size(), 1u);
  EXPECT_EQ(problem_of(with(ask_to("GET", one), writer)), "403 insufficient_scope");
}

TEST_F(webhook_routes, are_changed_and_ended_by_their_id) {
  const auto one = "/v1/webhook_endpoints/" + id("whe_");
  const auto changed = ask_of(ask_to("PATCH", one, R"({"types":["cart.created.v1"],"status":"enabled"})"));
  EXPECT_EQ(question_of(changed).to, (runtime::address{"main", kinds::webhook, std::string{testing::part}}));
  EXPECT_TRUE(question_of(changed).keyed);
  const auto& change = command_of<Command>(changed).change();
  EXPECT_FALSE(change.has_url());
  EXPECT_EQ(change.types().types(0), "cart.created.v1");
  EXPECT_TRUE(change.enabled());
  EXPECT_EQ(problem_of(ask_to("PATCH", one, R"({"status":"asleep"})")), "422 validation_failed");
  EXPECT_EQ(problem_of(ask_to("PATCH", one, R"({"url":"https://127.0.0.1/"})")), "422 validation_failed");
  EXPECT_TRUE(command_of<Command>(ask_of(ask_to("DELETE", one))).has_remove());
  EXPECT_TRUE(question_of(ask_of(ask_to("GET", one))).read_only);
  for (const char* method : {"GET", "DELETE"})
    EXPECT_EQ(problem_of(ask_to(method, "/v1/webhook_endpoints/whe_1")), "404 not_found");
}

TEST_F(webhook_routes, show_a_new_secret_once) {
  const auto one = "/v1/webhook_endpoints/" + id("whe_") + "/rotate_secret";
  const auto rotated = ask_of(ask_to("POST", one));
  const auto& rotate = command_of<Command>(rotated).rotate();
  EXPECT_EQ(rotate.previous_until_ms(),
            runtime::to_ms(testing::now) + std::chrono::milliseconds{webhook::rotation_default}.count());
  EXPECT_EQ(answer_in(rotated.then({answered(200, R"({"id":"whe_1"})")})).body,
            R"({"id":"whe_1","secret":")" + webhook::secret_text(rotate.secret()) + "\"}");
  EXPECT_EQ(problem_in(answer_in(rotated.then({answered(404, R"({"code":"not_found"})")}))), "404 not_found");
  const auto at_once = ask_of(ask_to("POST", one, R"({"previous_valid_s":0})"));
  EXPECT_EQ(command_of<Command>(at_once).rotate().previous_until_ms(), runtime::to_ms(testing::now));
  EXPECT_EQ(problem_of(ask_to("POST", one, R"({"previous_valid_s":-1})")), "422 validation_failed");
}

TEST_F(webhook_routes, replay_ranges_of_cursors_and_of_times) {
  const auto one = "/v1/webhook_endpoints/" + id("whe_") + "/replay";
  const auto cursor = seal_positions(services_.secret, {{3, 1, 0}, {5, 1, 0}});
  const auto by_cursor = ask_of(ask_to("POST", one, R"({"after":"earliest","until":")" + cursor + R"("})"));
  ASSERT_EQ(by_cursor.questions.size(), 2u);
  auto replies = shards();
  replies.resize(2);
  const auto first = ask_in(by_cursor.then(replies));
  EXPECT_EQ(command_of<Command>(first).replay().places(1).index(), 0u);
  EXPECT_EQ(command_of<Command>(first).replay().until(1).index(), 5u);
  const auto by_time =
      ask_of(ask_to("POST", one, R"({"after":"2026-11-18T11:00:00Z","until":"2026-11-18T12:00:00Z"})"));
  const auto second = ask_in(by_time.then(replies));
  EXPECT_EQ(command_of<Command>(second).replay().from_ms(), 1'794'999'600'000);
  EXPECT_EQ(command_of<Command>(second).replay().until_ms(), 1'795'003'200'000);
  for (const char* body : {R"({})", R"({"after":"latest"})", R"({"after":"nowhere"})",
                           R"({"after":"earliest","until":"nowhere"})"})
    EXPECT_EQ(problem_of(ask_to("POST", one, body)), "422 validation_failed") << body;
}

TEST_F(webhook_routes, are_listed_in_the_order_of_their_ids) {
  const auto asked = ask_of({.path = "/v1/webhook_endpoints", .query = "limit=2", .fields = {staff()}});
  std::vector<reply> pages(2);
  pages[0].rows = {{"A", "1"}, {"B", "0"}};
  pages[1].rows = {{"C", "4"}};
  const auto each = ask_in(asked.then(pages));
  ASSERT_EQ(each.questions.size(), 3u);
  const auto shown =
      answer_in(each.then({answered(200, R"({"id":"whe_3"})"), answered(200, R"({"id":"whe_1"})"),
                           answered(200, R"({"id":"whe_2"})")}));
  EXPECT_TRUE(shown.body.starts_with(R"({"data":[{"id":"whe_1"},{"id":"whe_2"}],"has_more":true,)"))
      << shown.body;
  json::parse_error error;
  const auto cursor = json::text_of(json::parse(shown.body, error).value(), "next_cursor");
  const auto next =
      ask_of({.path = "/v1/webhook_endpoints", .query = "limit=2&cursor=" + cursor, .fields = {staff()}});
  const auto rest = answer_in(ask_in(next.then(pages))
                                  .then({answered(200, R"({"id":"whe_3"})"), answered(404, R"({})"),
                                         answered(200, R"({"id":"whe_2"})")}));
  EXPECT_EQ(rest.body, R"({"data":[{"id":"whe_3"}],"has_more":false})");
  EXPECT_EQ(answer_in(asked.then(std::vector<reply>(2))).body, R"({"data":[],"has_more":false})");
}

}  // namespace
}  // namespace souk::gateway
