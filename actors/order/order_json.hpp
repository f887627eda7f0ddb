#pragma once

#include "actors/order/order.hpp"
#include "runtime/entity/decision.hpp"

#include <string_view>

namespace souk::order {

/// paid, partially_refunded, refunded or voided.
std::string_view payment_status_of(const order_state& order);

/// The whole order.
runtime::answer to_answer(const order_state& order);

}  // namespace souk::order
