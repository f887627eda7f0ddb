#include "actors/gateway/api.hpp"
#include "actors/testkit/simulated_cluster.hpp"
#include "tests/api/answer_check.hpp"
#include "tests/api/description.hpp"
#include "tests/api/drawn_requests.hpp"
#include "tests/http/raw_client.hpp"
#include "tests/seeds.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Requests drawn from the API's description: whatever is sent, the answer is one that is described, and none
/// is an error of the server.
namespace souk::tests {
namespace {

using gateway::http_response;
using json::value;
using send = std::function<http_response(const drawn_request&)>;

/// So many different findings are told.
constexpr std::size_t told_most = 30;
/// Requests for each route in the suite: enough that the rarest good answer comes several times.
constexpr std::uint64_t usual_each = 100;

/// Asks a shop, holds its answers against the document, and remembers what went wrong once for each kind.
class questioning {
 public:
  questioning(send send, const std::string& secret, std::uint64_t seed, std::set<std::string> unseen)
      : send_(std::move(send)),
        document_(read(gateway::api_document())),
        drawing_(document_, secret, seed),
        secret_(secret),
        unseen_(std::move(unseen)) {}

  void run(std::uint64_t each) {
    put_something_there();
    for (std::uint64_t round = 0; round < each; ++round)
      for (const auto& route : gateway::routes()) {
        ask(route);
        // A cart that is empty leads no further.
        if (route.name == "add_items") {
          ask(route);
          ask(route);
        }
      }
  }

  const std::map<std::string, std::string>& findings() const { return findings_; }
  /// By route and status.
  const std::map<std::string, std::map<int, std::uint64_t>>& answers() const { return answers_; }

 private:
  // What examples of the document name, a key that must not be ended, and what payments are made with.
  void put_something_there() {
    const auto staff = [&](const char* method, const char* target, const char* body) {
      return send_({method,
                    target,
                    {{"authorization", "Bearer " + secret_}, {"content-type", "application/json"}},
                    body});
    };
    const auto keys = read(staff("GET", "/v1/keys", "").body);
    for (const auto& key : *keys.find("data")->as_array())
      drawing_.known().protect(json::text_of(key, "id"));
    staff("POST", "/v1/products",
          R"({"id":"tea","title":"Assam",)"
          R"("variants":[{"sku":"TEA-ASSAM-100","price":{"amount":1290,"currency":"EUR"}}]})");
    staff("POST", "/v1/inventory/adjustments",
          R"({"sku":"TEA-ASSAM-100","delta":900000,"reason":"received"})");
    drawing_.known().add("product", "tea");
    drawing_.known().add("provider", "test");
    for (const auto* token : {"tok_timeout", "tok_lost", "tok_flaky", "tok_3ds", "tok_declined", "tok_ok"})
      drawing_.known().add("token", token);
  }

  void ask(const gateway::route& route) {
    const auto request = drawing_.draw(route);
    const auto response = send_(request);
    ++answers_[std::string{route.name}][response.status];
    auto wrong = check_answer(document_, route, response);
    if (response.status >= 500 && !(response.status == 503 && unseen_.contains(std::string{route.name})))
      wrong.emplace_back("an error of the server");
    for (const auto& what : wrong) {
      const auto kind = std::string{route.name} + " " + std::to_string(response.status) + " " + what;
      findings_.try_emplace(kind, request.text() + "\n  -> " + response.body.substr(0, 2'000));
    }
    if (response.status < 300 && response.body.starts_with('{') && route.name != "show_api")
      drawing_.learn(route, read(response.body));
  }

  send send_;
  value document_;
  request_drawing drawing_;
  std::string secret_;
  std::set<std::string> unseen_;  // 503 is what they answer
  std::map<std::string, std::string> findings_;
  std::map<std::string, std::map<int, std::uint64_t>> answers_;
};

void expect_nothing_found(const questioning& asked, std::uint64_t seed, std::uint64_t each) {
  std::size_t told = 0;
  for (const auto& [kind, example] : asked.findings())
    if (++told <= told_most) ADD_FAILURE() << kind << "\n  " << example;
  EXPECT_EQ(asked.findings().size(), 0u) << "seed " << seed << " (SEED)";
  // Who is refused everywhere has tried nothing; a few may well be.
  const auto reached =
      each < usual_each ? std::vector<const char*>{}
                        : std::vector<const char*>{"create_product",    "replace_product", "adjust_stock",
                                                   "add_items",         "set_quantity",    "create_checkout",
                                                   "complete_checkout", "cancel_order",    "create_key"};
  for (const auto* name : reached) {
    const auto& by_status = asked.answers().at(name);
    EXPECT_TRUE(by_status.contains(200) || by_status.contains(201)) << name << " was never answered well";
  }
  if (std::getenv("DRAWN_EACH") == nullptr) return;
  for (const auto& [name, by_status] : asked.answers()) {
    std::cout << name << ":";
    for (const auto& [status, count] : by_status)
      std::cout << " " << status << " x " << count;
    std::cout << "\n";
  }
}

TEST(drawn_requests, get_only_answers_that_are_described) {
  const auto seed = number_given("SEED", 1);
  testkit::simulated_cluster shop{seed, {.nodes = 1, .replicas = 1, .min_in_sync = 1}};
  const auto send = [&shop](const drawn_request& request) {
    return shop.call("a", request.method, request.target, request.body, request.fields);
  };
  questioning asked{send,
                    shop.staff().second.substr(std::string_view{"Bearer "}.size()),
                    seed,
                    {"show_tree", "show_status", "show_quarantine", "show_cluster", "show_digest"}};
  const auto each = number_given("DRAWN_EACH", usual_each);
  asked.run(each);
  expect_nothing_found(asked, seed, each);
}

/// Of a process, over its sockets, the listener in between.
class socket_client {
 public:
  explicit socket_client(std::uint16_t port) : port_(port) {}

  http_response send(const drawn_request& request) {
    std::string bytes = request.method + " " + request.target + " HTTP/1.1\r\nHost: souk\r\n";
    for (const auto& [name, text] : request.fields)
      bytes.append(name).append(": ").append(text).append("\r\n");
    if (!request.body.empty() || request.method == "POST" || request.method == "PUT")
      bytes += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
    bytes.append("\r\n").append(request.body);
    if (!client_) client_ = std::make_unique<raw_client>(port_);
    client_->send(bytes);
    const auto answer = client_->read();
    http_response response;
    response.status = answer ? answer->status : 0;
    if (answer) response.body = answer->body;
    // A body that goes on is read as far as its first event.
    if (answer && answer->field("content-type") == "text/event-stream")
      response.body = client_->read_until("\n\n");
    if (!answer || answer->field("connection") == "close") client_.reset();
    return response;
  }

 private:
  std::uint16_t port_;
  std::unique_ptr<raw_client> client_;
};

// script/prove gives the port of a node that it started, and its key.
TEST(drawn_requests, get_only_answers_that_are_described_from_a_process) {
  const auto port = number_given("DRAWN_PORT", 0);
  if (port == 0) GTEST_SKIP() << "no node is there to be asked";
  const auto seed = number_given("SEED", 1);
  socket_client client{static_cast<std::uint16_t>(port)};
  questioning asked{[&client](const drawn_request& request) { return client.send(request); },
                    std::getenv("DRAWN_KEY"),
                    seed,
                    {}};
  const auto each = number_given("DRAWN_EACH", usual_each);
  asked.run(each);
  expect_nothing_found(asked, seed, each);
}

}  // namespace
}  // namespace souk::tests
