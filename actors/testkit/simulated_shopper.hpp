#pragma once

#include "actors/gateway/http.hpp"
#include "actors/testkit/simulated_cluster.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace souk::testkit {

/// What all shoppers of a run know together, and what they found wrong.
struct shopping_record {
  /// A checkout that was answered with an order, and what a repeat of it must answer.
  struct sale {
    std::string order;
    std::string key;   ///< The Idempotency-Key.
    std::string body;  ///< Of the request.
    std::string answer;
    std::map<std::string, std::int64_t> units;  ///< By sku.
    std::int64_t total = 0;
    bool canceled = false;
  };

  std::vector<sale> sales;
  std::map<std::string, std::uint64_t> refusals;  ///< Of checkouts, by problem code.
  std::uint64_t answers = 0;                      ///< Definite ones.
  std::uint64_t repeats = 0;                      ///< Requests sent again, for nothing was known.
  std::vector<std::string> findings;
};

/// Goods to choose from: skus and how many units of them were received.
using received_units = std::map<std::string, std::int64_t>;

/// One customer with time between clicks, who buys a few times, asks any node, and repeats with the same
/// Idempotency-Key whatever was not answered for good. Holds every answer against what must be true.
class simulated_shopper {
 public:
  simulated_shopper(simulated_cluster& cluster, shopping_record& record, const received_units& goods,
                    std::string name, std::uint64_t seed, std::size_t purchases);
  ~simulated_shopper();
  simulated_shopper(const simulated_shopper&) = delete;
  simulated_shopper& operator=(const simulated_shopper&) = delete;

  /// Comes in; goes on by itself while time passes.
  void begin();
  bool finished() const { return purchases_ == 0; }
  /// The cart that it fills now; empty: none.
  const std::string& cart() const { return cart_; }
  /// What it waits for, in words.
  std::string waiting_for() const;

 private:
  using milliseconds = std::chrono::milliseconds;
  using handler = std::function<void(const gateway::http_response&)>;
  struct request;

  void ask(std::string method, std::string target, std::string body, bool keyed, bool staff, handler then);
  void try_once();
  void take(std::uint64_t attempt, const gateway::http_response& response);
  void later(milliseconds in, std::function<void()> what);
  std::uint64_t draw(std::uint64_t below) { return random_() % below; }

  void make_cart();
  void fill();
  void look_at_cart();
  void check_out();
  void take_sale(const gateway::http_response& response);
  void look_at_order(std::size_t sale);
  void cancel(std::size_t sale);
  void end_purchase();
  void expect(bool right, const std::string& what, const gateway::http_response& response);

  simulated_cluster& cluster_;
  shopping_record& record_;
  const received_units& goods_;
  std::string name_;
  std::mt19937_64 random_;
  std::size_t purchases_;
  std::shared_ptr<bool> here_ = std::make_shared<bool>(true);

  std::unique_ptr<request> open_;
  std::uint64_t attempts_ = 0;
  std::uint64_t keys_ = 0;
  std::string cart_;
  std::string version_;
  std::string checkout_;  // the request
  std::map<std::string, std::int64_t> wanted_;
};

}  // namespace souk::testkit
