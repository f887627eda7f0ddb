#include "runtime/cluster/cluster_coordinator.hpp"
#include "runtime/cluster/controller.hpp"
#include "runtime/cluster/etcd_client.hpp"
#include "tests/cluster/etcd/etcd_process.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

/// Coordinators and controllers of several nodes in one process, with a real etcd between them.
namespace souk::runtime {
namespace {

using cluster_test::etcd_process;
using std::chrono::milliseconds;
using std::chrono::seconds;
using steady = std::chrono::steady_clock;

constexpr seconds patience{20};

/// What an actor was told last, for the thread of the test to wait for.
struct mailbox {
  std::mutex mutex;
  std::condition_variable more;
  std::shared_ptr<const cluster_view> view;
  std::optional<registration_changed> registered;
  std::vector<epoch_opened> opened;
  std::vector<epoch_refused> refused;
  std::vector<in_sync_changed> changed;
  std::vector<handed_over> handed;
  std::vector<operator_answer> answers;
  std::string refusal;

  bool wait(const std::function<bool(const mailbox&)>& until, milliseconds most = patience) {
    std::unique_lock lock{mutex};
    return more.wait_for(lock, most, [&] { return until(*this); });
  }
  void note(const std::function<void(mailbox&)>& change) {
    std::lock_guard lock{mutex};
    change(*this);
    more.notify_all();
  }
};

template <class Message>
void keep_last(mailbox& box, std::vector<Message> mailbox::* where, const Message& message) {
  box.note([&](mailbox& to) { (to.*where).push_back(message); });
}

caf::behavior recorder(caf::event_based_actor*, const std::shared_ptr<mailbox>& box) {
  return {
      [box](const view_changed& message) { box->note([&](mailbox& to) { to.view = message.view; }); },
      [box](const registration_changed& message) {
        box->note([&](mailbox& to) { to.registered = message; });
      },
      [box](const epoch_opened& message) { keep_last(*box, &mailbox::opened, message); },
      [box](const epoch_refused& message) { keep_last(*box, &mailbox::refused, message); },
      [box](const in_sync_changed& message) { keep_last(*box, &mailbox::changed, message); },
      [box](const handed_over& message) { keep_last(*box, &mailbox::handed, message); },
      [box](const operator_answer& message) { keep_last(*box, &mailbox::answers, message); },
  };
}

class etcd_coordinator : public ::testing::Test {
 protected:
  struct node {
    node_registration self;
    std::shared_ptr<coordination_store> store;
    std::shared_ptr<mailbox> box = std::make_shared<mailbox>();
    caf::actor inbox;
    caf::actor coordinator;
    caf::actor controller;

    cluster_view view() const {
      std::lock_guard lock{box->mutex};
      return box->view ? *box->view : cluster_view{};
    }
    bool sees(const std::function<bool(const cluster_view&)>& what, milliseconds most = patience) const {
      return box->wait([&](const mailbox& now) { return now.view && what(*now.view); }, most);
    }
  };

  ~etcd_coordinator() override {
    for (auto& [id, node] : nodes_)
      stop(node, caf::exit_reason::kill);
    system_.await_all_actors_done();
  }

  node& start(const std::string& id, const std::string& disk = "d", const std::string& cluster_id = "",
              std::uint16_t shards = 4) {
    static std::uint64_t incarnations = 0;
    auto& started = nodes_[id];
    started = {};
    started.self = {.id = id, .disk_id = disk, .incarnation = ++incarnations, .version = "test"};
    started.store = make_etcd_client({.endpoints = etcd_.endpoints()});
    started.inbox = system_.spawn(recorder, started.box);
    coordinator_options options;
    options.cluster_name = "test";
    options.self = started.self;
    options.cluster_id = cluster_id;
    options.wanted = {.shard_count = shards, .replicas = 3, .min_in_sync = 2};
    options.store = started.store;
    options.time = make_system_clock();
    options.random = make_system_random();
    options.on_refused = [box = started.box](const std::string& reason) {
      box->note([&](mailbox& to) { to.refusal = reason; });
    };
    started.coordinator = system_.spawn(cluster_coordinator, options);
    controller_options controlling;
    controlling.node = id;
    controlling.incarnation = started.self.incarnation;
    controlling.coordinator = [coordinator = started.coordinator] { return coordinator; };
    controlling.time = options.time;
    controlling.ask = [this](const ask_position& question) {
      // Whoever is registered answers; that is near enough here.
      if (!living(question.member)) return;
      caf::anon_send(
          question.reply_to,
          position_told{question.shard, {.member = question.member, .last = {1, 1}, .reaches = reached()}});
    };
    started.controller = system_.spawn(controller, controlling);
    caf::anon_send(started.coordinator, subscribe{started.inbox});
    return started;
  }

