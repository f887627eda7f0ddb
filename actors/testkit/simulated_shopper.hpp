#pragma once

#include "actors/gateway/http.hpp"
#include "actors/testkit/simulated_cluster.hpp"
#include "actors/testkit/simulation_plan.hpp"

#include <chrono>
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
    std::string key;     ///< The Idempotency-Key.
    std::string target;  ///< Of the request ...
    std::string body;    ///< ... and its body.
    std::string answer;
    std::map<std::string, std::int64_t> units;  ///< By sku.
    std::int64_t total = 0;
    bool canceled = false;
  };

  std::vector<sale> sales;
  std::map<std::string, std::uint64_t> events;  ///< How often something happened, in words.
  std::uint64_t answers = 0;                    ///< Definite ones.
  std::uint64_t writes = 0;                     ///< Of them, to requests that change something.
  std::uint64_t repeats = 0;                    ///< Requests sent again, for nothing was known.
  std::vector<std::string> findings;
};

/// Goods to choose from, by sku.
struct goods {
  std::int64_t units = 0;        ///< That were received.
  std::int64_t thousandths = 0;  ///< Of a dollar, for each.
};
using all_goods = std::map<std::string, goods>;

/// One customer with time between clicks, who buys a few times, asks any node, and repeats with the same
/// Idempotency-Key whatever was not answered for good. Some orders go out from two windows at once, or the
/// cart is changed while it is ordered; some are opened first and paid later, some about when their time is
/// over, or canceled. Holds every answer against what must be true.
class simulated_shopper {
 public:
  /// What checkouts are given, so that those who come about then are neither early nor late.
  static constexpr std::chrono::milliseconds hold_ttl{10'000};

  simulated_shopper(simulated_cluster& cluster, shopping_record& record, const all_goods& goods,
                    std::string name, std::uint64_t seed, const shopping_habits& habits);
  ~simulated_shopper();
  simulated_shopper(const simulated_shopper&) = delete;
  simulated_shopper& operator=(const simulated_shopper&) = delete;

  /// From an address, and is limited in what it may hold.
  void come_from(const std::string& address) { address_ = address; }
  /// Comes in; goes on by itself while time passes.
  void begin();
  bool finished() const { return habits_.purchases == 0; }
  /// The cart that it fills now; empty: none.
  const std::string& cart() const { return cart_; }
  /// What it waits for, in words.
  std::string waiting_for() const;

 private:
  using milliseconds = std::chrono::milliseconds;
  using handler = std::function<void(const gateway::http_response&)>;
  struct request;

  void ask(std::string method, std::string target, std::string body, bool keyed, bool staff, handler then);
  void try_once(const std::shared_ptr<request>& asked);
  void take(const std::shared_ptr<request>& asked, std::uint64_t attempt,
            const gateway::http_response& response);
  void later(milliseconds in, std::function<void()> what);
  std::uint64_t draw(std::uint64_t below) { return random_() % below; }
  milliseconds draw(milliseconds below) {
    return milliseconds{static_cast<std::int64_t>(draw(static_cast<std::uint64_t>(below.count())))};
  }
  const std::string& draw_sku();

  void look_around(std::size_t pages);
  void make_cart();
  void fill();
  void look_at_cart();
  void check_out();
  void order_cart(const std::string& token);
  void open_checkout();
  void pay(const std::string& checkout);
  void cancel_checkout(const std::string& checkout);
  void refused(const gateway::http_response& response, bool may_be_overtaken);
  void change_meanwhile();
  void end_window();
  void take_sale(const std::string& target, const std::string& body, const std::string& key,
                 const gateway::http_response& response);
  std::string next_key() const { return name_ + "-" + std::to_string(keys_ + 1); }
  void go_on_after_sale();
  void look_at_order(std::size_t sale);
  void cancel(std::size_t sale);
  void end_purchase();
  void expect(bool right, const std::string& what, const gateway::http_response& response);

  simulated_cluster& cluster_;
  shopping_record& record_;
  const all_goods& goods_;
  std::string name_;
  std::string address_;  // empty: it is not limited
  std::mt19937_64 random_;
  shopping_habits habits_;  // the purchases that are still to be made
  std::shared_ptr<bool> here_ = std::make_shared<bool>(true);

  std::vector<std::shared_ptr<request>> open_;
  std::uint64_t attempts_ = 0;
  std::uint64_t keys_ = 0;
  std::string product_;  // the last one that it saw
  std::size_t dawdles_left_ = 2;
  std::string cart_;
  std::string version_;
  std::map<std::string, std::int64_t> wanted_;
  // Of the order that is being made.
  std::size_t windows_ = 0;  // that wait for an answer
  std::size_t windows_begun_ = 0;
  std::size_t sold_ = 0;
  std::size_t last_sale_ = 0;  // its number in the record
  bool changed_ = false;       // the cart
};

}  // namespace souk::testkit
