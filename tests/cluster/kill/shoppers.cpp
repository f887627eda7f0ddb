#include "tests/cluster/kill/shoppers.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <random>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace souk::cluster_test {
namespace {

namespace json = boost::json;

/// Per cent of the requests whose sender does not wait for a second try.
constexpr unsigned give_up_per_cent = 5;

[[noreturn]] void break_off(const recorded& asked) {
  throw std::runtime_error(
      fmt::format("POST {} {} -> {} {}", asked.target, asked.body, asked.status, asked.answer));
}

json::object read_object(const recorded& asked) {
  const json::value read = json::parse(asked.answer);
  if (!read.is_object()) break_off(asked);
  return read.as_object();
}

std::string text_in(const json::object& object, std::string_view member) {
  const json::value* found = object.if_contains(member);
  return found != nullptr && found->is_string() ? std::string{found->get_string()} : std::string{};
}

/// The id of the order in a checkout's body, or nothing.
std::string order_in(const json::object& checkout) {
  const json::value* order = checkout.if_contains("order");
  return order != nullptr && order->is_object() ? text_in(order->get_object(), "id") : std::string{};
}

}  // namespace

/// One shopper, or the one who fills the shelves.
struct shoppers::person {
  person(bench::event_loop& loop, const bench::shop& shop, std::uint64_t seed)
      : link(loop, shop.server), text(shop.server, shop.key), staff(!shop.key.empty()), random(seed) {}

  unsigned draw(unsigned below) { return static_cast<unsigned>(random() % below); }

  bench::connection link;
  bench::request_text text;
  bool staff;
  std::mt19937_64 random;
};

shoppers::shoppers(bench::shop guest, bench::shop staff, shelf shelf, unsigned count, std::uint64_t seed)
    : guest_(std::move(guest)),
      staff_(std::move(staff)),
      shelf_(std::move(shelf)),
      seed_(seed),
      count_(count),
      thread_([this] { work(); }) {}

shoppers::~shoppers() {
  closing_ = true;
  abandoned_ = true;
  if (thread_.joinable()) thread_.join();
}

bool shoppers::wait_for_answers(std::uint64_t more) {
  std::unique_lock lock{mutex_};
  const std::uint64_t enough = answers_ + more;
  changed_.wait(lock, [&] { return ended_ || answers_ >= enough; });
  return !ended_;
}

void shoppers::finish() {
  closing_ = true;
  thread_.join();
  if (error_) std::rethrow_exception(error_);
}

void shoppers::work() {
  try {
    for (unsigned i = 0; i < count_; ++i)
      loop_.spawn(shop_all_day(seed_ * 1000 + i));
    loop_.spawn(restock_all_day(seed_ * 1000 + count_));
    loop_.run();
  } catch (...) {
    error_ = std::current_exception();
  }
  const std::scoped_lock lock{mutex_};
  ended_ = true;
  changed_.notify_all();
}

bench::task<void> shoppers::shop_all_day(std::uint64_t seed) {
  person person{loop_, guest_, seed};
  while (!closing_ && !loop_.failed())
    co_await buy_once(person);
}

/// A keyed adjustment that was repeated must count once; its reference would tell if it counted twice.
bench::task<void> shoppers::restock_all_day(std::uint64_t seed) {
  person person{loop_, staff_, seed};
  for (std::uint64_t number = 0; !closing_ && !loop_.failed(); ++number) {
    const std::string sku = shelf_.skus[person.draw(static_cast<unsigned>(shelf_.skus.size()))];
    recorded* asked = co_await ask(
        person, "/v1/inventory/adjustments",
        fmt::format(R"({{"sku": "{}", "delta": 3, "reason": "received", "reference": "delivery {}"}})", sku,
                    number));
    // Nobody may count on what got no answer: ask until one comes.
    while (!asked->definite() && !abandoned_ && !loop_.failed()) {
      bench::http_answer* answer = co_await patience_.send(
          person.link, person.text.post(asked->target, asked->key, asked->body), times_);
      if (bench::is_passing(*answer)) continue;
      asked->status = answer->status;
      asked->answer = answer->body;
      asked->etag = answer->etag;
    }
    if (!asked->definite()) co_return;
    if (asked->status != 201) break_off(*asked);
    shelf_.received[sku] += 3;
  }
}

bench::task<void> shoppers::buy_once(person& person) {
  recorded* made = co_await ask(person, "/v1/carts", R"({"currency": "EUR"})");
  if (!made->definite()) co_return;
  if (made->status != 201) break_off(*made);
  sale sale;
  sale.cart = text_in(read_object(*made), "id");

  std::string items;
  for (unsigned line = 0; line <= person.draw(3); ++line)
    items +=
        fmt::format(R"({}{{"sku": "{}", "quantity": {}}})", items.empty() ? "" : ", ",
                    shelf_.skus[person.draw(static_cast<unsigned>(shelf_.skus.size()))], 1 + person.draw(2));
  const recorded* filled =
      co_await ask(person, "/v1/carts/" + sale.cart + "/items", R"({"items": [)" + items + "]}");
  if (!filled->definite()) co_return;
  if (filled->status != 200) break_off(*filled);
  const std::int64_t version = read_object(*filled).at("version").as_int64();

  co_await check_out(person, sale, version);
  if (sale.expect == expectation::order && person.draw(10) == 0) co_await come_back(person, sale, version);
  sales_.push_back(std::move(sale));
}

