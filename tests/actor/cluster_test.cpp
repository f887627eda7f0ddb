#include "runtime/cluster/cluster_coordinator.hpp"
#include "runtime/cluster/controller.hpp"
#include "runtime/testkit/coordination_model.hpp"
#include "runtime/testkit/driver.hpp"

#include <caf/all.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

/// Coordinators and controllers of several nodes over a store that misbehaves, in virtual time.
namespace souk::runtime {
namespace {

using namespace std::chrono_literals;

struct received {
  std::vector<std::shared_ptr<const cluster_view>> views;
  std::vector<registration_changed> registered;
  std::vector<epoch_opened> opened;
  std::vector<in_sync_changed> changed;
  std::string refusal;
};

caf::behavior recorder(caf::event_based_actor*, const std::shared_ptr<received>& box) {
  return {
      [box](const view_changed& message) { box->views.push_back(message.view); },
      [box](const registration_changed& message) { box->registered.push_back(message); },
      [box](const epoch_opened& message) { box->opened.push_back(message); },
      [box](const epoch_refused&) {},
      [box](const in_sync_changed& message) { box->changed.push_back(message); },
  };
}

struct world {
  struct node {
    node_registration self;
    std::shared_ptr<coordination_store> store;
    std::shared_ptr<received> box = std::make_shared<received>();
    caf::actor inbox;
    caf::actor coordinator;
    caf::actor controller;
    bool cut_off = false;  // from the other nodes
    const cluster_view& view() const { return *box->views.back(); }
  };

  explicit world(std::uint64_t seed) : driver(seed), model(driver.time(), seed) {}
  ~world() {
    for (const auto& [id, node] : nodes)
      kill(id);
    driver.settle();
  }

  node& start(const std::string& id) {
    auto& started = nodes[id];
    started = {};
    started.self = {.id = id, .disk_id = "d", .incarnation = ++incarnations};
    started.store = model.connect(driver.system(), id);
    started.inbox = driver.system().spawn(recorder, started.box);
    coordinator_options options;
    options.cluster_name = "test";
    options.self = started.self;
    options.wanted = {.shard_count = 4, .replicas = 3, .min_in_sync = 2};
    options.store = started.store;
    options.time = driver.time();
    options.random = driver.random();
    options.on_refused = [box = started.box](const std::string& reason) { box->refusal = reason; };
    started.coordinator = driver.system().spawn(cluster_coordinator, options);
    controller_options controlling{.node = id, .incarnation = started.self.incarnation};
    controlling.coordinator = [coordinator = started.coordinator] { return coordinator; };
    controlling.time = driver.time();
    controlling.is_cut_off = [&started] { return started.cut_off; };
    controlling.ask = [this](const ask_position& question) {
      if (!nodes[std::string{node_of_member(question.member)}].coordinator) return;
      std::vector<std::string> reached;
      for (const auto& [id, other] : nodes)
        if (other.coordinator) reached.push_back(other.self.member());
      caf::anon_send(
          question.reply_to,
          position_told{question.shard, {.member = question.member, .last = {1, 1}, .reaches = reached}});
    };
    started.controller = driver.system().spawn(controller, controlling);
    caf::anon_send(started.coordinator, subscribe{started.inbox});
    return started;
  }

  void kill(const std::string& id) {
    auto& node = nodes[id];
    for (auto* actor : {&node.controller, &node.coordinator, &node.inbox}) {
      if (*actor) caf::anon_send_exit(*actor, caf::exit_reason::kill);
      *actor = nullptr;
    }
  }

  void start_three() {
    for (const std::string id : {"a", "b", "c"})
      start(id);
    ASSERT_TRUE(until([](const cluster_view& view) {
      return view.nodes.size() == 3 && !view.controller.empty() &&
             std::all_of(view.shards.begin(), view.shards.end(),
                         [](const shard_record& record) { return record.epoch > 0; });
    }));
  }

  /// All nodes that live see it.
  bool until(const std::function<bool(const cluster_view&)>& what, std::chrono::milliseconds most = 60s) {
    return driver.run_until(
        [&] {
          return std::all_of(nodes.begin(), nodes.end(), [&](const auto& each) {
            return !each.second.coordinator || (!each.second.box->views.empty() && what(each.second.view()));
          });
        },
        most);
  }

