#include "runtime/supervision/entity_supervisor.hpp"
#include "tests/actor/supervision_workers.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace souk::supervision {
namespace {

using namespace std::chrono_literals;

class tree : public testkit::coordinator_fixture {
 protected:
  tree() {
    supervisor_spec shards;
    shards.name = "shards";
    shards.children = {worker_child(record_, "shard-0"), worker_child(record_, "shard-1")};
    supervisor_spec node;
    node.name = "node";
    node.children = {worker_child(record_, "storage"), supervisor_child(shards),
                     worker_child(record_, "once", restart::temporary)};
    top_ = actors.spawn(supervisor, node);
    actors.run();
  }

  /// The tree as asked for now; time passes only if `patience` is given.
  std::optional<tree_node> look(std::chrono::nanoseconds patience = 0s) {
    auto outcome = actors.ask<tree_node>(top_, 10s, tree_request{1s});
    actors.run();
    if (!outcome->reply) actors.advance(patience);
    return outcome->reply;
  }

  record_ptr record_ = std::make_shared<record>();
  caf::actor top_;
};

/// An actor that begins, and then comes to a stop in the middle of its work: it takes no message any more.
caf::behavior blocked(caf::event_based_actor* self, int) {
  self->set_default_handler(caf::skip);
  return {[](ready_request) { return ready{}; }};
}

TEST_F(tree, shows_names_kinds_and_states) {
  const auto node = look();
  ASSERT_TRUE(node);
  EXPECT_EQ(to_json(*node),
            R"({"name":"node","kind":"supervisor","state":"running","restarts":0,"children":[)"
            R"({"name":"storage","kind":"worker","state":"running","restarts":0,"children":[]},)"
            R"({"name":"shards","kind":"supervisor","state":"running","restarts":0,"children":[)"
            R"({"name":"shard-0","kind":"worker","state":"running","restarts":0,"children":[]},)"
            R"({"name":"shard-1","kind":"worker","state":"running","restarts":0,"children":[]}]},)"
            R"({"name":"once","kind":"worker","state":"running","restarts":0,"children":[]}]})");
}

TEST_F(tree, shows_restarts_errors_and_what_waits) {
  record_->tell("shard-1", "throw");
  record_->tell("once", "done");
  actors.run();
  record_->tell("shard-1", "throw");
  actors.run();
  const auto node = look();
  ASSERT_TRUE(node);
  const auto& shard = node->children.at(1).children.at(1);
  EXPECT_EQ(shard.state, "waiting");
  EXPECT_EQ(shard.restarts, 1U);
  EXPECT_EQ(shard.last_error, "told to throw");
  EXPECT_EQ(node->children.at(2).state, "finished");
  EXPECT_EQ(node->children.at(0).last_error, "");
}

TEST_F(tree, texts_of_errors_are_json) {
  const tree_node node{.name = "a \"b\"",
                       .kind = "worker",
                       .state = "running",
                       .restarts = 3,
                       .last_error = "\xff\n",
                       .entities = population{.live = 2, .restarts = 1}};
  const auto json = boost::json::parse(to_json(node)).as_object();
  EXPECT_EQ(json.at("name"), "a \"b\"");
  EXPECT_EQ(json.at("last_error"), "\xEF\xBF\xBD\n");
  EXPECT_EQ(json.at("entities").at("live"), 2);
  EXPECT_EQ(json.at("entities").at("restarts"), 1);
}

class busy_tree : public testkit::coordinator_fixture {};

TEST_F(busy_tree, who_does_not_answer_in_time_is_shown_as_busy) {
  auto record = std::make_shared<souk::supervision::record>();
  auto slow = worker_child(record, "slow");
  slow.supervises = true;
  slow.start = [](caf::event_based_actor* self) -> caf::actor { return self->spawn(blocked, 0); };
  slow.on_started = nullptr;
  supervisor_spec inner;
  inner.name = "inner";
  inner.children = {slow, worker_child(record, "quick")};
  supervisor_spec outer;
  outer.name = "outer";
  outer.children = {supervisor_child(inner)};
  auto top = actors.spawn(supervisor, outer);
  actors.run();

  auto outcome = actors.ask<tree_node>(top, 1s, tree_request{800ms});
  actors.advance(790ms);
  ASSERT_TRUE(outcome->reply) << "its own wait is shorter than the asker's";
  const auto& node = outcome->reply->children.at(0);
  EXPECT_EQ(node.state, "running");
  EXPECT_EQ(node.children.at(0).state, "busy");
  EXPECT_EQ(node.children.at(1).state, "running");
}

}  // namespace
}  // namespace souk::supervision
