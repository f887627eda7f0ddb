#include "runtime/supervision/entity_supervisor.hpp"
#include "tests/actor/supervision_workers.hpp"

#include <gtest/gtest.h>

namespace souk::supervision {
namespace {

using namespace std::chrono_literals;

class entities : public testkit::coordinator_fixture {
 protected:
  entities() {
    entity_supervisor_spec spec;
    spec.on_failure = [this] { ++failures_; };
    spec.on_live = [this](std::int64_t change) { live_ += change; };
    supervisor_ = actors.spawn(entity_supervisor, spec);
    shard_ = actors.make_inbox<entity_down>();
    actors.run();
  }

  void adopt_one(std::uint64_t token) {
    const auto name = "cart/" + std::to_string(token);
    auto entity = actors.system().spawn(worker, record_, name);
    record_->living[name] = entity;
    caf::anon_send(supervisor_, adopt{token, name, entity, shard_.address});
    actors.run();
  }
  void tell(std::uint64_t token, const std::string& command) {
    record_->tell("cart/" + std::to_string(token), command);
    actors.run();
  }
  std::chrono::nanoseconds wait_after_failure(std::uint64_t token) {
    adopt_one(token);
    tell(token, "throw");
    return shard_.messages->back().retry_after;
  }
  tree_node look() {
    auto outcome = actors.ask<tree_node>(supervisor_, 1s, tree_request{});
    actors.run();
    return outcome->reply.value();
  }

  record_ptr record_ = std::make_shared<record>();
  caf::actor supervisor_;
  testkit::inbox<entity_down> shard_;
  int failures_ = 0;
  std::int64_t live_ = 0;
};

TEST_F(entities, a_failure_is_told_to_the_shard) {
  adopt_one(1);
  adopt_one(2);
  EXPECT_EQ(live_, 2);
  tell(2, "throw");
  ASSERT_EQ(shard_.messages->size(), 1U);
  EXPECT_EQ(shard_.messages->front().token, 2U);
  EXPECT_EQ(shard_.messages->front().reason, "told to throw");
  EXPECT_EQ(shard_.messages->front().retry_after, 0s);
  EXPECT_EQ(failures_, 1);
  EXPECT_EQ(live_, 1);
}

TEST_F(entities, a_normal_end_is_forgotten) {
  adopt_one(1);
  tell(1, "done");
  EXPECT_TRUE(shard_.messages->empty());
  EXPECT_EQ(look().entities->live, 0U);
  EXPECT_EQ(look().entities->restarts, 0U);
}

TEST_F(entities, an_entity_is_kept_alive_and_freed_when_it_ends) {
  auto entity = actors.system().spawn(worker, record_, std::string{"cart/1"});
  const auto address = entity.address();
  caf::anon_send(supervisor_, adopt{1, "cart/1", entity, shard_.address});
  entity = nullptr;
  actors.run();
  EXPECT_EQ(live_, 1) << "only the supervisor holds it";
  caf::anon_send(caf::actor_cast<caf::actor>(address), std::string{"done"});
  actors.run();
  EXPECT_EQ(live_, 0);
  EXPECT_FALSE(caf::actor_cast<caf::actor>(address));
}

TEST_F(entities, one_that_ended_before_it_was_adopted_is_noticed) {
  auto entity = actors.system().spawn(worker, record_, std::string{"cart/1"});
  caf::anon_send(entity, std::string{"throw"});
  actors.run();
  caf::anon_send(supervisor_, adopt{1, "cart/1", entity, shard_.address});
  actors.run();
  EXPECT_EQ(shard_.messages->size(), 1U);
  EXPECT_EQ(live_, 0);
}

TEST_F(entities, failures_in_a_row_wait_longer_until_a_quiet_minute) {
  EXPECT_EQ(wait_after_failure(1), 0ms);
  EXPECT_EQ(wait_after_failure(1), 10ms);
  EXPECT_EQ(wait_after_failure(1), 20ms);
  EXPECT_EQ(wait_after_failure(2), 0ms) << "each entity counts for itself";
  for (int i = 0; i < 10; ++i)
    wait_after_failure(1);
  EXPECT_EQ(wait_after_failure(1), 1s);
  actors.advance(59s);
  EXPECT_EQ(wait_after_failure(1), 1s);
  actors.advance(60s);
  EXPECT_EQ(wait_after_failure(1), 0ms);
  EXPECT_EQ(failures_, 17);
}

TEST_F(entities, the_tree_shows_the_most_recently_failed_first) {
  for (std::uint64_t token = 1; token <= 60; ++token)
    wait_after_failure(token);
  wait_after_failure(30);
  adopt_one(99);
  const auto node = look();
  EXPECT_EQ(node.kind, "entity_supervisor");
  EXPECT_EQ(node.entities->live, 1U);
  EXPECT_EQ(node.entities->restarts, 61U);
  ASSERT_EQ(node.children.size(), 50U);
  EXPECT_EQ(node.children[0].name, "cart/30");
  EXPECT_EQ(node.children[0].restarts, 2U);
  EXPECT_EQ(node.children[0].last_error, "told to throw");
  EXPECT_EQ(node.children[1].name, "cart/60");
}

TEST_F(entities, only_so_many_failures_are_remembered) {
  for (std::uint64_t token = 0; token <= entity_supervisor_state::failed_max; ++token)
    wait_after_failure(token);
  EXPECT_EQ(wait_after_failure(1), 10ms) << "remembered";
  EXPECT_EQ(wait_after_failure(0), 0ms) << "the oldest was forgotten";
}

TEST_F(entities, end_with_their_supervisor_whatever_they_think_of_it) {
  for (auto reason : {caf::exit_reason::user_shutdown, caf::exit_reason::kill}) {
    supervisor_ = actors.spawn(entity_supervisor, entity_supervisor_spec{});
    for (std::uint64_t token = 1; token <= 5; ++token)
      adopt_one(token);
    tell(3, "stubborn");
    const auto before = actors.living();
    caf::anon_send_exit(supervisor_, reason);
    actors.run();
    EXPECT_EQ(actors.living(), before - 6);
    EXPECT_TRUE(shard_.messages->empty());
  }
}

TEST_F(entities, one_adopted_while_all_end_ends_too) {
  adopt_one(1);
  auto late = actors.system().spawn(worker, record_, std::string{"cart/2"});
  caf::anon_send_exit(supervisor_, caf::exit_reason::user_shutdown);
  caf::anon_send(supervisor_, adopt{2, "cart/2", late, shard_.address});
  const auto address = late.address();
  late = nullptr;
  actors.run();
  EXPECT_FALSE(caf::actor_cast<caf::actor>(address));
}

}  // namespace
}  // namespace souk::supervision
