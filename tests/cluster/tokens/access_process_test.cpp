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

/// What a route takes to come as far as to look at what its path names.
std::string good_body_for(const route& route, const std::string& cart) {
  if (route.name == "create_cart") return R"({"currency":"EUR"})";
  if (route.name == "add_items") return R"({"sku":"TEA","quantity":1})";
  if (route.name == "set_quantity") return R"({"quantity":1})";
  if (route.name == "create_checkout") return R"({"cart_id":")" + cart + R"(","cart_version":2})";
  if (route.name == "replace_product")
    return R"({"title":"Tea","variants":[{"sku":"TEA","price":{"amount":100,"currency":"EUR"}}]})";
  if (route.name == "cancel_order") return R"({"reason":"late"})";
  if (route.name == "replay_webhook_endpoint") return R"({"after":"earliest"})";
  if (route.name == "complete_checkout") return R"({"payment":{"provider":"test","token":"tok_ok"}})";
  return "{}";
}

class access_process : public token_node {
 protected:
  answer ask(const std::string& method, const std::string& path, const std::optional<std::string>& bearer,
             const std::string& body = "{}", const std::string& more = {}, const std::string& key = {}) {
    std::string request = method + " " + path + " HTTP/1.1\r\nHost: shop\r\nRequest-Id: one\r\n" + more;
    if (bearer) request += "Authorization: Bearer " + *bearer + "\r\n";
    if (method != "GET")
      request += "Idempotency-Key: " + (key.empty() ? std::to_string(++asked_) : key) +
                 "\r\nContent-Type: application/json\r\n" + "Content-Length: " + std::to_string(body.size()) +
                 "\r\n\r\n" + body;
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
  /// With what must come of it, as staff unless it is said who else.
  json::value done(const std::string& method, const std::string& path, const std::string& body, int status,
                   const std::optional<std::string>& bearer = std::nullopt) {
    auto found = ask(method, path, bearer ? bearer : admin_key_, body);
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
    there_ = buy(admin_key_);
    const auto payments = done("GET", "/v1/test/payments", "", 200);
    there_.merge(ids{{"products", "tea"},
                     {"variants", "TEA"},
                     {"keys", json::text_of(done("POST", "/v1/keys", R"({"label":"there"})", 201), "id")},
                     {"payments", json::text_of(payments.find("data")->as_array()->front(), "payment_id")},
                     {"webhook_endpoints", json::text_of(done("POST", "/v1/webhook_endpoints",
                                                              R"({"url":"https://hooks.invalid/"})", 201),
                                                         "id")},
                     {"imports", "imp_01M8CGJXP0W1DZ1ZBAFHN0HJ8D7FQ8"}});
  }

  using ids = std::map<std::string, std::string>;
  /// A cart, its line, its checkout and its order, as `bearer` buys them; nothing: a guest.
  ids buy(const std::optional<std::string>& bearer, const std::string& payment = "tok_ok",
          const std::string& cart_body = R"({"currency":"EUR"})") {
    const auto made = [&](const std::string& path, const std::string& body) {
      auto found = ask("POST", path, bearer, body);
      if (found.status >= 300) throw std::runtime_error(path + ": " + found.text);
      return std::move(found.body);
    };
    const auto cart = json::text_of(made("/v1/carts", cart_body), "id");
    const auto filled = made("/v1/carts/" + cart + "/items", R"({"sku":"TEA","quantity":1})");
    const auto sold =
        made("/v1/checkouts", R"({"cart_id":")" + cart + R"(","cart_version":)" +
                                  std::to_string(*filled.find("version")->as_integer()) +
                                  R"(,"payment":{"provider":"test","token":")" + payment + "\"}}");
    const auto* order = sold.find("order");
    return {{"carts", cart},
            {"items", json::text_of(filled.find("lines")->as_array()->front(), "id")},
            {"checkouts", json::text_of(sold, "id")},
            {"orders", order == nullptr ? "" : json::text_of(*order, "id")}};
  }

  /// An id like that one, of nothing.
  static std::string missing(std::string id) {
    id.back() = id.back() == '0' ? '1' : '0';
    return id;
  }

  std::string path_of(const route& route, bool there) const { return path_of(route, there, there_); }
  /// A route's path with ids that are there, or with such that are not.
  static std::string path_of(const route& route, bool there, const ids& known) {
    std::string path;
    std::string last;
    for (std::string_view rest = route.path.substr(1); !rest.empty();) {
      const auto end = std::min(rest.find('/'), rest.size());
      std::string segment{rest.substr(0, end)};
      if (segment.starts_with('{')) {
        segment = known.at(last);
        if (!there) segment = missing(segment);
      }
      path += "/" + segment;
      last = std::move(segment);
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return path;
  }

  /// Asks with `bearer` for what is there and for what is not, in turn, so that whatever else the machine
  /// does is the same for both, and compares what the quickest quarter of each takes at most.
  void expect_no_difference(const route& route, const ids& known, const std::string& bearer, int status) {
    constexpr std::size_t asked_each = 150;
    std::map<bool, std::vector<std::chrono::nanoseconds>> took;
    for (std::size_t n = 0; n < 2 * asked_each; ++n) {
      const bool there = n % 2 == 0;
      const auto path = path_of(route, there, known);
      const auto body = good_body_for(route, there ? known.at("carts") : missing(known.at("carts")));
      const auto begun = std::chrono::steady_clock::now();
      const auto answer = ask(std::string{route.method}, path, bearer, body, "If-Match: \"1\"\r\n");
      took[there].push_back(std::chrono::steady_clock::now() - begun);
      ASSERT_EQ(answer.status, status) << route.name << " " << answer.text;
    }
    for (auto& [there, times] : took)
      std::nth_element(times.begin(), times.begin() + asked_each / 4, times.end());
    const auto a = took[true][asked_each / 4];
    const auto b = took[false][asked_each / 4];
    EXPECT_LT(std::max(a, b), 2 * std::min(a, b)) << route.name;
  }

  static std::string in_two_seconds() {
    const std::time_t at = now_s() + 2;
    std::tm parts{};
    ::gmtime_r(&at, &parts);
    std::string text(32, '\0');
    text.resize(std::strftime(text.data(), text.size(), "%FT%TZ", &parts));
    return text;
  }
  std::string make_key(const std::string& more, const std::string& tenant = "main") {
    return json::text_of(done("POST", "/v1/keys?tenant=" + tenant, R"({"label":"x",)" + more + "}", 201),
                         "secret");
  }
  static std::string scopes_but(const route& route, const char* between) {
    std::string listed;
    for (const auto name : keyring::scope_set::all().names())
      if (!route.scope || name != keyring::name_of(*route.scope))
        listed.append(listed.empty() ? "" : between).append(name);
    return listed;
  }

  std::string admin_key_;

  ids there_;

 private:
  std::unique_ptr<tests::raw_client> client_;
  int asked_ = 0;
};

TEST_F(access_process, without_the_scope_staffs_routes_are_closed_and_tell_nothing_of_what_is_there) {
  open_shop();
  for (const route& route : gateway::routes()) {
    const std::string method{route.method};
    const bool staff = route.audience != audience::everybody;
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

/// Each route that names a cart, a checkout or an order, by its first segment; any other must be named here,
/// so that a new one is thought of.
bool is_owned(const route& route) {
  const auto begin = std::string_view{"/v1/"}.size();
  const auto first = std::string{route.path.substr(begin, route.path.find('/', begin) - begin)};
  const std::set<std::string> of_the_shop{
      "products", "variants", "search", "imports",  "inventory",         "events",
      "keys",     "admin",    "test",   "webhooks", "webhook_endpoints", "openapi.json"};
  const bool owned = std::set<std::string>{"carts", "checkouts", "orders"}.contains(first);
  EXPECT_TRUE(owned || of_the_shop.contains(first) || route.path == "/docs") << route.path;
  return owned;
}

TEST_F(access_process, what_belongs_to_a_customer_is_not_there_for_others) {
  open_shop();
  const auto token_of = [this](const std::string& who) { return issuer.token_for(who, "openid", now_s()); };
  const auto ada = token_of("ada");
  auto of_ada = buy(ada);
  const auto waiting = buy(ada, "tok_3ds");  // a cart that is claimed, a checkout that is not over
  const std::string other_cart =
      json::text_of(done("POST", "/v1/carts", R"({"currency":"EUR"})", 201, ada), "id");
  const std::vector<std::optional<std::string>> others{std::nullopt, token_of("eve"),
                                                       make_key(R"("publishable":true)"),
                                                       make_key(R"("scopes":["catalogue:write"])")};
  const std::vector<std::string> conditions{"", "If-Match: *\r\n", "If-Match: \"2\"\r\n",
                                            "If-None-Match: *\r\n", "If-None-Match: \"1\"\r\n"};
  int asked = 0;
  for (const route& route : gateway::routes()) {
    if (!is_owned(route) || route.name == "create_cart" || route.name == "list_orders") continue;
    const std::string method{route.method};
    for (ids known : {of_ada, waiting, ids{{"carts", other_cart}, {"items", "ln_1"}}}) {
      for (const auto* kind : {"checkouts", "orders"})
        if (known[kind].empty()) known[kind] = of_ada[kind];
      const auto missing_cart = missing(known["carts"]);
      for (const auto& bearer : others)
        for (const auto& condition : conditions) {
          const auto there = ask(method, path_of(route, true, known), bearer,
                                 good_body_for(route, known["carts"]), condition);
          const auto not_there = ask(method, path_of(route, false, known), bearer,
                                     good_body_for(route, missing_cart), condition);
          const int expected = route.audience == audience::everybody ? 404 : bearer ? 403 : 401;
          ASSERT_EQ(there.status, expected) << route.name << " " << there.text;
          ASSERT_EQ(there.text, not_there.text) << route.name;
          ++asked;
        }
    }
    // And whose it is finds it.
    const auto body = good_body_for(route, of_ada["carts"]);
    if (route.audience == audience::everybody) {
      EXPECT_NE(ask(method, path_of(route, true, of_ada), ada, body).status, 404) << route.name;
    }
    EXPECT_NE(ask(method, path_of(route, true, of_ada), admin_key_, body).status, 404) << route.name;
  }
  EXPECT_GE(asked, 9 * 3 * 4 * 5);
}

TEST_F(access_process, what_is_of_one_tenant_is_not_there_for_another) {
  open_shop();
  auto known = there_;
  const auto ada = issuer.token_for("ada", "", now_s());
  const auto of_ada = buy(ada);
  const auto key = make_key(R"("publishable":false)", "other");
  const auto token_of = [this](const std::string& scopes) {
    return issuer.token(
        tests::token_header(),
        tests::token_claims_of(now_s() + 300, now_s(), R"(,"tenant":"other","scope":")" + scopes + "\""));
  };
  std::string all;
  for (const auto name : keyring::scope_set::all().names())
    all.append(all.empty() ? "" : " ").append(name);
  const auto staff = token_of(all);
  const auto of_everybody = {token_of(""), make_key(R"("publishable":true)", "other")};
  for (const route& route : gateway::routes()) {
    if (route.path.find('{') == std::string_view::npos && route.name != "create_checkout") continue;
    for (const auto& mine : {of_ada, there_}) {
      for (const auto& [kind, id] : mine)
        known[kind] = id;
      const auto cart = known["carts"];
      const auto missing_cart = missing(cart);
      std::vector<std::string> bearers{key, staff};
      if (route.audience == audience::everybody)
        bearers.insert(bearers.end(), of_everybody.begin(), of_everybody.end());
      for (const auto& bearer : bearers) {
        const std::string method{route.method};
        const auto there = ask(method, path_of(route, true, known), bearer, good_body_for(route, cart),
                               "If-Match: \"1\"\r\n");
        auto not_there = ask(method, path_of(route, false, known), bearer, good_body_for(route, missing_cart),
                             "If-Match: \"1\"\r\n");
        for (const auto& [kind, id] : known)  // where it says what it was asked for
          if (const auto at = not_there.text.find(missing(id)); at != std::string::npos)
            not_there.text.replace(at, id.size(), id);
        ASSERT_EQ(there.status, 404) << route.name << " " << there.text;
        ASSERT_EQ(there.text, not_there.text) << route.name;
      }
    }
  }
  // Nor does anything that lists show it.
  int lists = 0;
  for (const route& route : gateway::routes()) {
    if (route.method != "GET" || route.path.find('{') != std::string_view::npos || !route.scope) continue;
    const bool shared = keyring::operators_scopes.has(*route.scope);
    const auto has = [&](std::string_view name) {
      return std::find(route.parameters.begin(), route.parameters.end(), name) != route.parameters.end();
    };
    for (const auto& bearer : {key, staff}) {
      const auto path = std::string{route.path};
      const auto found = ask("GET", path + (has("sku") ? "?sku=TEA" : has("q") ? "?q=Tea" : ""), bearer);
      ASSERT_EQ(found.status, shared ? 403 : 200) << route.name << " " << found.text;
      if (shared) continue;
      ++lists;
      for (const auto& [kind, id] : known) {
        if (kind != "variants" && kind != "items" && kind != "products") {
          EXPECT_EQ(found.text.find(id), std::string::npos) << route.name << " " << found.text;
        }
      }
      if (has("sku")) {
        auto other = ask("GET", path + "?sku=TEB", bearer).text;
        if (const auto at = other.find("TEB"); at != std::string::npos) other.replace(at, 3, "TEA");
        EXPECT_EQ(found.text, other) << route.name;
      } else if (has("q") || has("category")) {
        EXPECT_EQ(found.text.find("TEA"), std::string::npos) << found.text;
      }
    }
  }
  EXPECT_GE(lists, 2 * 8);
}

TEST_F(access_process, a_key_says_when_it_was_used_last) {
  open_shop();
  const auto unused = done("POST", "/v1/keys", R"({"label":"unused"})", 201);
  const auto used = done("POST", "/v1/keys", R"({"label":"used","scopes":["orders:read"]})", 201);
  EXPECT_EQ(ask("GET", "/v1/keys", json::text_of(used, "secret")).status, 403) << "that is a use, too";
  const auto last_use_of = [this](const json::value& key) {
    const auto list = done("GET", "/v1/keys", "", 200);
    for (const auto& each : *list.find("data")->as_array())
      if (json::text_of(each, "id") == json::text_of(key, "id")) return json::text_of(each, "last_used_at");
    return std::string{"not there"};
  };
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  while (last_use_of(used).empty() && std::chrono::steady_clock::now() < until) {
  }
  EXPECT_EQ(last_use_of(used).substr(0, 2), "20");
  EXPECT_EQ(last_use_of(unused), "");
}

TEST_F(access_process, tenants_sell_the_same_sku_each_from_its_own_stock) {
  open_shop();
  const auto key =
      json::text_of(done("POST", "/v1/keys?tenant=other", R"({"label":"staff"})", 201), "secret");
  const auto front =
      json::text_of(done("POST", "/v1/keys", R"({"label":"front","publishable":true})", 201, key), "secret");
  done("POST", "/v1/products",
       R"({"id":"tea","title":"Tee","variants":[{"sku":"TEA","price":{"amount":200,"currency":"EUR"}}]})",
       201, key);
  done("POST", "/v1/inventory/adjustments", R"({"sku":"TEA","delta":3,"reason":"received"})", 201, key);
  const auto sold = buy(front);
  EXPECT_EQ(ask("GET", "/v1/orders/" + sold.at("orders"), front).status, 200);
  EXPECT_EQ(ask("GET", "/v1/orders/" + sold.at("orders"), std::nullopt).status, 404);
  EXPECT_EQ(ask("GET", "/v1/orders/" + sold.at("orders"), admin_key_).status, 404);
  const auto on_hand = [this](const std::string& bearer) {
    const auto audit = done("GET", "/v1/inventory/audit?sku=TEA", "", 200, bearer);
    return *audit.find("on_hand")->as_integer();
  };
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  while (on_hand(key) != 2 && std::chrono::steady_clock::now() < until) {
  }
  EXPECT_EQ(on_hand(key), 2);
  EXPECT_EQ(on_hand(admin_key_), 8);
  EXPECT_EQ(ask("GET", "/v1/keys?tenant=main", key).status, 403);
  EXPECT_EQ(done("GET", "/v1/keys?tenant=other", "", 200).find("data")->as_array()->size(), 2u);
}

TEST_F(access_process, a_customer_lists_their_own_orders_alone) {
  open_shop();
  const auto ada = issuer.token_for("ada", "", now_s());
  const auto eve = issuer.token_for("eve", "", now_s());
  const auto mine = buy(ada);
  // Who writes her name into a cart of nobody's puts nothing into her list.
  buy(std::nullopt, "tok_ok", R"({"currency":"EUR","customer_id":"ada"})");
  const auto ids_for = [this](const std::string& bearer, const std::string& query = "") {
    std::vector<std::string> found;
    const auto list = done("GET", "/v1/orders" + query, "", 200, bearer);
    for (const auto& order : *list.find("data")->as_array())
      found.push_back(json::text_of(order, "id"));
    return found;
  };
  EXPECT_EQ(ids_for(ada), (std::vector<std::string>{mine.at("orders")}));
  EXPECT_EQ(ids_for(ada, "?customer_id=ada&status=placed"), (std::vector<std::string>{mine.at("orders")}));
  EXPECT_EQ(ids_for(eve).size(), 0u);
  EXPECT_EQ(ids_for(admin_key_).size(), 3u);
  EXPECT_EQ(ids_for(admin_key_, "?customer_id=ada").size(), 2u);
  EXPECT_EQ(ask("GET", "/v1/orders?customer_id=ada", eve).status, 403);
  EXPECT_EQ(ask("GET", "/v1/orders", std::nullopt).status, 401);
}

TEST_F(access_process, the_same_key_of_another_customer_gets_no_first_answer) {
  open_shop();
  const auto ada = issuer.token_for("ada", "", now_s());
  const auto eve = issuer.token_for("eve", "", now_s());
  const std::string cart = R"({"currency":"EUR"})";
  const auto first = ask("POST", "/v1/carts", ada, cart, "", "same");
  EXPECT_EQ(json::text_of(ask("POST", "/v1/carts", ada, cart, "", "same").body, "id"),
            json::text_of(first.body, "id"));
  EXPECT_NE(json::text_of(ask("POST", "/v1/carts", eve, cart, "", "same").body, "id"),
            json::text_of(first.body, "id"));
  const auto items = "/v1/carts/" + json::text_of(first.body, "id") + "/items";
  const std::string tea = R"({"sku":"TEA","quantity":1})";
  EXPECT_EQ(ask("POST", items, ada, tea, "", "tea").status, 200);
  EXPECT_EQ(ask("POST", items, eve, tea, "", "tea").status, 404);
  EXPECT_EQ(ask("POST", items, std::nullopt, tea, "", "tea").status, 404);
}

TEST_F(access_process, what_is_anothers_is_not_found_no_faster_and_no_slower_than_what_is_not_there) {
  open_shop();
  const auto of_ada = buy(issuer.token_for("ada", "", now_s()));
  const auto eve = issuer.token_for("eve", "", now_s());
  for (const route& route : gateway::routes())
    if (is_owned(route) && route.audience == audience::everybody && route.name != "create_cart")
      expect_no_difference(route, of_ada, eve, 404);
}

TEST_F(access_process, what_is_another_tenants_is_not_found_no_faster_and_no_slower_than_what_is_not_there) {
  open_shop();
  const auto of_ada = buy(issuer.token_for("ada", "", now_s()));
  ids known = there_;
  for (const auto& [kind, id] : of_ada)
    known[kind] = id;
  const auto staff = make_key(R"("publishable":false)", "other");
  const auto front = make_key(R"("publishable":true)", "other");
  for (const route& route : gateway::routes()) {
    if (route.path.find('{') == std::string_view::npos && route.name != "create_checkout") continue;
    expect_no_difference(route, known, route.audience == audience::everybody ? front : staff, 404);
  }
}

TEST_F(access_process, what_is_there_is_refused_no_faster_and_no_slower_than_what_is_not) {
  open_shop();
  for (const route& route : gateway::routes())
    if (route.audience == audience::staff && route.path.find('{') != std::string_view::npos)
      expect_no_difference(route, there_, issuer.token_for("ada", scopes_but(route, " "), now_s()), 403);
}

}  // namespace
}  // namespace souk::cluster_test
