#include "actors/marketplace/market.hpp"

#include "tests/unit/decider_life.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace souk::marketplace {
namespace {

using ::testing::HasSubstr;
using testing::status_of;

constexpr std::int64_t cent = 10'000;

pb::Item item_of(std::uint32_t seller, std::uint32_t product, std::uint32_t quantity, std::int64_t price,
                 std::int64_t voucher = 0, const std::string& version = "0") {
  pb::Item item;
  item.set_seller_id(seller);
  item.set_product_id(product);
  item.set_quantity(quantity);
  item.set_unit_price(price);
  item.set_voucher(voucher);
  item.set_version(version);
  return item;
}

class market : public ::testing::Test {
 protected:
  void put(std::uint32_t seller, std::uint32_t product, std::int64_t price, std::int64_t units,
           std::int64_t freight = 0) {
    pb::MarketCommand of_seller;
    of_seller.mutable_put_seller()->set_id(seller);
    EXPECT_EQ(status_of(life_.tell(of_seller)), 201);
    pb::MarketCommand of_product;
    auto& put = *of_product.mutable_put_product();
    put.set_seller_id(seller);
    put.set_product_id(product);
    put.set_name("article");
    put.set_price(price);
    put.set_freight(freight);
    put.set_version("0");
    EXPECT_EQ(status_of(life_.tell(of_product)), 200);
    pb::MarketCommand of_stock;
    auto& stock = *of_stock.mutable_put_stock();
    stock.set_seller_id(seller);
    stock.set_product_id(product);
    stock.set_available(units);
    stock.set_version("0");
    EXPECT_EQ(status_of(life_.tell(of_stock)), 200);
  }

  runtime::decision change_price(std::uint32_t seller, std::uint32_t product, std::int64_t price,
                                 const std::string& version = "0") {
    pb::MarketCommand command;
    auto& change = *command.mutable_change_price();
    change.set_seller_id(seller);
    change.set_product_id(product);
    change.set_price(price);
    change.set_version(version);
    return life_.tell(command);
  }

  runtime::decision replace(std::uint32_t seller, std::uint32_t product, std::int64_t price,
                            const std::string& version) {
    pb::MarketCommand command;
    auto& put = *command.mutable_replace_product();
    put.set_seller_id(seller);
    put.set_product_id(product);
    put.set_price(price);
    put.set_version(version);
    return life_.tell(command);
  }

  /// What the customer is told of its order.
  pb::Settle place(std::uint32_t customer, std::uint32_t order, const std::vector<pb::Item>& items) {
    pb::MarketCommand command;
    auto& place = *command.mutable_place();
    place.set_customer_id(customer);
    place.set_order_id(order);
    place.set_instance_id("i" + std::to_string(order));
    for (const auto& item : items)
      *place.add_items() = item;
    const auto decision = life_.receive(command);
    const auto sent = testing::sent_to<pb::CustomerCommand>(decision, kinds::marketplace_customer);
    EXPECT_EQ(sent.size(), 1u);
    EXPECT_EQ(decision.effects.at(0).to.key, std::to_string(customer));
    return sent.at(0).settle();
  }

  runtime::decision deliver() {
    pb::MarketCommand command;
    command.mutable_deliver();
    return life_.tell(command);
  }

  std::string dashboard(std::uint32_t seller) {
    pb::MarketCommand command;
    command.mutable_read()->set_dashboard(seller);
    return life_.tell(command).reply.value().body;
  }
  const pb::Stock& stock(std::uint32_t seller, std::uint32_t product) const {
    return life_.state().find(seller, product)->stock;
  }

