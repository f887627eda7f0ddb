#include "actors/testkit/simulated_shop.hpp"

#include "actors/testkit/json_text.hpp"
#include "tests/seeds.hpp"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace souk::testkit {
namespace {

using namespace std::chrono_literals;
using tests::seeds;

// One buyer of one unit: cart, item, checkout with payment; again under the same key where no answer came.
class buyer {
 public:
  buyer(simulated_shop& shop, std::string sku, std::string name, std::string token = "tok_ok")
      : shop_(shop), sku_(std::move(sku)), name_(std::move(name)), token_(std::move(token)) {}

  void go_on() {
    if (finished()) return;
    const auto key = [this](const char* step) {
      return simulated_shop::fields{{"idempotency-key", name_ + step}};
    };
    if (cart_.empty()) {
      ask("POST", "/v1/carts", R"({"currency":"USD"})", key("-cart"));
    } else if (version_.empty()) {
      ask("POST", "/v1/carts/" + cart_ + "/items", R"({"sku":")" + sku_ + R"(","quantity":1})", key("-item"));
    } else {
      ask("POST", "/v1/checkouts",
          R"({"cart_id":")" + cart_ + R"(","cart_version":)" + version_ +
              R"(,"payment":{"provider":"test","token":")" + token_ + R"("}})",
          key("-checkout"));
    }
  }

  bool finished() const { return !result_.empty(); }
  const std::string& result() const { return result_; }
  const std::string& order() const { return order_; }
  const std::string& answer() const { return answer_; }

 private:
  void ask(const std::string& method, const std::string& target, const std::string& body,
           simulated_shop::fields fields) {
    shop_.send(method, target, body, std::move(fields), [this, target](const auto& response) {
      if (!is_certain(response)) return;
      if (target == "/v1/carts") {
        cart_ = member_of(response.body, "id");
      } else if (target.ends_with("/items")) {
        version_ = member_of(response.body, "version");
      } else {
        answer_ = response.body;
        result_ =
            response.status == 201 ? member_of(response.body, "status") : member_of(response.body, "code");
        if (result_ == "completed") order_ = response.body.substr(response.body.find("ord_"), 34);
        return;
      }
      go_on();
    });
  }

  simulated_shop& shop_;
  std::string sku_;
  std::string name_;
  std::string token_;
  std::string cart_;
  std::string version_;
  std::string result_;
  std::string order_;
  std::string answer_;
};

std::map<std::string, int> results_of(const std::vector<std::unique_ptr<buyer>>& buyers) {
  std::map<std::string, int> results;
  for (const auto& buyer : buyers)
    ++results[buyer->result()];
  return results;
}

std::string summary(const simulated_shop& shop) { return member_of(shop.provider_books(), "summary"); }

void expect_balanced(simulated_shop& shop) {
  auto audit = shop.staff("GET", "/v1/inventory/audit").body;
  EXPECT_EQ(member_of(audit, "unbalanced"), "0") << audit;
  EXPECT_EQ(member_of(audit, "open_holds"), "0") << audit;
}

TEST(simulated_shop, sells_a_unit) {
  simulated_shop shop{1};
  shop.stock("TEA", 3);
  buyer buyer{shop, "TEA", "ann"};
  buyer.go_on();
  shop.drive().advance(1s);
  EXPECT_EQ(buyer.result(), "completed") << buyer.answer();
  EXPECT_EQ(member_of(shop.call("GET", "/v1/orders/" + buyer.order()).body, "payment_status"), "paid");
  auto levels = shop.staff("GET", "/v1/inventory/levels?sku=TEA").body;
  EXPECT_NE(levels.find(R"("available":2)"), std::string::npos) << levels;
  expect_balanced(shop);
}

TEST(simulated_shop, a_flash_sale_sells_exactly_what_is_there) {
  constexpr int units = 50;
  constexpr int wanting = 500;
  for (std::uint64_t seed = 1; seed <= seeds(10); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    simulated_shop shop{seed};
    shop.stock("HOT", units);
    std::vector<std::unique_ptr<buyer>> buyers;
    for (int n = 0; n < wanting; ++n)
      buyers.push_back(std::make_unique<buyer>(shop, "HOT", "buyer" + std::to_string(n)));
    for (auto& buyer : buyers)
      buyer->go_on();
    shop.drive().advance(2s);
    auto results = results_of(buyers);
    ASSERT_EQ(results["completed"], units);
    ASSERT_EQ(results["insufficient_stock"], wanting - units);
    ASSERT_EQ(summary(shop), R"({"charged":50,"duplicates":0,"refunded":0})");
    expect_balanced(shop);
  }
}

// Whatever the provider does, and however often the power is cut: who got an order was charged once, nobody
// else was.
TEST(simulated_shop, crashes_at_any_step_neither_lose_nor_invent_an_order) {
  const std::vector<std::string> tokens{"tok_ok",      "tok_ok",   "tok_declined",
                                        "tok_timeout", "tok_lost", "tok_flaky"};
  for (std::uint64_t seed = 1; seed <= seeds(40); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random{seed};
    simulation_options options;
    options.limits.entities_active_max = 20;
    simulated_shop shop{seed * 1000, options};
    shop.stock("A", 6);
    shop.stock("B", 100);
    std::vector<std::unique_ptr<buyer>> buyers;
    for (int n = 0; n < 12; ++n)
      buyers.push_back(std::make_unique<buyer>(shop, random() % 2 == 0 ? "A" : "B",
                                               "buyer" + std::to_string(n),
                                               tokens[random() % tokens.size()]));
    for (int round = 0; round < 12; ++round) {
      for (auto& buyer : buyers)
        buyer->go_on();
      for (auto steps = random() % 600; steps > 0; --steps)
        shop.drive().step();
      if (random() % 3 == 0) shop.drive().advance(std::chrono::milliseconds{random() % 3000});
      if (random() % 2 == 0) shop.crash();
    }
    for (int patience = 0; patience < 20; ++patience) {
      for (auto& buyer : buyers)
        buyer->go_on();
      shop.drive().advance(5s);
    }
    shop.drive().advance(20min);  // every checkout that found no end has ended
    int orders = 0;
    for (auto& buyer : buyers) {
      ASSERT_TRUE(buyer->finished());
      if (buyer->result() != "completed") continue;
      ++orders;
      ASSERT_EQ(member_of(shop.call("GET", "/v1/orders/" + buyer->order()).body, "status"), "placed");
    }
    ASSERT_EQ(member_of(summary(shop), "charged"), std::to_string(orders)) << shop.provider_books();
    ASSERT_EQ(member_of(summary(shop), "duplicates"), "0");
    expect_balanced(shop);
  }
}

TEST(simulated_shop, the_same_seed_runs_the_same) {
  auto run = [](std::uint64_t seed) {
    simulated_shop shop{seed};
    shop.stock("TEA", 5);
    std::vector<std::unique_ptr<buyer>> buyers;
    for (int n = 0; n < 10; ++n)
      buyers.push_back(std::make_unique<buyer>(shop, "TEA", std::to_string(n)));
    for (auto& buyer : buyers)
      buyer->go_on();
    shop.drive().advance(2s);
    std::string orders;
    for (auto& buyer : buyers)
      orders += buyer->order();
    return std::pair{shop.drive().trace_hash(), orders};
  };
  EXPECT_EQ(run(7), run(7));
  EXPECT_NE(run(7), run(8));
}

}  // namespace
}  // namespace souk::testkit
