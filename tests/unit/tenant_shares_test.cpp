#include "actors/gateway/tenant_shares.hpp"

#include "actors/gateway/overload.hpp"
#include "tests/seeds.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>
#include <limits>
#include <map>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace souk::gateway {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

constexpr std::size_t unbounded = std::numeric_limits<std::size_t>::max();

/// Tenants with their calls, of which the oldest ends first.
class crowd {
 public:
  explicit crowd(std::size_t most = unbounded) : shares(most) {}

  bool ask(const std::string& tenant, std::size_t room) {
    auto* part = shares.begin(tenant, room);
    if (part != nullptr) calls_[tenant].push_back(part);
    return part != nullptr;
  }
  std::size_t ask_often(const std::string& tenant, std::size_t room, std::size_t times) {
    std::size_t admitted = 0;
    for (std::size_t n = 0; n < times; ++n)
      admitted += ask(tenant, room) ? 1 : 0;
    return admitted;
  }
  void end(const std::string& tenant, std::size_t times = 1) {
    for (std::size_t n = 0; n < times; ++n) {
      shares.ended(*calls_.at(tenant).front());
      calls_.at(tenant).pop_front();
    }
  }
  std::size_t under_way(const std::string& tenant) const {
    const auto found = calls_.find(tenant);
    return found == calls_.end() ? 0 : found->second.size();
  }

  tenant_shares shares;

 private:
  std::map<std::string, std::deque<tenant_shares::part*>> calls_;
};

TEST(tenant_shares, who_is_alone_has_the_room) {
  crowd crowd;
  EXPECT_EQ(crowd.ask_often("a", 100, 150), 100u);
  crowd.end("a", 40);
  EXPECT_EQ(crowd.ask_often("a", 60, 10), 0u);
  EXPECT_EQ(crowd.ask_often("a", 100, 50), 40u);
  crowd.shares.interval_ended();
  EXPECT_EQ(crowd.ask_often("a", 100, 10), 0u);
  crowd.end("a", 100);
  EXPECT_EQ(crowd.ask_often("a", 100, 150), 100u);
}

TEST(tenant_shares, who_comes_to_a_full_room_gets_an_equal_part_and_who_filled_it_makes_room) {
  crowd crowd;
  EXPECT_EQ(crowd.ask_often("a", 100, 150), 100u);
  EXPECT_EQ(crowd.ask_often("b", 100, 80), 50u);
  EXPECT_EQ(crowd.shares.under_way(), 150u);
  // From now on both ask for whatever ends.
  for (int n = 0; n < 50; ++n) {
    crowd.end("a");
    EXPECT_FALSE(crowd.ask("a", 100));
  }
  for (int n = 0; n < 20; ++n) {
    crowd.end("a");
    EXPECT_FALSE(crowd.ask("b", 100)) << "it has its part";
    EXPECT_TRUE(crowd.ask("a", 100));
    crowd.end("b");
    EXPECT_FALSE(crowd.ask("a", 100)) << "as has this one";
    EXPECT_TRUE(crowd.ask("b", 100));
  }
  EXPECT_EQ(crowd.under_way("a"), 50u);
  EXPECT_EQ(crowd.under_way("b"), 50u);
}

TEST(tenant_shares, what_one_leaves_is_divided_among_those_who_want_more) {
  crowd crowd;
  EXPECT_EQ(crowd.ask_often("modest", 100, 10), 10u);
  crowd.ask_often("a", 100, 200);
  crowd.ask_often("b", 100, 200);
  for (int n = 0; n < 400; ++n) {
    const std::string ends = crowd.under_way("a") > crowd.under_way("b") ? "a" : "b";
    crowd.end(ends);
    // One of them asks ten times as often.
    crowd.ask_often("a", 100, 10);
    crowd.ask("b", 100);
    if (n % 50 == 0) {
      crowd.end("modest");
      EXPECT_TRUE(crowd.ask("modest", 100));
      crowd.shares.interval_ended();
    }
  }
  EXPECT_EQ(crowd.under_way("modest"), 10u);
  EXPECT_EQ(crowd.under_way("a"), 45u);
  EXPECT_EQ(crowd.under_way("b"), 45u);
}

TEST(tenant_shares, a_part_is_kept_for_an_interval_or_two) {
  crowd crowd;
  crowd.ask_often("a", 100, 200);
  crowd.ask_often("b", 100, 200);
  crowd.end("a", 50);
  crowd.end("b", 50);
  EXPECT_EQ(crowd.ask_often("a", 100, 100), 0u) << "the other half is b's";
  crowd.shares.interval_ended();
  EXPECT_EQ(crowd.ask_often("a", 100, 100), 0u);
  crowd.shares.interval_ended();
  EXPECT_EQ(crowd.ask_often("a", 100, 100), 50u) << "b has not come again";
  EXPECT_EQ(crowd.shares.active(), 1u);
  crowd.shares.interval_ended();
  EXPECT_EQ(crowd.shares.counted(), 1u);
}

