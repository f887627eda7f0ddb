#include "runtime/shard/keys.hpp"
#include "runtime/shard/state_digest.hpp"
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

TEST(replica, shows_no_event_that_only_the_primary_has) {
  replicated_nodes nodes{2};
  ASSERT_TRUE(nodes.all_serve());
  const auto key = nodes.key_in(0);
  nodes.ask(key, "add 1");
  const auto primary = nodes.primary_of(0);
  for (const std::string id : {"a", "b", "c"})
    if (id != primary) nodes.go_mute(id, true);
  nodes.send(primary, key, "add 1");
  nodes.driver.advance(20ms);
  const auto records = nodes.at(primary).storage->log().bounds(0).last;
  const auto asked = nodes.ask_events(primary, 0, {});
  nodes.driver.advance(20ms);
  ASSERT_TRUE(nodes.pages.contains(asked));  // the lease is still there
  EXPECT_EQ(nodes.pages[asked].rows.size(), 1u);
  EXPECT_EQ(nodes.pages[asked].journal->next, records);  // the last one is on its disk, and not shown
  const auto seen = nodes.pages[asked].journal->next;
  for (const std::string id : {"a", "b", "c"})
    nodes.go_mute(id, false);
  nodes.driver.advance(3s);
  EXPECT_EQ(nodes.events(0, {.index = seen}).rows.size(), 1u);
}

// Whoever leads shows the same records at the same places: a reader goes on without a gap or a repeat.
TEST(replica, events_go_on_with_the_same_place_at_the_next_primary) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    replicated_nodes nodes{seed};
    ASSERT_TRUE(nodes.all_serve());
    const auto key = nodes.key_in(0);
    journal_place place;
    std::uint64_t version = 0;
    const auto read_on = [&] {
      const auto page = nodes.events(0, place);
      ASSERT_TRUE(page.journal);
      EXPECT_FALSE(page.journal->lost);
      for (const auto& [row, value] : page.rows) {
        persistence::pb::Record record;
        ASSERT_TRUE(record.ParseFromString(value));
        EXPECT_EQ(record.first_version(), ++version);
      }
      place.index = page.journal->next;
      place.epoch = page.journal->epoch;
    };
    for (int round = 0; round < 3; ++round) {
      for (int i = 0; i < 4; ++i)
        nodes.ask(key, "add 1");
      if (round % 2 == 0) read_on();
      const auto primary = nodes.primary_of(0);
      nodes.kill(primary);
      ASSERT_TRUE(nodes.all_serve());
      nodes.ask(key, "add 1");
      read_on();
      nodes.start(primary);
      ASSERT_TRUE(nodes.runs_until([&] { return nodes.record(0).in_sync.size() == 3; }));
    }
    EXPECT_EQ(version, 15u);
  }
}

