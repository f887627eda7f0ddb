#include "tests/actor/linked_nodes.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

namespace souk::links {
namespace {

using namespace std::chrono_literals;
using souk::testing::linked_node;
using souk::testing::linked_nodes;

/// Three nodes that ask each other all the time while the network does its worst.
class chaos {
 public:
  explicit chaos(std::uint64_t seed) : world(seed), random(seed) {
    for (const auto& id : ids)
      revive(id);
  }

  void run(int rounds) {
    for (int round = 0; round < rounds; ++round) {
      act();
      ask();
      world.pass(std::chrono::milliseconds{1 + random() % 120});
      check_answers();
    }
    for (const auto& one : ids)
      for (const auto& other : ids)
        world.network.open(one, other);
    for (const auto& id : ids)
      if (!nodes.contains(id)) revive(id);
    EXPECT_TRUE(world.comes_true([&] { return all_up(); }, 10s));
    world.pass(31s);  // what was lost on the way is given up by now
    check_answers();
    for (const auto& [id, node] : nodes)
      EXPECT_EQ(answered[id].size(), asked[id].size()) << id;
  }

  std::size_t done = 0;
  std::size_t refused = 0;
  std::size_t unknown = 0;
  std::uint64_t trace() const { return world.driver.trace_hash(); }

 private:
  const std::string& any() { return ids[random() % ids.size()]; }

  void revive(const std::string& id) {
    auto& node = world.start(id);
    nodes[id] = &node;
    world.acquaint(node, ids);
  }

  bool all_up() const {
    for (const auto& [id, node] : nodes)
      for (const auto& other : ids)
        if (other != id && !node->board.up(other)) return false;
    return true;
  }

  void act() {
    const auto one = any();
    const auto other = any();
    switch (random() % 12) {
      case 0:
        return world.network.cut(one, other);
      case 1:
        return world.network.part(one, other);
      case 2:
        return world.network.reset(one, other);
      case 3:
        return world.network.delay(one, other, std::chrono::milliseconds{random() % 300});
      case 4:
        if (random() % 4 != 0 || !nodes.contains(one)) return;
        world.kill(*nodes.at(one));
        nodes.erase(one);
        asked.erase(one);
        answered.erase(one);
        return;
      case 5:
        if (!nodes.contains(one)) revive(one);
        return;
      case 6:
        return world.network.lose(one, other, 1);
      default:
        return world.network.join(one, other);
    }
  }

  void ask() {
    for (auto& [id, node] : nodes) {
      for (const auto& other : ids) {
        if (other == id || !node->shard(other)) continue;
        const auto number = ++last_number;
        asked[id].insert(number);
        world.ask(*node, other, number, random() % 3 == 0);
      }
    }
  }

  void check_answers() {
    for (auto& [id, node] : nodes) {
      for (const auto& response : node->seen->responses) {
        EXPECT_TRUE(asked[id].contains(response.correlation));
        EXPECT_TRUE(answered[id].insert(response.correlation).second) << "answered twice";
        if (response.outcome == runtime::outcome::answered) {
          ++done;
          EXPECT_EQ(response.answer.body, "done by request " + std::to_string(response.correlation));
        } else {
          ++(response.outcome == runtime::outcome::unknown ? unknown : refused);
        }
      }
      node->seen->responses.clear();
    }
  }

  const std::vector<std::string> ids{"a", "b", "c"};
  linked_nodes world;
  std::mt19937_64 random;
  std::map<std::string, linked_node*> nodes;
  std::map<std::string, std::set<std::uint64_t>> asked;
  std::map<std::string, std::set<std::uint64_t>> answered;
  std::uint64_t last_number = 0;
};

TEST(links_chaos, every_request_is_answered_exactly_once_whatever_the_network_does) {
  std::size_t done = 0;
  std::size_t refused = 0;
  std::size_t unknown = 0;
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    chaos world{seed};
    world.run(150);
    done += world.done;
    refused += world.refused;
    unknown += world.unknown;
  }
  // The network must have been both good and bad to prove anything.
  EXPECT_GT(done, 500u);
  EXPECT_GT(refused, 100u);
  EXPECT_GT(unknown, 20u);
}

TEST(links_chaos, the_same_seed_gives_the_same_run) {
  auto run = [](std::uint64_t seed) {
    chaos world{seed};
    world.run(40);
    return world.trace();
  };
  EXPECT_EQ(run(7), run(7));
  EXPECT_NE(run(7), run(8));
}

}  // namespace
}  // namespace souk::links
