#include "actors/gateway/routes.hpp"
#include "tests/cluster/tokens/token_node.hpp"

#include <algorithm>
#include <ctime>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

/// Every route of a node with every kind of credential, over its socket.
namespace souk::cluster_test {
namespace {

using gateway::audience;
using gateway::route;

struct answer {
  int status = 0;
  std::string text;  ///< Head and body, but for the date.
  json::value body;
};

class access_process : public token_node {
 protected:
  answer ask(const std::string& method, const std::string& path, const std::optional<std::string>& bearer,
             const std::string& body = "{}") {
    std::string request = method + " " + path + " HTTP/1.1\r\nHost: shop\r\nRequest-Id: one\r\n";
    if (bearer) request += "Authorization: Bearer " + *bearer + "\r\n";
    if (method != "GET")
      request += "Idempotency-Key: " + std::to_string(++asked_) + "\r\nContent-Type: application/json\r\n" +
                 "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    else
      request += "\r\n";
    std::optional<tests::raw_answer> read;
    for (int tries = 0; !read && tries < 2; ++tries) {
      if (!client_) client_ = std::make_unique<tests::raw_client>(http);
      client_->send(request);
      read = client_->read();
      if (!read) client_ = nullptr;  // closed since the last one
    }
    if (!read) throw std::runtime_error("no answer to " + method + " " + path);
    answer found{.status = read->status, .text = read->head + read->body, .body = {}};
    const auto date = found.text.find("\r\nDate: ");
    if (date != std::string::npos) found.text.erase(date, found.text.find("\r\n", date + 2) - date);
    json::parse_error unread;
    if (auto body = json::parse(read->body, unread)) found.body = *std::move(body);
    return found;
  }
  /// As staff, with what must come of it.
  json::value done(const std::string& method, const std::string& path, const std::string& body, int status) {
    auto found = ask(method, path, admin_key_, body);
    if (found.status != status) throw std::runtime_error(method + " " + path + ": " + found.text);
    return std::move(found.body);
  }

  void open_shop() {
    start({"--test-mode"});
    std::getline(std::ifstream{folder / "data" / "admin.key"}, admin_key_);
    done("POST", "/v1/products",
         R"({"id":"tea","title":"Tea","variants":[{"sku":"TEA","price":{"amount":100,"currency":"EUR"}}]})",
         201);
    done("POST", "/v1/inventory/adjustments", R"({"sku":"TEA","delta":9,"reason":"received"})", 201);
    const auto cart = json::text_of(done("POST", "/v1/carts", R"({"currency":"EUR"})", 201), "id");
    const auto filled = done("POST", "/v1/carts/" + cart + "/items", R"({"sku":"TEA","quantity":2})", 200);
    const auto sold = done("POST", "/v1/checkouts",
                           R"({"cart_id":")" + cart + R"(","cart_version":)" +
                               std::to_string(*filled.find("version")->as_integer()) +
                               R"(,"payment":{"provider":"test","token":"tok_ok"}})",
                           201);
    const auto payments = done("GET", "/v1/test/payments", "", 200);
    there_ = {{"products", "tea"},
              {"variants", "TEA"},
              {"carts", cart},
              {"items", json::text_of(filled.find("lines")->as_array()->front(), "id")},
              {"checkouts", json::text_of(sold, "id")},
              {"orders", json::text_of(*sold.find("order"), "id")},
              {"keys", json::text_of(done("POST", "/v1/keys", R"({"label":"there"})", 201), "id")},
              {"payments", json::text_of(payments.find("data")->as_array()->front(), "payment_id")},
              {"imports", "imp_01M8CGJXP0W1DZ1ZBAFHN0HJ8D7FQ8"}};
  }

