#include "actors/order/order_json.hpp"

#include "actors/cart/line.hpp"
#include "actors/json/etag.hpp"
#include "actors/json/writer.hpp"

#include <algorithm>
#include <utility>

namespace souk::order {
namespace {

void write_payments(json::writer& out, const pb::Place& order) {
  out.key("payments").begin_array();
  for (const auto& payment : order.payments()) {
    out.begin_object();
    out.key("id").string(payment.id());
    out.key("status").string(payment.status());
    out.key("amount").money(payment.amount().amount(), payment.amount().currency());
    out.end_object();
  }
  out.end_array();
}

void write_history(json::writer& out, const pb::StateRow& row) {
  out.key("history").begin_array();
  for (const auto& happened : row.history()) {
    out.begin_object();
    out.key("at").time(runtime::from_ms(happened.at_ms()));
    out.key("type").string(happened.type());
    if (happened.type() == status::canceled) {
      if (!happened.detail().empty()) out.key("reason").string(happened.detail());
    } else if (!happened.detail().empty()) {
      out.key("payment_id").string(happened.detail());
    }
    out.end_object();
  }
  out.end_array();
}

}  // namespace

std::string_view payment_status_of(const order_state& order) {
  const auto& payments = order.row.order().payments();
  const auto charged = order.payments_charged();
  const bool any_refunded =
      std::ranges::any_of(payments, [](const auto& payment) { return payment.status() == "refunded"; });
  if (charged == payments.size()) return "paid";
  if (charged > 0) return "partially_refunded";
  return any_refunded ? "refunded" : "voided";
}

runtime::answer to_answer(const order_state& order) {
  const auto& row = order.row;
  const auto& placed = row.order();
  json::writer out;
  out.reserve(1024 + static_cast<std::size_t>(placed.lines_size()) * 192);
  out.begin_object();
  out.key("id").string(placed.order_id());
  out.key("number").string(number_of(placed.order_id()));
  out.key("version").integer(static_cast<std::int64_t>(row.version()));
  out.key("status").string(row.status());
  out.key("payment_status").string(payment_status_of(order));
  out.key("fulfillment_status").string("unfulfilled");
  out.key("checkout_id").string(placed.checkout_id());
  out.key("cart_id").string(placed.cart_id());
  if (!placed.customer_id().empty()) out.key("customer_id").string(placed.customer_id());
  if (!placed.email().empty()) out.key("email").string(placed.email());
  if (!placed.shipping_address_json().empty())
    out.key("shipping_address").raw(placed.shipping_address_json());
  out.key("currency").string(placed.currency());
  out.key("lines").begin_array();
  for (const auto& line : placed.lines())
    cart::write_line(out, line);
  out.end_array();
  cart::write_totals(out.key("totals"), placed.totals(), placed.currency());
  write_payments(out, placed);
  write_history(out, row);
  out.key("placed_at").time(runtime::from_ms(row.placed_at_ms()));
  out.end_object();

  runtime::answer answer;
  answer.body = std::move(out).take();
  answer.etag = json::etag_of(row.version());
  return answer;
}

}  // namespace souk::order
