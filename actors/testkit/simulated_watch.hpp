#pragma once

#include "actors/gateway/http.hpp"
#include "actors/testkit/simulated_cluster.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace souk::testkit {

/// Two carts and a stock that some clients change and read at once, at any node, beside the shoppers. What
/// they were told of each must have happened in one order (I15); of what was not answered nobody knows
/// whether it happened. Beside those who change things each node has a visitor, who waits for it however long
/// it hangs: what it says when it wakes is what a node says that does not know that it is primary no more.
class simulated_watch {
 public:
  /// Makes what is watched; `goods` are on sale. `clients` change things.
  simulated_watch(simulated_cluster& cluster, const std::string& goods, std::uint64_t seed,
                  std::size_t clients);
  ~simulated_watch();
  simulated_watch(const simulated_watch&) = delete;
  simulated_watch& operator=(const simulated_watch&) = delete;

  /// The clients come in, and go on by themselves while time passes.
  void begin();
  /// They ask for nothing new.
  void end() { ended_ = true; }
  /// Everybody has heard what became of what he asked for.
  bool finished() const;
  /// What they wait for, in words.
  std::string waiting_for() const;
  /// Looks at everything once more, at every node. What cannot have been, in words.
  std::vector<std::string> judge();

  std::size_t operations() const;  ///< That were noted so far.
  /// Changes that nobody knew the outcome of when they were first asked for.
  std::uint64_t unknown() const { return unknown_; }

 private:
  using milliseconds = std::chrono::milliseconds;
  struct client;
  class entity;
  class cart;
  class stock;

  void make_cart(const std::string& goods);
  void make_stock();
  void go_on(client& client);
  void ask_something(client& client);
  void try_once(client& client);
  void take(client& client, std::uint64_t attempt, const gateway::http_response& response);
  void take_decision(client& client, const gateway::http_response& response);
  void take_silence(client& client, bool surely_not_done);
  void move_on(client& client);
  void later(milliseconds in, std::function<void()> what);
  std::uint64_t draw(std::uint64_t below) { return random_() % below; }

  simulated_cluster& cluster_;
  std::mt19937_64 random_;
  std::vector<std::unique_ptr<entity>> entities_;
  std::vector<std::unique_ptr<client>> clients_;
  std::shared_ptr<bool> here_ = std::make_shared<bool>(true);
  bool ended_ = false;
  std::uint64_t attempts_ = 0;
  std::uint64_t keys_ = 0;
  std::uint64_t unknown_ = 0;
  std::vector<std::string> findings_;
};

}  // namespace souk::testkit
