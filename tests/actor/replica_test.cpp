#include "tests/actor/replicated_nodes.hpp"

/// Members of shards over a whole life: replicate, fail over, come back.
namespace souk::runtime::testkit {
namespace {

using namespace std::chrono_literals;

command_id key_of(std::uint8_t n) {
  command_id id{};
  id[0] = n;
  return id;
}

TEST(replica, what_is_answered_is_on_all_disks_in_sync) {
  replicated_nodes nodes{1};
  ASSERT_TRUE(nodes.all_serve());
  ASSERT_TRUE(nodes.runs_until([&] { return nodes.record(0).in_sync.size() == 3; }));
  const auto key = nodes.key_in(0);
  for (int i = 0; i < 20; ++i)
    nodes.ask(key, "add 1");
  EXPECT_EQ(nodes.read(key), "20");
  nodes.driver.advance(1s);
  EXPECT_GE(nodes.journal("a", 0).size(), 21u);
  EXPECT_EQ(nodes.journal("a", 0), nodes.journal("b", 0));
  EXPECT_EQ(nodes.journal("a", 0), nodes.journal("c", 0));
}

TEST(replica, nothing_is_answered_that_only_the_primary_has) {
  replicated_nodes nodes{2};
  ASSERT_TRUE(nodes.all_serve());
  const auto key = nodes.key_in(0);
  const auto primary = nodes.primary_of(0);
  for (const std::string id : {"a", "b", "c"})
    if (id != primary) nodes.go_mute(id, true);
  const auto correlation = nodes.send(primary, key, "add 1");
  nodes.driver.advance(300ms);
  EXPECT_FALSE(nodes.responses.contains(correlation));
  for (const std::string id : {"a", "b", "c"})
    nodes.go_mute(id, false);
  nodes.driver.advance(3s);
  EXPECT_EQ(nodes.responses[correlation].answer.body, "1");
}

TEST(replica, the_next_member_takes_over_with_all_that_was_answered) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    replicated_nodes nodes{seed};
    ASSERT_TRUE(nodes.all_serve());
    const auto key = nodes.key_in(0);
    for (int i = 0; i < 20; ++i)
      nodes.ask(key, "add 1");
    const auto before = nodes.record(0);
    nodes.kill(nodes.primary_of(0));
    EXPECT_EQ(nodes.read(key), "20");
    EXPECT_GT(nodes.record(0).epoch, before.epoch);
    EXPECT_EQ(nodes.ask(key, "add 1").answer.body, "21");
  }
}

TEST(replica, a_saga_goes_on_after_its_primary_died) {
  replicated_nodes nodes{3};
  ASSERT_TRUE(nodes.all_serve());
  const auto caller = nodes.key_in(0, "caller");
  const auto later = nodes.key_in(0, "later");
  nodes.world_answers = false;
  nodes.send(nodes.primary_of(0), caller, "call home", key_of(1));
  nodes.ask(later, "later 8000 3");
  nodes.driver.advance(500ms);
  nodes.kill(nodes.primary_of(0));
  nodes.world_answers = true;
  ASSERT_TRUE(nodes.all_serve());
  nodes.driver.advance(15s);
  EXPECT_EQ(nodes.ask(caller, "call home", key_of(1)).outcome, outcome::replayed);
  EXPECT_EQ(nodes.read(later), "3");
}

TEST(replica, a_primary_that_wakes_up_late_serves_no_stale_read_and_comes_back) {
  replicated_nodes nodes{4};
  ASSERT_TRUE(nodes.all_serve());
  const auto key = nodes.key_in(0);
  nodes.ask(key, "add 1");
  const auto old = nodes.primary_of(0);
  auto stale = nodes.at(old).routing->shard(0);
  // Neither its members nor the coordination store hear of it; it lives, and knows nothing.
  nodes.go_mute(old, true);
  nodes.model.cut(old, true);
  ASSERT_TRUE(nodes.runs_until([&] { return nodes.record(0).primary != old; }));
  ASSERT_TRUE(nodes.runs_until([&] {
    for (const std::string id : {"a", "b", "c"})
      if (id != old && nodes.at(id).routing->shard(0)) return true;
    return false;
  }));
  ASSERT_TRUE(nodes.at(old).routing->shard(0)) << "it does not know yet";
  const auto read = nodes.send(old, key, "read");
  const auto write = nodes.send(old, key, "add 10");
  nodes.driver.advance(3s);
  EXPECT_EQ(nodes.responses[read].outcome, outcome::unavailable);
  EXPECT_FALSE(nodes.responses.contains(write));
  nodes.go_mute(old, false);
  nodes.model.cut(old, false);
  nodes.driver.advance(20s);
  EXPECT_EQ(nodes.responses[write].outcome, outcome::unknown);
  EXPECT_FALSE(nodes.at(old).routing->shard(0) && nodes.record(0).primary != old);
  EXPECT_EQ(nodes.read(key), "1");
  EXPECT_TRUE(nodes.runs_until([&] { return nodes.record(0).in_sync.size() == 3; }));
}

