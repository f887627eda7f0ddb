#include "runtime/node/membership.hpp"

#include "runtime/links/messages.hpp"
#include "runtime/node/node_desk.hpp"
#include "runtime/testkit/driver.hpp"

#include <caf/all.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace souk::runtime::testkit {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// What actors around a node's own have heard.
struct heard {
  std::vector<std::string> addresses;  // that the hub was told last
  std::vector<links::node_question> questions;
  std::vector<ask_position> asked;
  std::vector<position_told> told;
  std::vector<links::node_answer> answers;
};

caf::behavior listener(caf::event_based_actor*, heard* heard) {
  return {
      [=](const links::remote_nodes& all) {
        heard->addresses.clear();
        for (const auto& node : all.nodes)
          heard->addresses.push_back(node.id + "=" + node.address);
      },
      [=](const links::node_question& question) { heard->questions.push_back(question); },
      [=](const ask_position& question) { heard->asked.push_back(question); },
      [=](const position_told& told) { heard->told.push_back(told); },
      [=](const links::node_answer& answer) { heard->answers.push_back(answer); },
      [](const subscribe&) {},
  };
}

class node_actors : public ::testing::Test {
 protected:
  node_actors() {
    around_ = spawn(listener, &heard_);
    for (int i = 0; i < 2; ++i)
      proxies_.push_back(spawn(listener, &heard_));
  }
  ~node_actors() override {
    for (auto& actor : actors_)
      caf::anon_send_exit(actor, caf::exit_reason::kill);
    driver_.settle();
    routing_.set(0, nullptr);
    for (shard_id id = 0; id < 2; ++id)
      routing_.set_remote(id, nullptr);
    links_.clear();
    proxies_.clear();
    actors_.clear();
    around_ = nullptr;
    heard_ = {};
  }

  template <class... Arguments>
  caf::actor spawn(Arguments&&... arguments) {
    actors_.push_back(caf::actor{driver_.system().spawn(std::forward<Arguments>(arguments)...)});
    return actors_.back();
  }
  caf::actor spawn_membership() {
    membership_options options;
    options.node = "a";
    options.routing = &routing_;
    options.links = &links_;
    options.board = &board_;
    options.format = &format_;
    options.coordinator = [this] { return around_; };
    options.hub = [this] { return around_; };
    return spawn(membership, options);
  }
  caf::actor spawn_desk() {
    node_desk_options options;
    options.node = "a";
    options.replica = [this](shard_id shard) { return shard == 0 ? around_ : caf::actor{}; };
    options.link = [this](const std::string& node) { return node == "b" ? around_ : caf::actor{}; };
    options.feed = [] { return caf::actor{}; };
    return spawn(node_desk, options);
  }

  /// Nodes a and b; shard 0 is a's, shard 1 is b's.
  static cluster_view two_nodes() {
    cluster_view view;
    view.nodes = {{.id = "a", .link_address = "h:1"}, {.id = "b", .link_address = "h:2"}};
    view.members = {{.id = "a"}, {.id = "b"}};
    view.shards = {{.epoch = 1, .primary = "a"}, {.epoch = 1, .primary = "b"}};
    return view;
  }
  void tell(const caf::actor& to, cluster_view view) {
    caf::anon_send(to, view_changed{std::make_shared<const cluster_view>(std::move(view))});
    driver_.settle();
  }

  driver driver_{1};
  entity_catalogue kinds_;
  routing_table routing_{2, kinds_};
  links::link_board links_;
  cluster_board board_;
  std::atomic<std::uint32_t> format_{1};
  heard heard_;
  std::vector<caf::actor> actors_;
  std::vector<caf::actor> proxies_;
  caf::actor around_;
};

TEST_F(node_actors, a_shard_of_another_node_is_reached_through_who_stands_for_it) {
  const auto membership = spawn_membership();
  tell(membership, two_nodes());
  EXPECT_EQ(routing_.shard(1), nullptr) << "the hub has made nobody yet";
  EXPECT_THAT(heard_.addresses, ElementsAre("b=h:2"));
  links_.change("b", [this](links::link_board::line& line) { line.shards = proxies_; });
  driver_.advance(100ms);
  EXPECT_EQ(routing_.shard(1), proxies_[1]);
  EXPECT_EQ(routing_.shard(0), nullptr) << "it is this node's, and not served yet";
  auto moved = two_nodes();
  moved.shards[0].primary = "b";
  moved.shards[1].primary = "a";
  tell(membership, moved);
  EXPECT_EQ(routing_.shard(0), proxies_[0]);
  EXPECT_EQ(routing_.shard(1), nullptr);
  routing_.set(0, around_);
  EXPECT_EQ(routing_.shard(0), around_) << "what serves here goes first";
  routing_.remove(0, around_);
  EXPECT_EQ(routing_.shard(0), proxies_[0]);
}

