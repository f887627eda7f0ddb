#pragma once

#include "actors/cart/cart.pb.h"
#include "actors/json/writer.hpp"
#include "actors/values/money.pb.h"

#include <cstdint>
#include <string_view>

/// Lines and totals, as carts, checkouts and orders share them.
namespace souk::cart {

/// Units in one line.
inline constexpr std::int64_t quantity_max = 1'000'000;
/// Lines in one cart, and so in one checkout and one order.
inline constexpr std::size_t lines_max = 10'000;

/// Figures of a total, as events and rows keep them.
using totals = google::protobuf::RepeatedPtrField<values::pb::Total>;

/// Whether two unit prices are the same figure, decimals beyond the minor unit included.
bool same_price(const values::pb::UnitPrice& a, const values::pb::UnitPrice& b);

/// The figures of a sale whose lines add up to `items_base`, in the order of the HTTP contract, those that
/// apply.
totals totals_of(std::int64_t items_base);

/// The figure of that type, or 0 where it does not apply.
std::int64_t figure(const totals& figures, std::string_view type);

/// Throws `std::logic_error` unless the total is the sum of its parts and the base is `items_base`. Called on
/// whatever is about to be written.
void check_totals(const totals& figures, std::int64_t items_base);

/// `{"id", "sku", "title", "quantity", "unit_price", "total", "attributes"?}`
void write_line(json::writer& out, const pb::Line& line);

/// `[{"type", "amount", "currency"}]`
void write_totals(json::writer& out, const totals& figures, std::string_view currency);

}  // namespace souk::cart
