#include "actors/events/event_kinds.hpp"

#include "actors/cart/cart_events.hpp"
#include "actors/checkout/checkout_events.hpp"
#include "actors/import/import_events.hpp"
#include "actors/order/order_events.hpp"
#include "actors/payment/payment_events.hpp"
#include "actors/product/product_events.hpp"
#include "actors/stock/stock_events.hpp"

#include <algorithm>

namespace souk::events {

std::span<const event_kind> public_kinds() {
  static const std::vector<event_kind> kinds{
      product::event_kind(), stock::event_kind(), cart::event_kind(),      checkout::event_kind(),
      payment::event_kind(), order::event_kind(), import_job::event_kind()};
  return kinds;
}

const event_kind* public_kind(runtime::kind_id id) {
  const auto kinds = public_kinds();
  const auto found = std::ranges::find(kinds, id, &event_kind::id);
  return found == kinds.end() ? nullptr : &*found;
}

}  // namespace souk::events