TEST(replica, what_all_members_state_is_the_same_also_after_a_failover) {
  const auto digests = [](replicated_nodes& nodes) {
    std::set<std::string> all;
    for (const std::string id : {"a", "b", "c"}) {
      digest_reader reader{0, nodes.at(id).storage->state(), 0};
      EXPECT_EQ(reader.next(1 << 20), digest_reader::progress::done) << id;
      EXPECT_EQ(reader.result().applied, nodes.at(id).storage->log().bounds(0).last) << id;
      all.insert(reader.result().digest);
    }
    return all;
  };
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    replicated_nodes nodes{seed};
    ASSERT_TRUE(nodes.all_serve());
    ASSERT_TRUE(nodes.runs_until([&] { return nodes.record(0).in_sync.size() == 3; }));
    const auto key = nodes.key_in(0);
    const auto other = nodes.key_in(1);
    for (int i = 0; i < 20; ++i) {
      nodes.ask(key, "add 1");
      nodes.ask(other, "add 1");
    }
    // Refused, and kept as an answer: a record that leaves no trace in the entity.
    const auto untouched = nodes.key_in(0, "untouched");
    nodes.ask(untouched, "add 1");
    nodes.driver.advance(10ms);
    EXPECT_EQ(nodes.ask(untouched, "add -5", key_of(1)).answer.status, 409);
    const auto deposed = nodes.primary_of(0);
    nodes.kill(deposed);
    nodes.ask(key, "add 1");
    nodes.start(deposed);
    ASSERT_TRUE(nodes.runs_until([&] { return nodes.record(0).in_sync.size() == 3; }));
    nodes.driver.advance(15s);
    EXPECT_EQ(digests(nodes).size(), 1u);
    auto& state = nodes.at(deposed).storage->state();
    const auto range = keys::starting_with(keys::kind_prefix(0, tally_decider::id));
    std::string changed;
    state.scan(range.from, range.to, persistence::scan_order::ascending, [&](std::string_view row, auto) {
      changed = row;
      return false;
    });
    ASSERT_FALSE(changed.empty());
    state.write(std::vector<persistence::row_change>{{changed, "something else"}});
    EXPECT_EQ(digests(nodes).size(), 2u);
  }
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
  auto stale = nodes.at(old).routing->local(0);
  // Neither its members nor the coordination store hear of it; it lives, and knows nothing.
  nodes.go_mute(old, true);
  nodes.model.cut(old, true);
  ASSERT_TRUE(nodes.runs_until([&] { return nodes.record(0).primary != old; }));
  ASSERT_TRUE(nodes.runs_until([&] {
    for (const std::string id : {"a", "b", "c"})
      if (id != old && nodes.at(id).routing->local(0)) return true;
    return false;
  }));
  ASSERT_TRUE(nodes.at(old).routing->local(0)) << "it does not know yet";
  const auto read = nodes.send(old, key, "read");
  const auto write = nodes.send(old, key, "add 10");
  nodes.driver.advance(3s);
  EXPECT_EQ(nodes.responses[read].outcome, outcome::unavailable);
  EXPECT_FALSE(nodes.responses.contains(write));
  nodes.go_mute(old, false);
  nodes.model.cut(old, false);
  nodes.driver.advance(20s);
  EXPECT_EQ(nodes.responses[write].outcome, outcome::unknown);
  EXPECT_FALSE(nodes.at(old).routing->local(0) && nodes.record(0).primary != old);
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
  limits.events_kept_records = 0;
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
    EXPECT_FALSE(state_rows(*nodes.at("a").storage, shard).empty());
    EXPECT_EQ(nodes.difference("a", "b", shard), "");
    EXPECT_EQ(nodes.difference("a", "c", shard), "");
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

replication::limits pieces_of(std::size_t bytes) {
  replication::limits limits;
  limits.snapshot_chunk_bytes = bytes;
  return limits;
}

limits that_trim_at_once() {
  limits limits;
  limits.journal_kept_records = 0;
  limits.events_kept_records = 0;
  limits.flush_interval = 1s;
  return limits;
}

TEST(replica, a_member_that_missed_too_much_is_sent_the_state) {
  replicated_nodes nodes{9, that_trim_at_once(), pieces_of(300)};
  ASSERT_TRUE(nodes.all_serve());
  const std::string away = nodes.primary_of(0) == "c" ? "b" : "c";
  const auto key = nodes.key_in(0);
  nodes.ask(key, "add 1");
  nodes.kill(away);
  for (int i = 0; i < 60; ++i)
    nodes.ask(nodes.key_in(0, "other" + std::to_string(i)), "add 2", key_of(static_cast<std::uint8_t>(i)));
  nodes.ask(key, "later 100000 4");
  nodes.driver.advance(5s);
  nodes.start(away);
  ASSERT_TRUE(nodes.runs_until([&] { return nodes.record(0).has_in_sync(nodes.at(away).member()); }, 60s));
  nodes.driver.advance(5s);
  EXPECT_EQ(nodes.difference("a", "b", 0), "");
  EXPECT_EQ(nodes.difference("a", "c", 0), "");
  // It has what a primary needs: entities, kept answers, timers.
  for (const std::string id : {"a", "b", "c"})
    if (id != away) nodes.kill(id);
  nodes.start(nodes.record(0).primary);
  nodes.driver.advance(5s);
  EXPECT_EQ(nodes.read(nodes.key_in(0, "other7")), "2");
  EXPECT_EQ(nodes.ask(nodes.key_in(0, "other7"), "add 2", key_of(7)).outcome, outcome::replayed);
  nodes.driver.advance(100s);
  EXPECT_EQ(nodes.read(key), "5");
}

