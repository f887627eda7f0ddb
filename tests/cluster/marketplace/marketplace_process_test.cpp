#include "tests/cluster/kill/node_says.hpp"
#include "tests/cluster/kill/process.hpp"
#include "tests/http/raw_client.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <future>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace souk::cluster_test {
namespace {

using namespace std::chrono_literals;

/// soukd with its marketplace listener, and the driver of `souk bench`.
class marketplace_process : public ::testing::Test {
 protected:
  marketplace_process() {
    std::string pattern = std::filesystem::temp_directory_path() / "souk-marketplace-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder_ = pattern;
    // So that a node that comes back has both to read: its state, and the journal beyond it.
    std::ofstream{folder_ / "cluster.conf"} << "storage { flush_interval = 300ms }\n";
  }
  ~marketplace_process() override {
    if (node_.running()) node_.end(SIGKILL);
    std::filesystem::remove_all(folder_);
  }

  /// `at`: the port of the marketplace; 0: any.
  void start(std::uint16_t at = 0) {
    const auto line =
        node_.start({.command = {SOUKD, "--config", folder_ / "cluster.conf", "--data", folder_ / "data",
                                 "--http", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--marketplace",
                                 "127.0.0.1:" + std::to_string(at)},
                     .environment = {},
                     .log = folder_ / "log"},
                    60s);
    const auto ready = ready_of(line);
    marketplace_ = port_in(ready, "marketplace");
    admin_ = port_in(ready, "admin");
  }

  /// What a small run of the benchmark says at its end, and its exit code.
  std::future<std::pair<boost::json::object, int>> bench(std::vector<std::string> more) const {
    std::vector<std::string> command{SOUK,
                                     "--json",
                                     "bench",
                                     "--admin",
                                     "http://127.0.0.1:" + std::to_string(admin_),
                                     "marketplace",
                                     "--at",
                                     "http://127.0.0.1:" + std::to_string(marketplace_),
                                     "--customers",
                                     "200",
                                     "--products",
                                     "200",
                                     "--settle",
                                     "0"};
    command.insert(command.end(), more.begin(), more.end());
    return std::async(std::launch::async, [command, log = folder_ / "bench.log"] {
      process driver;
      const auto line = driver.start({.command = command, .environment = {}, .log = log}, 90s);
      return std::pair{boost::json::parse(line).as_object(), driver.end(0)};
    });
  }

  tests::raw_answer ask(const std::string& method, const std::string& path,
                        const std::string& body = {}) const {
    tests::raw_client client{marketplace_};
    client.send(method + " " + path + " HTTP/1.1\r\nHost: market\r\nContent-Type: application/json\r\n" +
                "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    return client.read().value_or(tests::raw_answer{});
  }

  static void expect_fine(const std::pair<boost::json::object, int>& run) {
    EXPECT_EQ(run.second, 0) << boost::json::serialize(run.first);
    EXPECT_TRUE(run.first.at("fine").as_bool()) << boost::json::serialize(run.first);
    EXPECT_GT(run.first.at("transactions").to_number<int>(), 10);
    for (const auto& check : run.first.at("checks").as_object())
      EXPECT_EQ(check.value().to_number<int>(), 0) << check.key();
  }

  std::filesystem::path folder_;
  process node_;
  std::uint16_t marketplace_ = 0;
  std::uint16_t admin_ = 0;
};

TEST_F(marketplace_process, loses_and_doubles_nothing_when_it_is_killed_under_load) {
  start();
  auto run = bench({"--seconds", "6", "--connections", "16"});
  // In the middle of the mix: when one of the first ten of 200 customers has an order, some ten others have.
  const auto has_sold = [this] {
    for (int customer = 1; customer <= 10; ++customer)
      if (ask("GET", "/payment/" + std::to_string(customer) + "/1").status == 200) return true;
    return false;
  };
  while (!has_sold() && run.wait_for(20ms) != std::future_status::ready) {
  }
  node_.end(SIGKILL);
  start(marketplace_);
  const auto said = run.get();
  expect_fine(said);
  EXPECT_GT(said.first.at("retries").to_number<int>(), 0) << "it was killed too late";
}

TEST_F(marketplace_process, shows_no_anomaly_where_all_want_the_same) {
  start();
  expect_fine(
      bench({"--seconds", "2", "--mix", "local", "--one-seller", "--seller-skew", "1", "--product-skew", "1"})
          .get());
}

TEST_F(marketplace_process, takes_transactions_at_a_constant_rate) {
  start();
  const auto said = bench({"--seconds", "2", "--rate", "200", "--under-way", "100"}).get();
  expect_fine(said);
  EXPECT_EQ(said.first.at("intended").to_number<int>(), 400);
}

TEST_F(marketplace_process, speaks_the_contract) {
  start();
  EXPECT_EQ(ask("GET", "/seller/1").status, 404);
  EXPECT_EQ(ask("POST", "/seller", R"({"id":1,"name":"one"})").status, 201);
  EXPECT_EQ(ask("GET", "/seller/dashboard/1").status, 200);
  EXPECT_EQ(ask("POST", "/customer", R"({"id":5,"first_name":"Ann"})").status, 201);
  const std::string product =
      R"({"seller_id":1,"product_id":1,"name":"p","price":9.99,"freight_value":1,"version":"0"})";
  EXPECT_EQ(ask("POST", "/product", product).status, 200);
  EXPECT_EQ(ask("POST", "/stock", R"({"seller_id":1,"product_id":1,"qty_available":3,"version":"0"})").status,
            200);
  const std::string item =
      R"({"SellerId":1,"ProductId":1,"UnitPrice":9.99,"Quantity":2,"Voucher":0,"Version":"0"})";
  EXPECT_EQ(ask("PATCH", "/cart/5/add", item).status, 200);
  const std::string checkout = R"({"CustomerId":5,"PaymentType":"BOLETO","instanceId":"1-1"})";
  const auto first = ask("POST", "/cart/5/checkout", checkout);
  EXPECT_EQ(first.status, 200);
  EXPECT_NE(first.body.find(R"("total_invoice":20.98)"), std::string::npos) << first.body;
  EXPECT_EQ(ask("POST", "/cart/5/checkout", checkout).body, first.body);
  EXPECT_EQ(ask("PATCH", "/cart/5/seal").status, 200);
  EXPECT_EQ(ask("PATCH", "/shipment/1-2").status, 202);
  const auto customer = ask("GET", "/customer/5");
  EXPECT_NE(customer.body.find(R"("success_payment_count":1,"failed_payment_count":0,"delivery_count":1})"),
            std::string::npos)
      << customer.body;
  EXPECT_EQ(boost::json::parse(customer.body).at("first_name").as_string(), "Ann");
  EXPECT_EQ(ask("PATCH", "/product", R"({"sellerId":1,"productId":1,"price":10.5,"version":"0"})").status,
            202);
  EXPECT_EQ(ask("PATCH", "/product", R"({"sellerId":1,"productId":1,"price":10.5,"version":"1"})").status,
            409);
  EXPECT_EQ(ask("GET", "/v1/products").status, 404) << "the shop is elsewhere";
}

}  // namespace
}  // namespace souk::cluster_test
