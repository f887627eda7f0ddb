#pragma once

#include "bench/shop_client.hpp"

#include <cstdint>
#include <string>

/// The goods that load generators sell: skus "bench-00000", "bench-00001", ..., each at a price that its
/// number tells, each in stock for years of benchmarks.
namespace souk::bench {

inline constexpr std::string_view goods_currency = "USD";
inline constexpr std::string_view goods_category = "bench";
/// By requests that takes a quarter of an hour and more; `bench_growth` makes them in minutes.
inline constexpr std::size_t goods_max = 10'000'000;
/// Units received of each sku, once: as much as one adjustment may carry.
inline constexpr std::int64_t goods_units = 1'000'000'000;

/// The sku of a number below `goods_max`.
std::string goods_sku(std::size_t number);

/// Its price in minor units of `goods_currency`: 100 to 9,999.
std::int64_t goods_price(std::size_t number);

/// Sees to it that the first `count` skus exist and are in stock: keyed calls throughout, so that it may be
/// repeated. Throws `unreachable` or `refused`.
void prepare_goods(const shop& shop, std::size_t count);

/// Makes one more sku, "<prefix>-<random>", with so many units, and returns it.
std::string make_scarce_sku(shop_client& client, std::string_view prefix, std::int64_t units);

}  // namespace souk::bench
