#include "tests/cluster/kill/node_says.hpp"
#include "tests/cluster/kill/process.hpp"
#include "tests/cluster/secrets/planted.hpp"
#include "tests/http/raw_client.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace souk::cluster_test {
namespace {

namespace fs = std::filesystem;
using boost::json::object;
using strings = std::vector<std::string>;
using tests::raw_answer;
using tests::raw_client;

constexpr std::chrono::seconds patience{60};

/// A real node that writes all that it can: its log from `trace` on, and the access log.
class talkative_node : public ::testing::Test {
 protected:
  ~talkative_node() override { fs::remove_all(folder_); }

  void start(const std::string& more = {}) {
    std::ofstream{folder_ / "shop.conf"}
        << "cluster { shard_count = 2 }\nstorage { map_initial = 2MiB flush_interval = 50ms }\n"
        << "http { request_deadline = 3s }\nlog { level = \"trace\" format = \"json\" access { file = \""
        << access_.string() << "\" } }\n"
        << more << "\n";
    const auto line =
        node_.start({.command = {SOUKD, "--config", folder_ / "shop.conf", "--data", data_, "--http",
                                 "127.0.0.1:0", "--admin", "127.0.0.1:0", "--test-mode"},
                     .environment = {},
                     .log = folder_ / "stderr.log"},
                    patience);
    ready_ = ready_of(line);
    key_ = text_of(data_ / "admin.key");
    while (!key_.empty() && key_.back() == '\n')
      key_.pop_back();
    ASSERT_TRUE(key_.starts_with("sk_"));
  }
  /// Ends it in order, so that all is written.
  void end() {
    EXPECT_EQ(node_.end(SIGTERM), 0);
    std::ofstream{folder_ / "stdout.log"} << node_.said();
  }

  raw_answer send(const std::string& bytes, const char* listener = "http") {
    raw_client client{port_in(ready_, listener)};
    client.send(bytes);
    auto answer = client.read();
    return answer ? *answer : raw_answer{};
  }
  /// A request that brings secrets with it and is understood nevertheless.
  raw_answer ask(std::string_view method, std::string_view target, std::string_view body = {},
                 bool staff = false) {
    std::string fields = fmt::format("Cookie: session={0}\r\nX-Api-Key: {0}\r\n", planted_secret);
    if (staff) fields += fmt::format("Authorization: Bearer {}\r\n", key_);
    if (method != "GET")
      fields +=
          fmt::format("Content-Type: application/json\r\nIdempotency-Key: {}-{}\r\nContent-Length: {}\r\n",
                      planted_secret, ++repeats_, body.size());
    ++asked_;
    return send(fmt::format("{} {} HTTP/1.1\r\nHost: shop\r\n{}\r\n{}", method, target, fields, body));
  }
  object made(std::string_view target, const std::string& body, bool staff = false) {
    const auto answer = ask("POST", target, body, staff);
    EXPECT_TRUE(answer.status == 200 || answer.status == 201) << target << " " << answer.head << answer.body;
    return boost::json::parse(answer.body).as_object();
  }
  static std::string id_of(const object& of) { return std::string{of.at("id").as_string()}; }

  void stock_the_shop() {
    made("/v1/products",
         R"({"title":"Tea","variants":[{"sku":"TEA","price":{"amount":500,"currency":"EUR"}}]})", true);
    made("/v1/inventory/adjustments", R"({"sku":"TEA","delta":50,"reason":"received"})", true);
  }
  std::string checkout() {
    const auto cart = id_of(made("/v1/carts", R"({"currency":"EUR"})"));
    made(fmt::format("/v1/carts/{}/items", cart), R"({"sku":"TEA","quantity":1})");
    const auto seen = boost::json::parse(ask("GET", "/v1/carts/" + cart).body).as_object();
    cart_ = cart;
    return id_of(made("/v1/checkouts",
                      fmt::format(R"({{"cart_id":"{}","cart_version":{},"email":"{}@example.org",)"
                                  R"("shipping_address":{{"name":"{}","city":"London"}}}})",
                                  cart, seen.at("version").as_int64(), planted_person, planted_person)));
  }
  raw_answer pay(const std::string& checkout, std::string_view token) {
    return ask("POST", fmt::format("/v1/checkouts/{}/complete", checkout),
               fmt::format(R"({{"payment":{{"provider":"test","token":"{}"}}}})", token));
  }

  std::vector<object> access_lines() const {
    std::vector<object> lines;
    std::istringstream in{text_of(access_)};
    for (std::string line; std::getline(in, line);)
      lines.push_back(boost::json::parse(line).as_object());
    return lines;
  }
  /// Nothing of what was planted is in a log, and of secrets nothing is in the data either.
  void expect_clean(strings secrets) const {
    secrets.emplace_back(planted_secret);
    auto logged = secrets;
    logged.emplace_back(planted_token);
    logged.emplace_back(planted_person);
    logged.push_back(key_);
    EXPECT_EQ(find_planted(folder_, logged, data_), strings{});
    EXPECT_EQ(find_planted(data_, secrets), strings{});
    EXPECT_FALSE(find_planted(data_, {key_}).empty()) << "the search does not find what is in admin.key";
    EXPECT_FALSE(find_planted(data_, {std::string{planted_token}}).empty())
        << "the search does not find the token, which a payment must keep";
  }

