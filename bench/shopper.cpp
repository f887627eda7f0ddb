#include "bench/shopper.hpp"

#include "bench/goods.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace souk::bench {
namespace {

namespace json = boost::json;

// Members of answers without exceptions: a load generator meets wrong answers too.
const json::value* find(const json::value& object, std::string_view name) {
  return object.is_object() ? object.get_object().if_contains(name) : nullptr;
}

std::string_view text_in(const json::value& object, std::string_view name) {
  const json::value* found = find(object, name);
  if (found == nullptr || !found->is_string()) return {};
  return {found->get_string().data(), found->get_string().size()};
}

constexpr std::int64_t no_number = -1;

std::int64_t number_in(const json::value& object, std::string_view name) {
  const json::value* found = find(object, name);
  return found != nullptr && found->is_int64() ? found->get_int64() : no_number;
}

std::int64_t total_in(const json::value& body) {
  const json::value* totals = find(body, "totals");
  if (totals == nullptr || !totals->is_array()) return no_number;
  for (const json::value& total : totals->get_array()) {
    if (text_in(total, "type") == "total") return number_in(total, "amount");
  }
  return no_number;
}

bool line_is(const json::value& line, const wish& wish) {
  const json::value* price = find(line, "unit_price");
  const json::value* total = find(line, "total");
  return price != nullptr && total != nullptr && text_in(line, "sku") == wish.sku &&
         number_in(line, "quantity") == wish.quantity && number_in(*price, "amount") == wish.price &&
         number_in(*total, "amount") == wish.price * wish.quantity;
}

}  // namespace

std::string shopping_tally::note_error(const http_answer& answer) {
  problem_text problem = read_problem(answer);
  ++errors[problem.code];
  first_errors.try_emplace(problem.code, std::move(problem.detail));
  return std::move(problem.code);
}

void shopping_tally::note_wrong(std::string what) {
  ++errors["wrong_answer"];
  if (wrong.size() < wrong_shown_max) wrong.push_back(std::move(what));
}

void shopping_tally::add_errors(const shopping_tally& other) {
  for (const auto& [code, count] : other.errors)
    errors[code] += count;
  first_errors.insert(other.first_errors.begin(), other.first_errors.end());
  for (const std::string& what : other.wrong) {
    if (wrong.size() < wrong_shown_max) wrong.push_back(what);
  }
}

std::uint64_t shopping_tally::wrong_count() const {
  const auto found = errors.find("wrong_answer");
  return found == errors.end() ? 0 : found->second;
}

shopper::shopper(event_loop& loop, const endpoint& server, shopping_tally& tally)
    : hands_(loop, {server, {}}),
      tally_(tally),
      cart_times_(tally.times["cart"]),
      items_times_(tally.times["items"]),
      checkout_times_(tally.times["checkout"]) {}

task<const http_answer*> shopper::post(histogram& times, std::string_view target, std::string_view body,
                                       std::string_view fields) {
  const std::string_view request = hands_.text.post(target, keys_.next(), body, fields);
  const http_answer& answer = co_await hands_.link.send(request);
  co_return count(times, answer);
}

const http_answer* shopper::count(histogram& times, const http_answer& answer) {
  const bool turned_away = answer.status == 503 || answer.status == 429;
  if (answer.status != 0) (turned_away ? tally_.times["refused"] : times).record(answer.elapsed_ns);
  if (answer.ok()) return &answer;
  refusal_ = tally_.note_error(answer);
  return nullptr;
}

task<bool> shopper::shop_for(const std::vector<wish>& wishes) {
  const bool opened = co_await open_cart();
  if (!opened) co_return false;
  const bool added = co_await add(wishes);
  if (!added) co_return false;
  const bool bought = co_await buy();
  for (const wish& wish : wishes) {
    if (tally_.sold_skus.size() < shopping_tally::sold_skus_max) tally_.sold_skus.emplace(wish.sku);
  }
  co_return bought;
}

task<bool> shopper::open_cart() {
  body_.assign(R"({"currency":")").append(goods_currency).append("\"}");
  const http_answer* answer = co_await post(cart_times_, "/v1/carts", body_);
  if (answer == nullptr) co_return false;
  const json::value& cart = reader_.read(*answer);
  cart_.id = text_in(cart, "id");
  cart_.version = number_in(cart, "version");
  const bool right =
      answer->status == 201 && !cart_.id.empty() && cart_.version >= 0 && text_in(cart, "status") == "open";
  if (!right) tally_.note_wrong("a new cart: " + answer->body);
  co_return right;
}

