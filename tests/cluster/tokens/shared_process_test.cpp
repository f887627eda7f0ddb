#include "tests/cluster/tokens/token_node.hpp"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

/// Tenants that share a node which has too much to do.
namespace souk::cluster_test {
namespace {

class shared_process : public token_node {
 protected:
  shared_process() {
    std::ofstream{folder / "cluster.conf", std::ios::app} << "limits { delay_target = 5ms }\n";
  }

  static std::string request(const std::string& method, const std::string& path, const std::string& bearer,
                             const std::string& body = {}) {
    return method + " " + path + " HTTP/1.1\r\nHost: shop\r\nAccept-Encoding: gzip\r\n" +
           (bearer.empty() ? "" : "Authorization: Bearer " + bearer + "\r\n") +
           (body.empty() ? ""
                         : "Content-Type: application/json\r\nContent-Length: " +
                               std::to_string(body.size()) + "\r\n") +
           "\r\n" + body;
  }
  json::value done(const std::string& path, const std::string& bearer, const std::string& body) const {
    tests::raw_client client{http};
    client.send(request("POST", path, bearer, body));
    const auto answer = client.read().value_or(tests::raw_answer{});
    if (answer.status != 201) throw std::runtime_error(path + ": " + answer.head + answer.body);
    json::parse_error unread;
    return json::parse(answer.body, unread).value();
  }

  /// What costs the gateways some time and the listener little: a hundred goods, pressed.
  void stock_up(const std::string& bearer) const {
    for (int n = 0; n < 100; ++n) {
      const auto id = "tea-" + std::to_string(n);
      std::string text;
      for (int word = 0; word < 300; ++word)
        text += std::to_string(word * n) + " leaves ";
      done("/v1/products", bearer,
           R"({"id":")" + id + R"(","title":"Tea","description":")" + text + R"(","variants":[{"sku":")" +
               id + R"(","price":{"amount":100,"currency":"EUR"}}]})");
    }
  }
  static constexpr const char* all_goods = "/v1/products?limit=100";
};

/// Asks for all goods from many connections, 16 times each before it looks at the answers, until it goes.
class flood {
 public:
  flood(std::uint16_t port, std::string ask, std::size_t connections) : port_(port) {
    for (int n = 0; n < 16; ++n)
      asks_ += ask;
    for (std::size_t n = 0; n < connections; ++n)
      threads_.emplace_back([this] { run(); });
  }
  flood(const flood&) = delete;
  flood& operator=(const flood&) = delete;
  ~flood() {
    over_ = true;
    for (auto& thread : threads_)
      thread.join();
  }

  int answered(int status) const { return status == 503 ? refused_ : status == 200 ? done_ : other_; }

 private:
  void run() {
    while (!over_) {
      tests::raw_client client{port_};
      bool goes_on = true;
      while (!over_ && goes_on) {
        goes_on = client.send(asks_);
        for (int n = 0; goes_on && n < 16; ++n) {
          const auto answer = client.read();
          goes_on = answer.has_value();
          if (goes_on) ++(answer->status == 503 ? refused_ : answer->status == 200 ? done_ : other_);
        }
      }
    }
  }

  std::uint16_t port_;
  std::string asks_;
  std::atomic<bool> over_ = false;
  std::atomic<int> done_ = 0;
  std::atomic<int> refused_ = 0;
  std::atomic<int> other_ = 0;
  std::vector<std::thread> threads_;
};

TEST_F(shared_process, a_flood_for_one_tenant_is_refused_at_its_own_cost) {
  start();
  std::string admin_key;
  std::getline(std::ifstream{folder / "data" / "admin.key"}, admin_key);
  stock_up(admin_key);
  const auto staff =
      json::text_of(done("/v1/keys?tenant=other", admin_key, R"({"label":"staff"})"), "secret");
  stock_up(staff);
  const auto front =
      json::text_of(done("/v1/keys", staff, R"({"label":"front","publishable":true})"), "secret");
  const auto ask = request("GET", all_goods, front);

  const flood guests{http, request("GET", all_goods, ""), 24};
  const flood liars{http, request("GET", all_goods, "sk_made-up"), 4};
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{60};
  tests::raw_client shopper{http};
  int asked = 0;
  for (; asked < 50 || guests.answered(503) < 500; ++asked) {
    ASSERT_LT(std::chrono::steady_clock::now(), until)
        << asked << " asked, " << guests.answered(503) << " of the guests refused";
    shopper.send(ask);
    const auto answer = shopper.read();
    ASSERT_TRUE(answer);
    ASSERT_EQ(answer->status, 200) << "the " << asked << "th, " << guests.answered(503)
                                   << " of the guests refused: " << answer->head;
  }
  EXPECT_GT(guests.answered(200), 0);
  EXPECT_EQ(liars.answered(200), 0);
  EXPECT_GE(figure("souk_http_tenants"), 3) << "main, other, and strangers";
}

}  // namespace
}  // namespace souk::cluster_test
