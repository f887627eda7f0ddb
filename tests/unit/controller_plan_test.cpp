#include "runtime/cluster/controller_plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace souk::runtime {
namespace {

using std::chrono::milliseconds;

node_registration registered(const std::string& id, const std::string& disk = "d") {
  return {.id = id, .disk_id = disk, .incarnation = 1};
}

/// A cluster of these nodes, all active and there, with shards still to be assigned.
cluster_view cluster(const std::vector<std::string>& nodes, std::uint16_t shards = 1) {
  cluster_view view;
  view.settings = {.cluster_id = "c", .shard_count = shards, .replicas = 3, .min_in_sync = 2};
  for (const auto& id : nodes) {
    view.nodes.push_back(registered(id));
    view.members.push_back({.id = id, .state = member_state::active, .revision = 1});
  }
  view.shards.resize(shards);
  return view;
}

shard_record owned(const std::string& primary, const std::vector<std::string>& nodes,
                   std::uint64_t epoch = 1) {
  shard_record record{.epoch = epoch, .primary = primary, .replicas = nodes, .min_in_sync = 2, .revision = 5};
  for (const auto& node : nodes)
    record.in_sync.push_back(member_name(node, "d"));
  return record;
}

void gone(cluster_view& view, const std::string& id) {
  std::erase_if(view.nodes, [&](const auto& node) { return node.id == id; });
}

replication::position_answer answer(const std::string& member, std::uint64_t index,
                                    const std::vector<std::string>& reaches) {
  return {.member = member, .last = {.index = index, .epoch = 1}, .reaches = reaches};
}

/// Asks the plan again and again until `until`, a tenth of a second each; returns what it wanted first.
std::vector<proposed_record> wishes(controller_plan& plan, const cluster_view& view, milliseconds from,
                                    milliseconds until) {
  for (auto now = from; now <= until; now += milliseconds{100})
    if (auto decided = plan.step(view, now); !decided.records.empty()) return decided.records;
  return {};
}

TEST(controller_plan, spreads_the_first_assignment_evenly) {
  auto view = cluster({"a", "b", "c", "d"}, 16);
  controller_plan plan;
  const auto wanted = plan.step(view, milliseconds{1}).records;
  ASSERT_EQ(wanted.size(), 16u);
  std::map<std::string, int> primaries;
  std::map<std::string, int> copies;
  for (const auto& [shard, record, reason] : wanted) {
    primaries[record.primary] += 1;
    EXPECT_EQ(record.epoch, 1u);
    EXPECT_EQ(record.in_sync.size(), 3u);
    EXPECT_EQ(record.min_in_sync, 2u);
    for (const auto& node : record.replicas) {
      copies[node] += 1;
      EXPECT_TRUE(record.has_in_sync(member_name(node, "d")));
    }
  }
  for (const auto& node : view.nodes) {
    EXPECT_EQ(primaries[node.id], 4);
    EXPECT_EQ(copies[node.id], 12);
  }
}

TEST(controller_plan, waits_for_all_copies_but_not_for_ever) {
  auto view = cluster({"a"});
  controller_plan plan;
  EXPECT_TRUE(wishes(plan, view, milliseconds{0}, milliseconds{20'000}).empty());
  view = cluster({"a", "b"});
  EXPECT_TRUE(wishes(plan, view, milliseconds{20'000}, milliseconds{24'000}).empty());
  const auto wanted = wishes(plan, view, milliseconds{24'000}, milliseconds{26'000});
  ASSERT_EQ(wanted.size(), 1u);
  EXPECT_EQ(wanted[0].record.in_sync.size(), 2u);
}

TEST(controller_plan, asks_the_members_in_sync_and_takes_the_longest) {
  auto view = cluster({"a", "b", "c"});
  view.shards[0] = owned("a", {"a", "b", "c"});
  controller_plan plan;
  EXPECT_TRUE(plan.step(view, milliseconds{0}).questions.empty());
  gone(view, "a");
  const auto asked = plan.step(view, milliseconds{100});
  ASSERT_EQ(asked.questions.size(), 1u);
  EXPECT_EQ(asked.questions[0].members, (std::vector<std::string>{"a/d", "b/d", "c/d"}));
  plan.told(0, answer("b/d", 7, {"c/d"}));
  EXPECT_TRUE(plan.step(view, milliseconds{101}).records.empty()) << "c has not answered";
  plan.told(0, answer("c/d", 9, {"b/d"}));
  const auto wanted = plan.step(view, milliseconds{102}).records;
  ASSERT_EQ(wanted.size(), 1u);
  EXPECT_EQ(wanted[0].record.epoch, 2u);
  EXPECT_EQ(wanted[0].record.primary, "c");
  EXPECT_EQ(wanted[0].record.in_sync, (std::vector<std::string>{"b/d", "c/d"}));
  EXPECT_EQ(wanted[0].record.replicas, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(wanted[0].record.revision, 5);
  EXPECT_TRUE(plan.step(view, milliseconds{103}).records.empty()) << "it is under way";
}

TEST(controller_plan, keeps_a_dead_member_at_the_floor) {
  auto view = cluster({"a", "b", "c"});
  view.shards[0] = owned("a", {"a", "b", "c"});
  std::erase(view.shards[0].in_sync, "c/d");
  gone(view, "a");
  controller_plan plan;
  plan.step(view, milliseconds{0});
  plan.told(0, answer("b/d", 7, {}));
  plan.told(0, answer("c/d", 9, {}));
  const auto wanted = wishes(plan, view, milliseconds{1}, milliseconds{1'000});
  ASSERT_EQ(wanted.size(), 1u);
  EXPECT_EQ(wanted[0].record.primary, "b") << "c is longer, but not in sync";
  EXPECT_EQ(wanted[0].record.in_sync, (std::vector<std::string>{"a/d", "b/d"}));
}

// The old disk of a node counts until somebody else is in sync; its new one leads, and must know that.
TEST(controller_plan, a_node_that_is_in_sync_twice_leads_with_the_disk_that_it_has) {
  auto view = cluster({"a", "b", "c"});
  view.nodes[0] = registered("a", "new");
  auto record = owned("a", {"a"}, 4);
  record.in_sync = {"a/d", "a/new"};
  EXPECT_EQ(config_of(view, record).primary, "a/new");
  gone(view, "a");
  EXPECT_EQ(config_of(view, record).primary, "a/d");
}

TEST(controller_plan, gives_nothing_away_without_a_member_in_sync) {
  auto view = cluster({"a", "b", "c"});
  view.shards[0] = owned("a", {"a", "b", "c"});
  view.shards[0].in_sync = {"a/d"};
  gone(view, "a");
  controller_plan plan;
  plan.step(view, milliseconds{0});
  plan.told(0, answer("b/d", 7, {"c/d"}));
  EXPECT_TRUE(wishes(plan, view, milliseconds{1}, milliseconds{20'000}).empty());
}

TEST(controller_plan, takes_a_node_with_another_disk_for_dead) {
  auto view = cluster({"a", "b", "c"});
  view.shards[0] = owned("a", {"a", "b", "c"});
  view.nodes[0] = registered("a", "new");
  controller_plan plan;
  plan.step(view, milliseconds{0});
  plan.told(0, answer("b/d", 7, {"c/d"}));
  plan.told(0, answer("c/d", 7, {"b/d"}));
  plan.told(0, answer("a/new", 99, {"b/d", "c/d"}));
  const auto wanted = wishes(plan, view, milliseconds{1}, milliseconds{500});
  ASSERT_EQ(wanted.size(), 1u);
  EXPECT_EQ(wanted[0].record.primary, "b");
  EXPECT_EQ(wanted[0].record.in_sync, (std::vector<std::string>{"b/d", "c/d"}));
}

TEST(controller_plan, believes_reports_only_if_another_would_fare_better) {
  struct {
    const char* what;
    std::uint64_t epoch;
    std::vector<std::string> primary_reaches;
    bool primary_answers;
    bool moves;
  } const cases[] = {
      {"the primary hangs", 1, {}, false, true},
      {"the primary reaches nobody", 1, {}, true, true},
      {"the primary is well", 1, {"b/d"}, true, false},
      {"the report is on an older epoch", 0, {}, false, false},
  };
  for (const auto& each : cases) {
    auto view = cluster({"a", "b", "c"});
    view.shards[0] = owned("a", {"a", "b", "c"});
    view.reports.push_back({.shard = 0, .epoch = each.epoch, .reporter = "b", .members = {"a/d"}});
    controller_plan plan;
    plan.step(view, milliseconds{0});
    plan.told(0, answer("b/d", 7, {"c/d"}));
    plan.told(0, answer("c/d", 7, {"b/d"}));
    if (each.primary_answers) plan.told(0, answer("a/d", 7, each.primary_reaches));
    EXPECT_EQ(!wishes(plan, view, milliseconds{1}, milliseconds{900}).empty(), each.moves) << each.what;
  }
}

TEST(controller_plan, waits_when_most_nodes_vanish_at_once) {
  auto view = cluster({"a", "b", "c"});
  view.shards[0] = owned("a", {"a", "b", "c"});
  gone(view, "a");
  gone(view, "b");
  controller_plan plan;
  EXPECT_TRUE(plan.step(view, milliseconds{0}).questions.empty());
  EXPECT_TRUE(plan.step(view, milliseconds{2'900}).questions.empty());
  EXPECT_EQ(plan.step(view, milliseconds{3'100}).questions.size(), 1u);
}

TEST(controller_plan, drains_a_node_two_shards_at_a_time) {
  auto view = cluster({"a", "b", "c"}, 4);
  for (auto& record : view.shards)
    record = owned("a", {"a", "b", "c"});
  view.members[0].state = member_state::draining;
  controller_plan plan;
  const auto wanted = plan.step(view, milliseconds{0}).records;
  ASSERT_EQ(wanted.size(), 2u);
  EXPECT_EQ(wanted[0].record.epoch, 1u);
  EXPECT_EQ(wanted[0].record.primary, "a") << "the primary hands over itself";
  EXPECT_NE(wanted[0].record.move_to, wanted[1].record.move_to);
}

TEST(controller_plan, a_node_that_says_it_leaves_is_primary_of_nothing) {
  auto view = cluster({"a", "b", "c"}, 2);
  view.shards[0] = owned("a", {"a", "b", "c"});
  view.shards[1] = owned("b", {"a", "b", "c"});
  view.nodes[0].leaving = true;
  controller_plan plan;
  const auto wanted = plan.step(view, milliseconds{0}).records;
  ASSERT_EQ(wanted.size(), 1u);
  EXPECT_EQ(wanted[0].shard, 0);
  EXPECT_NE(wanted[0].record.move_to, "");
  view.shards[0] = owned("c", {"a", "b", "c"});
  EXPECT_TRUE(wishes(plan, view, milliseconds{0}, milliseconds{60'000}).empty())
      << "nothing comes back to it";
}

TEST(controller_plan, a_move_that_does_not_happen_is_given_up) {
  auto view = cluster({"a", "b", "c"});
  view.shards[0] = owned("a", {"a", "b", "c"});
  view.shards[0].move_to = "b";
  controller_plan plan;
  EXPECT_TRUE(wishes(plan, view, milliseconds{0}, milliseconds{14'900}).empty());
  auto wanted = wishes(plan, view, milliseconds{15'000}, milliseconds{15'100});
  ASSERT_EQ(wanted.size(), 1u);
  EXPECT_EQ(wanted[0].record.move_to, "");

  gone(view, "b");
  controller_plan other;
  wanted = other.step(view, milliseconds{0}).records;
  ASSERT_EQ(wanted.size(), 1u);
  EXPECT_EQ(wanted[0].record.move_to, "") << "who is not there cannot take over";
}

TEST(controller_plan, a_joined_node_gets_copies_and_then_another_loses_its_own) {
  auto view = cluster({"a", "b", "c", "d"}, 4);
  for (auto& record : view.shards)
    record = owned("a", {"a", "b", "c"});
  view.shards[1].primary = "b";
  view.shards[2].primary = "c";
  controller_plan plan;
  EXPECT_TRUE(wishes(plan, view, milliseconds{0}, milliseconds{9'900}).empty()) << "not before all is quiet";
  const auto wanted = wishes(plan, view, milliseconds{10'000}, milliseconds{10'100});
  ASSERT_EQ(wanted.size(), 2u) << "two at a time";
  for (const auto& [shard, record, reason] : wanted) {
    EXPECT_EQ(record.replicas, (std::vector<std::string>{"a", "b", "c", "d"}));
    EXPECT_EQ(record.in_sync, (std::vector<std::string>{"a/d", "b/d", "c/d"}));
    view.shards[shard] = record;
    view.shards[shard].revision = 6;
  }
  EXPECT_TRUE(wishes(plan, view, milliseconds{10'200}, milliseconds{30'000}).empty()) << "d still learns";
  view.shards[0].in_sync.push_back("d/d");
  view.shards[0].revision = 7;
  const auto dropped = plan.step(view, milliseconds{30'100}).records;
  ASSERT_FALSE(dropped.empty());
  EXPECT_EQ(dropped[0].shard, 0u);
  EXPECT_EQ(dropped[0].record.replicas.size(), 3u);
  EXPECT_TRUE(dropped[0].record.has_replica("d"));
  EXPECT_TRUE(dropped[0].record.has_replica("a")) << "the primary keeps its copy";
  EXPECT_EQ(dropped[0].record.in_sync.size(), 4u) << "in_sync is the primary's to change";
}

TEST(controller_plan, removes_a_node_when_nothing_depends_on_it) {
  auto view = cluster({"a", "b", "c", "d"});
  view.shards[0] = owned("a", {"a", "b", "c"});
  view.members[2].state = member_state::removing;
  controller_plan plan;
  auto decided = plan.step(view, milliseconds{0});
  ASSERT_EQ(decided.records.size(), 1u);
  EXPECT_EQ(decided.records[0].record.replicas.back(), "d");
  EXPECT_TRUE(decided.members.empty());

  view.shards[0] = owned("a", {"a", "b", "c", "d"});
  view.shards[0].revision = 6;
  decided = plan.step(view, milliseconds{100});
  ASSERT_EQ(decided.records.size(), 1u);
  EXPECT_EQ(decided.records[0].record.replicas, (std::vector<std::string>{"a", "b", "d"}));

  view.shards[0] = owned("a", {"a", "b", "d"});
  view.shards[0].revision = 7;
  decided = plan.step(view, milliseconds{200});
  ASSERT_EQ(decided.members.size(), 1u);
  EXPECT_EQ(decided.members[0].member.id, "c");
  EXPECT_EQ(decided.members[0].member.state, member_state::removed);
}

TEST(controller_plan, a_node_that_is_to_go_keeps_its_copy_until_another_has_it) {
  auto view = cluster({"a", "b", "c", "d"}, 4);
  for (auto& record : view.shards)
    record = owned("a", {"a", "b", "c"});
  view.members[2].state = member_state::removing;
  controller_plan plan;
  const auto wanted = plan.step(view, milliseconds{0}).records;
  ASSERT_EQ(wanted.size(), 2u) << "two at a time";
  for (const auto& [shard, record, reason] : wanted) {
    EXPECT_EQ(record.replicas, (std::vector<std::string>{"a", "b", "c", "d"}));
    view.shards[shard] = record;
    view.shards[shard].revision = 6;
  }
  EXPECT_TRUE(wishes(plan, view, milliseconds{100}, milliseconds{9'000}).empty()) << "d still learns";
}

TEST(controller_plan, of_three_nodes_one_can_go_although_nobody_takes_its_copies) {
  auto view = cluster({"a", "b", "c"});
  view.shards[0] = owned("a", {"a", "b", "c"});
  view.members[2].state = member_state::removing;
  controller_plan plan;
  const auto wanted = plan.step(view, milliseconds{0}).records;
  ASSERT_EQ(wanted.size(), 1u);
  EXPECT_EQ(wanted[0].record.replicas, (std::vector<std::string>{"a", "b"}));
}

TEST(controller_plan, a_returned_node_gets_primaries_back_when_all_is_quiet) {
  auto view = cluster({"a", "b", "c"}, 6);
  for (shard_id id = 0; id < 6; ++id)
    view.shards[id] = owned(id % 2 == 0 ? "b" : "c", {"a", "b", "c"});
  controller_plan plan;
  EXPECT_TRUE(wishes(plan, view, milliseconds{0}, milliseconds{9'900}).empty());
  const auto wanted = wishes(plan, view, milliseconds{10'000}, milliseconds{10'100});
  ASSERT_EQ(wanted.size(), 2u);
  EXPECT_EQ(wanted[0].record.move_to, "a");
  EXPECT_EQ(wanted[1].record.move_to, "a");
  EXPECT_NE(wanted[0].record.primary, wanted[1].record.primary);
}

// Of changes that were proposed together one is seen first.
TEST(controller_plan, moves_no_more_than_it_takes_while_its_proposals_are_under_way) {
  auto view = cluster({"a", "b", "c"}, 6);
  for (shard_id id = 0; id < 6; ++id)
    view.shards[id] = owned(id % 2 == 0 ? "b" : "c", {"a", "b", "c"});
  controller_plan plan;
  plan.step(view, milliseconds{0});
  const auto wanted = plan.step(view, milliseconds{10'000}).records;
  ASSERT_EQ(wanted.size(), 2u);
  auto& first = view.shards[wanted[0].shard];
  first = wanted[0].record;
  first.revision += 1;
  EXPECT_TRUE(plan.step(view, milliseconds{10'010}).records.empty()) << "two are under way";
  first.primary = std::exchange(first.move_to, "");
  first.revision += 1;
  EXPECT_TRUE(plan.step(view, milliseconds{10'020}).records.empty()) << "it will be even";
  EXPECT_EQ(plan.step(view, milliseconds{12'000}).records.size(), 1u) << "what was lost is proposed again";
}

}  // namespace
}  // namespace souk::runtime
