#include "tests/cluster/kill/node_says.hpp"
#include "tests/cluster/kill/process.hpp"
#include "tests/cluster/nats/nats_server.hpp"
#include "tests/http/raw_client.hpp"
#include "tests/seeds.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Events in a stream of a real server, from a node that is killed and started again.
namespace souk::cluster_test {
namespace {

namespace fs = std::filesystem;
using boost::json::object;
using tests::raw_answer;
using tests::raw_client;
using namespace std::chrono_literals;

constexpr std::chrono::seconds patience{60};

class nats_of_a_process : public ::testing::Test {
 protected:
  nats_of_a_process() {
    std::string made = (fs::temp_directory_path() / "souk-nats-shop-XXXXXX").string();
    folder_ = ::mkdtemp(made.data());
    std::ofstream{folder_ / "shop.conf"} << fmt::format(
        "cluster {{ shard_count = 4 }}\nstorage {{ map_initial = 2MiB }}\n"
        "events {{ nats {{ url = \"{}\" stream = \"SHOP\" prefix = \"shop.events\" }} }}\n",
        server_.url());
  }
  ~nats_of_a_process() override { fs::remove_all(folder_); }

  void start() {
    node_ = std::make_unique<process>();
    const auto line =
        node_->start({.command = {SOUKD, "--config", folder_ / "shop.conf", "--data", folder_ / "data",
                                  "--http", "127.0.0.1:0", "--admin", "127.0.0.1:0"},
                      .environment = {},
                      .log = folder_ / "stderr.log"},
                     patience);
    const auto ready = ready_of(line);
    http_ = port_in(ready, "http");
    admin_ = port_in(ready, "admin");
    std::ifstream key{folder_ / "data" / "admin.key"};
    key >> key_;
  }

  raw_answer ask(std::uint16_t port, std::string_view method, std::string_view target,
                 std::string_view body = {}) {
    auto fields = fmt::format("Authorization: Bearer {}\r\n", key_);
    if (method != "GET")
      fields +=
          fmt::format("Content-Type: application/json\r\nContent-Length: {}\r\nIdempotency-Key: nats-{}\r\n",
                      body.size(), ++keys_);
    raw_client client{port};
    client.send(fmt::format("{} {} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n{}\r\n{}", method, target,
                            fields, body));
    return client.read().value();
  }
  void make(std::string_view target, const std::string& body) {
    const auto answer = ask(http_, "POST", target, body);
    EXPECT_EQ(answer.status, 201) << target << " " << answer.head << answer.body;
  }
  /// Two events of each sku, and of some a third.
  void happen(std::size_t skus) {
    for (std::size_t n = 0; n < skus; ++n) {
      const auto sku = fmt::format("SKU-{}", ++skus_);
      make("/v1/products",
           fmt::format(
               R"({{"title":"{0}","variants":[{{"sku":"{0}","price":{{"amount":5,"currency":"EUR"}}}}]}})",
               sku));
      for (std::size_t more = 0; more <= n % 2; ++more)
        make("/v1/inventory/adjustments",
             fmt::format(R"({{"sku":"{}","delta":5,"reason":"received"}})", sku));
    }
  }
  /// The events of the feed, by id.
  std::map<std::string, object> feed() {
    std::map<std::string, object> events;
    std::string after;
    while (true) {
      const auto page =
          boost::json::parse(ask(http_, "GET", "/v1/events?limit=100" + after).body).as_object();
      for (const auto& event : page.at("data").as_array())
        events[std::string{event.at("id").as_string()}] = event.as_object();
      if (!page.at("has_more").as_bool()) return events;
      after = "&after=" + std::string{page.at("next_cursor").as_string()};
    }
  }
  /// A figure of this life of the node.
  double figure(const std::string& name) {
    const auto text = ask(admin_, "GET", "/metrics").body;
    const auto at = text.find("\n" + name + " ");
    return at == std::string::npos ? 0 : std::strtod(text.c_str() + at + name.size() + 2, nullptr);
  }
  bool wait_for(const std::function<bool()>& what, std::chrono::seconds most = 60s) {
    const auto until = std::chrono::steady_clock::now() + most;
    while (!what()) {
      if (std::chrono::steady_clock::now() > until) return false;
      ::poll(nullptr, 0, 20);
    }
    return true;
  }
  /// Everything that was in the feed came through.
  bool wait_for_all() {
    const auto events = feed().size();
    return wait_for([&] { return server_.messages("SHOP").size() >= events; });
  }

