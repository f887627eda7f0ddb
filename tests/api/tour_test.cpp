#include "actors/gateway/api.hpp"
#include "actors/gateway/routes.hpp"
#include "actors/testkit/json_text.hpp"
#include "actors/testkit/simulated_cluster.hpp"
#include "tests/api/answer_check.hpp"
#include "tests/api/description.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <variant>
#include <vector>

/// What a shop answers is what its API's description says, route by route.
namespace souk::testkit {
namespace {

using gateway::http_response;
using json::value;
using tests::read;

class tour {
 public:
  tour() : document_(read(gateway::api_document())) {}

  /// As staff; every answer is held against the description.
  http_response call(const std::string& method, const std::string& target, const std::string& body = {},
                     http_fields fields = {}) {
    fields.push_back(shop_.staff());
    auto response = shop_.call("a", method, target, body, std::move(fields));
    compare(method, target.substr(0, target.find('?')), response);
    return response;
  }
  std::string id_of(const http_response& response) { return member_of(response.body, "id"); }
  const std::set<std::string>& seen() const { return seen_; }

 private:
  void compare(const std::string& method, const std::string& path, const http_response& response) {
    const auto found = gateway::find_route(method, path);
    ASSERT_TRUE(std::holds_alternative<gateway::route_match>(found)) << path;
    const auto& route = *std::get<gateway::route_match>(found).route;
    const auto status = std::to_string(response.status);
    SCOPED_TRACE(method + " " + path + " " + status + " " + response.body);
    seen_.insert(std::string{route.name} + " " + status);
    EXPECT_EQ(tests::check_answer(document_, route, response), std::vector<std::string>{});
  }

