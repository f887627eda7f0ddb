#pragma once

#include "bench/http_client.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

/// The Online Marketplace benchmark (PACMMOD 2025, vol 3 no 1, art. 3) with a driver of our own: its mix,
/// sizes and skews over its HTTP contract, and checks that the published driver does not have.
namespace souk::bench {

struct marketplace_options {
  endpoint server{"127.0.0.1", 8083};  ///< Of soukd's `marketplace` listener.
  std::optional<endpoint> admin;       ///< The server's own figures; absent: not reported.
  bool json = false;

  std::size_t customers = 100'000;
  std::size_t products = 100'000;
  std::size_t per_seller = 10;  ///< Products of each seller.
  std::int64_t stock = 10'000;  ///< Units of each product at first.
  int seconds = 60;
  int settle_seconds = 6;  ///< Between loading and measuring: a flush interval of the state is over then.
  int connections = 48;
  std::string mix = "production";  ///< Or `local`, which delivers nothing.
  /// The constants of Zipf's law for the choice of sellers and of a seller's products; 0: uniform.
  double seller_skew = 0;
  double product_skew = 0;
  bool one_seller = false;  ///< A cart has products of one seller only.
  /// Transactions a second of an open loop, whose times count from their intended start; 0: a closed loop of
  /// `connections`.
  double rate = 0;
  int under_way = 1000;  ///< Of an open loop at once; what should start beyond them does not, and is counted.
};

/// Loads the marketplace in place of what is there, runs the mix, checks the books. Prints what was found;
/// returns whether every check was zero.
bool run_marketplace(const marketplace_options& options);

}  // namespace souk::bench