TEST_F(node_actors, what_the_cluster_writes_is_written_once_it_is_known) {
  const auto membership = spawn_membership();
  auto view = two_nodes();
  tell(membership, view);
  EXPECT_EQ(format_, 1u) << "there is no cluster yet";
  view.settings.shard_count = 2;
  view.settings.format = 3;
  tell(membership, view);
  EXPECT_EQ(format_, 3u);
}

TEST_F(node_actors, a_node_that_is_not_registered_is_remembered_until_it_is_removed) {
  const auto membership = spawn_membership();
  tell(membership, two_nodes());
  auto view = two_nodes();
  view.nodes.pop_back();
  tell(membership, view);
  EXPECT_THAT(heard_.addresses, ElementsAre("b=h:2"));
  view.members[1].state = member_state::removed;
  tell(membership, view);
  EXPECT_THAT(heard_.addresses, IsEmpty());
}

TEST_F(node_actors, a_controller_hears_replicas_of_its_own_node_and_of_others) {
  const auto desk = spawn_desk();
  caf::anon_send(desk, ask_position{0, "a/disk", around_});
  driver_.settle();
  ASSERT_EQ(heard_.asked.size(), 1u);
  EXPECT_EQ(heard_.asked[0].reply_to, around_);
  caf::anon_send(desk, ask_position{1, "b/disk", around_});
  caf::anon_send(desk, ask_position{1, "c/disk", around_});
  driver_.settle();
  ASSERT_EQ(heard_.questions.size(), 1u) << "there is no link to c";

  // The other node's desk asks its replica and answers.
  auto question = heard_.questions[0];
  const auto theirs = desk;
  question.reply_to = around_;
  caf::anon_send(theirs, question);
  driver_.settle();
  ASSERT_EQ(heard_.answers.size(), 1u);
  EXPECT_FALSE(heard_.answers[0].answered) << "it has no replica of shard 1";
}

TEST_F(node_actors, what_a_replica_says_arrives_as_it_was_said) {
  const auto desk = spawn_desk();
  // As if node b had asked about our shard 0, and had us as its link.
  caf::anon_send(desk, ask_position{0, "b/disk", around_});
  driver_.settle();
  auto question = heard_.questions.at(0);
  const auto correlation = question.correlation;
  question.reply_to = around_;
  caf::anon_send(desk, question);
  driver_.settle();
  ASSERT_EQ(heard_.asked.size(), 1u);
  replication::position_answer said;
  said.member = "a/disk";
  said.epoch = 7;
  said.last = {12, 6};
  said.reaches = {"b/disk", "c/disk"};
  caf::anon_send(heard_.asked[0].reply_to, position_told{0, said});
  driver_.settle();
  ASSERT_EQ(heard_.answers.size(), 1u);
  caf::anon_send(desk, links::node_answer{correlation, true, heard_.answers[0].content});
  driver_.settle();
  ASSERT_EQ(heard_.told.size(), 1u);
  const auto& told = heard_.told[0];
  EXPECT_EQ(told.shard, 0);
  EXPECT_EQ(told.answer.member, said.member);
  EXPECT_EQ(told.answer.epoch, said.epoch);
  EXPECT_EQ(told.answer.last, said.last);
  EXPECT_EQ(told.answer.reaches, said.reaches);
}

TEST_F(node_actors, a_question_that_nobody_knows_is_refused) {
  const auto desk = spawn_desk();
  for (const char* name : {"position", "feed", "dance"})
    caf::anon_send(desk, links::node_question{name, "\xff", 1, around_});
  driver_.settle();
  ASSERT_EQ(heard_.answers.size(), 3u);
  for (const auto& answer : heard_.answers)
    EXPECT_FALSE(answer.answered);
}

}  // namespace
}  // namespace souk::runtime::testkit
