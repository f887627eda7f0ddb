#include "tests/actor/linked_nodes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace souk::links {
namespace {

using namespace std::chrono_literals;
using runtime::outcome;
using souk::testing::linked_node;
using souk::testing::linked_nodes;
using ::testing::HasSubstr;

/// Two nodes with a link between them.
class links_test : public ::testing::Test {
 protected:
  void start(const std::function<void(link_environment&)>& change = [](auto&) {}) {
    a = &world.start("a", change);
    b = &world.start("b", change);
    world.acquaint(*a, {"b"});
    world.acquaint(*b, {"a"});
    ASSERT_TRUE(both(true, 100ms));
  }

  bool both(bool up, std::chrono::milliseconds within) {
    return world.comes_true([&] { return a->board.up("b") == up && b->board.up("a") == up; }, within);
  }

  const runtime::response& last_response() { return a->seen->responses.back(); }

  linked_nodes world;
  linked_node* a = nullptr;
  linked_node* b = nullptr;
};

TEST_F(links_test, a_link_comes_up_and_both_sides_hear_who_is_there) {
  start();
  ASSERT_EQ(a->seen->changes.size(), 1u);
  EXPECT_EQ(a->seen->changes[0].node, "b");
  EXPECT_TRUE(a->seen->changes[0].up);
  EXPECT_EQ(a->seen->changes[0].incarnation, b->environment->self.incarnation);
  ASSERT_EQ(b->seen->changes.size(), 1u);
  EXPECT_EQ(b->seen->changes[0].incarnation, a->environment->self.incarnation);
  EXPECT_EQ(a->board.lines().at("b").version, highest_version);
}

TEST_F(links_test, an_idle_link_stays_up) {
  start();
  world.pass(60s);
  EXPECT_EQ(a->seen->changes.size(), 1u);
  EXPECT_EQ(b->seen->changes.size(), 1u);
}

TEST_F(links_test, a_remote_shard_answers_as_if_it_were_here) {
  start();
  world.ask(*a, "b", 42);
  world.ask(*b, "a", 43);  // the other way too, over the same link
  world.pass(5ms);
  ASSERT_EQ(a->seen->responses.size(), 1u);
  EXPECT_EQ(last_response().correlation, 42u);
  EXPECT_EQ(last_response().outcome, outcome::answered);
  EXPECT_EQ(last_response().answer.body, "done by request 42");
  ASSERT_EQ(b->seen->responses.size(), 1u);
  EXPECT_EQ(b->seen->responses[0].correlation, 43u);
}

TEST_F(links_test, a_deadline_arrives_as_one_of_the_other_clock) {
  start();
  auto request = world.request(*a, 1);
  request.deadline = world.driver.time()->steady() + 700ms;
  caf::anon_send(a->shard("b"), request);
  world.pass(5ms);
  ASSERT_EQ(b->seen->requests.size(), 1u);
  EXPECT_NEAR(static_cast<double>(b->seen->requests[0].deadline.count()),
              static_cast<double>(request.deadline.count()), 5e6);
}

TEST_F(links_test, pages_of_an_index_come_from_a_remote_shard) {
  start();
  runtime::index_query query;
  query.index = "orders";
  query.correlation = 9;
  query.reply_to = a->actor;
  caf::anon_send(a->shard("b"), query);
  world.pass(5ms);
  ASSERT_EQ(a->seen->pages.size(), 1u);
  EXPECT_EQ(a->seen->pages[0].correlation, 9u);
  EXPECT_TRUE(a->seen->pages[0].available);
  EXPECT_EQ(a->seen->pages[0].rows.size(), 1u);
  EXPECT_EQ(b->seen->queries[0].index, "orders");
}

TEST_F(links_test, streams_and_what_replicas_say_pass_in_order) {
  start();
  for (std::uint64_t number = 1; number <= 50; ++number) {
    runtime::stream_batch batch{3, 1, {}};
    batch.items.push_back({number,
                           {"main", runtime::testkit::tally_decider::id, "to"},
                           {"main", runtime::testkit::tally_decider::id, "from"},
                           souk::testing::text("take 1"),
                           {},
                           0,
                           {},
                           {},
                           {}});
    caf::anon_send(a->shard("b"), batch);
    caf::anon_send(a->board.link("b"), replica_message{2, {}, std::to_string(number)});
  }
  caf::anon_send(a->shard("b"), runtime::stream_ack{2, 1, 17, {19}});
  world.pass(5ms);
  ASSERT_EQ(b->seen->batches.size(), 50u);
  ASSERT_EQ(b->seen->replica_messages.size(), 50u);
  ASSERT_EQ(b->seen->acks.size(), 1u);
  EXPECT_EQ(b->seen->acks[0].watermark, 17u);
  EXPECT_EQ(b->seen->acks[0].from, 2);
  EXPECT_EQ(b->seen->acks[0].to, 1);
  for (std::size_t i = 0; i < 50; ++i) {
    EXPECT_EQ(b->seen->batches[i].items[0].number, i + 1);
    EXPECT_EQ(b->seen->replica_messages[i].content, std::to_string(i + 1));
  }
  EXPECT_EQ(b->seen->replica_messages[0].node, "a");
  EXPECT_EQ(b->seen->replica_messages[0].shard, 2);
}

TEST_F(links_test, a_node_answers_questions_of_another) {
  start();
  caf::anon_send(a->board.link("b"), node_question{"tree", "all of it", 5, a->actor});
  world.pass(5ms);
  ASSERT_EQ(a->seen->answers.size(), 1u);
  EXPECT_EQ(a->seen->answers[0].correlation, 5u);
  EXPECT_TRUE(a->seen->answers[0].answered);
  EXPECT_EQ(a->seen->answers[0].content, "about tree");
  EXPECT_EQ(b->seen->questions[0].content, "all of it");

  b->answering = false;
  caf::anon_send(a->board.link("b"), node_question{"tree", "", 6, a->actor});
  world.pass(a->environment->limits.pending_timeout + 1s);
  ASSERT_EQ(a->seen->answers.size(), 2u);
  EXPECT_FALSE(a->seen->answers[1].answered);
}

TEST_F(links_test, where_no_shard_is_the_answer_is_unavailable) {
  start();
  b->shards_here = false;
  world.ask(*a, "b", 1);
  runtime::index_query query;
  query.reply_to = a->actor;
  caf::anon_send(a->shard("b"), query);
  caf::anon_send(a->board.link("b"), node_question{"tree", "", 6, a->actor});
  world.pass(5ms);
  EXPECT_EQ(last_response().outcome, outcome::unavailable);
  EXPECT_FALSE(a->seen->pages.at(0).available);
  EXPECT_FALSE(a->seen->answers.at(0).answered);
}

TEST_F(links_test, what_never_left_is_unavailable) {
  start();
  world.network.part("a", "b");
  ASSERT_TRUE(both(false, 1'500ms));
  world.ask(*a, "b", 1);
  world.pass(5ms);
  ASSERT_EQ(a->seen->responses.size(), 1u);
  EXPECT_EQ(last_response().outcome, outcome::unavailable);
}

TEST_F(links_test, what_was_under_way_when_the_link_was_lost_is_unknown_unless_it_only_read) {
  start();
  b->answering = false;
  world.ask(*a, "b", 1);
  world.ask(*a, "b", 2, true);
  runtime::index_query query;
  query.reply_to = a->actor;
  caf::anon_send(a->shard("b"), query);
  world.pass(5ms);
  ASSERT_EQ(b->seen->requests.size(), 2u);
  EXPECT_TRUE(a->seen->responses.empty());
  world.network.reset("a", "b");
  world.pass(5ms);
  ASSERT_EQ(a->seen->responses.size(), 2u);
  for (const auto& response : a->seen->responses)
    EXPECT_EQ(response.outcome, response.correlation == 1 ? outcome::unknown : outcome::unavailable);
  ASSERT_EQ(a->seen->pages.size(), 1u);
  EXPECT_FALSE(a->seen->pages[0].available);
}

TEST_F(links_test, an_answer_that_comes_after_a_loss_finds_nobody) {
  start();
  b->answering = false;
  world.ask(*a, "b", 1);
  world.pass(5ms);
  world.network.reset("a", "b");
  ASSERT_TRUE(both(false, 100ms));
  ASSERT_TRUE(both(true, 1s));
  auto late = b->seen->requests.at(0);
  caf::anon_send(late.reply_to, runtime::response{late.correlation, outcome::answered, {}, {}});
  world.ask(*a, "b", 2);
  world.pass(5ms);
  ASSERT_EQ(a->seen->responses.size(), 1u);  // that of the loss
  EXPECT_EQ(last_response().outcome, outcome::unknown);
}

TEST_F(links_test, silence_both_ways_is_noticed_in_time_and_ends_when_the_network_is_back) {
  start();
  world.pass(3s);
  world.network.part("a", "b");
  EXPECT_FALSE(world.comes_true([&] { return !a->board.up("b") || !b->board.up("a"); }, 790ms));
  EXPECT_TRUE(both(false, 450ms));
  EXPECT_THAT(a->seen->changes.back().reason, HasSubstr("silent for"));
  world.pass(20s);
  world.network.join("a", "b");
  EXPECT_TRUE(both(true, 2'500ms));
  world.ask(*a, "b", 1);
  world.pass(5ms);
  EXPECT_EQ(last_response().outcome, outcome::answered);
}

TEST_F(links_test, silence_one_way_is_noticed_by_both) {
  for (const auto& [from, to] : {std::pair{"a", "b"}, std::pair{"b", "a"}}) {
    SCOPED_TRACE(std::string{from} + " to " + to);
    if (a == nullptr) start();
    world.network.cut(from, to);
    EXPECT_TRUE(both(false, 1'250ms));
    world.pass(10s);
    EXPECT_FALSE(a->board.up("b") && b->board.up("a"));
    world.network.open(from, to);
    EXPECT_TRUE(both(true, 3s));
  }
}

TEST_F(links_test, a_slow_way_is_no_loss) {
  start();
  world.network.delay("a", "b", 600ms);
  world.network.delay("b", "a", 600ms);
  world.pass(20s);
  EXPECT_EQ(a->seen->changes.size(), 1u);
}

TEST_F(links_test, a_node_that_was_killed_is_noticed_at_once_and_known_anew_when_it_is_back) {
  start();
  world.kill(*b);
  EXPECT_TRUE(world.comes_true([&] { return !a->board.up("b"); }, 5ms));
  world.pass(30s);
  auto& again = world.start("b");
  world.acquaint(again, {"a"});
  EXPECT_TRUE(world.comes_true([&] { return a->board.up("b") && again.board.up("a"); }, 1'100ms));
  EXPECT_EQ(a->seen->changes.back().incarnation, again.environment->self.incarnation);
  world.ask(*a, "b", 1);
  world.pass(5ms);
  EXPECT_EQ(last_response().outcome, outcome::answered);
}

TEST_F(links_test, a_node_that_dials_is_back_before_its_end_was_noticed) {
  start();
  world.network.part("a", "b");  // b does not hear that a ended ...
  world.kill(*a);
  world.network.join("a", "b");
  auto& again = world.start("a");
  world.acquaint(again, {"b"});
  EXPECT_TRUE(world.comes_true([&] { return again.board.up("b") && b->board.up("a"); }, 1'100ms));
  EXPECT_EQ(b->seen->changes.back().incarnation, again.environment->self.incarnation);
}

TEST_F(links_test, a_missing_or_misplaced_envelope_ends_the_link) {
  start();
  world.network.lose("a", "b", 1);
  world.pass(700ms);
  EXPECT_EQ(b->figures.links_lost, 1u);
  EXPECT_THAT(b->seen->changes.at(1).reason, HasSubstr("came in the place of"));
  EXPECT_TRUE(both(true, 500ms));
  world.network.swap("b", "a");
  world.pass(900ms);
  EXPECT_EQ(a->figures.links_lost, 2u);
  EXPECT_THAT(a->seen->changes.at(3).reason, HasSubstr("came in the place of"));
  EXPECT_TRUE(both(true, 500ms));
}

TEST_F(links_test, a_full_queue_refuses_requests_and_then_ends_the_link) {
  start([](link_environment& environment) { environment.limits.send_queue_bytes_max = 20'000; });
  world.network.cut("a", "b");
  auto heavy = world.request(*a, 1);
  heavy.command = souk::testing::text(std::string(9'000, 'x'));
  caf::anon_send(a->shard("b"), heavy);
  caf::anon_send(a->shard("b"), heavy);
  world.pass(5ms);
  EXPECT_TRUE(a->seen->responses.empty());
  caf::anon_send(a->shard("b"), heavy);
  world.pass(5ms);
  ASSERT_EQ(a->seen->responses.size(), 1u);
  EXPECT_EQ(last_response().outcome, outcome::unavailable);
  EXPECT_EQ(a->figures.requests_refused, 1u);
  caf::anon_send(a->board.link("b"), replica_message{1, {}, std::string(9'000, 'x')});
  world.pass(5ms);
  EXPECT_EQ(a->figures.replica_messages_dropped, 1u);
  EXPECT_TRUE(a->board.up("b"));
  runtime::stream_batch batch{3, 1, {}};
  batch.items.emplace_back();
  batch.items[0].to.kind = runtime::testkit::tally_decider::id;
  batch.items[0].command = heavy.command;
  caf::anon_send(a->shard("b"), batch);
  caf::anon_send(a->shard("b"), batch);
  world.pass(5ms);
  EXPECT_FALSE(a->board.up("b"));
  EXPECT_THAT(a->seen->changes.back().reason, HasSubstr("too much waits"));
  EXPECT_EQ(a->seen->responses.size(), 3u);  // the two that left are unknown
  EXPECT_EQ(last_response().outcome, outcome::unknown);
}

TEST_F(links_test, what_does_not_fit_into_an_envelope_is_refused) {
  start();
  auto heavy = world.request(*a, 1);
  heavy.command = souk::testing::text(std::string(envelope_bytes_max, 'x'));
  caf::anon_send(a->shard("b"), heavy);
  world.pass(5ms);
  ASSERT_EQ(a->seen->responses.size(), 1u);
  EXPECT_EQ(last_response().outcome, outcome::unavailable);
  EXPECT_TRUE(a->board.up("b"));
}

TEST_F(links_test, a_node_that_ends_its_links_is_lost_at_once_and_for_good) {
  start();
  caf::anon_send(a->hub, end_links{});
  world.pass(5ms);
  EXPECT_FALSE(a->board.up("b"));
  EXPECT_FALSE(b->board.up("a"));
  EXPECT_THAT(b->seen->changes.back().reason, HasSubstr("leaves"));
  world.acquaint(*a, {"b"});
  world.pass(3s);
  EXPECT_FALSE(b->board.up("a"));
}

TEST_F(links_test, what_the_other_node_does_not_understand_is_told_as_that) {
  start();
  auto strange = world.request(*a, 1);
  strange.to.kind = 99;
  caf::anon_send(a->shard("b"), strange);
  world.pass(5ms);
  ASSERT_EQ(a->seen->responses.size(), 1u);
  EXPECT_EQ(last_response().outcome, outcome::not_understood);
  EXPECT_THAT(last_response().detail, HasSubstr("unknown entity kind 99"));
  EXPECT_EQ(b->figures.not_understood, 1u);
  EXPECT_TRUE(a->board.up("b"));
}

TEST_F(links_test, an_answer_that_does_not_come_in_time_is_unknown) {
  start();
  b->answering = false;
  auto request = world.request(*a, 1);
  request.deadline = world.driver.time()->steady() + 2s;
  caf::anon_send(a->shard("b"), request);
  world.ask(*a, "b", 2);
  world.pass(1'900ms);
  EXPECT_TRUE(a->seen->responses.empty());
  world.pass(300ms);
  ASSERT_EQ(a->seen->responses.size(), 1u);
  EXPECT_EQ(last_response().correlation, 1u);
  EXPECT_EQ(last_response().outcome, outcome::unknown);
  world.pass(28s);
  ASSERT_EQ(a->seen->responses.size(), 2u);
  EXPECT_EQ(last_response().correlation, 2u);
}

TEST_F(links_test, requests_under_way_are_bounded) {
  start([](link_environment& environment) { environment.limits.pending_max = 3; });
  b->answering = false;
  for (std::uint64_t n = 1; n <= 4; ++n)
    world.ask(*a, "b", n);
  world.pass(5ms);
  ASSERT_EQ(a->seen->responses.size(), 1u);
  EXPECT_EQ(last_response().outcome, outcome::overloaded);
}

TEST_F(links_test, a_node_that_left_the_cluster_is_left_alone_until_it_is_back) {
  start();
  const auto proxy = a->shard("b");
  world.acquaint(*a, {});
  world.pass(10ms);
  EXPECT_FALSE(b->board.up("a"));
  EXPECT_THAT(b->seen->changes.back().reason, HasSubstr("goodbye"));
  EXPECT_FALSE(a->board.link("b"));
  world.ask(*a, "b", 1);
  world.pass(5s);
  EXPECT_EQ(last_response().outcome, outcome::unavailable);
  EXPECT_FALSE(b->board.up("a"));
  world.acquaint(*a, {"b"});
  EXPECT_TRUE(both(true, 100ms));
  EXPECT_EQ(a->shard("b"), proxy);
}

TEST_F(links_test, a_link_that_fails_starts_again_and_its_requests_are_unknown) {
  start();
  b->answering = false;
  world.ask(*a, "b", 1);
  world.pass(5ms);
  const auto failing = a->board.link("b");
  caf::anon_send_exit(failing, caf::exit_reason::kill);
  world.pass(5ms);
  EXPECT_FALSE(a->board.up("b"));
  EXPECT_EQ(last_response().outcome, outcome::unknown);
  EXPECT_TRUE(both(true, 1s));
  EXPECT_NE(a->board.link("b"), failing);
}

TEST_F(links_test, a_hub_takes_all_its_links_with_it) {
  start();
  const auto link = a->board.link("b");
  caf::anon_send_exit(a->hub, caf::exit_reason::user_shutdown);
  world.pass(10ms);
  EXPECT_FALSE(b->board.up("a"));
}

/// Nodes that must not talk to each other.
class refused_links_test : public links_test {
 protected:
  /// Starts two nodes and answers what `a` was told.
  std::string refusal(const std::function<void(link_environment&)>& change_b,
                      const std::string& certified = {}) {
    a = &world.start("a");
    b = &world.start("b", change_b, certified);
    world.acquaint(*a, {"b"});
    world.acquaint(*b, {"a"});
    world.pass(5s);
    EXPECT_FALSE(a->board.up("b"));
    EXPECT_TRUE(a->seen->changes.empty());
    EXPECT_TRUE(b->seen->changes.empty());
    return a->board.lines()["b"].last_loss;
  }
};

TEST_F(refused_links_test, nodes_of_different_clusters) {
  EXPECT_THAT(refusal([](link_environment& environment) { environment.self.cluster = "other"; }),
              HasSubstr("refused there: cluster souk is not cluster other"));
}

TEST_F(refused_links_test, nodes_without_a_common_version) {
  EXPECT_THAT(refusal([](link_environment& environment) {
                environment.self.lowest_version = environment.self.highest_version = highest_version + 1;
              }),
              HasSubstr("node b speaks 2 to 2"));
}

TEST_F(refused_links_test, a_node_with_the_certificate_of_another) {
  EXPECT_THAT(refusal([](link_environment&) {}, "c"), HasSubstr("is not node b but c"));
}

TEST_F(refused_links_test, a_dialler_with_the_certificate_of_another) {
  a = &world.start("a", [](link_environment&) {}, "c");
  b = &world.start("b");
  world.acquaint(*a, {"b"});
  world.acquaint(*b, {"a"});
  world.pass(2s);
  EXPECT_THAT(a->board.lines()["b"].last_loss, HasSubstr("node a shows the certificate of c"));
}

TEST_F(refused_links_test, a_node_that_is_not_known_yet) {
  a = &world.start("a");
  b = &world.start("b");
  world.acquaint(*a, {"b"});
  world.pass(2s);
  EXPECT_THAT(a->board.lines()["b"].last_loss, HasSubstr("node a is not known here"));
  world.acquaint(*b, {"a"});
  EXPECT_TRUE(both(true, 1'100ms));
}

TEST_F(refused_links_test, another_node_at_the_address) {
  a = &world.start("a");
  auto& c = world.start("c");
  world.acquaint(c, {"a"});
  caf::anon_send(a->hub, remote_nodes{{{"b", linked_nodes::address_of("c")}}});
  world.pass(2s);
  EXPECT_THAT(a->board.lines()["b"].last_loss, HasSubstr("is not node b but c"));
}

TEST_F(refused_links_test, an_address_without_anybody) {
  a = &world.start("a");
  world.acquaint(*a, {"b"});
  world.pass(2s);
  EXPECT_EQ(a->board.lines()["b"].last_loss, "nobody listens");
}

}  // namespace
}  // namespace souk::links
