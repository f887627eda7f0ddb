#include "bench/shelf.hpp"

#include "bench/goods.hpp"

#include <algorithm>
#include <stdexcept>

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

void shelf::choose(std::vector<wish>& wishes, int lines, std::size_t hot_skus, random_keys& random) const {
  wishes.clear();
  if (hot_skus > 0) put(wishes, random.number(hot_skus), random);
  while (wishes.size() < static_cast<std::size_t>(lines))
    put(wishes, hot_skus + random.number(skus_.size() - hot_skus), random);
}

void shelf::check(std::size_t skus, int lines, std::size_t hot_skus) {
  const std::size_t others = static_cast<std::size_t>(lines) - (hot_skus > 0 ? 1 : 0);
  if (hot_skus > skus || others > skus - hot_skus)
    throw std::invalid_argument(
        "--lines: a cart cannot have more different skus than --skus has beside --hot-skus");
}

}  // namespace souk::bench
