#pragma once

#include "bench/shop_client.hpp"
#include "tests/cluster/kill/shoppers.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace souk::cluster_test {

/// What is wrong after a run, and what was looked at.
struct judgement {
  std::vector<std::string> findings;  ///< One sentence each; empty: everything holds.
  std::uint64_t orders = 0;           ///< All orders of the shop.
  std::uint64_t answered_orders = 0;  ///< Of them, those that a shopper was told.
  std::uint64_t repeated = 0;         ///< Requests sent again under their first key.
  std::uint64_t charges = 0;          ///< Charged and not given back, in the provider's ledger.
};

/// Compares what the shoppers heard with what the shop, its stock and the payment provider say now. Waits,
/// within bounds, for the checkouts' own timers to settle what was left open.
judgement judge(const bench::shop& guest, const bench::shop& staff, const shoppers& shoppers);

}  // namespace souk::cluster_test
