#pragma once

#include "actors/checkout/checkout.hpp"
#include "actors/json/problem.hpp"
#include "runtime/entity/decision.hpp"

namespace souk::checkout {

/// The whole checkout, with messages about what moved since the cart was estimated.
runtime::answer to_answer(const checkout_state& checkout, int status);

/// What became of a failed checkout, and of the payment that failed last.
json::problem failure_of(const checkout_state& checkout);
json::problem payment_failure_of(const checkout_state& checkout);

}  // namespace souk::checkout
