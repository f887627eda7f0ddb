#include "actors/testkit/json_text.hpp"
#include "actors/testkit/simulated_cluster.hpp"
#include "tests/seeds.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

/// One checkout over two shards, and the n-th thing that happens meanwhile goes wrong, for every n.
namespace souk::testkit {
namespace {

using namespace std::chrono_literals;

constexpr const char* key = "the-checkout";
constexpr std::int64_t units = 5;
// The stock hears of a sale when the buyer has heard of it.
constexpr std::chrono::milliseconds aftermath = 500ms;
// And if it did not, it is told again.
constexpr std::chrono::milliseconds told_at_the_latest = 30s;
// Every second one is of the other shard.
constexpr int skus_tried_max = 16;

// All of them; SOUK_STRIDE=9 for every ninth, where a step takes long.
std::uint64_t stride() { return tests::number_given("SOUK_STRIDE", 1); }

class checkout {
 public:
  explicit checkout(std::string sku = far_sku()) : shop_(1, options()), sku_(std::move(sku)) {
    shop_.stock(sku_, units);
    cart_ = member_of(shop_.call("a", "POST", "/v1/carts", R"({"currency":"USD"})").body, "id");
    version_ = member_of(
        shop_.call("a", "POST", "/v1/carts/" + cart_ + "/items", R"({"sku":")" + sku_ + R"(","quantity":1})")
            .body,
        "version");
  }

  simulated_cluster& shop() { return shop_; }

  /// Asks, and again under the same key where nothing is known.
  void begin() {
    const auto body = R"({"cart_id":")" + cart_ + R"(","cart_version":)" + version_ +
                      R"(,"payment":{"provider":"test","token":"tok_ok"}})";
    const auto& node = shop_.names()[asked_++ % shop_.names().size()];
    shop_.send(node, "POST", "/v1/checkouts", body, {{"idempotency-key", key}},
               [this](const gateway::http_response& response) {
                 if (is_certain(response)) {
                   answer_ = response;
                 } else {
                   shop_.fleet().at(shop_.fleet().now() + 100ms, [this] { begin(); });
                 }
               });
  }
  bool answered() const { return answer_.has_value(); }

  /// To the end, whatever happened; and what must be true then.
  void finish(const std::string& what) {
    SCOPED_TRACE(what);
    for (const auto& node : shop_.names())
      shop_.restart(node);
    ASSERT_TRUE(shop_.run_until([this] { return answered() && shop_.whole(); }, 60s));
    ASSERT_EQ(answer_->status, 201) << answer_->body;
    const auto order = member_of(member_of(answer_->body, "order"), "id");
    for (const auto& node : shop_.names())
      ASSERT_EQ(member_of(read_order(node, order).body, "status"), "placed");
    ASSERT_EQ(member_of(shop_.provider_books(), "summary"), R"({"charged":1,"duplicates":0,"refunded":0})");
    auto audit = audit_of_stock();
    for (auto waited = 0ms; waited < told_at_the_latest && member_of(audit, "reserved") != "0";
         waited += aftermath) {
      shop_.advance(aftermath);
      audit = audit_of_stock();
    }
    ASSERT_EQ(member_of(audit, "on_hand"), std::to_string(units - 1)) << audit;
    ASSERT_EQ(member_of(audit, "reserved"), "0") << audit;
    ASSERT_EQ(member_of(audit, "balanced"), "true") << audit;
    shop_.advance(3s);
    ASSERT_EQ(shop_.difference(), "");
  }

 private:
  // What was to be written last may be refused as late as when somebody reads it: then he is to ask again.
  gateway::http_response read_order(const std::string& node, const std::string& order) {
    auto response = shop_.call(node, "GET", "/v1/orders/" + order);
    for (auto waited = 0ms; waited < told_at_the_latest && response.status == 503; waited += aftermath) {
      shop_.advance(aftermath);
      response = shop_.call(node, "GET", "/v1/orders/" + order);
    }
    return response;
  }

  std::string audit_of_stock() {
    return shop_.call("b", "GET", "/v1/inventory/audit?sku=" + sku_, "", {shop_.staff()}).body;
  }

  static cluster_options options() {
    cluster_options options;
    options.shard_count = 2;
    options.limits.flush_interval = 1s;
    return options;
  }

  static const std::string& far_sku();