  static std::string make_folder() {
    std::string made = fs::temp_directory_path() / "souk-secrets-XXXXXX";
    return ::mkdtemp(made.data());
  }
  const fs::path folder_ = make_folder();
  const fs::path data_ = folder_ / "data";
  const fs::path access_ = folder_ / "access.log";
  process node_;
  object ready_;
  std::string key_;
  std::string cart_;
  int repeats_ = 0;
  std::size_t asked_ = 0;
};

TEST_F(talkative_node, keeps_secrets_of_good_and_bad_requests_out_of_all_it_writes) {
  start();
  stock_the_shop();
  EXPECT_EQ(pay(checkout(), "tok_ok").status, 200);
  EXPECT_EQ(pay(checkout(), planted_token).status, 402) << "a token that the provider does not know";

  const auto fresh = made("/v1/keys", R"({"label":"till"})", true);
  const std::string fresh_secret{fresh.at("secret").as_string()};
  const auto with_fresh = fmt::format("Authorization: Bearer {}\r\n", fresh_secret);
  const auto read_orders = [&] {
    ++asked_;
    return send(fmt::format("GET /v1/orders HTTP/1.1\r\nHost: shop\r\n{}\r\n", with_fresh)).status;
  };
  EXPECT_EQ(read_orders(), 200);
  EXPECT_EQ(ask("DELETE", "/v1/keys/" + id_of(fresh), {}, true).status, 200);
  EXPECT_EQ(read_orders(), 401) << "a key that was revoked";

  // Where events go, with a secret in its address and one to sign with: tried, in vain, and said so.
  const auto hook = made("/v1/webhook_endpoints",
                         fmt::format(R"({{"url":"https://hooks.invalid/?token={}"}})", planted_token), true);
  const std::string hook_secret{hook.at("secret").as_string()};
  EXPECT_EQ(pay(checkout(), "tok_ok").status, 200);

  // Entities that throw while they hold what is secret, until the command is set aside.
  const auto open = checkout();
  for (const auto& entity : {"cart/" + cart_, "checkout/" + open})
    for (int n = 0; n < 3; ++n)
      EXPECT_EQ(ask("POST", "/v1/test/crash", fmt::format(R"({{"entity":"{}"}})", entity), true).status, 202);
  EXPECT_EQ(pay(open, planted_token).status, 402);

  std::set<int> statuses;
  std::size_t answered = asked_;
  for (const auto& planted : planted_requests()) {
    const auto answer = send(planted.bytes);
    EXPECT_NE(answer.status, 500) << planted.name;
    EXPECT_NE(answer.status, 0) << planted.name << " is not answered";
    statuses.insert(answer.status);
    answered += answer.status != 0 ? 1 : 0;
    EXPECT_NE(send(planted.bytes, "admin").status, 200) << planted.name;
  }
  for (const int status : {200, 400, 401, 404, 405, 406, 414, 415, 501, 505})
    EXPECT_TRUE(statuses.contains(status)) << "no planted request is answered " << status;

  strings shown{fresh_secret,
                hook_secret,
                key_,
                std::string{planted_secret},
                std::string{planted_token},
                std::string{planted_person}};
  EXPECT_EQ(
      find_planted_in("/metrics", send("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", "admin").body, shown),
      strings{});
  for (const char* view : {"tree", "status", "quarantine"}) {
    const auto answer = ask("GET", fmt::format("/v1/admin/{}", view), {}, true);
    ++answered;
    EXPECT_EQ(answer.status, 200) << view;
    EXPECT_EQ(find_planted_in(view, answer.body, shown), strings{});
  }
  end();

  const auto log = text_of(folder_ / "stderr.log");
  EXPECT_NE(log.find("\"level\":\"debug\""), std::string::npos) << "it wrote little, so little is proved";
  EXPECT_NE(log.find("an entity threw"), std::string::npos);
  const auto lines = access_lines();
  EXPECT_GE(lines.size(), answered) << "some answers have no line";
  EXPECT_LE(lines.size(), answered + 1) << "one request was sent behind another";
  std::set<std::string> routes;
  for (const auto& line : lines) {
    routes.emplace(line.at("route").as_string());
    if (line.at("route") != "show_status") continue;
    EXPECT_TRUE(line.contains("credential") && line.contains("queue_us")) << line;
  }
  EXPECT_TRUE(routes.contains("complete_checkout") && routes.contains("none")) << routes.size();
  expect_clean({fresh_secret, hook_secret});  // of the latter, data has the bytes alone
}

TEST_F(talkative_node, keeps_secrets_of_a_payment_whose_provider_is_away) {
  start("payments { timeout = 300ms test { url = \"http://127.0.0.1:1\" } }");
  stock_the_shop();
  const auto answer = pay(checkout(), planted_token);
  EXPECT_GE(answer.status, 400) << answer.body;
  EXPECT_EQ(find_planted_in("the answer", answer.body, {std::string{planted_token}}), strings{});
  end();
  expect_clean({});
}

/// The command line is given a key in a file; what it says of it may end in the log of a script.
TEST_F(talkative_node, its_command_line_keeps_the_key_to_itself) {
  start();
  std::ofstream{data_ / "bad.key"} << "sk_" << planted_secret << "\n";
  const auto url = fmt::format("http://127.0.0.1:{}", port_in(ready_, "http"));
  for (const char* key : {"bad.key", "admin.key"})
    for (const char* command : {"status", "tree", "audit"}) {
      process tool;
      std::string first;
      try {
        first = tool.start({.command = {SOUK, command, "--url", url, "--key-file", data_ / key},
                            .environment = {},
                            .log = folder_ / "souk.log"},
                           patience);
        tool.end(0);
      } catch (const std::runtime_error&) {
        // It said nothing on its standard output.
      }
      std::ofstream{folder_ / "souk.out", std::ios::app} << first << tool.said();
    }
  end();
  EXPECT_NE(text_of(folder_ / "souk.log") + text_of(folder_ / "souk.out"), "");
  EXPECT_EQ(find_planted(folder_, {std::string{planted_secret}, key_}, data_), strings{});
}

}  // namespace
}  // namespace souk::cluster_test
