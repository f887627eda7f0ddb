#include "actors/gateway/overload.hpp"

#include "actors/gateway/routes.hpp"
#include "tests/seeds.hpp"
#include "tests/unit/gateway_bench.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <queue>
#include <random>
#include <vector>

namespace souk::gateway {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

TEST(overload, routes_are_worth_what_a_shopper_has_put_into_them) {
  std::map<std::string_view, progress> by_name;
  for (const auto& route : routes())
    by_name[route.name] = progress_of(&route);
  EXPECT_EQ(by_name.at("list_products"), progress::browsing);
  EXPECT_EQ(by_name.at("get_order"), progress::browsing);
  EXPECT_EQ(by_name.at("create_cart"), progress::new_cart);
  EXPECT_EQ(by_name.at("add_items"), progress::cart);
  EXPECT_EQ(by_name.at("create_checkout"), progress::new_checkout);
  EXPECT_EQ(by_name.at("complete_checkout"), progress::finishing);
  EXPECT_EQ(by_name.at("cancel_checkout"), progress::finishing);
  EXPECT_EQ(by_name.at("adjust_stock"), progress::finishing);
  EXPECT_EQ(progress_of(nullptr), progress::browsing);
}

TEST(overload, what_is_worth_least_is_refused_first) {
  overload_options options;
  options.calls_usual = 100;
  overload_control control(options);
  std::array<std::size_t, progress_steps> begun{};
  tenant_shares::part* main = nullptr;
  for (std::size_t step = 0; step < progress_steps; ++step)
    while (auto* part = control.begin(static_cast<progress>(step), "main", 0s)) {
      ++begun.at(step);
      main = part;
    }
  EXPECT_EQ(begun, (std::array<std::size_t, progress_steps>{60, 10, 30, 80, 20}));
  EXPECT_EQ(control.refused(progress::browsing), 1u);
  control.ended(progress::finishing, *main, 1ms, 1ms);
  EXPECT_FALSE(control.begin(progress::new_checkout, "main", 1ms));
  EXPECT_TRUE(control.begin(progress::finishing, "main", 1ms));
}

TEST(overload, a_burst_and_one_slow_kind_of_call_leave_the_limit_as_it_is) {
  overload_control control({});
  nanoseconds now{0};
  const auto interval = [&](nanoseconds took) {
    auto* part = control.begin(progress::cart, "main", now);
    ASSERT_TRUE(part);
    now += 100ms;
    control.ended(progress::cart, *part, took, now);
  };
  interval(1s);
  interval(1s);
  interval(1ms);
  for (int n = 0; n < 20; ++n) {
    interval(1ms);
    auto* part = control.begin(progress::new_checkout, "main", now);
    ASSERT_TRUE(part);
    control.ended(progress::new_checkout, *part, 3s, now);  // a provider that is silent
  }
  EXPECT_EQ(control.limit(), overload_options{}.calls_usual);
}

TEST(overload, few_calls_may_wait_as_long_as_they_must) {
  overload_control control({});
  nanoseconds now{0};
  for (int n = 0; n < 100; ++n) {
    auto* part = control.begin(progress::browsing, "main", now);
    ASSERT_TRUE(part);
    now += 400ms;
    control.ended(progress::browsing, *part, 400ms, now);
  }
  EXPECT_EQ(control.limit(), overload_options{}.calls_least);
}

/// A shop of one queue that takes so long for each call, and shoppers who come at a constant rate whatever
/// becomes of those before: a cart, two changes, a checkout, and its payment; who is refused goes home.
class simulated_shop {
 public:
  simulated_shop(std::uint64_t seed, nanoseconds service) : random_(seed), service_(service) {}

  void run(double shoppers_a_second, nanoseconds time) {
    std::exponential_distribution<double> pause(shoppers_a_second);
    const auto end = now_ + time;
    while (true) {
      const auto next = arrives_.value_or(now_ + to_time(pause(random_)));
      const auto done = queue_.empty() ? nanoseconds::max() : done_at_;
      if (std::min(next, done) >= end) {
        arrives_ = next;
        break;
      }
      now_ = std::min(next, done);
      if (done <= next) {
        arrives_ = next;
        finish();
      } else {
        arrives_ = std::nullopt;
        ask(steps.front(), 0);
      }
    }
    now_ = end;
  }