  simulated_cluster shop_{1, {.nodes = 1, .replicas = 1, .min_in_sync = 1}};
  value document_;
  std::set<std::string> seen_;
};

constexpr const char* tea = R"({"id":"tea","title":"Assam","description":"Strong.","categories":["tea"],)"
                            R"("attributes":{"origin":"Assam","organic":true},"image_url":"/tea.jpg",)"
                            R"("variants":[{"sku":"TEA","title":"100 g","options":{"size":"100 g"},)"
                            R"("price":{"currency":"EUR","precise":{"value":"12905","scale":3}}}]})";

void browse(tour& tour) {
  const auto made = tour.call("POST", "/v1/products", tea);
  EXPECT_EQ(tour.call("POST", "/v1/products", R"({"title":1,"colour":"red"})").status, 400);
  constexpr const char* received = R"({"sku":"TEA","delta":50,"reason":"received","reference":"note 7"})";
  tour.call("POST", "/v1/inventory/adjustments", received);
  EXPECT_EQ(tour.call("POST", "/v1/inventory/adjustments", received).status, 409);
  tour.call("POST", "/v1/inventory/adjustments", R"({"sku":"TEA","delta":-60,"reason":"correction"})");
  const auto product = tour.call("GET", "/v1/products/tea");
  std::string tag;
  for (const auto& [name, text] : product.fields)
    if (name == "ETag") tag = text;
  EXPECT_EQ(tour.call("GET", "/v1/products/tea", "", {{"if-none-match", tag}}).status, 304);
  tour.call("PUT", "/v1/products/tea", tea);
  tour.call("PUT", "/v1/products/tea", tea, {{"if-match", tag}});
  tour.call("GET", "/v1/products/none");
  tour.call("GET", "/v1/products?category=tea&limit=1");
  tour.call("GET", "/v1/products?limit=0");
  tour.call("GET", "/v1/search?q=assam");
  tour.call("GET", "/v1/variants/TEA");
}

std::string fill_a_cart(tour& tour) {
  const auto cart = tour.id_of(tour.call("POST", "/v1/carts", R"({"currency":"EUR","customer_id":"ada"})"));
  tour.call("POST", "/v1/carts/" + cart + "/items",
            R"({"sku":"TEA","quantity":2,"attributes":{"wrap":"paper"}})");
  tour.call("POST", "/v1/carts/" + cart + "/items", R"({"sku":"TEA","quantity":1})",
            {{"prefer", "return=minimal"}});
  tour.call("POST", "/v1/carts/" + cart + "/items", R"({"sku":"NONE","quantity":1})");
  tour.call("POST", "/v1/carts/" + cart + "/items", R"({"items":[{"sku":"TEA","quantity":0}]})");
  const auto read_cart = tour.call("GET", "/v1/carts/" + cart);
  const auto line = members_of_all(read_cart.body, "lines", "id").back();
  tour.call("PATCH", "/v1/carts/" + cart + "/items/" + line, R"({"quantity":3})");
  tour.call("DELETE", "/v1/carts/" + cart + "/items/" + line);
  return cart;
}

std::string checkout_of(tour& tour, const std::string& cart, const std::string& more) {
  const auto version = member_of(tour.call("GET", "/v1/carts/" + cart).body, "version");
  return R"({"cart_id":")" + cart + R"(","cart_version":)" + version + more + "}";
}

void buy(tour& tour) {
  const auto cart = fill_a_cart(tour);
  const auto held =
      tour.call("POST", "/v1/checkouts",
                checkout_of(tour, cart, R"(,"email":"ada@example.org","shipping_address":{"city":"London"})"),
                {{"idempotency-key", "one"}});
  const auto checkout = "/v1/checkouts/" + tour.id_of(held);
  tour.call("GET", checkout);
  tour.call("POST", checkout + "/complete", R"({"payment":{"provider":"test","token":"tok_declined"}})",
            {{"idempotency-key", "two"}});
  tour.call("GET", checkout);
  const auto sold =
      tour.call("POST", checkout + "/complete", R"({"payment":{"provider":"test","token":"tok_ok"}})",
                {{"idempotency-key", "three"}});
  tour.call("POST", checkout + "/cancel");
  tour.call("GET", "/v1/carts/" + cart);
  const auto order = "/v1/orders/" + member_of(member_of(sold.body, "order"), "id");
  tour.call("GET", order);
  tour.call("POST", order + "/cancel", R"({"reason":"A mistake."})", {{"idempotency-key", "four"}});
  tour.call("GET", order);
  tour.call("GET", "/v1/orders?customer_id=ada");
  tour.call("GET", "/v1/orders?status=lost");
}

void give_up(tour& tour) {
  const auto cart = fill_a_cart(tour);
  const auto held =
      tour.call("POST", "/v1/checkouts", checkout_of(tour, cart, ""), {{"idempotency-key", "five"}});
  tour.call("POST", "/v1/checkouts", checkout_of(tour, cart, ""), {{"idempotency-key", "six"}});
  tour.call("POST", "/v1/checkouts", R"({"cart_id":")" + cart + "\"}", {{"idempotency-key", "seven"}});
  tour.call("POST", "/v1/checkouts/" + tour.id_of(held) + "/cancel", "{}");
  const auto secured =
      tour.call("POST", "/v1/checkouts",
                checkout_of(tour, fill_a_cart(tour), R"(,"payment":{"provider":"test","token":"tok_3ds"})"),
                {{"idempotency-key", "eight"}});
  tour.call("POST",
            "/v1/test/payments/" + member_of(member_of(secured.body, "payment"), "id") + "/authenticate",
            "{}");
  const auto many = tour.id_of(tour.call("POST", "/v1/carts", R"({"currency":"EUR"})"));
  tour.call("POST", "/v1/carts/" + many + "/items", R"({"sku":"TEA","quantity":5000})");
  tour.call("POST", "/v1/checkouts", checkout_of(tour, many, ""), {{"idempotency-key", "nine"}});
}

void look_at_stock(tour& tour) {
  tour.call("GET", "/v1/inventory/levels?sku=TEA");
  tour.call("GET", "/v1/inventory/movements?sku=TEA&limit=1");
  tour.call("GET", "/v1/inventory/audit?sku=TEA");
  tour.call("GET", "/v1/inventory/audit");
}

void follow(tour& tour) {
  const auto first = tour.call("GET", "/v1/events?limit=3");
  tour.call("GET", "/v1/events?types=order.placed.v1,order.canceled.v1&after=" +
                       member_of(first.body, "next_cursor"));
  tour.call("GET", "/v1/events?after=latest");
  tour.call("GET", "/v1/events?after=nowhere");
  tour.call("GET", "/v1/events?types=order.lost.v1");
  tour.call("GET", "/v1/events/stream");
  tour.call("GET", "/v1/events/stream?after=latest", "", {{"accept", "text/event-stream"}});
  tour.call("GET", "/v1/events/stream", "", {{"last-event-id", "nowhere"}});
}

void be_told(tour& tour) {
  const std::string all = "/v1/webhook_endpoints";
  const auto made =
      tour.call("POST", all, R"({"url":"https://hooks.example/souk?token=1","types":["order.placed.v1"]})");
  const auto one = all + "/" + tour.id_of(made);
  tour.call("POST", all, R"({"url":"https://hooks.example/souk","after":"earliest"})");
  tour.call("POST", all, R"({"url":"http://hooks.example/"})");
  tour.call("POST", all, R"({"url":"https://127.0.0.1/"})");
  tour.call("POST", all, R"({"url":"https://h/","types":["order.lost.v1"]})");
  tour.call("POST", all, R"({"url":"https://h/","after":"nowhere"})");
  tour.call("GET", all + "?limit=1");
  tour.call("GET", all + "?cursor=" + member_of(tour.call("GET", all + "?limit=1").body, "next_cursor"));
  tour.call("GET", one);
  tour.call("PATCH", one, R"({"url":"https://hooks.example/other","types":["order.canceled.v1"]})");
  tour.call("POST", one + "/rotate_secret");
  tour.call("POST", one + "/rotate_secret", R"({"previous_valid_s":60})");
  tour.call("POST", one + "/replay", R"({"after":"earliest"})");
  tour.call("POST", one + "/replay", R"({"after":"2026-01-01T00:00:00Z","until":"2026-02-01T00:00:00Z"})");
  tour.call("POST", one + "/replay", R"({"after":"latest"})");
  tour.call("PATCH", one, R"({"status":"disabled"})");
  tour.call("POST", one + "/replay", R"({"after":"earliest"})");
  tour.call("DELETE", one);
  tour.call("DELETE", one);
  tour.call("GET", all + "/none");
}

void operate(tour& tour) {
  const auto key = tour.id_of(tour.call("POST", "/v1/keys", R"({"label":"warehouse"})"));
  tour.call("GET", "/v1/keys");
  tour.call("DELETE", "/v1/keys/" + key);
  tour.call("DELETE", "/v1/keys/" + key);
  tour.call("GET", "/v1/test/payments");
  const auto cart = tour.id_of(tour.call("POST", "/v1/carts", R"({"currency":"EUR"})"));
  tour.call("POST", "/v1/test/crash", R"({"entity":"cart/)" + cart + R"("})");
  tour.call("POST", "/v1/test/crash", R"({"entity":"cart/none"})");
  tour.call("GET", "/v1/openapi.json");
  tour.call("GET", "/docs");
}

TEST(api, answers_what_it_describes) {
  tour tour;
  browse(tour);
  buy(tour);
  give_up(tour);
  look_at_stock(tour);
  follow(tour);
  be_told(tour);
  operate(tour);

  // Those that look at a process, or spool a file, need a real one.
  const std::set<std::string> of_processes{"start_import",    "get_import",   "show_tree",     "show_status",
                                           "show_quarantine", "show_cluster", "order_cluster", "show_digest"};
  for (const auto& route : gateway::routes()) {
    const std::string name{route.name};
    if (of_processes.contains(name)) continue;
    const auto well = [&](const std::string& each) { return each.starts_with(name + " 2"); };
    EXPECT_TRUE(std::any_of(tour.seen().begin(), tour.seen().end(), well))
        << name << " was not answered well";
  }
}

}  // namespace
}  // namespace souk::testkit
