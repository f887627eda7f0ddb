#include "bench/shelf.hpp"

#include "bench/goods.hpp"

#include <algorithm>

namespace souk::bench {
namespace {

constexpr std::size_t quantity_choices = 3;

}  // namespace

shelf::shelf(std::size_t skus) {
  skus_.reserve(skus);
  for (std::size_t i = 0; i < skus; ++i)
    skus_.push_back(goods_sku(i));
}

bool shelf::put(std::vector<wish>& wishes, std::size_t number, random_keys& random) const {
  const std::string& sku = skus_[number];
  const bool wanted =
      std::any_of(wishes.begin(), wishes.end(), [&sku](const wish& wish) { return wish.sku == sku; });
  if (wanted) return false;
  wishes.push_back(
      {sku, goods_price(number), 1 + static_cast<std::int64_t>(random.number(quantity_choices))});
  return true;
}

}  // namespace souk::bench
