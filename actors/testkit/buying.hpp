#pragma once

#include "actors/gateway/http.hpp"
#include "actors/testkit/simulated_cluster.hpp"

#include <cstdint>
#include <string>

/// What scenarios say of customers, in a line each.
namespace souk::testkit {

struct filled_cart {
  std::string id;
  std::string version;
};

/// A new cart in dollars with so many units of a sku. Throws if there is none.
filled_cart fill_cart(simulated_cluster& shop, const std::string& node, const std::string& sku,
                      std::int64_t units = 1);

/// How a checkout is paid: a token of the test provider; empty: not yet, the stock is held until it is.
inline constexpr const char* pays = "tok_ok";
inline constexpr const char* pays_later = "";

/// Checks a cart out at a node, once. `then` hears the answer; status 0: the node went away before it.
void check_out(simulated_cluster& shop, const std::string& node, const filled_cart& cart,
               const std::string& token, simulated_cluster::answer_handler then);

/// The same, under one Idempotency-Key at one node after the other, until something is known for certain.
/// Throws after a virtual minute.
gateway::http_response check_out_anywhere(simulated_cluster& shop, const filled_cart& cart,
                                          const std::string& token = pays);

/// The id of the order in a checkout's answer; empty: there is none.
std::string order_in(const gateway::http_response& checkout);

/// What a shop should have come to in the end.
struct outcome_of_sale {
  std::string sku;
  std::int64_t left = 0;     ///< On hand, and nothing of it held.
  std::int64_t charges = 0;  ///< Taken and not given back, by the provider's books.
};

/// Waits until every copy is in sync and on disk, then says in words what is not as it should be; empty:
/// nothing.
std::string wrong_with(simulated_cluster& shop, const outcome_of_sale& expected);

}  // namespace souk::testkit
