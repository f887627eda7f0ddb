#pragma once

#include <cstdint>

/// How much of a shop's stock one buyer may hold in checkouts that are not paid: so that nobody empties it by
/// opening them. Stocks and buyers decide it; gateways say who a buyer is.
namespace souk::gateway {

/// Of one buyer; each 0: any number.
struct hold_limit {
  std::int64_t units_per_sku = 0;  ///< Of one sku, in all open checkouts.
  std::uint32_t checkouts = 0;     ///< Open at once.
};

/// Who shows a secret key or staff's token is no buyer: the shop's own programs, which buy for many.
struct hold_limits {
  hold_limit customer;  ///< Of who shows a customer's token.
  hold_limit guest;     ///< Of one client address (of IPv6: of one /64), with a publishable key or nothing.
};

}  // namespace souk::gateway