  simulated_cluster shop_;
  std::string sku_;
  std::string cart_;
  std::string version_;
  std::size_t asked_ = 0;
  std::optional<gateway::http_response> answer_;
};

// What each node passes at each point from the beginning of a checkout until all is told to whom it concerns.
using passes = std::map<std::pair<std::string, std::string_view>, std::uint64_t>;
passes passes_of(checkout& undisturbed) {
  auto& shop = undisturbed.shop();
  auto before = shop.passes();
  undisturbed.begin();
  shop.run_until([&] { return undisturbed.answered(); }, 10s);
  shop.advance(aftermath);
  passes found;
  for (const auto& [node, counts] : shop.passes())
    for (const auto& [point, count] : counts)
      if (const auto fresh = count - before[node][point]; fresh > 0) found[{node, point}] = fresh;
  return found;
}

// Goods whose stock is in the other shard than the cart and its checkout, and that shard led by another node:
// what they tell each other goes over the network.
const std::string& checkout::far_sku() {
  static const std::string found = [] {
    for (int n = 0; n < skus_tried_max; ++n) {
      const auto sku = "TEA-" + std::to_string(n);
      checkout undisturbed{sku};
      std::set<std::string> takers;
      for (const auto& [where, count] : passes_of(undisturbed))
        if (where.second == "shard: before effects are sent") takers.insert(where.first);
      if (takers.size() == 2) return sku;
    }
    throw std::logic_error("no goods are far from their cart");
  }();
  return found;
}

TEST(enumeration, a_crash_at_every_step) {
  std::uint64_t steps = 0;
  {
    checkout undisturbed;
    undisturbed.begin();
    const auto before = undisturbed.shop().fleet().steps();
    undisturbed.shop().run_until([&] { return undisturbed.answered(); }, 10s);
    steps = undisturbed.shop().fleet().steps() - before;
    undisturbed.finish("undisturbed");
  }
  ASSERT_GT(steps, 50U);
  for (std::uint64_t n = 0; n <= steps; n += stride()) {
    for (const std::string victim : {"a", "b", "c"}) {
      checkout disturbed;
      disturbed.begin();
      disturbed.shop().fleet().run_steps(n);
      disturbed.shop().crash(victim);
      disturbed.shop().advance(200ms);
      disturbed.finish("crash of " + victim + " at step " + std::to_string(n));
      if (HasFatalFailure()) return;
    }
  }
}

TEST(enumeration, a_crash_at_every_pass_of_every_point) {
  checkout undisturbed;
  const auto all = passes_of(undisturbed);
  ASSERT_GT(all.size(), 40U);
  std::uint64_t number = 0;
  for (const auto& [where, count] : all) {
    for (std::uint64_t nth = 0; nth < count; ++nth) {
      if (number++ % stride() != 0) continue;
      const auto& [victim, point] = where;
      checkout disturbed;
      auto& shop = disturbed.shop();
      bool died = false;
      shop.crash_at(victim, point, nth, [&died](const auto&) { died = true; });
      disturbed.begin();
      ASSERT_TRUE(shop.run_until([&died] { return died; }, 10s));
      shop.advance(200ms);
      disturbed.finish(victim + " died, " + std::string{point} + ", pass " + std::to_string(nth));
      if (HasFatalFailure()) return;
    }
  }
}

TEST(enumeration, every_write_refused_once) {
  for (const std::string victim : {"a", "b", "c"}) {
    for (std::uint64_t n = 0;; n += stride()) {
      checkout disturbed;
      auto& shop = disturbed.shop();
      const auto before = shop.writes_of(victim);
      shop.fill_disk(victim, 1, n);
      disturbed.begin();
      shop.run_until([&] { return disturbed.answered(); }, 60s);
      const bool beyond = shop.writes_of(victim) - before <= n;
      disturbed.finish("write " + std::to_string(n) + " of " + victim + " refused");
      if (HasFatalFailure()) return;
      if (beyond) break;
    }
  }
}

TEST(enumeration, every_message_between_nodes_lost_once_with_its_connection) {
  for (std::uint64_t n = 0;; n += stride()) {
    checkout disturbed;
    auto& shop = disturbed.shop();
    const auto before = shop.net().envelopes();
    shop.net().reset_at(n);
    disturbed.begin();
    shop.run_until([&] { return disturbed.answered(); }, 60s);
    const bool beyond = shop.net().envelopes() - before <= n;
    disturbed.finish("message " + std::to_string(n) + " lost");
    if (HasFatalFailure() || beyond) return;
  }
}

}  // namespace
}  // namespace souk::testkit