TEST(tenant_shares, what_memory_bounds_is_never_passed) {
  crowd crowd(120);
  crowd.ask_often("a", 100, 200);
  EXPECT_EQ(crowd.ask_often("b", 100, 200), 20u);
  tenant_shares many(unbounded);
  for (std::size_t n = 0; n < 3 * tenant_shares::tenants_max; ++n)
    ASSERT_NE(many.begin("tenant-" + std::to_string(n), unbounded), nullptr);
  EXPECT_LE(many.counted(), tenant_shares::tenants_max + 1);
  EXPECT_EQ(many.under_way(), 3 * tenant_shares::tenants_max);
}

// Whatever has come: who has less under way is not refused what the other would get, and more room is never
// worse. Each question is put to a crowd of its own that has gone the same way.
TEST(tenant_shares, are_in_order_at_random) {
  const std::vector<std::string> names{"a", "b", "c", "d"};
  for (std::uint64_t seed = 1; seed <= tests::seeds(20); ++seed) {
    struct deed {
      std::size_t who = 0;
      std::size_t room = 0;  // 0: a call ends
      bool interval = false;
    };
    std::vector<deed> deeds;
    const auto gone_so_far = [&] {
      auto crowd = std::make_unique<gateway::crowd>();
      for (const auto& deed : deeds) {
        if (deed.interval)
          crowd->shares.interval_ended();
        else if (deed.room > 0)
          crowd->ask(names[deed.who], deed.room);
        else if (crowd->under_way(names[deed.who]) > 0)
          crowd->end(names[deed.who]);
      }
      return crowd;
    };
    std::mt19937_64 random(seed);
    const std::size_t eager = random() % names.size();
    for (int n = 0; n < 120; ++n) {
      for (std::size_t times = random() % 20; times > 0; --times) {
        const auto who = random() % 2 == 0 ? eager : random() % names.size();
        deeds.push_back({who, random() % 5 < 2 ? 0 : 6 + 6 * (random() % 3), random() % 40 == 0});
      }
      const std::size_t room = 6 + 6 * (random() % 3);
      // All of them have asked for something: else the one who asks makes one more.
      for (std::size_t who = 0; who < names.size(); ++who)
        deeds.push_back({who, 1, false});
      std::map<std::string, bool> admitted;
      std::map<std::string, std::size_t> under_way;
      for (const auto& name : names) {
        const auto crowd = gone_so_far();
        under_way[name] = crowd->under_way(name);
        admitted[name] = crowd->ask(name, room);
        EXPECT_TRUE(!admitted[name] || gone_so_far()->ask(name, room + 3)) << "seed " << seed;
      }
      for (const auto& poor : names)
        for (const auto& rich : names)
          ASSERT_TRUE(under_way[poor] > under_way[rich] || admitted[poor] || !admitted[rich])
              << "seed " << seed << ": " << under_way[poor] << " and " << under_way[rich] << " of " << room;
      ASSERT_LE(gone_so_far()->shares.under_way(), 18u + 9 + 6 + 4) << "seed " << seed;
    }
  }
}

/// Calls of many tenants, each at its own random rate, to a node that does one after the other.
class simulated_node {
 public:
  /// `kinds`: what calls are for, each as often as it is there.
  simulated_node(std::uint64_t seed, std::vector<double> rates, std::vector<progress> kinds)
      : random_(seed), rates_(std::move(rates)), kinds_(std::move(kinds)) {
    forget();
  }

  /// So many seconds at `capacity` calls a second.
  void run(double capacity, double seconds) {
    const double all = std::accumulate(rates_.begin(), rates_.end(), 0.0);
    std::exponential_distribution<double> pause(all);
    std::exponential_distribution<double> service(capacity);
    std::discrete_distribution<std::size_t> whose(rates_.begin(), rates_.end());
    const double end = now_ + seconds;
    double arrives = now_ + pause(random_);
    double ends = queue_.empty() ? end : now_ + service(random_);
    while (std::min(arrives, ends) < end) {
      if (arrives < ends) {
        now_ = arrives;
        const bool idle = queue_.empty();
        ask(whose(random_));
        if (idle && !queue_.empty()) ends = now_ + service(random_);
        arrives = now_ + pause(random_);
      } else {
        now_ = ends;
        finish();
        ends = queue_.empty() ? end : now_ + service(random_);
      }
    }
    now_ = end;
  }
  void forget() {
    done.assign(rates_.size(), 0);
    asked.assign(rates_.size(), 0);
    refused.assign(rates_.size(), {});
  }

