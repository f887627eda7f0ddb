#pragma once

#include "bench/random_keys.hpp"
#include "bench/shopper.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace souk::bench {

/// What shoppers choose from: the first so many goods, their skus written out once. Wishes point into it. One
/// thread.
class shelf {
 public:
  explicit shelf(std::size_t skus);

  std::size_t size() const { return skus_.size(); }

  /// Adds the good of that number (below `size()`) to what is wanted, in a random quantity of 1 to 3, unless
  /// it is wanted already; returns whether it was added.
  bool put(std::vector<wish>& wishes, std::size_t number, random_keys& random) const;

  /// Wishes for a cart: so many different goods, one of them among the first `hot_skus` and the others among
  /// the rest; 0: any. There are enough of both, see `check`.
  void choose(std::vector<wish>& wishes, int lines, std::size_t hot_skus, random_keys& random) const;

  /// Throws `std::invalid_argument` where there are not so many goods.
  static void check(std::size_t skus, int lines, std::size_t hot_skus);

 private:
  std::vector<std::string> skus_;
};

}  // namespace souk::bench
