#include "actors/gateway/event_cursor.hpp"
#include "actors/gateway/event_stream.hpp"
#include "actors/kinds.hpp"
#include "actors/order/order.pb.h"
#include "persistence/record.pb.h"
#include "runtime/shard/journal_rows.hpp"
#include "tests/unit/gateway_bench.hpp"

namespace souk::gateway {
namespace {

using testing::request;

/// `GET /v1/events` without actors.
class event_routes : public testing::bench {
 protected:
  event_routes() { services_.shard_count = 2; }

  request events(std::string query = "") const {
    return {.path = "/v1/events", .query = std::move(query), .fields = {staff()}};
  }
  static const page_question& question_in(const ask& ask, std::size_t position) {
    return std::get<page_question>(ask.questions.at(position));
  }
  // One order cancelled, in the record with that index.
  static reply page_with(std::uint64_t index, bool more = false) {
    order::pb::Event event;
    event.mutable_canceled()->set_reason("record " + std::to_string(index));
    persistence::pb::Record record;
    record.set_tenant("main");
    record.set_kind(kinds::order);
    record.set_key("KEY");
    record.set_time_ms(1'795'000'000'000);
    record.set_first_version(index);
    record.set_traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    record.add_events(event.SerializeAsString());
    auto page = nothing(index + 1);
    page.rows.emplace_back(runtime::to_bytes({index, 1, 1}), record.SerializeAsString());
    page.more = more;
    return page;
  }
  static reply nothing(std::uint64_t next = 1) {
    reply page;
    page.journal = runtime::journal_extent{1, next, next == 1 ? 0u : 1u, false};
    return page;
  }
  static json::value body_of(const step& step) {
    json::parse_error error;
    return json::parse(answer_in(step).body, error).value_or(json::value{});
  }
  std::string cursor_in(const step& step) { return json::text_of(body_of(step), "next_cursor"); }
};

TEST_F(event_routes, every_shard_is_asked_for_what_is_kept) {
  const auto asked = ask_of(events("limit=7"));
  ASSERT_EQ(asked.questions.size(), 2u);
  EXPECT_EQ(question_in(asked, 1).shard, 1u);
  EXPECT_EQ(question_in(asked, 1).limit, 7u);
  EXPECT_EQ(question_in(asked, 1).journal->index, 0u);
  EXPECT_EQ(question_in(asked, 1).journal->kinds.size(), 7u);
}

TEST_F(event_routes, an_event_is_a_cloud_event) {
  const auto answered = ask_of(events()).then({page_with(3), nothing()});
  EXPECT_EQ(json::canonical(*body_of(answered).find("data")),
            R"([{"data":{"reason":"record 3"},"datacontenttype":"application/json",)"
            R"("id":"evt_000000000000030000","sequence":3,"source":"/shops/main","specversion":"1.0",)"
            R"("subject":"order/KEY","time":"2026-11-18T11:06:40.000Z",)"
            R"("traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",)"
            R"("type":"order.canceled.v1"}])");
  EXPECT_EQ(json::canonical(*body_of(answered).find("has_more")), "false");
}

TEST_F(event_routes, a_cursor_goes_on_behind_what_was_told) {
  const auto cursor = cursor_in(ask_of(events()).then({page_with(3), nothing()}));
  const auto next = ask_of(events("after=" + cursor));
  EXPECT_EQ(question_in(next, 0).journal->index, 4u);
  EXPECT_EQ(question_in(next, 0).journal->epoch, 1u);
  EXPECT_EQ(question_in(next, 1).journal->index, 1u);
  const auto again = cursor_in(next.then({nothing(4), nothing()}));
  EXPECT_EQ(again, cursor);
}

TEST_F(event_routes, latest_begins_at_the_end) {
  const auto asked = ask_of(events("after=latest"));
  EXPECT_EQ(question_in(asked, 0).journal->index, runtime::journal_place::at_end);
  const auto cursor = cursor_in(asked.then({nothing(9), nothing(5)}));
  EXPECT_EQ(question_in(ask_of(events("after=" + cursor)), 0).journal->index, 9u);
}

TEST_F(event_routes, a_shard_that_has_more_is_asked_again_until_the_page_is_full) {
  const auto second = ask_in(ask_of(events("limit=2")).then({page_with(3, true), nothing()}));
  ASSERT_EQ(second.questions.size(), 1u);
  EXPECT_EQ(question_in(second, 0).journal->index, 4u);
  const auto full = body_of(second.then({page_with(4, true)}));
  EXPECT_EQ(full.find("data")->as_array()->size(), 2u);
  EXPECT_EQ(json::canonical(*full.find("has_more")), "true");
}

// Of many records without anything that is wanted: the reader is told how far it came, and asks again.
TEST_F(event_routes, a_page_ends_after_some_rounds_also_when_it_is_empty) {
  auto passed = nothing(100);
  passed.more = true;
  auto step = handle(events("types=order.placed.v1"));
  for (int round = 0; round < 8; ++round) {
    auto asked = ask_in(std::move(step));
    step = asked.then(std::vector<reply>(asked.questions.size(), passed));
  }
  const auto body = body_of(step);
  EXPECT_TRUE(body.find("data")->as_array()->empty());
  EXPECT_EQ(json::canonical(*body.find("has_more")), "true");
  EXPECT_EQ(question_in(ask_of(events("after=" + cursor_in(step))), 1).journal->index, 100u);
}

TEST_F(event_routes, what_is_not_kept_any_more_is_told_with_where_the_rest_begins) {
  const auto cursor = cursor_in(ask_of(events()).then({page_with(3), nothing()}));
  reply lost;
  lost.journal = runtime::journal_extent{50, 50, 2, true};
  const auto refused = ask_of(events("after=" + cursor)).then({lost, nothing()});
  EXPECT_EQ(problem_in(answer_in(refused)), "410 expired");
  EXPECT_NE(answer_in(refused).body.find("(shards 0)"), std::string::npos);
  const auto earliest = json::text_of(body_of(refused), "earliest_cursor");
  const auto next = ask_of(events("after=" + earliest));
  EXPECT_EQ(question_in(next, 0).journal->index, 50u);
  EXPECT_EQ(question_in(next, 0).journal->epoch, 2u);
  EXPECT_EQ(question_in(next, 1).journal->index, 1u);
}

TEST_F(event_routes, only_the_kinds_of_the_types_are_asked_for) {
  const auto asked = ask_of(events("types=order.placed.v1,order.canceled.v1"));
  EXPECT_EQ(question_in(asked, 0).journal->kinds, std::vector<runtime::kind_id>{kinds::order});
}

TEST_F(event_routes, what_makes_no_sense_is_refused) {
  EXPECT_EQ(problem_of(events("after=nonsense")), "400 invalid_cursor");
  EXPECT_EQ(problem_of(events("after=")), "400 invalid_cursor");
  services_.shard_count = 3;
  const auto elsewhere = seal_positions(services_.secret, earliest_positions(2));
  EXPECT_EQ(problem_of(events("after=" + elsewhere)), "400 invalid_cursor");
  EXPECT_EQ(problem_of(events("types=order.lost.v1")), "422 validation_failed");
  EXPECT_EQ(problem_of(events("limit=101")), "422 validation_failed");
  EXPECT_EQ(problem_of(events("cursor=x")), "400 unknown_field");
}

TEST_F(event_routes, a_stream_tells_events_each_with_where_to_go_on) {
  request request = events();
  request.path = "/v1/events/stream";
  request.fields.emplace_back("accept", "text/event-stream");
  const auto begun = ask_of(request).then({page_with(3), nothing()});
  const auto& over = std::get<done>(begun);
  EXPECT_EQ(over.answer.content_type, "text/event-stream");
  ASSERT_NE(over.more, nullptr);
  const auto cursor = seal_positions(services_.secret, over.more->reader()->at);
  EXPECT_TRUE(over.answer.body.starts_with("id: " + cursor + "\ndata: {\"specversion\"")) << over.answer.body;
  EXPECT_TRUE(over.answer.body.ends_with("}\n\n"));
  EXPECT_EQ(question_in(ask_in(read_on(over.more->reader(), services_)), 0).journal->index, 4u);
}

TEST_F(event_routes, a_stream_goes_on_behind_the_last_id_that_came) {
  const auto cursor = cursor_in(ask_of(events()).then({page_with(3), nothing()}));
  request request = events("after=latest");
  request.path = "/v1/events/stream";
  request.fields.emplace_back("last-event-id", cursor);
  EXPECT_EQ(question_in(ask_of(request), 0).journal->index, 4u);
  request.fields.back().second = "";
  EXPECT_EQ(question_in(ask_of(request), 0).journal->index, runtime::journal_place::at_end);
  request.fields.back().second = "nonsense";
  EXPECT_EQ(problem_of(request), "400 invalid_cursor");
}

TEST_F(event_routes, a_stream_without_events_says_where_it_is) {
  request request = events("after=latest");
  request.path = "/v1/events/stream";
  const auto begun = ask_of(request).then({nothing(9), nothing(5)});
  const auto& over = std::get<done>(begun);
  EXPECT_EQ(over.answer.body, ":\nid: " + seal_positions(services_.secret, over.more->reader()->at) + "\n\n");
}

TEST_F(event_routes, only_so_many_may_follow) {
  services_.streams = std::make_shared<stream_places>(2);
  request request = events();
  request.path = "/v1/events/stream";
  auto first = handle(request);
  auto second = handle(request);
  EXPECT_EQ(problem_of(request), "503 overloaded");
  EXPECT_EQ(services_.streams->taken(), 2u);
  first = done{};
  EXPECT_EQ(services_.streams->taken(), 1u);
  EXPECT_TRUE(std::holds_alternative<ask>(handle(request)));  // and is dropped
  EXPECT_EQ(services_.streams->taken(), 1u);
}

TEST_F(event_routes, a_stream_whose_place_is_lost_is_refused_before_it_begins) {
  reply lost;
  lost.journal = runtime::journal_extent{50, 50, 2, true};
  request request = events();
  request.path = "/v1/events/stream";
  const auto refused = ask_of(request).then({lost, nothing()});
  EXPECT_EQ(problem_in(answer_in(refused)), "410 expired");
  EXPECT_EQ(std::get<done>(refused).more, nullptr);
}

TEST_F(event_routes, a_stream_is_for_who_accepts_it) {
  request request = events();
  request.path = "/v1/events/stream";
  request.fields.emplace_back("accept", "text/html");
  EXPECT_EQ(problem_of(request), "406 not_acceptable");
  request = events();
  request.fields.emplace_back("accept", "text/event-stream");
  EXPECT_EQ(problem_of(request), "406 not_acceptable");
}

}  // namespace
}  // namespace souk::gateway