  /// A route's path with ids that are there, or with such that are not.
  std::string path_of(const route& route, bool there) const {
    std::string path;
    std::string last;
    for (std::string_view rest = route.path.substr(1); !rest.empty();) {
      const auto end = std::min(rest.find('/'), rest.size());
      std::string segment{rest.substr(0, end)};
      if (segment.starts_with('{')) {
        segment = there_.at(last);
        if (!there) segment.back() = segment.back() == '0' ? '1' : '0';
      }
      path += "/" + segment;
      last = std::move(segment);
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return path;
  }

  static std::string in_two_seconds() {
    const std::time_t at = now_s() + 2;
    std::tm parts{};
    ::gmtime_r(&at, &parts);
    std::string text(32, '\0');
    text.resize(std::strftime(text.data(), text.size(), "%FT%TZ", &parts));
    return text;
  }
  std::string make_key(const std::string& more) {
    return json::text_of(done("POST", "/v1/keys", R"({"label":"x",)" + more + "}", 201), "secret");
  }
  static std::string scopes_but(const route& route, const char* between) {
    std::string listed;
    for (const auto name : keyring::scope_set::all().names())
      if (!route.scope || name != keyring::name_of(*route.scope))
        listed.append(listed.empty() ? "" : between).append(name);
    return listed;
  }

  std::string admin_key_;

 private:
  std::map<std::string, std::string> there_;
  std::unique_ptr<tests::raw_client> client_;
  int asked_ = 0;
};

TEST_F(access_process, without_the_scope_staffs_routes_are_closed_and_tell_nothing_of_what_is_there) {
  open_shop();
  for (const route& route : gateway::routes()) {
    const std::string method{route.method};
    const bool staff = route.audience == audience::staff;
    const auto key = make_key(R"("scopes":[")" + scopes_but(route, R"(",")") + "\"]");
    const auto token = issuer.token_for("ada", scopes_but(route, " "), now_s());
    std::set<std::string> closed;
    for (const bool there : {true, false}) {
      const auto path = path_of(route, there);
      const auto nobody = ask(method, path, std::nullopt);
      if (!staff) {
        EXPECT_TRUE(nobody.status != 401 && nobody.status != 403) << method << " " << path;
        continue;
      }
      EXPECT_EQ(nobody.status, 401) << method << " " << path;
      for (const auto& bearer : {key, token}) {
        const auto refused = ask(method, path, bearer);
        EXPECT_EQ(refused.status, 403) << method << " " << path;
        closed.insert(refused.text);
      }
    }
    EXPECT_EQ(closed.size(), staff ? 1u : 0u) << route.name;
  }
}

TEST_F(access_process, credentials_that_are_not_valid_hear_the_same_from_every_route) {
  open_shop();
  std::vector<std::string> broken;
  for (auto& [token, fault] : issuer.broken_tokens(now_s()))
    if (token.find('\n') == std::string::npos) broken.push_back(std::move(token));  // no field can hold it
  const auto made = done("POST", "/v1/keys", R"({"label":"revoked"})", 201);
  done("DELETE", "/v1/keys/" + json::text_of(made, "id"), "", 200);
  broken.push_back(json::text_of(made, "secret"));
  broken.push_back(make_key(R"("expires_at":")" + in_two_seconds() + "\""));
  EXPECT_EQ(ask("GET", "/v1/keys", broken.back()).status, 200);
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  while (ask("GET", "/v1/keys", broken.back()).status != 401 && std::chrono::steady_clock::now() < until) {
  }
  ASSERT_GE(broken.size(), 64u);
  std::set<std::string> said;
  for (const route& route : gateway::routes())
    for (const bool there : {true, false})
      for (const auto& bearer : broken) {
        const auto refused = ask(std::string{route.method}, path_of(route, there), bearer);
        ASSERT_EQ(refused.status, 401) << route.name << " " << bearer.substr(0, 200);
        said.insert(refused.text);
      }
  EXPECT_EQ(said.size(), 1u) << *said.begin() << "\n" << *said.rbegin();
}

TEST_F(access_process, what_is_there_is_refused_no_faster_and_no_slower_than_what_is_not) {
  open_shop();
  for (const route& route : gateway::routes()) {
    if (route.audience != audience::staff || route.path.find('{') == std::string_view::npos) continue;
    const auto token = issuer.token_for("ada", scopes_but(route, " "), now_s());
    std::map<bool, std::vector<std::chrono::nanoseconds>> took;
    // In turn, so that whatever else the machine does is the same for both.
    for (int n = 0; n < 400; ++n) {
      const bool there = n % 2 == 0;
      const auto path = path_of(route, there);
      const auto begun = std::chrono::steady_clock::now();
      ASSERT_EQ(ask(std::string{route.method}, path, token).status, 403) << route.name;
      took[there].push_back(std::chrono::steady_clock::now() - begun);
    }
    for (auto& [there, times] : took)
      std::nth_element(times.begin(), times.begin() + 100, times.end());
    const auto a = took[true][100];
    const auto b = took[false][100];
    EXPECT_LT(std::max(a, b), 2 * std::min(a, b)) << route.name;
  }
}

}  // namespace
}  // namespace souk::cluster_test
