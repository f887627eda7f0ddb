#include "runtime/cluster/controller_plan.hpp"
#include "runtime/cluster/operator_plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <random>
#include <string>
#include <vector>

/// Walks a cluster at random: nodes come, go and lose their disks, operators change their minds, the
/// controller sees everything late, its swaps are delayed, lost and refused, and primaries change records
/// beside it. Whatever happens, no swap breaks the rules of a shard; when all is left alone, all is well.
namespace souk::runtime {
namespace {

using std::chrono::milliseconds;

constexpr std::uint16_t shards = 8;
const std::vector<std::string> names{"a", "b", "c", "d", "e"};

class world {
 public:
  explicit world(std::uint64_t seed) : random_(seed) {
    store_.settings = {.cluster_id = "c", .shard_count = shards, .replicas = 3, .min_in_sync = 2};
    store_.shards.resize(shards);
    for (const auto& name : names)
      disks_[name] = 0;
    for (std::size_t i = 0; i < 4; ++i)
      come(names[i]);
    shown_ = store_;
  }

  void trouble(int steps) {
    for (int i = 0; i < steps && !::testing::Test::HasFailure(); ++i) {
      if (one_of(60)) disturb();
      if (one_of(80)) command();
      if (one_of(300)) plan_ = controller_plan{};  // another node took over
      turn(one_of(10));
    }
  }