  /// All are there and every shard has an owner.
  void start_three() {
    for (const std::string id : {"a", "b", "c"})
      start(id);
    for (const auto& [id, node] : nodes_) {
      ASSERT_TRUE(node.sees([](const cluster_view& view) {
        return view.nodes.size() == 3 && view.shards.size() == 4 &&
               std::all_of(view.shards.begin(), view.shards.end(),
                           [](const shard_record& record) { return record.epoch == 1; });
      })) << id;
    }
  }

  void stop(node& stopped, caf::exit_reason why) {
    {
      std::lock_guard lock{mutex_};
      dead_.insert(stopped.self.member());
    }
    for (const auto* actor : {&stopped.controller, &stopped.coordinator, &stopped.inbox})
      if (*actor) caf::anon_send_exit(*actor, why);
    stopped.controller = stopped.coordinator = stopped.inbox = nullptr;
  }

  bool living(const std::string& member) {
    std::lock_guard lock{mutex_};
    return !dead_.contains(member);
  }
  std::vector<std::string> reached() {
    std::vector<std::string> members;
    for (const std::string member : {"a/d", "b/d", "c/d"})
      if (living(member)) members.push_back(member);
    return members;
  }

  node& owner_of(shard_id shard) { return nodes_.at(nodes_.begin()->second.view().shards.at(shard).primary); }

