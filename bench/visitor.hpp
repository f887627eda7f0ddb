#pragma once

#include "bench/shopper.hpp"

#include <string>
#include <vector>

namespace souk::bench {

/// What visitors look at: some products of the goods, and the goods' skus.
struct window_display {
  std::vector<std::string> products;  ///< Their ids.
  std::size_t skus = 0;
};

/// Reads the ids of the first few hundred products. Throws `unreachable` or `refused`, and
/// `std::runtime_error` where there is none.
window_display look_into_window(const shop& shop, std::size_t skus);

/// Who reads the catalogue and checks what comes, over somebody's connection.
class visitor {
 public:
  visitor(worker& hands, shopping_tally& tally, const window_display& window);

  /// A page of a category, a product of it, that again with its ETag, a variant, a search. False where
  /// something was wrong, which is counted.
  task<bool> look_around(random_keys& random);

 private:
  task<bool> look(std::string_view name, std::string_view target, int status, std::string_view fields = "");

  worker& hands_;
  shopping_tally& tally_;
  const window_display& window_;
  answer_reader reader_;
  const http_answer* last_ = nullptr;
};

}  // namespace souk::bench
