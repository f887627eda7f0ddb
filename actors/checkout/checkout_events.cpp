#include "actors/checkout/checkout_events.hpp"

#include "actors/cart/line.hpp"
#include "actors/checkout/checkout.hpp"

#include <array>

namespace souk::checkout {
namespace {

using row = events::event_row<pb::Event>;

// Without the token of its payment.
void write_opened(json::writer& out, const pb::Event& event) {
  const auto& request = event.opened().request();
  out.key("id").string(request.checkout_id());
  out.key("cart_id").string(request.cart_id());
  out.key("cart_version").integer(static_cast<std::int64_t>(request.cart_version()));
  if (!request.cart().customer_id().empty()) out.key("customer_id").string(request.cart().customer_id());
  if (!request.email().empty()) out.key("email").string(request.email());
  if (!request.shipping_address_json().empty())
    out.key("shipping_address").raw(request.shipping_address_json());
  out.key("currency").string(request.cart().currency());
  out.key("lines").begin_array();
  for (const auto& line : request.cart().lines())
    cart::write_line(out, line);
  out.end_array();
  out.key("hold_ids").begin_array();
  for (const auto& id : event.opened().hold_ids())
    out.string(id);
  out.end_array();
  out.key("expires_at").time(runtime::from_ms(event.opened().expires_at_ms()));
}

// In the currency that the checkout was opened with: what was decided then does not say it again.
void write_quoted(json::writer& out, const pb::Event& event) {
  out.key("totals").begin_array();
  for (const auto& total : event.quoted().totals())
    out.begin_object().key("type").string(total.type()).key("amount").integer(total.amount()).end_object();
  out.end_array();
}

constexpr std::array table{
    row{pb::Event::kOpened, "checkout.opened.v1", write_opened},
    row{pb::Event::kCartTaken, "checkout.cart_taken.v1", [](json::writer&, const pb::Event&) {}},
    row{pb::Event::kCartRefused, "checkout.cart_refused.v1",
        [](json::writer& out, const pb::Event& event) {
          out.key("code").string(event.cart_refused().answer().refusal());
        }},
    row{pb::Event::kLineHeld, "checkout.line_held.v1",
        [](json::writer& out, const pb::Event& event) {
          const auto& held = event.line_held();
          out.key("line").integer(held.line());
          out.key("unit_price").unit_price(held.price());
          out.key("total").money(held.total(), held.price().currency());
        }},
    row{pb::Event::kLineRefused, "checkout.line_refused.v1",
        [](json::writer& out, const pb::Event& event) {
          const auto& refused = event.line_refused();
          out.key("line").integer(refused.line());
          out.key("code").string(refused.code());
          out.key("available").integer(refused.available());
        }},
    row{pb::Event::kQuoted, "checkout.quoted.v1", write_quoted},
    row{pb::Event::kFailed, "checkout.failed.v1",
        [](json::writer& out, const pb::Event& event) {
          out.key("code").string(event.failed().code());
          out.key("detail").string(event.failed().detail());
        }},
    row{pb::Event::kPaymentStarted, "checkout.payment_started.v1",
        [](json::writer& out, const pb::Event& event) {
          const auto& started = event.payment_started();
          out.key("payment_id").string(started.payment_id());
          out.key("provider").string(started.provider());
          out.key("attempt").integer(started.attempt());
        }},
    row{pb::Event::kPaymentWaits, "checkout.payment_waits.v1",
        [](json::writer& out, const pb::Event& event) {
          out.key("expires_at").time(runtime::from_ms(event.payment_waits().expires_at_ms()));
        }},
    row{pb::Event::kPaymentFailed, "checkout.payment_failed.v1",
        [](json::writer& out, const pb::Event& event) {
          out.key("status").string(event.payment_failed().status());
          if (!event.payment_failed().code().empty()) out.key("code").string(event.payment_failed().code());
        }},
    row{pb::Event::kCompleted, "checkout.completed.v1",
        [](json::writer& out, const pb::Event& event) {
          out.key("order_id").string(event.completed().order_id());
        }},
    row{pb::Event::kCanceled, "checkout.canceled.v1", [](json::writer&, const pb::Event&) {}},
    row{pb::Event::kExpired, "checkout.expired.v1", [](json::writer&, const pb::Event&) {}},
    row{pb::Event::kWaiting, "checkout.waiting.v1",
        [](json::writer& out, const pb::Event& event) {
          out.key("what").string(event.waiting().waiter().what());
        }},
    row{pb::Event::kAborting, "checkout.aborting.v1",
        [](json::writer& out, const pb::Event& event) {
          out.key("because").string(event.aborting().because());
        }},
    row{pb::Event::kBuyerCounted, "checkout.buyer_counted.v1", [](json::writer&, const pb::Event&) {}},
    row{pb::Event::kBuyerRefused, "checkout.buyer_refused.v1", [](json::writer&, const pb::Event&) {}},
};

}  // namespace

events::event_kind event_kind() { return events::make_event_kind<checkout_decider, table>(); }

}  // namespace souk::checkout