  testkit::driver driver;
  testkit::coordination_model model;
  std::map<std::string, node> nodes;
  std::uint64_t incarnations = 0;
};

TEST(cluster, a_watch_whose_revisions_are_gone_starts_anew_from_everything) {
  world world{1};
  world.start_three();
  const auto views = world.nodes["a"].box->views.size();
  // While b hears nothing, much happens, and then it is compacted.
  world.model.cut("b", true);
  world.kill("c");
  ASSERT_TRUE(world.driver.run_until(
      [&] {
        const auto& view = world.nodes["a"].view();
        return !view.node("c");
      },
      10s));
  world.model.break_watches(true);
  world.driver.advance(3s);
  world.model.cut("b", false);
  ASSERT_TRUE(world.until([](const cluster_view& view) {
    return view.node("a") && view.node("b") && !view.node("c") &&
           std::none_of(view.shards.begin(), view.shards.end(),
                        [](const shard_record& record) { return record.primary == "c"; });
  }));
  world.driver.advance(1s);
  EXPECT_EQ(world.nodes["a"].view(), world.nodes["b"].view());
  EXPECT_GT(world.nodes["a"].box->views.size(), views);
  EXPECT_EQ(world.model.watches(), 2u) << "one each, and none that was left behind";
}

TEST(cluster, a_controller_that_reaches_nobody_leaves_control_to_others) {
  world world{7};
  world.start_three();
  const auto first = world.nodes["a"].view().controller;
  world.nodes[first].cut_off = true;
  ASSERT_TRUE(world.until(
      [&](const cluster_view& view) { return !view.controller.empty() && view.controller != first; }, 3s));
  // It does not come back to it as long as that lasts, and may when it is over.
  const auto second = world.nodes["a"].view().controller;
  world.kill(second);
  ASSERT_TRUE(world.until(
      [&](const cluster_view& view) { return !view.controller.empty() && view.controller != second; }, 5s));
  const auto third = world.nodes[first].view().controller;
  EXPECT_NE(third, first);
  world.nodes[first].cut_off = false;
  world.driver.advance(200ms);
  world.kill(third);
  ASSERT_TRUE(world.until([&](const cluster_view& view) { return view.controller == first; }, 5s));
}

TEST(cluster, a_watch_that_breaks_goes_on_where_it_was) {
  world world{2};
  world.start_three();
  for (int i = 0; i < 5; ++i) {
    world.model.break_watches(false);
    world.driver.advance(1s);
  }
  const auto settled = world.nodes["a"].view().revision;
  world.kill("b");
  ASSERT_TRUE(world.until([](const cluster_view& view) { return !view.node("b"); }));
  EXPECT_GT(world.nodes["a"].view().revision, settled);
}

TEST(cluster, a_registration_that_ends_early_is_made_again) {
  world world{3};
  world.start_three();
  auto& box = *world.nodes["a"].box;
  box.registered.clear();
  const auto before = world.nodes["b"].view().shards;
  world.model.end_lease_of("/souk/test/nodes/a");
  ASSERT_TRUE(world.driver.run_until([&] { return box.registered.size() >= 2; }, 5s));
  EXPECT_FALSE(box.registered[0].registered);
  EXPECT_TRUE(box.registered[1].registered);
  ASSERT_TRUE(world.until([](const cluster_view& view) { return view.nodes.size() == 3; }));
}

TEST(cluster, a_store_that_lost_the_cluster_gets_no_other_one) {
  world world{4};
  world.start_three();
  world.nodes["a"].store->swap({.changes = {{.key = "/souk/test/settings", .remove = true}}}, 500ms,
                               [](const swap_result&) {});
  world.driver.advance(5s);
  EXPECT_EQ(world.model.value("/souk/test/settings"), "");
  for (const auto& [id, node] : world.nodes)
    EXPECT_NE(node.box->refusal.find("lost its data"), std::string::npos) << id;
}

TEST(cluster, a_change_with_unknown_outcome_is_settled_by_asking_again) {
  int unknown = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    world world{seed};
    world.start_three();
    world.model.lose(300);
    auto& owner = world.nodes[world.nodes["a"].view().shards[0].primary];
    const auto before = owner.view().shards[0];
    auto members = before.in_sync;
    members.erase(std::find_if(members.begin(), members.end(),
                               [&](const auto& member) { return node_of_member(member) != before.primary; }));
    ASSERT_EQ(members.size(), 2u);
    auto& answers = owner.box->changed;
    do {
      const auto had = answers.size();
      caf::anon_send(owner.coordinator,
                     change_in_sync{0, before.epoch, before.revision, members, owner.inbox});
      ASSERT_TRUE(world.driver.run_until([&] { return answers.size() > had; }, 5s));
      unknown += answers.back().outcome == swap_outcome::unknown;
    } while (answers.back().outcome == swap_outcome::unknown);
    // A failover may have come in between when registrations were lost.
    if (answers.back().outcome == swap_outcome::refused) {
      EXPECT_NE(answers.back().record.epoch, before.epoch);
    } else {
      EXPECT_EQ(answers.back().record.in_sync, members);
      EXPECT_GT(answers.back().record.revision, before.revision);
    }
  }
  EXPECT_GT(unknown, 3) << "the store must have misbehaved";
}

/// Whatever the store does: an epoch is opened at most once, epochs and revisions never go back, and when all
/// is well again everybody is there and sees the same.
TEST(cluster, opens_each_epoch_once_whatever_the_store_does) {
  std::size_t openings = 0;
  for (std::uint64_t seed = 1; seed <= 15; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    world world{seed};
    world.start_three();
    std::mt19937_64 random{seed};
    std::map<std::pair<shard_id, std::uint64_t>, std::string> opened_by;
    std::map<shard_id, std::uint64_t> seen;
    for (int i = 0; i < 150; ++i) {
      const std::string id{static_cast<char>('a' + random() % 3)};
      switch (random() % 8) {
        case 0:
          world.model.lose(static_cast<unsigned>(random() % 400));
          break;
        case 1:
          world.model.cut(id, random() % 2 == 0);
          break;
        case 2:
          world.model.break_watches(random() % 2 == 0);
          break;
        case 3:
          world.model.end_lease_of("/souk/test/nodes/" + id);
          break;
        case 4:
          world.kill(id);
          world.start(id);
          break;
        default: {
          const auto shard = static_cast<shard_id>(random() % 4);
          auto& node = world.nodes[id];
          caf::anon_send(node.coordinator, open_epoch{shard, seen[shard], node.inbox});
        }
      }
      world.driver.advance(std::chrono::milliseconds{random() % 800});
      for (auto& [name, node] : world.nodes) {
        for (const auto& opened : node.box->opened) {
          // Its disk has seen it now, so it is not asked for again.
          const auto [known, first] = opened_by.try_emplace({opened.shard, opened.epoch}, name);
          EXPECT_EQ(known->second, name) << "epoch " << opened.epoch << " of shard " << opened.shard;
          seen[opened.shard] = std::max(seen[opened.shard], opened.epoch);
        }
        node.box->opened.clear();
        std::int64_t last = 0;
        for (const auto& view : node.box->views) {
          EXPECT_GE(view->revision, last);
          last = view->revision;
        }
        if (node.box->views.size() > 1)
          node.box->views.erase(node.box->views.begin(), node.box->views.end() - 1);
        EXPECT_EQ(node.box->refusal, "");
      }
    }
    world.model.lose(0);
    world.model.cut_all(false);
    const bool well = world.until([&](const cluster_view& view) {
      return view.nodes.size() == 3 && !view.controller.empty() &&
             std::all_of(view.shards.begin(), view.shards.end(),
                         [&](const shard_record& record) { return view.node(record.primary); });
    });
    EXPECT_TRUE(well);
    world.driver.advance(5s);
    EXPECT_EQ(world.nodes["a"].view(), world.nodes["b"].view());
    EXPECT_EQ(world.nodes["a"].view(), world.nodes["c"].view());
    openings += opened_by.size();
    if (HasFailure()) return;
  }
  EXPECT_GT(openings, 150u);
}

}  // namespace
}  // namespace souk::runtime
