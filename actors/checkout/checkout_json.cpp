#include "actors/checkout/checkout_json.hpp"

#include "actors/cart/line.hpp"
#include "actors/json/etag.hpp"
#include "actors/json/writer.hpp"
#include "actors/stock/stock.hpp"

#include <string>
#include <utility>

namespace souk::checkout {
namespace {

// What clients call it: opening is completing's first part, and what failed holds nothing, as if canceled.
std::string_view shown_status(const checkout_state& checkout) {
  if (checkout.is(status::opening) || !checkout.row.aborting().empty()) return status::completing;
  if (checkout.is(status::failed)) return status::canceled;
  return checkout.row.status();
}

void write_holds(json::writer& out, const checkout_state& checkout) {
  out.key("holds").begin_array();
  for (const auto& line : checkout.lines) {
    if (!checkout.is_live() || line.status() != "held") continue;
    out.begin_object();
    out.key("id").string(line.hold_id());
    out.key("sku").string(line.line().sku());
    out.key("location").string(stock::default_location);
    out.key("quantity").integer(line.line().quantity());
    out.key("expires_at").time(runtime::from_ms(checkout.row.expires_at_ms()));
    out.end_object();
  }
  out.end_array();
}

void write_messages(json::writer& out, const checkout_state& checkout) {
  out.key("messages").begin_array();
  for (const auto& line : checkout.lines) {
    if (line.status() != "held" || cart::same_price(line.line().unit_price(), line.cart_price())) continue;
    out.begin_object();
    out.key("code").string("price_changed");
    out.key("line_id").string(line.line().id());
    out.key("sku").string(line.line().sku());
    out.key("detail").string("Its price is another one than in the cart.");
    out.key("cart_price").unit_price(line.cart_price());
    out.key("unit_price").unit_price(line.line().unit_price());
    out.end_object();
  }
  if (checkout.row.has_failure()) {
    out.begin_object();
    out.key("code").string(checkout.row.failure().code());
    out.key("detail").string(checkout.row.failure().detail());
    out.end_object();
  }
  out.end_array();
}

void write_payment(json::writer& out, const pb::StateRow& row) {
  if (row.payment_id().empty()) return;
  out.key("payment").begin_object();
  out.key("id").string(row.payment_id());
  out.key("status").string(row.payment_status());
  if (!row.payment_code().empty()) out.key("code").string(row.payment_code());
  out.end_object();
}

void write_buyer(json::writer& out, const pb::Create& request) {
  if (!request.cart().customer_id().empty()) out.key("customer_id").string(request.cart().customer_id());
  if (!request.email().empty()) out.key("email").string(request.email());
  if (!request.shipping_address_json().empty())
    out.key("shipping_address").raw(request.shipping_address_json());
}

json::problem problem_of(const checkout_state& checkout, std::string code, std::string detail) {
  json::problem problem;
  problem.code = std::move(code);
  problem.detail = std::move(detail);
  problem.checkout_id = checkout.row.request().checkout_id();
  return problem;
}

}  // namespace

runtime::answer to_answer(const checkout_state& checkout, int status) {
  const auto& row = checkout.row;
  const auto& currency = row.request().cart().currency();
  json::writer out;
  out.reserve(768 + 384 * checkout.lines.size());
  out.begin_object();
  out.key("id").string(row.request().checkout_id());
  out.key("version").integer(static_cast<std::int64_t>(row.version()));
  out.key("status").string(shown_status(checkout));
  out.key("cart_id").string(row.request().cart_id());
  write_buyer(out, row.request());
  out.key("currency").string(currency);
  out.key("lines").begin_array();
  for (const auto& line : checkout.lines)
    cart::write_line(out, line.line());
  out.end_array();
  cart::write_totals(out.key("totals"), row.totals(), currency);
  write_holds(out, checkout);
  out.key("expires_at").time(runtime::from_ms(row.expires_at_ms()));
  write_payment(out, row);
  if (!row.order_id().empty()) out.key("order").begin_object().key("id").string(row.order_id()).end_object();
  write_messages(out, checkout);
  out.end_object();

  runtime::answer answer;
  answer.status = status;
  answer.body = std::move(out).take();
  answer.etag = json::etag_of(row.version());
  if (status == 201) answer.location = "/v1/checkouts/" + row.request().checkout_id();
  return answer;
}

json::problem failure_of(const checkout_state& checkout) {
  const auto& row = checkout.row;
  auto problem = problem_of(checkout, row.failure().code(), row.failure().detail());
  if (row.claim() == "refused") {
    const auto& answer = row.claim_answer();
    if (answer.refusal() == "version_conflict") problem.current_version = answer.current_version();
    // The one that has the cart is of more use than the one that failed.
    if (!answer.other_checkout_id().empty()) problem.checkout_id = answer.other_checkout_id();
    problem.order_id = answer.other_order_id();
    return problem;
  }
  for (std::size_t i = 0; i < checkout.lines.size(); ++i) {
    const auto& line = checkout.lines[i];
    if (line.status() != "refused") continue;
    const bool short_of = json::status_of(row.failure().code()) == 409;
    problem.errors.push_back({"/lines/" + std::to_string(i), line.code(),
                              "Line " + line.line().id() + ", sku " + line.line().sku() + ".",
                              short_of ? std::optional{line.available()} : std::nullopt});
  }
  return problem;
}

json::problem payment_failure_of(const checkout_state& checkout) {
  const auto& code = checkout.row.payment_code();
  return problem_of(checkout, "payment_declined",
                    "The payment did not go through" + (code.empty() ? "" : " (" + code + ")") +
                        "; the checkout can be completed with another one.");
}

}  // namespace souk::checkout
