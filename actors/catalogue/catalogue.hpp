#pragma once

#include "actors/product/product.pb.h"
#include "runtime/entity/kind.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace souk::catalogue {

/// What the local replica knows of a sku.
struct variant_view {
  std::string sku;
  std::string product_id;
  std::string title;  ///< "product title" or "product title, variant title".
  std::string options_json;
  std::string image_url;
  values::pb::UnitPrice price;
  bool for_sale = false;  ///< Its product is active.
  std::uint64_t product_version = 0;
};

/// A product as published, shared.
using product_ptr = std::shared_ptr<const product::pb::Product>;

/// Looks up variants: what a cart's decider needs.
class variant_lookup {
 public:
  virtual ~variant_lookup() = default;
  virtual std::optional<variant_view> find(std::string_view tenant, std::string_view sku) const = 0;
};

/// A page of products.
struct product_page {
  std::vector<product_ptr> products;
  bool more = false;
};

/// The node's read replica of the catalogue: fed with committed product events, includes everything that was
/// committed when it is asked. Any thread.
class replica : public runtime::projection, public variant_lookup {
 public:
  /// Published products after `after_id` (exclusive; empty: from the start), by id, of one
  /// category or all (empty).
  virtual product_page list(std::string_view tenant, std::string_view category, std::string_view after_id,
                            std::size_t limit, bool with_inactive) const = 0;
  /// Active products with a word of the title that starts with each word of `query`, best first.
  virtual std::vector<product_ptr> search(std::string_view tenant, std::string_view query,
                                          std::string_view category, std::size_t limit) const = 0;
  virtual product_ptr product(std::string_view tenant, std::string_view id) const = 0;
  virtual std::size_t size() const = 0;
};

std::shared_ptr<replica> make_replica();

}  // namespace souk::catalogue