  etcd_process etcd_;
  caf::actor_system_config config_;
  caf::actor_system system_{config_};
  std::map<std::string, node> nodes_;
  std::mutex mutex_;
  std::set<std::string> dead_;
};

TEST_F(etcd_coordinator, nodes_find_each_other_and_the_first_makes_the_cluster) {
  start_three();
  const auto view = nodes_["a"].view();
  EXPECT_EQ(view.settings.cluster_id.size(), 20u);
  EXPECT_EQ(view.settings.cluster_secret.size(), 64u);
  EXPECT_EQ(nodes_["b"].view().settings, view.settings);
  EXPECT_EQ(view.members.size(), 3u);
  EXPECT_TRUE(nodes_.contains(view.controller));
  std::map<std::string, int> primaries;
  for (const auto& record : view.shards) {
    primaries[record.primary] += 1;
    EXPECT_EQ(record.in_sync.size(), 3u);
  }
  EXPECT_EQ(primaries.size(), 3u);
}

TEST_F(etcd_coordinator, a_killed_node_is_missed_and_its_shards_move_in_time) {
  start_three();
  // The worst case: the one that is killed is the controller too.
  const auto dead = nodes_["a"].view().controller;
  const auto killed = steady::now();
  stop(nodes_[dead], caf::exit_reason::kill);
  auto& witness = nodes_[dead == "a" ? "b" : "a"];
  ASSERT_TRUE(witness.sees([&](const cluster_view& view) {
    return std::all_of(view.shards.begin(), view.shards.end(), [&](const shard_record& record) {
      return record.primary != dead && record.in_sync_member_of(dead).empty() == (record.epoch == 2);
    });
  }));
  EXPECT_LT(steady::now() - killed, milliseconds{4'000});
  EXPECT_GT(steady::now() - killed, milliseconds{1'000});
  EXPECT_NE(witness.view().controller, dead);
}

TEST_F(etcd_coordinator, a_node_that_leaves_in_order_is_missed_at_once) {
  start_three();
  const auto left = steady::now();
  stop(nodes_["b"], caf::exit_reason::user_shutdown);
  ASSERT_TRUE(nodes_["a"].sees([](const cluster_view& view) { return !view.node("b"); }));
  EXPECT_LT(steady::now() - left, milliseconds{1'000});
}

TEST_F(etcd_coordinator, an_epoch_is_opened_once_by_its_owner_alone) {
  start_three();
  auto& owner = owner_of(0);
  caf::anon_send(owner.coordinator, open_epoch{0, 0, owner.inbox});
  ASSERT_TRUE(owner.box->wait([](const mailbox& now) { return now.opened.size() == 1; }));
  EXPECT_EQ(owner.box->opened[0].epoch, 1u);
  EXPECT_EQ(owner.box->opened[0].in_sync.size(), 3u);
  caf::anon_send(owner.coordinator, open_epoch{0, 1, owner.inbox});
  ASSERT_TRUE(owner.box->wait([](const mailbox& now) { return now.opened.size() == 2; }));
  EXPECT_EQ(owner.box->opened[1].epoch, 2u);
  EXPECT_GT(owner.box->opened[1].revision, owner.box->opened[0].revision);

  auto& other = owner.self.id == "a" ? nodes_["b"] : nodes_["a"];
  caf::anon_send(other.coordinator, open_epoch{0, 0, other.inbox});
  ASSERT_TRUE(other.box->wait([](const mailbox& now) { return now.refused.size() == 1; }));
  EXPECT_EQ(other.box->refused[0].record.primary, owner.self.id);
}

TEST_F(etcd_coordinator, one_of_two_changes_on_the_same_revision_is_done) {
  start_three();
  auto& owner = owner_of(0);
  const auto record = owner.view().shards[0];
  auto smaller = record.in_sync;
  std::erase_if(smaller, [&](const auto& member) { return node_of_member(member) != record.primary; });
  auto change = [&](const std::string& second) {
    auto members = smaller;
    members.push_back(second);
    caf::anon_send(owner.coordinator, change_in_sync{0, record.epoch, record.revision, members, owner.inbox});
  };
  std::vector<std::string> others;
  for (const auto& member : record.in_sync)
    if (node_of_member(member) != record.primary) others.push_back(member);
  // Two at once, and then both again.
  for (int round = 1; round <= 2; ++round) {
    change(others[0]);
    change(others[1]);
    ASSERT_TRUE(owner.box->wait(
        [round](const mailbox& now) { return now.changed.size() == 2u * static_cast<std::size_t>(round); }));
  }
  const auto won = owner.view().shards[0];
  int done = 0;
  for (const auto& answer : owner.box->changed) {
    done += answer.outcome == swap_outcome::done;
    EXPECT_EQ(answer.record, won) << "told what stands there";
  }
  EXPECT_EQ(done, 2) << "one of the two, and the same one when it is asked for again";
  // Never under the floor.
  caf::anon_send(owner.coordinator, change_in_sync{0, record.epoch, won.revision, smaller, owner.inbox});
  ASSERT_TRUE(owner.box->wait([](const mailbox& now) { return now.changed.size() == 5; }));
  EXPECT_EQ(owner.box->changed[4].outcome, swap_outcome::refused);
}

TEST_F(etcd_coordinator, a_drained_node_is_asked_to_hand_over_and_does) {
  start_three();
  auto& owner = owner_of(0);
  caf::anon_send(owner.coordinator,
                 operator_request{
                     {.what = operator_command::kind::drain, .node = owner.self.id}, false, 7, owner.inbox});
  ASSERT_TRUE(owner.box->wait([](const mailbox& now) { return now.answers.size() == 1; }));
  EXPECT_EQ(owner.box->answers[0].what, operator_answer::outcome::done);
  EXPECT_EQ(owner.box->answers[0].correlation, 7u);
  ASSERT_TRUE(owner.sees([](const cluster_view& view) { return !view.shards[0].move_to.empty(); }));
  const auto record = owner.view().shards[0];
  const std::string heir{record.in_sync_member_of(record.move_to)};
  for (int i = 0; i < 2; ++i)
    caf::anon_send(owner.coordinator, hand_over{0, record.epoch, record.revision, heir, owner.inbox});
  ASSERT_TRUE(owner.box->wait([](const mailbox& now) { return now.handed.size() == 2; }));
  for (const auto& answer : owner.box->handed) {
    EXPECT_EQ(answer.outcome, swap_outcome::done);
    EXPECT_EQ(answer.record.primary, record.move_to);
    EXPECT_EQ(answer.record.epoch, record.epoch + 1);
    EXPECT_TRUE(answer.record.handed_over);
  }
}

TEST_F(etcd_coordinator, a_report_makes_the_controller_look_before_any_lease_ends) {
  start_three();
  auto& owner = owner_of(0);
  auto& other = owner.self.id == "a" ? nodes_["b"] : nodes_["a"];
  {
    std::lock_guard lock{mutex_};
    dead_.insert(owner.self.member());  // it answers nobody, though its coordinator renews its lease
  }
  const auto reported = steady::now();
  caf::anon_send(other.coordinator, ask_controller_to_look{0, 1, {owner.self.member()}});
  ASSERT_TRUE(other.sees([](const cluster_view& view) { return view.shards[0].epoch == 2; }));
  EXPECT_LT(steady::now() - reported, milliseconds{1'500});
  EXPECT_TRUE(other.sees([](const cluster_view& view) { return view.reports.empty(); }))
      << "of an older epoch";
}

TEST_F(etcd_coordinator, a_node_of_another_cluster_is_refused) {
  start_three();
  auto& stranger = start("d", "d", "another");
  ASSERT_TRUE(stranger.box->wait([](const mailbox& now) { return !now.refusal.empty(); }));
  EXPECT_NE(stranger.box->refusal.find("this disk belongs to cluster another"), std::string::npos);
  auto& other = start("e", "d", "", 8);
  ASSERT_TRUE(other.box->wait([](const mailbox& now) { return !now.refusal.empty(); }));
  EXPECT_NE(other.box->refusal.find("8 shards"), std::string::npos) << other.box->refusal;
  EXPECT_FALSE(nodes_["a"].view().node("d"));
}

TEST_F(etcd_coordinator, a_restarted_process_takes_its_place_and_a_second_machine_does_not) {
  start_three();
  const auto before = nodes_["b"].self.incarnation;
  stop(nodes_["b"], caf::exit_reason::kill);
  {
    std::lock_guard lock{mutex_};
    dead_.clear();
  }
  auto& again = start("b");
  ASSERT_TRUE(nodes_["a"].sees([&](const cluster_view& view) {
    const auto* node = view.node("b");
    return node && node->incarnation == again.self.incarnation && node->incarnation != before;
  }));
  auto impostor = std::exchange(nodes_["b"], {});
  auto& second = start("b", "other");
  ASSERT_TRUE(second.box->wait([](const mailbox& now) {
    return now.registered && now.registered->reason.find("another disk") != std::string::npos;
  }));
  EXPECT_EQ(second.view().node("b")->disk_id, "d");
  stop(impostor, caf::exit_reason::user_shutdown);
  ASSERT_TRUE(second.sees(
      [](const cluster_view& view) { return view.node("b") && view.node("b")->disk_id == "other"; }));
}

TEST_F(etcd_coordinator, a_stalled_etcd_changes_nothing_but_the_waiting) {
  start_three();
  auto& owner = owner_of(0);
  const auto record = owner.view().shards[0];
  etcd_.pause();
  auto members = record.in_sync;
  std::rotate(members.begin(), members.begin() + 1, members.end());
  caf::anon_send(owner.coordinator, change_in_sync{0, record.epoch, record.revision, members, owner.inbox});
  ASSERT_TRUE(owner.box->wait([](const mailbox& now) { return now.changed.size() == 1; }));
  EXPECT_EQ(owner.box->changed[0].outcome, swap_outcome::unknown);
  // Longer than a lease.
  ASSERT_TRUE(
      owner.box->wait([](const mailbox& now) { return now.registered && !now.registered->registered; }));
  etcd_.resume();
  ASSERT_TRUE(
      owner.box->wait([](const mailbox& now) { return now.registered && now.registered->registered; }));
  // The same question again, until there is an answer: done, by now or by then.
  for (std::size_t n = 2;; ++n) {
    caf::anon_send(owner.coordinator, change_in_sync{0, record.epoch, record.revision, members, owner.inbox});
    ASSERT_TRUE(owner.box->wait([n](const mailbox& now) { return now.changed.size() == n; }));
    if (owner.box->changed.back().outcome != swap_outcome::unknown) break;
  }
  EXPECT_EQ(owner.box->changed.back().outcome, swap_outcome::done);
  for (const auto& [id, node] : nodes_)
    EXPECT_TRUE(node.sees([&](const cluster_view& view) {
      return view.nodes.size() == 3 && view.shards[0].in_sync == members && !view.controller.empty();
    })) << id;
  EXPECT_EQ(owner.view().shards[0].epoch, record.epoch) << "nobody was taken for dead";
}

TEST_F(etcd_coordinator, all_come_back_when_etcd_does) {
  start_three();
  const auto before = nodes_["a"].view();
  etcd_.kill();
  for (const auto& [id, node] : nodes_)
    ASSERT_TRUE(
        node.box->wait([](const mailbox& now) { return now.registered && !now.registered->registered; }));
  // What is known is kept; something may have come just before the end.
  EXPECT_EQ(nodes_["a"].view().nodes, before.nodes);
  EXPECT_EQ(nodes_["a"].view().shards, before.shards);
  EXPECT_EQ(nodes_["a"].view().controller, before.controller);
  etcd_.start_again();
  for (const auto& [id, node] : nodes_) {
    ASSERT_TRUE(
        node.box->wait([](const mailbox& now) { return now.registered && now.registered->registered; }));
    EXPECT_TRUE(node.sees([&](const cluster_view& view) {
      return view.nodes.size() == 3 && view.revision > before.revision && !view.controller.empty();
    })) << id;
  }
  // The registrations may have ended before they were made again; then still nobody was taken for dead.
  EXPECT_EQ(nodes_["a"].view().shards, before.shards);
}

}  // namespace
}  // namespace souk::runtime
