#pragma once

#include "actors/cart/cart.hpp"
#include "actors/catalogue/catalogue.hpp"
#include "actors/checkout/checkout.hpp"
#include "actors/keyring/credential_directory.hpp"
#include "runtime/entity/kind.hpp"

#include <chrono>
#include <memory>

namespace souk::shop {

/// What a shop may decide differently.
struct shop_options {
  std::chrono::milliseconds cart_ttl = cart::cart_decider::default_time_to_live;
  checkout::checkout_options checkout;
};

/// All of commerce as a runtime takes it: the kinds of entities, and the read replicas that they feed.
struct shop {
  runtime::entity_catalogue entities;
  std::shared_ptr<catalogue::replica> catalogue;
  std::shared_ptr<keyring::credential_directory> credentials;
};

/// Makes the kinds and empty replicas. Each node makes its own.
shop make_shop(const shop_options& options = {});

}  // namespace souk::shop
