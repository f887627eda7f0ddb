#include "bench/marketplace_traffic.hpp"
#include "bench/marketplace_world.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <vector>

namespace souk::bench {
namespace {

using clock = price_update::clock;
using std::chrono::seconds;

class marketplace_driver : public ::testing::Test {
 protected:
  marketplace_driver() {
    options_.customers = 5;
    options_.products = 20;
    options_.per_seller = 10;
    world_.emplace(options_);
  }

  static clock::time_point at(int second) { return clock::time_point{seconds{second}}; }
  void update(std::size_t product, std::int64_t price, int sent, std::optional<int> acknowledged) {
    price_update update{price, "0", at(sent), {}};
    if (acknowledged) update.acknowledged = at(*acknowledged);
    world_->products()[product].updates.push_back(update);
  }
  static cart_item sold(std::size_t product, std::int64_t price) {
    cart_item item;
    item.product = product;
    item.version = "0";
    item.sold = true;
    item.sold_price = price;
    return item;
  }
  std::uint64_t anomalies(const std::vector<cart_item>& items) const {
    return count_anomalies(*world_, items);
  }

  marketplace_options options_;
  std::optional<marketplace_world> world_;
};

TEST_F(marketplace_driver, counts_an_item_that_misses_an_update_before_one_that_another_shows) {
  update(0, 110, 1, 2);
  update(1, 210, 3, 4);
  EXPECT_EQ(anomalies({sold(0, 100), sold(1, 210)}), 1u);
  EXPECT_EQ(anomalies({sold(1, 210), sold(0, 100)}), 1u) << "in whatever order";
  EXPECT_EQ(anomalies({sold(0, 110), sold(1, 210)}), 0u);
  EXPECT_EQ(anomalies({sold(0, 100), sold(1, 200)}), 0u) << "neither was seen";
  EXPECT_EQ(anomalies({sold(0, 110), sold(1, 200)}), 0u) << "the earlier one was";
  EXPECT_EQ(anomalies({sold(0, 100)}), 0u);
  auto unsold = sold(0, 100);
  unsold.sold = false;
  EXPECT_EQ(anomalies({unsold, sold(1, 210)}), 0u);
}

TEST_F(marketplace_driver, counts_none_between_sellers_and_between_updates_at_the_same_time) {
  update(0, 110, 1, 2);
  update(10, 210, 3, 4);
  EXPECT_EQ(anomalies({sold(0, 100), sold(10, 210)}), 0u) << "of different sellers";
  update(2, 310, 3, 9);
  update(3, 410, 4, 5);
  EXPECT_EQ(anomalies({sold(2, 300), sold(3, 410)}), 0u) << "answered after the other was sent";
  update(4, 510, 1, std::nullopt);
  EXPECT_EQ(anomalies({sold(4, 500), sold(3, 410)}), 0u) << "never answered";
}

TEST_F(marketplace_driver, counts_prices_older_than_what_was_answered_before) {
  update(0, 110, 1, 2);
  EXPECT_EQ(count_stale(*world_, {sold(0, 100)}, at(3)), 1u);
  EXPECT_EQ(count_stale(*world_, {sold(0, 110)}, at(3)), 0u);
  EXPECT_EQ(count_stale(*world_, {sold(0, 100)}, at(1)), 0u);
  auto replaced = sold(0, 100);
  replaced.version = "5";
  EXPECT_EQ(count_stale(*world_, {replaced}, at(3)), 0u);
}

TEST_F(marketplace_driver, draws_by_zipf_as_often_as_it_says) {
  std::mt19937_64 random{1};
  constexpr int draws = 100'000;
  std::vector<int> zipf(100);
  std::vector<int> even(100);
  const skewed by_zipf(100, 1.0);
  const skewed evenly(100, 0);
  for (int i = 0; i < draws; ++i) {
    ++zipf[by_zipf.draw(random)];
    ++even[evenly.draw(random)];
  }
  // 1/H(100) is 0.1928.
  EXPECT_NEAR(zipf[0], 0.1928 * draws, 600);
  EXPECT_NEAR(zipf[9], 0.01928 * draws, 250);
  EXPECT_NEAR(even[0], 0.01 * draws, 200);
  EXPECT_NEAR(even[99], 0.01 * draws, 200);
}

}  // namespace
}  // namespace souk::bench
