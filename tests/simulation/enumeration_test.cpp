#include "actors/testkit/json_text.hpp"
#include "actors/testkit/simulated_cluster.hpp"
#include "tests/seeds.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>

/// One checkout over two shards, and the n-th thing that happens meanwhile goes wrong, for every n.
namespace souk::testkit {
namespace {

using namespace std::chrono_literals;

constexpr const char* key = "the-checkout";
constexpr std::int64_t units = 5;

// Every n-th only, in the suite; SOUK_STRIDE=1 for all.
std::uint64_t stride(std::uint64_t usual) { return tests::number_given("SOUK_STRIDE", usual); }

class checkout {
 public:
  checkout() : shop_(1, options()) {
    shop_.stock("TEA", units);
    cart_ = member_of(shop_.call("a", "POST", "/v1/carts", R"({"currency":"USD"})").body, "id");
    version_ = member_of(
        shop_.call("a", "POST", "/v1/carts/" + cart_ + "/items", R"({"sku":"TEA","quantity":1})").body,
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
      ASSERT_EQ(member_of(shop_.call(node, "GET", "/v1/orders/" + order).body, "status"), "placed");
    ASSERT_EQ(member_of(shop_.provider_books(), "summary"), R"({"charged":1,"duplicates":0,"refunded":0})");
    const auto audit = shop_.call("b", "GET", "/v1/inventory/audit?sku=TEA", "", {shop_.staff()}).body;
    ASSERT_EQ(member_of(audit, "on_hand"), std::to_string(units - 1)) << audit;
    ASSERT_EQ(member_of(audit, "reserved"), "0") << audit;
    ASSERT_EQ(member_of(audit, "balanced"), "true") << audit;
    shop_.advance(3s);
    ASSERT_EQ(shop_.difference(), "");
  }

 private:
  static cluster_options options() {
    cluster_options options;
    options.shard_count = 2;
    options.limits.flush_interval = 1s;
    return options;
  }

  simulated_cluster shop_;
  std::string cart_;
  std::string version_;
  std::size_t asked_ = 0;
  std::optional<gateway::http_response> answer_;
};

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
  for (std::uint64_t n = 0; n <= steps; n += stride(9)) {
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

TEST(enumeration, every_write_refused_once) {
  for (const std::string victim : {"a", "b", "c"}) {
    for (std::uint64_t n = 0;; n += stride(1)) {
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
  for (std::uint64_t n = 0;; n += stride(2)) {
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