TEST(replica, a_snapshot_that_a_crash_interrupts_leaves_before_or_after) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    replicated_nodes nodes{seed, that_trim_at_once(), pieces_of(200)};
    ASSERT_TRUE(nodes.all_serve());
    const std::string away = nodes.primary_of(0) == "c" ? "b" : "c";
    nodes.kill(away);
    for (int i = 0; i < 30; ++i)
      nodes.ask(nodes.key_in(0, "other" + std::to_string(i)), "add 2");
    nodes.driver.advance(5s);
    for (int crash = 0; crash < 4; ++crash) {
      nodes.start(away);
      // Most often while the snapshot is being installed, sometimes before.
      const auto is_marked = [&] { return nodes.at(away).storage->state().get(keys::snapshot_mark(0)); };
      for (int steps = 0; steps < 50'000 && !is_marked(); ++steps)
        if (!nodes.driver.step()) nodes.driver.jump(1ms);
      for (auto steps = nodes.driver.random()->next_u64() % 100; steps > 0; --steps)
        nodes.driver.step();
      nodes.kill(away);
    }
    nodes.start(away);
    ASSERT_TRUE(nodes.runs_until([&] { return nodes.record(0).has_in_sync(nodes.at(away).member()); }, 60s));
    nodes.driver.advance(5s);
    EXPECT_EQ(nodes.difference("a", "b", 0), "");
    EXPECT_EQ(nodes.difference("a", "c", 0), "");
  }
}

// What a full disk refused comes again later, and must not come after what was written meanwhile: the epoch
// that a member promised to heed would be forgotten, and one epoch be opened twice.
TEST(replica, an_epoch_that_a_full_disk_refused_does_not_come_after_the_next_one) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    replicated_nodes nodes{seed};
    ASSERT_TRUE(nodes.all_serve());
    ASSERT_TRUE(nodes.runs_until([&] { return nodes.record(0).in_sync.size() == 3; }));
    const auto first = nodes.primary_of(0);
    const std::string second = first == "a" ? "b" : "a";
    const std::string third = first == "c" || second == "c" ? "b" : "c";
    nodes.at(third).storage->refuse_writes(3);  // it, and it again, and again
    for (const auto& to : {second, first}) {
      nodes.command(operator_command::kind::move, to);
      ASSERT_TRUE(nodes.runs_until([&] { return nodes.record(0).primary == to; }, 60s));
      nodes.driver.advance(300ms);
    }
    nodes.driver.advance(5s);
    EXPECT_EQ(nodes.at(third).storage->state().get(keys::seen_epoch(0)),
              std::to_string(nodes.record(0).epoch));
  }
}

TEST(replica, a_shard_is_handed_over_and_nobody_waits_for_long) {
  replicated_nodes nodes{10};
  ASSERT_TRUE(nodes.all_serve());
  ASSERT_TRUE(nodes.runs_until([&] { return nodes.record(0).in_sync.size() == 3; }));
  const auto key = nodes.key_in(0);
  nodes.ask(key, "add 1");
  const auto from = nodes.primary_of(0);
  nodes.command(operator_command::kind::drain, from);
  std::chrono::nanoseconds longest{0};
  int added = 1;
  while (nodes.primary_of(0) != from || added < 30) {
    const auto began = nodes.driver.time()->steady();
    EXPECT_EQ(nodes.ask(key, "add 1").outcome, outcome::answered);
    ++added;
    longest = std::max(longest, nodes.driver.time()->steady() - began);
    if (added > 200 && nodes.primary_of(0) != from) break;
    nodes.driver.advance(50ms);
  }
  EXPECT_NE(nodes.record(0).primary, from);
  EXPECT_LT(longest, 500ms);
  EXPECT_EQ(nodes.read(key), std::to_string(added));
}

TEST(replica, the_last_node_of_a_cluster_ends_though_nothing_can_be_committed) {
  replicated_nodes nodes{11};
  ASSERT_TRUE(nodes.all_serve());
  const auto last = nodes.primary_of(0);
  for (const std::string id : {"a", "b", "c"})
    if (id != last) nodes.kill(id);
  nodes.send(last, nodes.key_in(0), "add 1");
  nodes.driver.advance(100ms);
  nodes.stop(last);
  nodes.driver.advance(2s);
  EXPECT_FALSE(nodes.at(last).routing->local(0));
  EXPECT_EQ(nodes.at(last).figures.serving, 0);
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
