#include "actors/testkit/buying.hpp"

#include "actors/testkit/json_text.hpp"

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

namespace souk::testkit {

namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds patience = 60s;
constexpr std::chrono::milliseconds between_attempts = 100ms;
// Every state is on disk by then, whatever the flush interval is: what is compared are rows.
constexpr std::chrono::milliseconds on_disk = 10s;

std::string at_first(simulated_cluster& shop) {
  for (const auto& node : shop.names())
    if (shop.up(node)) return node;
  throw std::logic_error("no node is up");
}

}  // namespace

filled_cart fill_cart(simulated_cluster& shop, const std::string& node, const std::string& sku,
                      std::int64_t units) {
  // Under a key of its own, so that a node that has just gone is no reason not to know what became of it.
  const auto key = fmt::format("cart-{}", shop.fleet().steps());
  const auto made = shop.call(node, "POST", "/v1/carts", R"({"currency":"USD"})", {{"idempotency-key", key}});
  if (made.status != 201) throw std::runtime_error("there is no cart: " + made.body);
  const auto id = member_of(made.body, "id");
  const auto filled = shop.call(node, "POST", "/v1/carts/" + id + "/items",
                                fmt::format(R"({{"sku":"{}","quantity":{}}})", sku, units),
                                {{"idempotency-key", key + "-filled"}});
  if (filled.status != 200) throw std::runtime_error("the cart is not filled: " + filled.body);
  return {id, member_of(filled.body, "version")};
}

void check_out(simulated_cluster& shop, const std::string& node, const filled_cart& cart,
               const std::string& token, simulated_cluster::answer_handler then) {
  const auto payment =
      token.empty() ? "" : fmt::format(R"(,"payment":{{"provider":"test","token":"{}"}})", token);
  shop.send(node, "POST", "/v1/checkouts",
            fmt::format(R"({{"cart_id":"{}","cart_version":{}{}}})", cart.id, cart.version, payment),
            {{"idempotency-key", "checkout-of-" + cart.id}}, std::move(then));
}

gateway::http_response check_out_anywhere(simulated_cluster& shop, const filled_cart& cart,
                                          const std::string& token) {
  const auto give_up_at = shop.fleet().now() + patience;
  for (std::size_t n = 0; shop.fleet().now() < give_up_at; ++n) {
    const auto answer = std::make_shared<std::optional<gateway::http_response>>();
    check_out(shop, shop.names()[n % shop.names().size()], cart, token,
              [answer](const gateway::http_response& response) { *answer = response; });
    shop.run_until([&answer] { return answer->has_value(); }, patience);
    if (*answer && is_certain(**answer)) return **answer;
    shop.advance(between_attempts);
  }
  throw std::runtime_error("cart " + cart.id + " is not checked out");
}

std::string order_in(const gateway::http_response& checkout) {
  return member_of(member_of(checkout.body, "order"), "id");
}

std::string wrong_with(simulated_cluster& shop, const outcome_of_sale& expected) {
  if (!shop.run_until([&shop] { return shop.whole(); }, patience)) return "copies are not in sync";
  shop.advance(on_disk);
  auto wrong = shop.difference();
  const auto audit =
      shop.call(at_first(shop), "GET", "/v1/inventory/audit?sku=" + expected.sku, "", {shop.staff()}).body;
  if (member_of(audit, "on_hand") != std::to_string(expected.left) || member_of(audit, "reserved") != "0" ||
      member_of(audit, "balanced") != "true")
    wrong += fmt::format("{} units of {} should be left: {}\n", expected.left, expected.sku, audit);
  const auto books = member_of(shop.provider_books(), "summary");
  if (member_of(books, "charged") != std::to_string(expected.charges) ||
      member_of(books, "duplicates") != "0")
    wrong += fmt::format("{} charges should stand: {}\n", expected.charges, books);
  return wrong;
}

}  // namespace souk::testkit