  std::vector<double> done;
  std::vector<double> asked;
  std::vector<std::array<int, progress_steps>> refused;  ///< By what they were for.
  overload_control control{{}};

 private:
  struct waiting {
    std::size_t whose = 0;
    progress what = progress::browsing;
    tenant_shares::part* part = nullptr;
    double since = 0;
  };

  static nanoseconds to_time(double seconds) { return nanoseconds{static_cast<std::int64_t>(seconds * 1e9)}; }

  void ask(std::size_t whose) {
    const auto what = kinds_[random_() % kinds_.size()];
    ++asked[whose];
    auto* part = control.begin(what, "tenant-" + std::to_string(whose), to_time(now_));
    if (part != nullptr)
      queue_.push_back({whose, what, part, now_});
    else
      ++refused[whose].at(static_cast<std::size_t>(what));
  }
  void finish() {
    const auto call = queue_.front();
    queue_.pop_front();
    ++done[call.whose];
    control.ended(call.what, *call.part, to_time(now_ - call.since), to_time(now_));
  }

  std::mt19937_64 random_;
  std::vector<double> rates_;
  std::vector<progress> kinds_;
  std::deque<waiting> queue_;
  double now_ = 0;
};

/// What each gets of `capacity`, max-min fair: all that it asks for, or the level.
std::vector<double> max_min(std::vector<double> asked, double capacity) {
  auto sorted = asked;
  std::ranges::sort(sorted);
  double level = 0;
  double left = capacity;
  for (std::size_t n = 0; n < sorted.size(); ++n) {
    level = left / static_cast<double>(sorted.size() - n);
    if (sorted[n] >= level) break;
    left -= sorted[n];
    level = std::numeric_limits<double>::infinity();
  }
  for (auto& each : asked)
    each = std::min(each, level);
  return asked;
}

// Of what the node does each tenant gets its part within a fifth of an equal one, whoever asks how much, and
// the node does as much as for one. It is off most for a tenant that asks for just what it may have: chance
// has it ask for more at times, and nobody waits for the other times.
TEST(tenant_shares, of_random_tenants_at_too_busy_a_node_are_max_min_fair) {
  for (std::uint64_t seed = 1; seed <= tests::seeds(20); ++seed) {
    std::mt19937_64 random(seed);
    const double capacity = 2'000 + static_cast<double>(random() % 6'000);
    std::vector<double> rates(2 + random() % 5);
    for (auto& rate : rates)
      rate = capacity * 0.05 * std::pow(2.0, static_cast<double>(random() % 7));  // 0.05 to 3.2
    rates.back() = capacity * 2;
    simulated_node node(seed, rates, {static_cast<progress>(random() % 3)});
    node.run(capacity, 3);  // until it has noticed
    node.forget();
    node.run(capacity, 10);
    const double all = std::accumulate(node.done.begin(), node.done.end(), 0.0);
    EXPECT_GE(all, capacity * 10 * 0.97) << "seed " << seed;
    const auto fair = max_min(node.asked, all);
    const double allowed = all / static_cast<double>(rates.size()) / 5;
    for (std::size_t n = 0; n < rates.size(); ++n)
      EXPECT_NEAR(node.done[n], fair[n], allowed)
          << "seed " << seed << ", tenant " << n << " of " << rates.size() << ", which asks for "
          << rates[n] / capacity << " of the capacity of " << capacity;
  }
}

// Within each tenant what is worth more is refused less; of a tenant that asks for a quarter of an equal part
// hardly anything is refused, however many times the capacity the others ask for.
TEST(tenant_shares, keep_the_order_within_each_and_spare_the_modest) {
  for (std::uint64_t seed = 1; seed <= tests::seeds(10); ++seed) {
    std::mt19937_64 random(seed);
    const double capacity = 2'000 + static_cast<double>(random() % 6'000);
    std::vector<double> rates(2 + random() % 4, capacity * (1 + static_cast<double>(random() % 4)));
    rates.front() = capacity / static_cast<double>(rates.size()) / 4;
    simulated_node node(seed, rates, {progress::browsing, progress::browsing, progress::cart});
    node.run(capacity, 3);
    node.forget();
    node.run(capacity, 5);
    const auto refused = [&](std::size_t whose, progress what) {
      return node.refused[whose].at(static_cast<std::size_t>(what));
    };
    EXPECT_LE(refused(0, progress::browsing), node.asked[0] / 100) << "seed " << seed;
    EXPECT_EQ(refused(0, progress::cart), 0) << "seed " << seed;
    for (std::size_t n = 1; n < rates.size(); ++n)
      EXPECT_GT(refused(n, progress::browsing) / 2, refused(n, progress::cart)) << "seed " << seed;
  }
}

}  // namespace
}  // namespace souk::gateway
