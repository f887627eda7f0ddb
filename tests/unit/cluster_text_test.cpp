#include "runtime/cluster/cluster_text.hpp"

#include "runtime/cluster/operator_plan.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace souk::runtime {
namespace {

const cluster_settings settings{.cluster_id = "id",
                                .cluster_secret = "s",
                                .shard_count = 2,
                                .replicas = 3,
                                .min_in_sync = 2,
                                .format = 1};
const node_registration node_a{.id = "a",
                               .disk_id = "d",
                               .incarnation = 0xFFFF'FFFF'FFFF'FFFE,
                               .link_address = "h:1",
                               .http_address = "h:2",
                               .version = "0.1",
                               .formats = {1, 2},
                               .leaving = true};
const shard_record record{.epoch = 7,
                          .primary = "a",
                          .in_sync = {"a/d", "b/e"},
                          .replicas = {"a", "b", "c"},
                          .min_in_sync = 2,
                          .handed_over = true,
                          .move_to = "b"};

TEST(cluster_text, reads_what_it_wrote) {
  EXPECT_EQ(settings_of(to_text(settings)), settings);
  EXPECT_EQ(node_of(to_text(node_a)), node_a);
  EXPECT_EQ(shard_of(to_text(record)), record);
  const unreachable_report report{.shard = 3, .epoch = 7, .reporter = "b", .members = {"a/d"}};
  EXPECT_EQ(report_of(to_text(report)), report);
  for (auto state :
       {member_state::active, member_state::draining, member_state::removing, member_state::removed}) {
    const cluster_member member{.id = "a", .state = state};
    EXPECT_EQ(member_of(to_text(member)), member);
  }
}

TEST(cluster_text, does_not_guess_what_it_cannot_read) {
  for (const std::string text :
       {"", "x", "[]", "{}", R"({"id":"a","state":"asleep"})", R"({"id":1,"state":"active"})"})
    EXPECT_FALSE(member_of(text)) << text;
  auto text = to_text(record);
  for (const std::string number : {"-7", "7.5", "\"7\"", "99999999999999999999", "null"}) {
    auto broken = text;
    broken.replace(broken.find(":7"), 2, ":" + number);
    EXPECT_FALSE(shard_of(broken)) << broken;
  }
  EXPECT_TRUE(shard_of(text.insert(1, R"("of a newer version":[],)")));
}

TEST(view_builder, follows_its_store) {
  const cluster_keys keys{"x"};
  view_builder builder{keys};
  builder.reset({.known = true,
                 .revision = 10,
                 .values = {{keys.settings(), to_text(settings), 3},
                            {keys.node("a"), to_text(node_a), 4},
                            {keys.member("a"), to_text(cluster_member{.id = "a"}), 4},
                            {keys.shard(1), to_text(record), 9},
                            {keys.shard(7), to_text(record), 9},
                            {keys.controller(), controller_text("a", 0xF0), 5}}});
  auto view = builder.view();
  EXPECT_EQ(view->revision, 10);
  EXPECT_EQ(view->settings.revision, 3);
  ASSERT_EQ(view->shards.size(), 2u);
  EXPECT_EQ(view->shards[0], shard_record{});
  EXPECT_EQ(view->shards[1].revision, 9);
  EXPECT_EQ(view->member("a")->revision, 4);
  EXPECT_EQ(view->controller, "a");
  EXPECT_EQ(view->controller_incarnation, 0xF0u);
  EXPECT_EQ(view->controller_revision, 5);

  auto newer = record;
  newer.epoch = 8;
  builder.learn({keys.shard(1), to_text(newer), 11});
  builder.apply({.revision = 10, .puts = {{keys.shard(1), to_text(record), 10}}});
  EXPECT_EQ(builder.view()->shards[1].epoch, 8u) << "what an answer told is newer than the watch";
  builder.learn({keys.shard(1), to_text(record), 12});

  const unreachable_report report{.shard = 1, .epoch = 7, .reporter = "b", .members = {"a/d"}};
  builder.apply({.revision = 12,
                 .puts = {{keys.report(1, "b"), to_text(report), 12}},
                 .removed = {keys.node("a"), keys.controller()}});
  view = builder.view();
  EXPECT_EQ(view->revision, 12);
  EXPECT_FALSE(view->node("a"));
  EXPECT_TRUE(view->member("a"));
  EXPECT_EQ(view->controller, "");
  EXPECT_EQ(view->reports, std::vector{report});

  builder.apply({.revision = 13, .puts = {{keys.shard(1), "{", 13}}, .removed = {keys.report(1, "b")}});
  EXPECT_EQ(builder.unreadable(), std::vector{keys.shard(1)});
  EXPECT_EQ(builder.view()->shards[1], shard_record{});
  EXPECT_TRUE(builder.view()->reports.empty());
  builder.apply({.revision = 14, .puts = {{keys.shard(1), to_text(record), 14}}});
  EXPECT_TRUE(builder.unreadable().empty());
  EXPECT_EQ(builder.view()->shards[1].epoch, 7u);
}

/// Four nodes; shard 0 is a's with copies on a, b, c.
cluster_view four_nodes() {
  cluster_view view;
  view.settings = settings;
  for (const std::string id : {"a", "b", "c", "d"}) {
    view.nodes.push_back({.id = id, .disk_id = "d", .formats = {1, 2}});
    view.members.push_back({.id = id, .revision = 1});
  }
  view.shards.resize(2);
  view.shards[0] = {.epoch = 4,
                    .primary = "a",
                    .in_sync = {"a/d", "b/d"},
                    .replicas = {"a", "b", "c"},
                    .min_in_sync = 2,
                    .revision = 9};
  return view;
}

TEST(operator_plan, says_what_it_does_and_can_be_repeated) {
  using kind = operator_command::kind;
  for (auto what : {kind::drain, kind::remove, kind::move, kind::finalize}) {
    auto view = four_nodes();
    const operator_command command{.what = what, .node = "b"};
    auto plan = plan_command(view, command);
    EXPECT_EQ(plan.refusal, "");
    EXPECT_TRUE(plan.changes_anything());
    EXPECT_FALSE(plan.lines.empty());
    for (const auto& each : plan.members)
      view.members[1] = each.member;
    for (const auto& each : plan.records)
      view.shards[each.shard] = each.record;
    if (plan.settings) view.settings = *plan.settings;
    plan = plan_command(view, command);
    EXPECT_EQ(plan.refusal, "");
    EXPECT_FALSE(plan.changes_anything());
    EXPECT_FALSE(plan.lines.empty());
  }
}

TEST(operator_plan, refuses_what_would_hurt) {
  using kind = operator_command::kind;
  struct {
    operator_command command;
    const char* part;
  } const cases[] = {
      {{.what = kind::drain, .node = "z"}, "no node z"},
      {{.what = kind::undrain, .node = "z"}, "no node z"},
      {{.what = kind::remove, .node = "z"}, "no node z"},
      {{.what = kind::move, .node = "z"}, "not there"},
      {{.what = kind::move, .node = "b", .shard = 2}, "2 shards"},
      {{.what = kind::move, .node = "b", .shard = 1}, "not assigned"},
      {{.what = kind::force, .node = "b", .accept_loss = true}, "needs no force"},
      {{.what = kind::force, .node = "d", .accept_loss = true}, "keeps no copy"},
  };
  for (const auto& each : cases) {
    const auto plan = plan_command(four_nodes(), each.command);
    EXPECT_NE(plan.refusal.find(each.part), std::string::npos) << plan.refusal;
    EXPECT_FALSE(plan.changes_anything());
  }
  auto view = four_nodes();
  view.nodes.resize(2);
  EXPECT_NE(plan_command(view, {.what = kind::remove, .node = "b"}).refusal, "");
  EXPECT_NE(plan_command(view, {.what = kind::finalize}).refusal.find("node c"), std::string::npos);
}

TEST(operator_plan, moves_to_a_node_without_a_copy_by_giving_it_one) {
  const auto plan = plan_command(four_nodes(), {.what = operator_command::kind::move, .node = "d"});
  ASSERT_EQ(plan.records.size(), 1u);
  EXPECT_EQ(plan.records[0].record.replicas, (std::vector<std::string>{"a", "b", "c", "d"}));
  EXPECT_EQ(plan.records[0].record.move_to, "d");
  EXPECT_EQ(plan.records[0].record.epoch, 4u);
  EXPECT_EQ(plan.lines.size(), 2u);
}

TEST(operator_plan, rebalances_to_nodes_in_sync_until_it_makes_no_difference) {
  auto view = four_nodes();
  const auto record = view.shards[0];
  view.shards.assign(6, record);
  view.members[3].state = member_state::draining;
  const operator_command command{.what = operator_command::kind::rebalance};
  auto plan = plan_command(view, command);
  // c is in sync with none of them, d is drained: b gets half.
  EXPECT_EQ(plan.records.size(), 3u);
  for (const auto& each : plan.records) {
    EXPECT_EQ(each.record.move_to, "b");
    view.shards[each.shard] = each.record;
  }
  EXPECT_FALSE(plan_command(view, command).changes_anything());
}

TEST(operator_plan, forces_a_shard_only_when_told_that_something_is_lost) {
  auto view = four_nodes();
  view.nodes.erase(view.nodes.begin(), view.nodes.begin() + 2);
  operator_command command{.what = operator_command::kind::force, .node = "c"};
  EXPECT_NE(plan_command(view, command).refusal.find("--accept-loss"), std::string::npos);
  command.accept_loss = true;
  const auto plan = plan_command(view, command);
  ASSERT_EQ(plan.records.size(), 1u);
  EXPECT_EQ(plan.records[0].record.epoch, 5u);
  EXPECT_EQ(plan.records[0].record.primary, "c");
  EXPECT_EQ(plan.records[0].record.in_sync, std::vector<std::string>{"c/d"});
  EXPECT_EQ(plan.records[0].record.revision, 9);
}

}  // namespace
}  // namespace souk::runtime