bench::task<void> shoppers::check_out(person& person, sale& sale, std::int64_t version) {
  const bool at_once = person.draw(3) != 0;
  const std::string token = pick_token(person);
  const std::string payment =
      at_once ? fmt::format(R"(, "payment": {{"provider": "test", "token": "{}"}})", token) : std::string{};
  const recorded* asked =
      co_await ask(person, "/v1/checkouts",
                   fmt::format(R"({{"cart_id": "{}", "cart_version": {}{}}})", sale.cart, version, payment));
  settle(sale, *asked);
  if (!asked->definite() || sale.expect == expectation::order) co_return;
  const json::object answer = read_object(*asked);
  if (asked->status == 201) {
    const std::string checkout = text_in(answer, "id");
    if (at_once) co_return;  // 3-D Secure, and nobody authenticates: it expires.
    if (person.draw(8) == 0) {
      co_await cancel(person, sale, checkout);
    } else {
      co_await complete(person, sale, checkout, token);
    }
  } else if (asked->status == 402 && person.draw(2) == 0) {
    co_await complete(person, sale, text_in(answer, "checkout_id"), "tok_ok");
  }
}

bench::task<void> shoppers::complete(person& person, sale& sale, const std::string& checkout,
                                     const std::string& token) {
  const recorded* asked =
      co_await ask(person, "/v1/checkouts/" + checkout + "/complete",
                   fmt::format(R"({{"payment": {{"provider": "test", "token": "{}"}}}})", token));
  settle(sale, *asked);
}

bench::task<void> shoppers::cancel(person& person, sale& sale, const std::string& checkout) {
  const recorded* asked = co_await ask(person, "/v1/checkouts/" + checkout + "/cancel", "{}");
  if (asked->definite() && asked->status != 200 && asked->status != 410) break_off(*asked);
  sale.expect = expectation::no_order;
}

/// The same cart under a new key: it is sold, and must say so. The cart hears of its order after the buyer
/// does, and until then it names the checkout, which knows.
bench::task<void> shoppers::come_back(person& person, const sale& sale, std::int64_t version) {
  const recorded* asked =
      co_await ask(person, "/v1/checkouts",
                   fmt::format(R"({{"cart_id": "{}", "cart_version": {}, "payment": {{"provider": "test",
                               "token": "tok_ok"}}}})",
                               sale.cart, version));
  if (!asked->definite()) co_return;
  if (asked->status != 409) break_off(*asked);
  const json::object refusal = read_object(*asked);
  std::string order = text_in(refusal, "order_id");
  if (order.empty()) {
    const std::string target = "/v1/checkouts/" + text_in(refusal, "checkout_id");
    const bench::http_answer* checkout =
        co_await patience_.send(person.link, person.text.get(target), times_);
    if (bench::is_passing(*checkout)) co_return;
    order = order_in(json::parse(checkout->body).as_object());
  }
  if (order != sale.order) break_off(*asked);
}

/// Asks once and, unless this person gives up, again under the same key until a definite answer comes.
bench::task<recorded*> shoppers::ask(person& person, std::string target, std::string body) {
  recorded& asked = requests_.emplace_back();
  asked.target = std::move(target);
  asked.body = std::move(body);
  asked.key = fmt::format("{:016x}-{}", seed_, ++keys_);
  asked.staff = person.staff;
  const std::string_view request = person.text.post(asked.target, asked.key, asked.body);
  bench::http_answer* answer = nullptr;
  if (!person.staff && person.draw(100) < give_up_per_cent) {
    answer = &co_await person.link.send(request);
  } else {
    answer = co_await patience_.send(person.link, request, times_);
  }
  if (!bench::is_passing(*answer)) {
    asked.status = answer->status;
    asked.answer = answer->body;
    asked.etag = answer->etag;
  }
  count_answer();
  co_return &asked;
}

/// What a sale must come to after an answer to a payment or a checkout.
void shoppers::settle(sale& sale, const recorded& asked) {
  if (!asked.definite()) {
    sale.expect = expectation::unknown;
    return;
  }
  const json::object answer = read_object(asked);
  if (asked.status == 200 || asked.status == 201) {
    sale.order = order_in(answer);
    if (sale.order.empty()) return;
    sale.expect = expectation::order;
    for (const json::value& total : answer.at("totals").as_array())
      if (total.at("type").as_string() == "total") sale.total = total.at("amount").as_int64();
    return;
  }
  const bool refused = asked.status == 402 || asked.status == 410 ||
                       (asked.status == 409 && text_in(answer, "code") == "insufficient_stock");
  if (!refused) break_off(asked);
}

std::string shoppers::pick_token(person& person) {
  const unsigned draw = person.draw(100);
  if (draw < 8) return "tok_declined";
  if (draw < 14) return "tok_timeout";
  if (draw < 18) return "tok_lost";
  if (draw < 26) return "tok_flaky";
  if (draw < 30) return "tok_3ds";
  return "tok_ok";
}

void shoppers::count_answer() {
  const std::scoped_lock lock{mutex_};
  ++answers_;
  changed_.notify_all();
}

}  // namespace souk::cluster_test