TEST(replica, a_member_that_lags_is_taken_out_and_comes_back) {
  replicated_nodes nodes{5};
  ASSERT_TRUE(nodes.all_serve());
  ASSERT_TRUE(nodes.runs_until([&] { return nodes.record(0).in_sync.size() == 3; }));
  const auto key = nodes.key_in(0);
  const std::string slow = nodes.primary_of(0) == "c" ? "b" : "c";
  nodes.go_mute(slow, true);
  EXPECT_EQ(nodes.ask(key, "add 1").answer.body, "1");
  EXPECT_FALSE(nodes.record(0).has_in_sync(nodes.at(slow).member()));
  nodes.ask(key, "add 1");
  nodes.go_mute(slow, false);
  ASSERT_TRUE(nodes.runs_until([&] { return nodes.record(0).has_in_sync(nodes.at(slow).member()); }));
  nodes.driver.advance(1s);
  EXPECT_EQ(nodes.journal("a", 0), nodes.journal("b", 0));
  EXPECT_EQ(nodes.journal("a", 0), nodes.journal("c", 0));
}

TEST(replica, an_emptied_disk_is_another_member_and_learns) {
  replicated_nodes nodes{6};
  ASSERT_TRUE(nodes.all_serve());
  const auto key = nodes.key_in(0);
  for (int i = 0; i < 30; ++i)
    nodes.ask(key, "add 1");
  const std::string emptied = nodes.primary_of(0) == "c" ? "b" : "c";
  const auto before = nodes.at(emptied).member();
  nodes.kill(emptied);
  nodes.replace_disk(emptied);
  nodes.start(emptied);
  ASSERT_TRUE(nodes.runs_until([&] { return nodes.record(0).has_in_sync(nodes.at(emptied).member()); }));
  EXPECT_FALSE(nodes.record(0).has_in_sync(before));
  EXPECT_EQ(nodes.read(key), "30");
}

TEST(replica, the_state_of_followers_becomes_what_the_primarys_is) {
  limits limits;
  limits.journal_kept_records = 10;
  replicated_nodes nodes{8, limits};
  ASSERT_TRUE(nodes.all_serve());
  for (int i = 0; i < 200; ++i) {
    const auto key = "k" + std::to_string(i % 12);
    nodes.ask(key, "add " + std::to_string(i));
    if (i % 20 == 0) nodes.ask(key, "give k" + std::to_string((i + 5) % 12) + " 1");
    if (i % 25 == 0) nodes.ask(key, "later " + std::to_string(i * 1000) + " 1");
    if (i % 40 == 0) nodes.driver.advance(3s);
  }
  nodes.driver.advance(20s);
  for (shard_id shard = 0; shard < 2; ++shard) {
    EXPECT_FALSE(nodes.state("a", shard).empty());
    EXPECT_EQ(nodes.state("a", shard), nodes.state("b", shard));
    EXPECT_EQ(nodes.state("a", shard), nodes.state("c", shard));
    for (const std::string id : {"a", "b", "c"})
      EXPECT_LE(nodes.journal(id, shard).size(), 20u) << "what the state stands for goes";
  }
  std::map<std::string, std::string> before;
  for (int i = 0; i < 12; ++i)
    before["k" + std::to_string(i)] = nodes.read("k" + std::to_string(i));
  nodes.kill(nodes.primary_of(0));
  ASSERT_TRUE(nodes.all_serve());
  for (const auto& [key, number] : before)
    EXPECT_EQ(nodes.read(key), number) << key;
}

TEST(replica, a_full_disk_moves_nothing_and_loses_nothing_that_was_answered) {
  replicated_nodes nodes{7};
  ASSERT_TRUE(nodes.all_serve());
  const auto key = nodes.key_in(0);
  nodes.ask(key, "add 1");
  nodes.at(nodes.primary_of(0)).storage->refuse_writes(1);
  const auto correlation = nodes.send(nodes.primary_of(0), key, "add 10");
  nodes.driver.advance(10s);
  const auto result = nodes.responses[correlation];
  EXPECT_TRUE(result.outcome == outcome::full || result.outcome == outcome::unknown);
  const auto left = nodes.read(key);
  EXPECT_TRUE(left == "1" || (left == "11" && result.outcome == outcome::unknown)) << left;
}

}  // namespace
}  // namespace souk::runtime::testkit