  void leave_alone() {
    for (const auto& name : names)
      if (const auto* member = store_.member(name); member && member->state != member_state::removed)
        come(name);
    for (auto& member : store_.members) {
      if (member.state != member_state::removed) member.state = member_state::active;
      member.revision = ++store_.revision;
    }
    for (int i = 0; i < 6'000; ++i)
      turn(false);
  }

  void expect_all_is_well() {
    std::map<std::string, int> primaries;
    std::map<std::string, int> copies;
    std::size_t active = 0;
    for (const auto& member : store_.members)
      if (member.state == member_state::active) {
        active += 1;
        primaries[member.id] = copies[member.id] = 0;
      }
    for (shard_id id = 0; id < shards; ++id) {
      const auto& record = store_.shards[id];
      EXPECT_EQ(record.replicas.size(), std::min<std::size_t>(active, 3)) << "shard " << id;
      EXPECT_EQ(record.in_sync.size(), record.replicas.size()) << "shard " << id;
      EXPECT_EQ(record.move_to, "") << "shard " << id;
      EXPECT_TRUE(store_.node(record.primary)) << "shard " << id;
      primaries[record.primary] += 1;
      for (const auto& node : record.replicas)
        copies[node] += 1;
    }
    const auto spread = [](const auto& load) {
      const auto [least, most] = std::minmax_element(
          load.begin(), load.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
      return most->second - least->second;
    };
    EXPECT_LE(spread(primaries), 2);
    EXPECT_LE(spread(copies), 2);
  }

  int failovers() const { return failovers_; }

 private:
  struct late_swap {
    shard_id shard = 0;
    shard_record record;
  };

  bool one_of(std::uint64_t n) { return random_() % n == 0; }
  template <class Items>
  auto& any_of(Items& items) {
    return items[random_() % items.size()];
  }

  void come(const std::string& name) {
    if (store_.node(name)) return;
    const auto* member = store_.member(name);
    if (member && member->state == member_state::removed) return;
    store_.nodes.push_back(
        {.id = name, .disk_id = std::to_string(disks_[name]), .incarnation = ++incarnations_});
    if (!member) store_.members.push_back({.id = name, .revision = store_.revision + 1});
    by_name(store_.nodes);
    by_name(store_.members);
    ++store_.revision;
  }
  template <class Items>
  static void by_name(Items& items) {
    std::sort(items.begin(), items.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  }
  void go(const std::string& name) {
    std::erase_if(store_.nodes, [&](const auto& node) { return node.id == name; });
    ++store_.revision;
  }

  void disturb() {
    const auto& name = any_of(names);
    if (!store_.node(name)) {
      come(name);
      return;
    }
    // Only so many at once, and a disk only where two others stay in sync: losing more is losing data.
    if (store_.nodes.size() < 3) return;
    go(name);
    const bool spare = std::all_of(store_.shards.begin(), store_.shards.end(), [&](const auto& record) {
      return record.in_sync_member_of(name).empty() || record.in_sync.size() > 2;
    });
    if (spare && one_of(3)) disks_[name] += 1;
  }

  void command() {
    using kind = operator_command::kind;
    static const std::vector<kind> kinds{kind::drain, kind::undrain, kind::undrain,
                                         kind::move,  kind::remove,  kind::join};
    operator_command command{
        .what = any_of(kinds), .node = any_of(names), .shard = shard_id(random_() % shards)};
    if (command.what == kind::remove && !one_of(8)) return;
    const auto plan = plan_command(store_, command);
    if (!plan.refusal.empty()) return;
    for (const auto& each : plan.members)
      set(each.member);
    for (const auto& each : plan.records)
      swap(each.shard, each.record, false);
  }

  void set(const cluster_member& changed) {
    for (auto& member : store_.members) {
      if (member.id != changed.id || member.revision != changed.revision) continue;
      member = changed;
      member.revision = ++store_.revision;
      // The process of a node that was removed is stopped.
      if (member.state == member_state::removed) go(member.id);
      return;
    }
  }

  void turn(bool lose) {
    now_ += milliseconds{20 + static_cast<int>(random_() % 80)};
    if (!one_of(4)) shown_ = store_;
    primaries_work();
    report();
    auto decided = plan_.step(shown_, now_);
    for (const auto& question : decided.questions)
      answer(question);
    for (auto& wanted : decided.records)
      if (!lose) late_.push_back({wanted.shard, std::move(wanted.record)});
    for (const auto& wanted : decided.members)
      set(wanted.member);
    while (!late_.empty() && !one_of(3)) {
      swap(late_.front().shard, late_.front().record, true);
      late_.pop_front();
    }
  }

  void report() {
    store_.reports.clear();
    if (!one_of(20)) return;
    const auto id = shard_id(random_() % shards);
    const auto& record = store_.shards[id];
    if (record.in_sync.empty()) return;
    store_.reports.push_back({.shard = id,
                              .epoch = record.epoch - random_() % 2,
                              .reporter = std::string{node_of_member(any_of(record.in_sync))},
                              .members = {std::string{record.in_sync_member_of(record.primary)}}});
  }

  void answer(const position_question& question) {
    for (const auto& member : question.members) {
      const auto* node = store_.node(node_of_member(member));
      if (!node || node->member() != member || one_of(5)) continue;
      replication::position_answer told{.member = member, .last = {.index = random_() % 9, .epoch = 1}};
      for (const auto& other : question.members)
        if (other != member && !one_of(5)) told.reaches.push_back(other);
      plan_.told(question.shard, told);
    }
  }

  // What a shard's primary does by itself.
  void primaries_work() {
    const auto id = shard_id(random_() % shards);
    auto record = store_.shards[id];
    const auto* primary = store_.node(record.primary);
    if (record.epoch == 0 || !primary || !record.has_in_sync(primary->member())) return;
    auto& own = store_.shards[id];
    const auto here = [&](const std::string& member) {
      const auto* node = store_.node(node_of_member(member));
      return node && node->member() == member && record.has_replica(node->id);
    };
    for (const auto& member : record.in_sync)
      if (!here(member) && record.in_sync.size() > record.min_in_sync) {
        std::erase(own.in_sync, member);
        own.revision = ++store_.revision;
        return;
      }
    for (const auto& replica : record.replicas) {
      const auto* node = store_.node(replica);
      if (!node || record.has_in_sync(node->member())) continue;
      own.in_sync.push_back(node->member());
      own.revision = ++store_.revision;
      return;
    }
    const auto* heir = store_.node(record.move_to);
    if (heir && record.has_in_sync(heir->member())) {
      own.primary = heir->id;
      own.epoch += 1;
      own.handed_over = true;
      own.move_to.clear();
      own.revision = ++store_.revision;
    }
  }

  void swap(shard_id id, const shard_record& wanted, bool by_controller) {
    auto& record = store_.shards[id];
    if (record.revision != wanted.revision) return;
    if (by_controller) expect_rules(record, wanted);
    failovers_ += record.epoch != 0 && wanted.epoch != record.epoch;
    record = wanted;
    record.revision = ++store_.revision;
  }

  static void expect_rules(const shard_record& before, const shard_record& after) {
    EXPECT_TRUE(after.has_replica(after.primary));
    EXPECT_LE(after.replicas.size(), 5u);
    if (before.epoch == 0) {
      EXPECT_EQ(after.epoch, 1u);
      EXPECT_GE(after.in_sync.size(), after.min_in_sync);
      return;
    }
    if (after.epoch == before.epoch) {
      EXPECT_EQ(after.primary, before.primary);
      EXPECT_EQ(after.in_sync, before.in_sync);
      if (after.replicas.size() >= before.replicas.size()) return;
      for (const auto& node : after.replicas)
        EXPECT_FALSE(before.in_sync_member_of(node).empty()) << "no copy goes before the others are in sync";
      return;
    }
    EXPECT_EQ(after.epoch, before.epoch + 1);
    EXPECT_FALSE(after.handed_over);
    EXPECT_FALSE(before.in_sync_member_of(after.primary).empty());
    for (const auto& member : after.in_sync)
      EXPECT_TRUE(before.has_in_sync(member));
    EXPECT_GE(after.in_sync.size(), std::min<std::size_t>(before.in_sync.size(), after.min_in_sync));
  }

  std::mt19937_64 random_;
  milliseconds now_{1'000};
  cluster_view store_;
  cluster_view shown_;
  controller_plan plan_;
  std::map<std::string, int> disks_;
  std::uint64_t incarnations_ = 0;
  std::deque<late_swap> late_;
  int failovers_ = 0;
};

TEST(controller_property, no_swap_breaks_a_rule_and_in_the_end_all_is_well) {
  int failovers = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    world world{seed};
    world.trouble(2'000);
    world.leave_alone();
    world.expect_all_is_well();
    failovers += world.failovers();
    if (HasFailure()) return;
  }
  EXPECT_GT(failovers, 200) << "the walk must be a hard one";
}

}  // namespace
}  // namespace souk::runtime
