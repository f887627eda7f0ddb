#include "actors/gateway/http.hpp"
#include "actors/webhook/signature.hpp"
#include "tests/cluster/kill/node_says.hpp"
#include "tests/cluster/kill/process.hpp"
#include "tests/http/raw_client.hpp"
#include "tests/seeds.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Webhooks as they are: a node that is killed and started again, and receivers at the other end of sockets.
namespace souk::cluster_test {
namespace {

namespace fs = std::filesystem;
using boost::json::object;
using tests::raw_answer;
using tests::raw_client;
using namespace std::chrono_literals;

constexpr std::chrono::seconds patience{60};

std::string decoded(std::string_view base64) {
  std::string bytes(base64.size(), '\0');
  const auto length =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                      reinterpret_cast<const unsigned char*>(base64.data()), static_cast<int>(base64.size()));
  const auto padding = std::count(base64.begin(), base64.end(), '=');
  bytes.resize(static_cast<std::size_t>(std::max<std::int64_t>(length - padding, 0)));
  return bytes;
}

/// What one endpoint was sent.
struct deliveries {
  std::string secret;
  std::vector<std::string> taken;  // ids
  std::map<std::string, std::pair<std::string, std::int64_t>> known;
  std::size_t refused = 0;
  std::size_t unsigned_ones = 0;
};

/// A server with a path for each endpoint: "/good" takes everything, "/bad" answers 500 until it is mended,
/// "/silent" never answers, "/away" sends everybody elsewhere.
class receivers {
 public:
  receivers() {
    gateway::listener_options options;
    options.port = 0;
    server_ = gateway::make_listener(
        options, [this](const gateway::http_request& request, std::unique_ptr<gateway::responder> to) {
          take(request, std::move(to));
        });
  }
  ~receivers() {
    silent_.clear();
    server_->drain(1'000);
  }
  receivers(const receivers&) = delete;
  receivers& operator=(const receivers&) = delete;

  std::string url(const std::string& path) const {
    return fmt::format("http://127.0.0.1:{}{}", server_->port(), path);
  }
  void set_secret(const std::string& path, const std::string& secret) {
    const std::lock_guard lock{mutex_};
    at_[path].secret = secret;
  }
  void mend() {
    const std::lock_guard lock{mutex_};
    mended_ = true;
  }
  deliveries to(const std::string& path) {
    const std::lock_guard lock{mutex_};
    return at_[path];
  }
  bool wait_for(const std::string& path, const std::set<std::string>& events, std::chrono::seconds most) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, most, [&] {
      const auto& taken = at_[path].taken;
      return std::ranges::includes(std::set<std::string>(taken.begin(), taken.end()), events);
    });
  }
  bool wait_for_more(const std::string& path, std::size_t taken, std::chrono::seconds most) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, most, [&] { return at_[path].taken.size() > taken; });
  }

 private:
  void take(const gateway::http_request& request, std::unique_ptr<gateway::responder> to) {
    const std::lock_guard lock{mutex_};
    auto& deliveries = at_[request.path];
    const auto event = boost::json::parse(request.body).as_object();
    const std::string id{event.at("id").as_string()};
    const auto at = std::chrono::seconds{std::stoll(std::string{request.field("webhook-timestamp").value()})};
    const auto expected = webhook::signature(deliveries.secret, id, at, request.body);
    if (request.field("webhook-id") != id || request.field("webhook-signature") != expected)
      ++deliveries.unsigned_ones;
    deliveries.known[id] = {std::string{event.at("subject").as_string()}, event.at("sequence").as_int64()};
    gateway::http_response response;
    response.status = 204;
    if (request.path == "/silent") {
      silent_.push_back(std::move(to));
      return;
    }
    if (request.path == "/away") {
      response.status = 302;
      response.fields.emplace_back("Location", url("/good"));
    }
    if (request.path == "/bad" && !mended_) response.status = 500;
    if (response.status == 204)
      deliveries.taken.push_back(id);
    else
      ++deliveries.refused;
    to->respond(std::move(response));
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, deliveries> at_;
  std::vector<std::unique_ptr<gateway::responder>> silent_;
  bool mended_ = false;
  std::unique_ptr<gateway::listener> server_;
};

