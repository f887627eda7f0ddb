#include "actors/order/order_events.hpp"

#include "actors/cart/line.hpp"
#include "actors/order/order.hpp"

#include <array>

namespace souk::order {
namespace {

using row = events::event_row<pb::Event>;

void write_placed(json::writer& out, const pb::Event& event) {
  const auto& order = event.placed().order();
  out.key("id").string(order.order_id());
  out.key("number").string(number_of(order.order_id()));
  out.key("checkout_id").string(order.checkout_id());
  out.key("cart_id").string(order.cart_id());
  if (!order.customer_id().empty()) out.key("customer_id").string(order.customer_id());
  if (!order.email().empty()) out.key("email").string(order.email());
  if (!order.shipping_address_json().empty()) out.key("shipping_address").raw(order.shipping_address_json());
  out.key("currency").string(order.currency());
  out.key("lines").begin_array();
  for (const auto& line : order.lines())
    cart::write_line(out, line);
  out.end_array();
  cart::write_totals(out.key("totals"), order.totals(), order.currency());
  out.key("payments").begin_array();
  for (const auto& payment : order.payments()) {
    out.begin_object().key("id").string(payment.id()).key("status").string(payment.status());
    out.key("amount").money(payment.amount().amount(), payment.amount().currency()).end_object();
  }
  out.end_array();
}

constexpr std::array table{
    row{pb::Event::kPlaced, "order.placed.v1", write_placed},
    row{pb::Event::kCanceled, "order.canceled.v1",
        [](json::writer& out, const pb::Event& event) {
          if (!event.canceled().reason().empty()) out.key("reason").string(event.canceled().reason());
        }},
    row{pb::Event::kPaymentChanged, "order.payment_changed.v1",
        [](json::writer& out, const pb::Event& event) {
          out.key("payment_id").string(event.payment_changed().payment_id());
          out.key("status").string(event.payment_changed().status());
        }},
    row{pb::Event::kWaiting, "order.waiting.v1", [](json::writer&, const pb::Event&) {}},
};

}  // namespace

events::event_kind event_kind() { return events::make_event_kind<order_decider, table>(); }

}  // namespace souk::order