task<bool> shopper::add(const std::vector<wish>& wishes) {
  body_.assign(R"({"items":[)");
  cart_.total = 0;
  for (const wish& wish : wishes) {
    body_.append(cart_.total == 0 ? R"({"sku":")" : R"(,{"sku":")")
        .append(wish.sku)
        .append(R"(","quantity":)");
    body_.append(std::to_string(wish.quantity)).append("}");
    cart_.total += wish.price * wish.quantity;
  }
  body_.append("]}");
  target_.assign("/v1/carts/").append(cart_.id).append("/items");
  const http_answer* answer = co_await post(items_times_, target_, body_);
  if (answer == nullptr) co_return false;
  const json::value& cart = reader_.read(*answer);
  cart_.version = number_in(cart, "version");
  const bool right = answer->status == 200 && adds_up(cart, wishes);
  if (!right) tally_.note_wrong("a cart after adding: " + answer->body);
  co_return right;
}

bool shopper::adds_up(const json::value& body, const std::vector<wish>& wishes) const {
  const json::value* lines = find(body, "lines");
  if (lines == nullptr || !lines->is_array() || lines->get_array().size() != wishes.size()) return false;
  const json::array& there = lines->get_array();
  const bool all = std::all_of(wishes.begin(), wishes.end(), [&there](const wish& wish) {
    return std::any_of(there.begin(), there.end(),
                       [&wish](const json::value& line) { return line_is(line, wish); });
  });
  return all && total_in(body) == cart_.total;
}

task<bool> shopper::buy() {
  body_.assign(R"({"cart_id":")")
      .append(cart_.id)
      .append(R"(","cart_version":)")
      .append(std::to_string(cart_.version));
  body_.append(R"(,"payment":{"provider":"test","token":"tok_ok"}})");
  const http_answer* answer = co_await post(checkout_times_, "/v1/checkouts", body_);
  if (answer == nullptr) co_return false;
  const json::value& checkout = reader_.read(*answer);
  const json::value* order = find(checkout, "order");
  order_id_ = order == nullptr ? std::string_view{} : text_in(*order, "id");
  const bool right = answer->status == 201 && text_in(checkout, "status") == "completed" &&
                     !order_id_.empty() && total_in(checkout) == cart_.total && !answer->replayed &&
                     tally_.orders.insert(order_id_).second;
  if (!right) tally_.note_wrong("a checkout: " + answer->body);
  co_return right;
}

task<bool> shopper::look(const std::vector<wish>& wishes) {
  target_.assign("/v1/carts/").append(cart_.id);
  const std::string_view request = hands_.text.get(target_);
  const http_answer& sent = co_await hands_.link.send(request);
  const http_answer* answer = count(tally_.times["get"], sent);
  if (answer == nullptr) co_return false;
  const json::value& cart = reader_.read(*answer);
  const bool right = answer->status == 200 && text_in(cart, "id") == cart_.id && adds_up(cart, wishes);
  if (!right) tally_.note_wrong("a cart that was read: " + answer->body);
  co_return right;
}

task<bool> shopper::add_unit(wish& wanted) {
  body_.assign(R"({"sku":")").append(wanted.sku).append(R"(","quantity":1})");
  target_.assign("/v1/carts/").append(cart_.id).append("/items");
  const http_answer* answer =
      co_await post(tally_.times["add"], target_, body_, "Prefer: return=minimal\r\n");
  if (answer == nullptr) co_return false;
  ++wanted.quantity;
  cart_.total += wanted.price;
  const json::value& cart = reader_.read(*answer);
  const std::int64_t before = std::exchange(cart_.version, number_in(cart, "version"));
  const json::value* lines = find(cart, "lines");
  const bool right = answer->status == 200 && cart_.version > before && lines != nullptr &&
                     lines->is_array() && lines->get_array().size() == 1 &&
                     line_is(lines->get_array().front(), wanted) && total_in(cart) == cart_.total;
  if (!right) tally_.note_wrong("a minimal answer to adding a unit: " + answer->body);
  co_return right;
}

void write_errors(souk::json::writer& out, const shopping_tally& tally) {
  out.key("errors").begin_object();
  for (const auto& [code, count] : tally.errors)
    out.key(code).integer(static_cast<std::int64_t>(count));
  out.end_object().key("first_errors").begin_object();
  for (const auto& [code, detail] : tally.first_errors)
    out.key(code).string(detail);
  out.end_object();
}

void print_errors(const shopping_tally& tally) {
  for (const auto& [code, count] : tally.errors)
    fmt::print("errors {}: {}\n", code, count);
  for (const auto& [code, detail] : tally.first_errors)
    fmt::print("the first {}: {}\n", code, detail);
  for (const std::string& what : tally.wrong)
    fmt::print("wrong: {}\n", what);
}

}  // namespace souk::bench