/// A shop that is told to sell, and what becomes of the events of it.
class webhooks_over_sockets : public ::testing::Test {
 protected:
  /// Asks one node after the other until one answers for certain. Every command here is safe to repeat.
  raw_answer ask(std::string_view method, std::string_view target, std::string_view body = {}) {
    const auto until = std::chrono::steady_clock::now() + patience;
    auto fields = fmt::format("Authorization: Bearer {}\r\n", key_);
    if (method != "GET")
      fields += fmt::format(
          "Content-Type: application/json\r\nContent-Length: {}\r\nIdempotency-Key: webhooks-{}\r\n",
          body.size(), ++keys_);
    while (true) {
      try {
        raw_client client{ports_.at(++turn_ % ports_.size())};
        client.send(fmt::format("{} {} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n{}\r\n{}", method,
                                target, fields, body));
        const auto answer = client.read();
        const bool again = !answer || answer->status >= 500 ||
                           answer->body.find("idempotency_in_flight") != std::string::npos;
        if (!again) return *answer;
      } catch (const std::exception&) {
        // It is down.
      }
      if (std::chrono::steady_clock::now() > until) throw std::runtime_error("nobody answers");
    }
  }
  object made(std::string_view target, const std::string& body) {
    const auto answer = ask("POST", target, body);
    EXPECT_EQ(answer.status, 201) << target << " " << answer.head << answer.body;
    return boost::json::parse(answer.body).as_object();
  }
  std::string endpoint(const std::string& path) {
    const auto endpoint =
        made("/v1/webhook_endpoints", fmt::format(R"({{"url":"{}","after":"earliest"}})", at_.url(path)));
    at_.set_secret(path, decoded(std::string_view{endpoint.at("secret").as_string()}.substr(6)));
    return std::string{endpoint.at("id").as_string()};
  }
  std::string status_of(const std::string& id) { return ask("GET", "/v1/webhook_endpoints/" + id).body; }

  /// Two events of each sku, and of some a third.
  void happen(std::size_t skus) {
    for (std::size_t n = 0; n < skus; ++n) {
      const auto sku = fmt::format("SKU-{}", ++skus_);
      made("/v1/products",
           fmt::format(
               R"({{"title":"{0}","variants":[{{"sku":"{0}","price":{{"amount":5,"currency":"EUR"}}}}]}})",
               sku));
      for (std::size_t more = 0; more <= n % 2; ++more)
        made("/v1/inventory/adjustments",
             fmt::format(R"({{"sku":"{}","delta":5,"reason":"received"}})", sku));
    }
  }
  std::set<std::string> events() {
    std::set<std::string> ids;
    std::string after;
    while (true) {
      const auto page = boost::json::parse(ask("GET", "/v1/events?limit=100" + after).body).as_object();
      for (const auto& event : page.at("data").as_array())
        ids.emplace(event.at("id").as_string());
      if (!page.at("has_more").as_bool()) return ids;
      after = "&after=" + std::string{page.at("next_cursor").as_string()};
    }
  }
  /// No gap and no reorder within a subject.
  void expect_in_order(const std::string& path) {
    const auto got = at_.to(path);
    EXPECT_EQ(got.unsigned_ones, 0u) << path;
    std::map<std::string, std::int64_t> last;
    std::set<std::string> seen;
    for (const auto& id : got.taken) {
      if (!seen.insert(id).second) continue;
      const auto& [subject, sequence] = got.known.at(id);
      EXPECT_EQ(sequence, last[subject] + 1) << path << " " << subject;
      last[subject] = sequence;
    }
  }

  receivers at_;
  std::vector<std::uint16_t> ports_;
  std::string key_;

 private:
  std::size_t skus_ = 0;
  std::size_t keys_ = 0;
  std::size_t turn_ = 0;
};

class webhooks_of_a_process : public webhooks_over_sockets {
 protected:
  ~webhooks_of_a_process() override { fs::remove_all(folder_); }

  void start() {
    std::ofstream{folder_ / "shop.conf"} << "cluster { shard_count = 4 }\nstorage { map_initial = 2MiB }\n"
                                         << "webhooks { allowed_networks = [\"127.0.0.0/8\"] }\n";
    node_ = std::make_unique<process>();
    const auto line =
        node_->start({.command = {SOUKD, "--config", folder_ / "shop.conf", "--data", folder_ / "data",
                                  "--http", "127.0.0.1:0", "--admin", "127.0.0.1:0"},
                      .environment = {},
                      .log = folder_ / "stderr.log"},
                     patience);
    ports_ = {port_in(ready_of(line), "http")};
    std::ifstream key{folder_ / "data" / "admin.key"};
    key >> key_;
  }