  testing::decider_life<market_decider> life_{{}, std::string{market_key}};
};

TEST_F(market, says_of_each_item_what_becomes_of_it) {
  put(1, 1, 10 * cent, 5, 2 * cent);
  change_price(1, 1, 12 * cent);
  struct {
    const char* what;
    pb::Item item;
    pb::ItemStatus status;
    std::int64_t price;
    std::int64_t incentive;
  } const cases[] = {
      {"as it is", item_of(1, 1, 5, 12 * cent), pb::IN_STOCK, 12 * cent, 0},
      {"the voucher is taken off", item_of(1, 1, 2, 12 * cent, 3 * cent), pb::IN_STOCK, 12 * cent, 3 * cent},
      {"no more than there is to pay", item_of(1, 1, 1, 12 * cent, 90 * cent), pb::IN_STOCK, 12 * cent,
       12 * cent},
      {"a price that rose is made up", item_of(1, 1, 3, 10 * cent), pb::IN_STOCK, 12 * cent, 6 * cent},
      {"beside the voucher", item_of(1, 1, 3, 10 * cent, cent), pb::IN_STOCK, 12 * cent, 7 * cent},
      {"a price that fell is the lower one", item_of(1, 1, 1, 20 * cent), pb::IN_STOCK, 12 * cent, 0},
      {"too many", item_of(1, 1, 6, 12 * cent), pb::OUT_OF_STOCK, 0, 0},
      {"another version", item_of(1, 1, 1, 12 * cent, 0, "7"), pb::UNAVAILABLE, 0, 0},
      {"no such product", item_of(1, 2, 1, cent), pb::UNAVAILABLE, 0, 0},
      {"no such seller", item_of(9, 1, 1, cent), pb::UNAVAILABLE, 0, 0},
  };
  for (const auto& test : cases) {
    const auto line = line_of(life_.state(), test.item);
    EXPECT_EQ(line.status(), test.status) << test.what;
    EXPECT_EQ(line.unit_price(), test.price) << test.what;
    EXPECT_EQ(line.incentive(), test.incentive) << test.what;
    EXPECT_EQ(line.freight(), test.status == pb::IN_STOCK ? 2 * cent : 0) << test.what;
  }
}

TEST_F(market, sells_what_there_is_of_an_order_in_one_decision) {
  put(1, 1, 10 * cent, 5, cent);
  put(2, 1, 20 * cent, 1);
  const auto said = place(7, 1, {item_of(1, 1, 2, 10 * cent), item_of(2, 1, 2, 20 * cent)});
  ASSERT_EQ(said.lines_size(), 2);
  EXPECT_EQ(said.lines(0).status(), pb::IN_STOCK);
  EXPECT_EQ(said.lines(1).status(), pb::OUT_OF_STOCK);
  EXPECT_EQ(stock(1, 1).available(), 3);
  EXPECT_EQ(stock(1, 1).ytd(), 2);
  EXPECT_EQ(stock(1, 1).order_count(), 1);
  EXPECT_EQ(stock(2, 1).available(), 1);
  EXPECT_THAT(dashboard(1),
              HasSubstr(R"("count_orders":1,"count_items":1,"total_amount":0.2,"total_freight":0.01,)"
                        R"("total_incentive":0,"total_invoice":0.21,"total_items":0.2)"));
  EXPECT_THAT(dashboard(1), HasSubstr(R"("natural_key":"7|1")"));
  EXPECT_THAT(dashboard(2), HasSubstr(R"("count_items":0)"));
  life_.crash();
  EXPECT_EQ(life_.state().counters.at(7).paid(), 1u);
  EXPECT_EQ(stock(1, 1).available(), 3);
}

TEST_F(market, places_no_order_of_nothing) {
  put(1, 1, cent, 1);
  const auto version = life_.version();
  EXPECT_EQ(place(7, 1, {item_of(1, 1, 2, cent)}).lines(0).status(), pb::OUT_OF_STOCK);
  EXPECT_EQ(life_.version(), version);
  EXPECT_TRUE(life_.state().orders.empty());
}

TEST_F(market, counts_orders_of_customers_with_the_same_number_apart) {
  put(1, 1, cent, 9);
  place(7, 1, {item_of(1, 1, 1, cent)});
  place(8, 1, {item_of(1, 1, 1, cent)});
  EXPECT_THAT(dashboard(1), HasSubstr(R"("count_orders":2,"count_items":2)"));
}

TEST_F(market, replaces_a_product_and_the_version_of_its_stock_at_once) {
  put(1, 1, 10 * cent, 5);
  EXPECT_EQ(status_of(replace(1, 1, 30 * cent, "17")), 202);
  EXPECT_EQ(stock(1, 1).version(), "17");
  EXPECT_EQ(stock(1, 1).available(), 5);
  EXPECT_EQ(place(7, 1, {item_of(1, 1, 1, 10 * cent)}).lines(0).status(), pb::UNAVAILABLE);
  EXPECT_EQ(place(7, 1, {item_of(1, 1, 1, 30 * cent, 0, "17")}).lines(0).status(), pb::IN_STOCK);
  EXPECT_EQ(status_of(change_price(1, 1, cent)), 409) << "of a version that is gone";
  EXPECT_EQ(status_of(change_price(1, 1, 31 * cent, "17")), 202);
  EXPECT_EQ(status_of(replace(1, 2, cent, "18")), 404);
  EXPECT_EQ(status_of(change_price(1, 2, cent)), 404);
  life_.crash();
}

TEST_F(market, delivers_the_oldest_shipment_of_each_of_ten_sellers) {
  for (std::uint32_t seller = 1; seller <= 12; ++seller)
    put(seller, 1, cent, 100);
  place(7, 1, {item_of(3, 1, 1, cent), item_of(4, 1, 1, cent)});
  place(8, 1, {item_of(3, 1, 1, cent)});
  for (std::uint32_t seller = 1; seller <= 12; ++seller)
    place(9, seller, {item_of(seller, 1, 1, cent)});
  const auto first = deliver();
  EXPECT_EQ(status_of(first), 202);
  // Of 3 and 4 the order of customer 7, then the orders of 9 with the eight other sellers that were first.
  EXPECT_EQ(first.reply->body, R"({"packages":10,"sellers":10,"concluded_orders":9})");
  EXPECT_FALSE(life_.state().numbers.contains({7, 1}));
  EXPECT_TRUE(life_.state().numbers.contains({8, 1}));
  EXPECT_EQ(life_.state().counters.at(7).delivered(), 2u);
  life_.crash();
  EXPECT_EQ(deliver().reply->body, R"({"packages":4,"sellers":4,"concluded_orders":4})");
  EXPECT_EQ(deliver().reply->body, R"({"packages":1,"sellers":1,"concluded_orders":1})");
  const auto last = deliver();
  EXPECT_EQ(last.reply->body, R"({"packages":0,"sellers":0,"concluded_orders":0})");
  EXPECT_TRUE(last.events.empty());
  EXPECT_TRUE(life_.state().orders.empty());
  life_.crash();
}

TEST_F(market, shows_an_order_in_transit_until_its_last_seller_has_delivered) {
  put(1, 1, cent, 100);
  put(2, 1, cent, 100);
  place(6, 1, {item_of(2, 1, 1, cent)});
  place(7, 1, {item_of(1, 1, 1, cent), item_of(2, 1, 1, cent)});
  deliver();  // of seller 1 the order of 7, of seller 2 the older one of 6
  life_.crash();
  EXPECT_THAT(dashboard(1), HasSubstr(R"("order_status":7,"delivery_status":10)"));
  EXPECT_THAT(dashboard(2), HasSubstr(R"("order_status":6,"delivery_status":3)"));
  EXPECT_THAT(show_orders(life_.state(), 7), HasSubstr(R"("order_id":1,"status":7,"count_items":2)"));
  EXPECT_EQ(show_orders(life_.state(), 6), "[]");
  deliver();
  EXPECT_EQ(show_orders(life_.state(), 7), "[]");
}

TEST_F(market, forgets_orders_or_everything) {
  put(1, 1, 10 * cent, 5);
  place(7, 1, {item_of(1, 1, 2, 10 * cent)});
  life_.expect_replayable();
  pb::MarketCommand reset;
  reset.mutable_forget();
  EXPECT_EQ(status_of(life_.tell(reset)), 200);
  life_.crash();
  EXPECT_EQ(stock(1, 1).available(), 5);
  EXPECT_EQ(stock(1, 1).ytd(), 0);
  EXPECT_TRUE(life_.state().orders.empty());
  EXPECT_TRUE(life_.state().counters.empty());
  EXPECT_EQ(deliver().reply->body, R"({"packages":0,"sellers":0,"concluded_orders":0})");
  place(7, 1, {item_of(1, 1, 2, 10 * cent)});
  pb::MarketCommand clean_up;
  clean_up.mutable_forget()->set_all(true);
  EXPECT_EQ(status_of(life_.tell(clean_up)), 200);
  life_.crash();
  EXPECT_TRUE(life_.state().sellers.empty());
}

TEST_F(market, changes_nothing_until_all_nodes_know_what_it_is) {
  life_.format = formats::marketplace - 1;
  pb::MarketCommand command;
  command.mutable_put_seller()->set_id(1);
  EXPECT_EQ(status_of(life_.tell(command)), 409);
  EXPECT_EQ(status_of(deliver()), 409);
  EXPECT_EQ(life_.version(), 0u);
}

/// What must hold of any market, whatever was done to it.
void expect_lawful(const market_state& state) {
  std::set<std::pair<std::uint64_t, std::uint32_t>> oldest;
  for (const auto& [seller_id, seller] : state.sellers) {
    for (const auto& [product_id, shelf] : seller.shelves) {
      EXPECT_GE(shelf.stock.available(), 0);
      EXPECT_EQ(shelf.stock.received(), shelf.stock.available() + shelf.stock.ytd());
      EXPECT_EQ(shelf.stock.version(), shelf.product.version());
    }
    std::set<std::uint64_t> waiting;
    for (const auto& [number, shipment] : seller.entries) {
      ASSERT_TRUE(state.orders.contains(number));
      if (!shipment.delivered) waiting.insert(number);
    }
    EXPECT_EQ(seller.to_deliver, waiting);
    if (!waiting.empty()) oldest.emplace(*waiting.begin(), seller_id);
  }
  EXPECT_EQ(state.oldest, oldest);
  EXPECT_EQ(state.numbers.size(), state.orders.size());
  for (const auto& [number, order] : state.orders)
    EXPECT_LT(order.delivered, order.sellers.size()) << "a concluded order is open no more";
}

TEST_F(market, keeps_its_laws_whatever_is_done_and_whenever_it_comes_back) {
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    std::mt19937 random{seed};
    const auto number = [&](std::uint32_t below) { return static_cast<std::uint32_t>(random() % below); };
    life_ = testing::decider_life<market_decider>{{}, std::string{market_key}};
    for (std::uint32_t seller = 1; seller <= 4; ++seller)
      for (std::uint32_t product = 1; product <= 2; ++product)
        put(seller, product, cent * (1 + number(50)), 20 + number(20));
    std::map<std::uint32_t, std::uint32_t> orders;
    std::map<std::uint32_t, std::uint32_t> items;
    std::uint32_t versions = 0;
    for (int step = 0; step < 300; ++step) {
      const auto seller = 1 + number(4);
      const auto product = 1 + number(2);
      const auto& current = life_.state().find(seller, product)->product;
      switch (number(6)) {
        case 0:
          change_price(seller, product, current.price() + cent, number(4) == 0 ? "none" : current.version());
          break;
        case 1:
          if (number(10) == 0) replace(seller, product, cent * (1 + number(50)), std::to_string(++versions));
          break;
        case 2:
        case 3: {
          const auto customer = 1 + number(5);
          std::vector<pb::Item> wanted{
              item_of(seller, product, 1 + number(3), current.price(), 0, current.version())};
          const auto other = seller % 4 + 1;
          wanted.push_back(item_of(other, product, 1 + number(3), cent));
          const auto said = place(customer, orders[customer] + 1, wanted);
          std::uint32_t sold = 0;
          for (const auto& line : said.lines())
            if (line.status() == pb::IN_STOCK) ++sold;
          if (sold > 0) ++orders[customer];
          items[customer] += sold;
          break;
        }
        case 4:
          deliver();
          break;
        default:
          if (number(5) == 0) life_.crash();
          break;
      }
      expect_lawful(life_.state());
      if (::testing::Test::HasFailure()) FAIL() << "seed " << seed << ", step " << step;
    }
    while (!life_.state().orders.empty())
      deliver();
    for (const auto& [customer, count] : items) {
      if (orders[customer] == 0) continue;
      EXPECT_EQ(life_.state().counters.at(customer).delivered(), count) << seed;
      EXPECT_EQ(life_.state().counters.at(customer).paid(), orders[customer]) << seed;
    }
    life_.crash();
  }
}

}  // namespace
}  // namespace souk::marketplace