  void expect_each_once_and_in_order() {
    const auto events = feed();
    std::map<std::string, std::int64_t> last;
    std::set<std::string> seen;
    for (const auto& [subject, id, body] : server_.messages("SHOP")) {
      EXPECT_TRUE(seen.insert(id).second) << id << " twice";
      const auto known = events.find(id);
      ASSERT_NE(known, events.end()) << id;
      const auto event = boost::json::parse(body).as_object();
      EXPECT_EQ(event, known->second);
      EXPECT_EQ(subject, "shop.events.main." + std::string{event.at("type").as_string()});
      const std::string about{event.at("subject").as_string()};
      EXPECT_EQ(event.at("sequence").as_int64(), ++last[about]) << about;
    }
    EXPECT_EQ(seen.size(), events.size());
  }

  nats_server server_;
  fs::path folder_;
  std::unique_ptr<process> node_;
  std::uint16_t http_ = 0;
  std::uint16_t admin_ = 0;
  std::string key_;
  std::size_t skus_ = 0;
  std::size_t keys_ = 0;
};

TEST_F(nats_of_a_process, survive_kill_9_of_the_node_and_of_the_server_each_once_and_in_order) {
  const auto kills = tests::number_given("KILLS", 3);
  server_.start();
  start();
  double repeated = 0;
  for (std::uint64_t n = 0; n < kills; ++n) {
    happen(20 + n * 7 % 20);
    ASSERT_TRUE(wait_for_all());
    // Something is published just now, and its progress is not committed.
    const auto before = server_.messages("SHOP").size();
    happen(4);
    EXPECT_TRUE(wait_for([&] { return server_.messages("SHOP").size() > before; }));
    node_->end(SIGKILL);
    start();
    EXPECT_TRUE(wait_for_all());
    repeated += figure(R"(souk_nats_tries_total{result="duplicate"})");
    // The server goes under what is on its way, and comes back while the shop sells on.
    happen(3);
    server_.kill();
    happen(10);
    EXPECT_TRUE(wait_for([&] { return figure("souk_nats_away") == 1; }));
    server_.start();
    EXPECT_TRUE(wait_for_all());
    EXPECT_TRUE(wait_for([&] { return figure("souk_nats_away") == 0; }));
  }
  // Both at once.
  happen(5);
  server_.kill();
  happen(5);
  node_->end(SIGKILL);
  start();
  server_.start();
  EXPECT_TRUE(wait_for_all());
  expect_each_once_and_in_order();
  EXPECT_GT(repeated, 0);  // or nothing was killed in the midst of it
  EXPECT_EQ(figure("souk_nats_shards"), 4);
  EXPECT_TRUE(wait_for([&] { return figure("souk_nats_waiting") == 0; }));
  EXPECT_EQ(node_->end(SIGTERM), 0);
  std::cout << fmt::format(R"({{"kills":{},"events":{},"again":{}}})", kills, server_.messages("SHOP").size(),
                           repeated)
            << "\n";
}

TEST_F(nats_of_a_process, go_on_where_they_were_after_an_end_in_order) {
  server_.start();
  start();
  happen(5);
  ASSERT_TRUE(wait_for_all());
  EXPECT_TRUE(wait_for([&] { return figure("souk_nats_waiting") == 0; }));
  ::poll(nullptr, 0, 1'500);  // longer than progress waits
  EXPECT_EQ(node_->end(SIGTERM), 0);
  start();
  happen(5);
  ASSERT_TRUE(wait_for_all());
  EXPECT_EQ(figure(R"(souk_nats_tries_total{result="duplicate"})"), 0);
  expect_each_once_and_in_order();
}

}  // namespace
}  // namespace souk::cluster_test
