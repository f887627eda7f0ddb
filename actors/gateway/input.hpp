#pragma once

#include "actors/cart/cart.pb.h"
#include "actors/checkout/checkout.pb.h"
#include "actors/json/object_reader.hpp"
#include "actors/keyring/keyring.hpp"
#include "actors/product/product.pb.h"
#include "actors/stock/stock.pb.h"
#include "runtime/cluster/operator_plan.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Bodies of requests as commands: pure functions from JSON to Protobuf that note everything that is wrong in
/// `errors`. What they return is meaningful only if nothing was.
namespace souk::gateway {

/// A sku: 1 to 64 printable ASCII characters, without a space at either end.
bool is_sku(std::string_view text);

/// An id that a product may have: 1 to 64 of a-z, A-Z, 0-9, "-" and "_". Whoever creates it may choose it.
bool is_product_id(std::string_view text);

/// A location: 1 to 32 of a-z, A-Z, 0-9, "-" and "_".
bool is_location(std::string_view text);

inline constexpr std::int64_t quantity_max = 1'000'000;
inline constexpr std::int64_t delta_max = 1'000'000'000;
inline constexpr std::int64_t items_per_call_max = 500;

/// A product as clients write it; the id is the caller's affair: `id` holds it if one was given.
product::pb::Product parse_product(const json::value& body, json::input_errors& errors);
product::pb::Product read_product(json::object_reader& in);

/// An adjustment; the movement's id is the caller's affair.
struct adjustment {
  std::string sku;
  std::string location;
  stock::pb::Adjust adjust;
};
adjustment parse_adjustment(const json::value& body, json::input_errors& errors);
adjustment read_adjustment(json::object_reader& in);

cart::pb::Create parse_cart(const json::value& body, json::input_errors& errors);

/// Items to add, one or `{"items": [...]}`.
cart::pb::AddItems parse_items(const json::value& body, json::input_errors& errors);
/// Whether any of them carries a price of its own, which takes the shop's key.
bool has_quoted_price(const cart::pb::AddItems& items);

std::int64_t parse_quantity(const json::value& body, json::input_errors& errors);

/// A checkout to be created. `version_given` tells a version of 0 from none.
struct checkout_input {
  checkout::pb::Create create;
  bool version_given = false;
};
checkout_input parse_checkout(const json::value& body, json::input_errors& errors);

/// How a checkout is to be completed: `payment` is unset if none was given, which a total of 0 allows.
checkout::pb::Complete parse_complete(const json::value& body, json::input_errors& errors);

/// The reason why an order is cancelled.
std::string parse_reason(const json::value& body, json::input_errors& errors);

/// A key to be made.
struct key_input {
  std::string label;
  keyring::pb::Grant grant;
};
/// Without `scopes` a key opens everything, unless it is `publishable`, which opens nothing. `expires_at`
/// must be after `now`.
key_input parse_key(const json::value& body, runtime::timestamp now, json::input_errors& errors);

/// Which entity is to throw: "cart/crt_..." as kind and name.
struct crash_target {
  std::string kind;
  std::string name;
};
crash_target parse_crash(const json::value& body, json::input_errors& errors);

/// What an operator asks of a cluster.
struct cluster_order {
  runtime::operator_command command;
  bool dry_run = false;
};
cluster_order parse_cluster_order(const json::value& body, json::input_errors& errors);

/// A body that must be empty or `{}`.
void parse_nothing(const json::value& body, json::input_errors& errors);

}  // namespace souk::gateway