  void forget() {
    orders = 0;
    refused = {};
    took.clear();
  }
  nanoseconds quantile(double part) {
    std::sort(took.begin(), took.end());
    return took.at(static_cast<std::size_t>(static_cast<double>(took.size() - 1) * part));
  }

  static constexpr std::array steps{progress::new_cart, progress::cart, progress::cart,
                                    progress::new_checkout, progress::finishing};
  overload_control control{{}};
  std::uint64_t orders = 0;
  std::array<std::uint64_t, progress_steps> refused{};
  std::vector<nanoseconds> took;

 private:
  struct waiting {
    std::size_t step = 0;
    tenant_shares::part* part = nullptr;
    nanoseconds since{};
  };

  static nanoseconds to_time(double seconds) { return nanoseconds{static_cast<std::int64_t>(seconds * 1e9)}; }
  nanoseconds one_service() {
    std::exponential_distribution<double> length(1.0);
    return nanoseconds{static_cast<std::int64_t>(static_cast<double>(service_.count()) * length(random_))};
  }

  void ask(progress what, std::size_t step) {
    auto* part = control.begin(what, "main", now_);
    if (part == nullptr) {
      ++refused.at(static_cast<std::size_t>(what));
      return;
    }
    queue_.push_back({step, part, now_});
    if (queue_.size() == 1) done_at_ = now_ + one_service();
  }

  void finish() {
    const auto done = queue_.front();
    queue_.pop_front();
    if (!queue_.empty()) done_at_ = now_ + one_service();
    took.push_back(now_ - done.since);
    control.ended(steps.at(done.step), *done.part, now_ - done.since, now_);
    if (done.step + 1 == steps.size())
      ++orders;
    else
      ask(steps.at(done.step + 1), done.step + 1);
  }

  std::mt19937_64 random_;
  nanoseconds service_;
  nanoseconds now_{0};
  nanoseconds done_at_{};
  std::optional<nanoseconds> arrives_;
  std::deque<waiting> queue_;
};

TEST(overload, at_five_times_its_capacity_a_shop_sells_what_it_can_and_keeps_nobody_waiting) {
  for (std::uint64_t seed = 1; seed <= tests::seeds(10); ++seed) {
    std::mt19937_64 random(seed);
    const nanoseconds service{100'000 + static_cast<std::int64_t>(random() % 400'000)};
    const double capacity = 1e9 / static_cast<double>(service.count()) / simulated_shop::steps.size();
    simulated_shop shop(seed, service);
    shop.run(capacity * 0.7, 5s);
    EXPECT_EQ(shop.refused, (std::array<std::uint64_t, progress_steps>{})) << "seed " << seed;
    shop.run(capacity * 5, 2s);  // until it has noticed
    shop.forget();
    shop.run(capacity * 5, 20s);
    EXPECT_GE(static_cast<double>(shop.orders), capacity * 20 * 0.9) << "seed " << seed;
    EXPECT_LE(shop.quantile(0.99), 250ms) << "seed " << seed;
    EXPECT_GT(shop.refused[1], 0u);
    EXPECT_EQ(shop.refused[3] + shop.refused[4], 0u) << "seed " << seed;
    shop.run(capacity * 0.7, 5s);
    shop.forget();
    shop.run(capacity * 0.7, 5s);
    EXPECT_EQ(shop.refused, (std::array<std::uint64_t, progress_steps>{})) << "seed " << seed;
    EXPECT_LE(shop.quantile(0.99), 50ms) << "seed " << seed;
  }
}

class counting_responder : public responder {
 public:
  explicit counting_responder(int& answers) : answers_(answers) {}
  void respond(http_response) override { ++answers_; }

 private:
  int& answers_;
};

TEST(overload, a_call_ends_once_with_an_answer_or_without) {
  const auto guard =
      std::make_shared<overload_guard>(overload_options{}, std::make_shared<testing::still_clock>());
  int answers = 0;
  const auto begin = [&] {
    std::unique_ptr<responder> inner = std::make_unique<counting_responder>(answers);
    return guard->begin(progress::cart, "main", inner);
  };
  auto answered = begin();
  auto dropped = begin();
  EXPECT_EQ(guard->read().under_way, 2u);
  answered->respond({});
  EXPECT_EQ(guard->read().under_way, 1u);
  answered.reset();
  dropped.reset();
  EXPECT_EQ(guard->read().under_way, 0u);
  EXPECT_EQ(answers, 1);
}

}  // namespace
}  // namespace souk::gateway