  static std::string make_folder() {
    std::string made = fs::temp_directory_path() / "souk-webhooks-XXXXXX";
    return ::mkdtemp(made.data());
  }
  const fs::path folder_ = make_folder();
  std::unique_ptr<process> node_;
};

TEST_F(webhooks_of_a_process, survive_kill_9_of_their_sender_without_gap_or_reorder) {
  const auto kills = tests::number_given("KILLS", 3);
  start();
  EXPECT_EQ(ask("POST", "/v1/webhook_endpoints", R"({"url":"http://169.254.169.254/latest"})").status, 422);
  const auto good = endpoint("/good");
  const auto bad = endpoint("/bad");
  endpoint("/silent");
  endpoint("/away");
  for (std::uint64_t n = 0; n < kills; ++n) {
    happen(20 + n * 7 % 20);
    const auto before = at_.to("/good").taken.size();
    happen(4);
    EXPECT_TRUE(at_.wait_for_more("/good", before, 20s));
    node_->end(SIGKILL);  // something was delivered just now, and something was not
    start();
    EXPECT_TRUE(at_.wait_for("/good", events(), 20s)) << status_of(good);
  }
  // The others were bad all the time, and nothing of it came through to the good one.
  EXPECT_TRUE(at_.to("/bad").taken.empty());
  EXPECT_GT(at_.to("/bad").refused, 0u);
  EXPECT_TRUE(at_.to("/away").taken.empty());
  at_.mend();
  happen(5);
  const auto all = events();
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_TRUE(at_.wait_for("/good", all, 20s)) << status_of(good);
  EXPECT_TRUE(at_.wait_for("/bad", all, 100s)) << status_of(bad);
  const std::chrono::duration<double> recovered = std::chrono::steady_clock::now() - begun;
  expect_in_order("/good");
  expect_in_order("/bad");
  EXPECT_EQ(node_->end(SIGTERM), 0);
  const auto got = at_.to("/good");
  std::cout << fmt::format(
      R"({{"kills":{},"events":{},"delivered":{},"again":{},"refused_by_bad":{},"bad_caught_up_s":{:.1f}}})",
      kills, all.size(), got.taken.size(), got.taken.size() - all.size(), at_.to("/bad").refused,
      recovered.count());
  std::cout << "\n";
}

/// script/prove gives a cluster that it started (WEBHOOK_PORTS, WEBHOOK_KEY) and kills its nodes meanwhile.
class webhooks_of_a_cluster : public webhooks_over_sockets {};

TEST_F(webhooks_of_a_cluster, survive_kill_9_of_nodes_without_gap_or_reorder) {
  const char* ports = std::getenv("WEBHOOK_PORTS");
  const char* key = std::getenv("WEBHOOK_KEY");
  if (ports == nullptr || key == nullptr) GTEST_SKIP() << "no cluster is there to be asked";
  std::istringstream in{ports};
  for (unsigned port = 0; in >> port;)
    ports_.push_back(static_cast<std::uint16_t>(port));
  key_ = key;
  endpoint("/good");
  const auto bad = endpoint("/bad");
  endpoint("/silent");
  const auto until =
      std::chrono::steady_clock::now() + std::chrono::seconds{tests::number_given("WEBHOOK_SECONDS", 20)};
  while (std::chrono::steady_clock::now() < until)
    happen(5);
  EXPECT_TRUE(at_.to("/bad").taken.empty());
  at_.mend();
  const auto all = events();
  EXPECT_TRUE(at_.wait_for("/good", all, 60s));
  EXPECT_TRUE(at_.wait_for("/bad", all, 120s)) << status_of(bad);
  expect_in_order("/good");
  expect_in_order("/bad");
  const auto got = at_.to("/good");
  std::cout << fmt::format(R"({{"events":{},"delivered":{},"again":{},"refused_by_bad":{}}})", all.size(),
                           got.taken.size(), got.taken.size() - all.size(), at_.to("/bad").refused)
            << "\n";
}

}  // namespace
}  // namespace souk::cluster_test
