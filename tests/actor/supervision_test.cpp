#include "tests/actor/supervision_workers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace souk::supervision {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

class supervised : public testkit::coordinator_fixture {
 protected:
  using strings = std::vector<std::string>;

  supervisor_spec spec(strategy strategy, const strings& children) const {
    supervisor_spec spec;
    spec.name = "top";
    spec.strategy = strategy;
    for (const auto& name : children)
      spec.children.push_back(worker_child(record_, name));
    return spec;
  }

  /// Starts the tree; its root tells why it gave up, should it.
  caf::actor begin(supervisor_spec spec) {
    spec.on_escalation = [this](const std::string& why) { given_up_ = why; };
    auto top = actors.spawn(supervisor, std::move(spec));
    actors.run();
    return top;
  }
  caf::actor begin(strategy strategy) {
    auto top = begin(spec(strategy, {"a", "b", "c"}));
    record_->take();
    return top;
  }

  strings after(const std::string& child, const std::string& command) {
    record_->tell(child, command);
    actors.run();
    return record_->take();
  }
  strings after(std::chrono::nanoseconds time) {
    actors.advance(time);
    return record_->take();
  }
  strings after_stop(const caf::actor& supervisor) {
    caf::anon_send_exit(supervisor, caf::exit_reason::user_shutdown);
    actors.run();
    return record_->take();
  }

  record_ptr record_ = std::make_shared<record>();
  std::string given_up_;
};

TEST_F(supervised, children_start_in_order_and_stop_in_reverse) {
  for (auto strategy : {strategy::one_for_one, strategy::one_for_all, strategy::rest_for_one}) {
    auto top = begin(spec(strategy, {"a", "b", "c"}));
    EXPECT_THAT(record_->take(), ElementsAre("start a", "start b", "start c"));
    EXPECT_THAT(after_stop(top), ElementsAre("end c", "end b", "end a"));
    EXPECT_EQ(actors.living(), 0U);
  }
}

TEST_F(supervised, a_child_that_throws_starts_again_at_once) {
  begin(strategy::one_for_one);
  EXPECT_THAT(after("b", "throw"), ElementsAre("end b", "start b"));
  EXPECT_EQ(actors.now(), 0s);
  EXPECT_THAT(after("b", "fail"), ElementsAre("end b")) << "the second time in a row it waits";
  EXPECT_THAT(after(9ms), IsEmpty());
  EXPECT_THAT(after(1ms), ElementsAre("start b"));
}

TEST_F(supervised, one_for_all_restarts_all) {
  begin(strategy::one_for_all);
  EXPECT_THAT(after("b", "throw"), ElementsAre("end b", "end c", "end a", "start a", "start b", "start c"));
}

TEST_F(supervised, rest_for_one_restarts_what_came_after) {
  begin(strategy::rest_for_one);
  EXPECT_THAT(after("b", "throw"), ElementsAre("end b", "end c", "start b", "start c"));
}

TEST_F(supervised, transient_and_temporary_children_may_be_done) {
  auto three = spec(strategy::one_for_one, {"a", "b", "c"});
  three.children[0].when = restart::transient;
  three.children[1].when = restart::temporary;
  begin(three);
  record_->take();
  EXPECT_THAT(after("a", "done"), ElementsAre("end a"));
  EXPECT_THAT(after("b", "throw"), ElementsAre("end b"));
  EXPECT_THAT(after("c", "done"), ElementsAre("end c", "start c"));
  EXPECT_THAT(after(1h), IsEmpty());
}

TEST_F(supervised, initialisers_and_start_functions_that_throw_are_failures) {
  auto one = spec(strategy::one_for_one, {"a"});
  record_->failing_initialisers["a"] = 1;
  record_->failing_starts["a"] = 1;
  begin(one);
  EXPECT_THAT(record_->take(), ElementsAre("start a", "end a"));
  EXPECT_THAT(after(10ms), ElementsAre("start a"));
  EXPECT_EQ(given_up_, "");
}

TEST_F(supervised, a_child_that_nobody_may_learn_of_is_a_failure) {
  auto one = spec(strategy::one_for_one, {"a"});
  int refusals = 2;
  one.children[0].on_started = [&, known = one.children[0].on_started](const caf::actor& handle) {
    if (refusals-- > 0) throw std::runtime_error("the directory is full");
    known(handle);
  };
  begin(one);
  EXPECT_THAT(record_->take(), ElementsAre("start a", "end a", "start a", "end a"));
  EXPECT_THAT(after(10ms), ElementsAre("start a"));
  EXPECT_EQ(record_->living.size(), 1U);
}

TEST_F(supervised, directories_learn_when_a_child_ends) {
  auto one = spec(strategy::one_for_one, {"a"});
  int ended = 0;
  one.children[0].on_ended = [&] { ++ended; };
  auto top = begin(one);
  after("a", "throw");
  EXPECT_EQ(ended, 1);
  after_stop(top);
  EXPECT_EQ(ended, 2);
}

