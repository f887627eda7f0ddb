#include "actors/testkit/simulated_shopper.hpp"

#include "actors/json/reader.hpp"
#include "actors/testkit/json_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <utility>

namespace souk::testkit {

namespace {

using namespace std::chrono_literals;

// What a customer waits for an answer before asking again, at another node.
constexpr std::chrono::milliseconds patience = 8s;
// Who pays about when the time is over begins so long before, and ends a little later. A silent provider is
// waited for 2 s.
constexpr std::chrono::milliseconds before_the_end = 3s;
constexpr std::uint64_t about_the_end_ms = 3'500;

// Thousandths of a dollar in cents, half a cent to the even one.
std::int64_t line_total(std::int64_t thousandths) {
  const auto cents = thousandths / 10;
  const auto rest = thousandths % 10;
  return cents + (rest > 5 || (rest == 5 && cents % 2 != 0) ? 1 : 0);
}

// Most pay at once; the others are what a provider may do.
constexpr std::array<const char*, 8> tokens{"tok_ok",       "tok_ok",      "tok_ok",   "tok_ok",
                                            "tok_declined", "tok_timeout", "tok_lost", "tok_flaky"};

}  // namespace

/// One request, until it is answered for good.
struct simulated_shopper::request {
  std::string method;
  std::string target;
  std::string body;
  std::string key;
  bool staff = false;
  handler then;
  std::uint64_t attempt = 0;  // 0: it waits to be sent again
};

simulated_shopper::simulated_shopper(simulated_cluster& cluster, shopping_record& record,
                                     const all_goods& goods, std::string name, std::uint64_t seed,
                                     const shopping_habits& habits)
    : cluster_(cluster),
      record_(record),
      goods_(goods),
      name_(std::move(name)),
      random_(seed),
      habits_(habits) {}

simulated_shopper::~simulated_shopper() { *here_ = false; }

void simulated_shopper::begin() {
  if (!finished()) later(milliseconds{draw(500)}, [this] { look_around(habits_.pages); });
}

std::string simulated_shopper::waiting_for() const {
  std::string text = name_ + " waits for";
  for (const auto& each : open_)
    text += " " + each->method + " " + each->target + " " + each->key + " " + each->body;
  return open_.empty() ? text + " nothing" : text;
}

// -- asking until there is an answer -----------------------------------------------------------------

void simulated_shopper::later(milliseconds in, std::function<void()> what) {
  cluster_.fleet().at(cluster_.fleet().now() + in, [here = here_, what = std::move(what)] {
    if (*here) what();
  });
}

void simulated_shopper::ask(std::string method, std::string target, std::string body, bool keyed, bool staff,
                            handler then) {
  open_.push_back(std::make_shared<request>(request{std::move(method), std::move(target), std::move(body),
                                                    keyed ? name_ + "-" + std::to_string(++keys_) : "", staff,
                                                    std::move(then)}));
  try_once(open_.back());
}

void simulated_shopper::try_once(const std::shared_ptr<request>& asked) {
  const auto attempt = asked->attempt = ++attempts_;
  const auto& names = cluster_.names();
  simulated_cluster::fields fields;
  if (!asked->key.empty()) fields.emplace_back("idempotency-key", asked->key);
  if (asked->staff) fields.push_back(cluster_.staff());
  if (!address_.empty()) fields.emplace_back("forwarded", "for=" + address_);
  const auto take_it = [this, asked, attempt, here = here_](const gateway::http_response& response) {
    if (*here) take(asked, attempt, response);
  };
  cluster_.send(names[draw(names.size())], asked->method, asked->target, asked->body, std::move(fields),
                take_it);
  later(patience, [this, asked, attempt] { take(asked, attempt, {.status = 0, .fields = {}, .body = {}}); });
}

void simulated_shopper::take(const std::shared_ptr<request>& asked, std::uint64_t attempt,
                             const gateway::http_response& response) {
  if (asked->attempt != attempt) return;  // it was given up, or answered
  asked->attempt = 0;
  if (!is_certain(response)) {
    ++record_.repeats;
    later(milliseconds{50 + draw(400)}, [this, asked] { try_once(asked); });
    return;
  }
  ++record_.answers;
  if (asked->method != "GET") ++record_.writes;
  std::erase(open_, asked);
  asked->then(response);
}

void simulated_shopper::expect(bool right, const std::string& what, const gateway::http_response& response) {
  if (right) return;
  record_.findings.push_back(name_ + ": " + what + ", but " + std::to_string(response.status) + " " +
                             response.body);
}

// -- a purchase --------------------------------------------------------------------------------------

const std::string& simulated_shopper::draw_sku() {
  return std::next(goods_.begin(), static_cast<std::ptrdiff_t>(draw(goods_.size())))->first;
}

// Pages of goods, most of them of a variant; the shelves, the search and what is in stock now and then.
void simulated_shopper::look_around(std::size_t pages) {
  if (pages == 0) return make_cart();
  const auto& sku = draw_sku();
  auto target = "/v1/variants/" + sku;
  const auto which = draw(8);
  if (which == 0) target = "/v1/products?limit=20";
  if (which == 1) target = "/v1/search?q=" + sku;
  if (which == 2) target = "/v1/inventory/levels?sku=" + sku;
  if (which == 3 && !product_.empty()) target = "/v1/products/" + product_;
  ask("GET", std::move(target), "", false, which == 2, [this, pages, which](const auto& response) {
    expect(response.status == 200, "a page is shown", response);
    if (which > 3) product_ = member_of(response.body, "product_id");
    later(draw(habits_.click), [this, pages] { look_around(pages - 1); });
  });
}

void simulated_shopper::make_cart() {
  ask("POST", "/v1/carts", R"({"currency":"USD"})", true, false, [this](const auto& response) {
    expect(response.status == 201, "a cart is made", response);
    cart_ = member_of(response.body, "id");
    if (cart_.empty()) return end_purchase();
    later(draw(habits_.click), [this] { fill(); });
  });
}

void simulated_shopper::fill() {
  wanted_.clear();
  std::string items;
  for (auto lines = 1 + draw(3); lines > 0; --lines) {
    const auto& sku = draw_sku();
    const auto units = static_cast<std::int64_t>(1 + draw(3));
    wanted_[sku] += units;
    items += fmt::format(R"({}{{"sku":"{}","quantity":{}}})", items.empty() ? "" : ",", sku, units);
  }
  ask("POST", "/v1/carts/" + cart_ + "/items", R"({"items":[)" + items + "]}", true, false,
      [this](const auto& response) {
        expect(response.status == 200, "items are added", response);
        version_ = member_of(response.body, "version");
        if (response.status != 200) return end_purchase();
        later(draw(habits_.click), [this] { draw(3) == 0 ? look_at_cart() : check_out(); });
      });
}

// Nobody else knows this cart: any node must show it as it was left.
void simulated_shopper::look_at_cart() {
  ask("GET", "/v1/carts/" + cart_, "", false, false, [this](const auto& response) {
    expect(response.status == 200 && member_of(response.body, "version") == version_,
           "the cart is at version " + version_, response);
    check_out();
  });
}

// From one window; or from two at once, of which at most one may sell; or while the cart is changed, which
// must not go together with a sale of what it was before.
void simulated_shopper::check_out() {
  sold_ = windows_ = 0;
  changed_ = false;
  const auto how = draw(10);
  if (how == 2 || how == 3) return open_checkout();
  windows_begun_ = how < 2 ? 2 : 1;
  if (how == 1) change_meanwhile();
  order_cart(tokens[draw(tokens.size())]);
  if (how != 0) return;
  ++record_.events["a cart went out from two windows"];
  order_cart("tok_ok");
}

void simulated_shopper::order_cart(const std::string& token) {
  ++windows_;
  const auto body = R"({"cart_id":")" + cart_ + R"(","cart_version":)" + version_ +
                    R"(,"payment":{"provider":"test","token":")" + token + R"("}})";
  ask("POST", "/v1/checkouts", body, true, false, [this, body, key = next_key()](const auto& response) {
    if (response.status == 201) {
      take_sale("/v1/checkouts", body, key, response);
    } else {
      refused(response, windows_begun_ > 1);
    }
    end_window();
  });
}

void simulated_shopper::refused(const gateway::http_response& response, bool may_be_overtaken) {
  const auto code = member_of(response.body, "code");
  const bool overtaken = may_be_overtaken && (code == "invalid_state" || code == "version_conflict");
  const bool limited = !address_.empty() && code == "hold_limit_reached";
  expect(
      overtaken || limited || code == "insufficient_stock" || code == "payment_declined" || code == "expired",
      "a checkout sells or says why not", response);
  ++record_.events["refused: " + code];
}

// The goods first, and the money later: soon, about when the time is over, or never.
void simulated_shopper::open_checkout() {
  const auto body = R"({"cart_id":")" + cart_ + R"(","cart_version":)" + version_ + "}";
  ask("POST", "/v1/checkouts", body, true, false, [this](const auto& response) {
    if (response.status != 201) {
      refused(response, false);
      return end_purchase();
    }
    const auto checkout = member_of(response.body, "id");
    const auto what = draw(4);
    if (what == 0) return cancel_checkout(checkout);
    auto wait = draw(habits_.click);
    if (what == 1 && dawdles_left_ > 0) {
      --dawdles_left_;
      wait = hold_ttl - before_the_end + milliseconds{draw(about_the_end_ms)};
    }
    later(wait, [this, checkout] { pay(checkout); });
  });
}

void simulated_shopper::pay(const std::string& checkout) {
  const auto target = "/v1/checkouts/" + checkout + "/complete";
  const auto body =
      fmt::format(R"({{"payment":{{"provider":"test","token":"{}"}}}})", tokens[draw(tokens.size())]);
  ask("POST", target, body, true, false, [this, target, body, key = next_key()](const auto& response) {
    if (response.status != 200) {
      refused(response, false);
      return end_purchase();
    }
    take_sale(target, body, key, response);
    go_on_after_sale();
  });
}

void simulated_shopper::cancel_checkout(const std::string& checkout) {
  ask("POST", "/v1/checkouts/" + checkout + "/cancel", "", true, false, [this](const auto& response) {
    expect(response.status == 200 || member_of(response.body, "code") == "expired", "a checkout is canceled",
           response);
    end_purchase();
  });
}

void simulated_shopper::change_meanwhile() {
  ++record_.events["a cart was changed while it was ordered"];
  ++windows_;
  const auto& sku = wanted_.begin()->first;
  ask("POST", "/v1/carts/" + cart_ + "/items", R"({"items":[{"sku":")" + sku + R"(","quantity":1}]})", true,
      false, [this](const auto& response) {
        const auto code = member_of(response.body, "code");
        changed_ = response.status == 200;
        expect(changed_ || code == "invalid_state", "a cart is changed, or is ordered", response);
        end_window();
      });
}

void simulated_shopper::end_window() {
  if (--windows_ > 0) return;
  if (sold_ > 1) record_.findings.push_back(name_ + ": one cart was sold twice: " + cart_);
  if (sold_ > 0 && changed_)
    record_.findings.push_back(name_ + ": a cart was changed, and sold as it had been: " + cart_);
  if (sold_ == 0) return end_purchase();
  go_on_after_sale();
}

void simulated_shopper::take_sale(const std::string& target, const std::string& body, const std::string& key,
                                  const gateway::http_response& response) {
  shopping_record::sale sale;
  sale.order = member_of(member_of(response.body, "order"), "id");
  sale.answer = response.body;
  sale.key = key;
  sale.target = target;
  sale.body = body;
  sale.units = wanted_;
  for (const auto& [sku, units] : wanted_)
    sale.total += line_total(units * goods_.at(sku).thousandths);
  expect(!sale.order.empty() && member_of(response.body, "status") == "completed", "a checkout is completed",
         response);
  record_.sales.push_back(std::move(sale));
  ++sold_;
  last_sale_ = record_.sales.size() - 1;
}

void simulated_shopper::go_on_after_sale() {
  switch (draw(6)) {
    case 0:
      return cancel(last_sale_);
    case 1:
    case 2:
      return look_at_order(last_sale_);
    default:
      return end_purchase();
  }
}

void simulated_shopper::look_at_order(std::size_t sale) {
  ask("GET", "/v1/orders/" + record_.sales[sale].order, "", false, false, [this, sale](const auto& response) {
    expect(response.status == 200 && member_of(response.body, "status") == "placed",
           "order " + record_.sales[sale].order + " is placed", response);
    end_purchase();
  });
}

void simulated_shopper::cancel(std::size_t sale) {
  ask("POST", "/v1/orders/" + record_.sales[sale].order + "/cancel", R"({"reason":"changed my mind"})", true,
      true, [this, sale](const auto& response) {
        expect(response.status == 200, "order " + record_.sales[sale].order + " is canceled", response);
        record_.sales[sale].canceled = response.status == 200;
        end_purchase();
      });
}

void simulated_shopper::end_purchase() {
  cart_.clear();
  if (--habits_.purchases > 0) later(draw(habits_.rest), [this] { look_around(habits_.pages); });
}

}  // namespace souk::testkit
