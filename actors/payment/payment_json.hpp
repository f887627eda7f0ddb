#pragma once

#include "actors/payment/payment.hpp"
#include "runtime/entity/decision.hpp"

namespace souk::payment {

/// `{"id", "version", "status", "checkout_id", "provider", "amount", "code"?}`
runtime::answer to_answer(const payment_state& payment);

}  // namespace souk::payment