TEST_F(supervised, too_many_restarts_end_the_whole_tree) {
  auto three = spec(strategy::one_for_one, {"a", "b", "c"});
  three.intensity = {.restarts_max = 2, .window = 10s};
  begin(three);
  record_->take();
  for (int i = 0; i < 2; ++i) {
    after("b", "throw");
    after(1s);
  }
  EXPECT_THAT(after("b", "throw"), ElementsAre("end b", "end c", "end a"));
  EXPECT_EQ(given_up_, "top gives up after too many restarts, the last because of b: told to throw");
  EXPECT_EQ(actors.living(), 0U);
}

TEST_F(supervised, damage_is_passed_on_at_once) {
  auto inner = spec(strategy::one_for_one, {"c", "d"});
  inner.name = "inner";
  auto outer = spec(strategy::one_for_one, {"a", "b"});
  outer.children.push_back(supervisor_child(std::move(inner)));
  begin(outer);
  record_->take();
  EXPECT_THAT(after("c", "damage"), ElementsAre("end c", "end d", "end b", "end a"));
  EXPECT_EQ(given_up_, "top gives up because of inner: inner gives up because of c: told to find damage");
  EXPECT_EQ(actors.living(), 0U);
}

TEST_F(supervised, restarts_far_apart_are_not_too_many) {
  auto one = spec(strategy::one_for_one, {"a"});
  one.intensity = {.restarts_max = 2, .window = 10s};
  begin(one);
  for (int i = 0; i < 20; ++i) {
    after("a", "throw");
    after(5s);
  }
  EXPECT_EQ(given_up_, "");
  EXPECT_EQ(record_->living.size(), 1U);
}

TEST_F(supervised, a_stubborn_child_is_killed_after_its_time) {
  auto two = spec(strategy::one_for_one, {"a", "b"});
  two.children[1].stop_within = 3s;
  auto top = begin(two);
  record_->take();
  after("b", "stubborn");
  EXPECT_THAT(after_stop(top), IsEmpty());
  EXPECT_THAT(after(2999ms), IsEmpty());
  EXPECT_THAT(after(1ms), ElementsAre("end b", "end a"));
  EXPECT_EQ(actors.living(), 0U);
}

TEST_F(supervised, a_late_kill_does_not_meet_the_next_life) {
  auto two = spec(strategy::one_for_all, {"a", "b"});
  begin(two);
  record_->take();
  EXPECT_THAT(after("a", "throw"), ElementsAre("end a", "end b", "start a", "start b"));
  EXPECT_THAT(after(1min), IsEmpty()) << "the time given to the first b to end runs out";
}

TEST_F(supervised, a_killed_supervisor_takes_its_children_along) {
  auto top = begin(strategy::one_for_one);
  after("b", "stubborn");
  caf::anon_send_exit(top, caf::exit_reason::kill);
  actors.run();
  EXPECT_EQ(actors.living(), 0U);
  EXPECT_THAT(record_->living, IsEmpty());
}

TEST_F(supervised, supervisors_nest) {
  auto inner = spec(strategy::one_for_one, {"x", "y"});
  inner.name = "inner";
  inner.intensity = {.restarts_max = 1, .window = 10s};
  auto outer = spec(strategy::rest_for_one, {"a", "z"});
  outer.children.insert(outer.children.begin() + 1, supervisor_child(inner));
  auto top = begin(outer);
  record_->take();

  EXPECT_THAT(after("x", "throw"), ElementsAre("end x", "start x")) << "within what is normal";
  EXPECT_THAT(after("x", "throw"), ElementsAre("end x", "end y", "end z", "start x", "start y", "start z"))
      << "the inner supervisor gave up and was restarted by the outer one, with what came after";
  EXPECT_EQ(given_up_, "");
  EXPECT_THAT(after_stop(top), ElementsAre("end z", "end y", "end x", "end a"));
  EXPECT_EQ(actors.living(), 0U);
}

TEST_F(supervised, normal_ends_of_linked_actors_stop_nobody) {
  auto top = begin(strategy::one_for_one);
  caf::anon_send(top, caf::exit_msg{record_->living.at("a")->address(), caf::error{}});
  actors.run();
  EXPECT_THAT(record_->take(), IsEmpty());
  EXPECT_EQ(actors.living(), 4U);
}

TEST_F(supervised, a_message_that_nobody_handles_is_an_error_and_nothing_more) {
  auto top = begin(strategy::one_for_one);
  auto outcome = actors.ask<int>(top, 1s, 42);
  actors.run();
  EXPECT_EQ(outcome->error, caf::sec::unexpected_message);
  EXPECT_EQ(actors.living(), 4U);
}

}  // namespace
}  // namespace souk::supervision
