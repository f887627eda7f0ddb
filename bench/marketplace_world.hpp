#pragma once

#include "bench/marketplace.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace souk::bench {

/// Draws numbers below `count`, uniformly, or so that the first is drawn most: by Zipf's law. One thread.
class skewed {
 public:
  /// `constant`: 0 for uniform.
  skewed(std::size_t count, double constant);
  std::size_t draw(std::mt19937_64& random) const;

 private:
  std::size_t count_;
  std::vector<double> upto_;  // the shares of all up to each; empty: uniform
};

/// A change of a price that was asked for. Prices only rise within one version.
struct price_update {
  using clock = std::chrono::steady_clock;
  std::int64_t price = 0;
  std::string version;
  clock::time_point sent;
  std::optional<clock::time_point> acknowledged;
};

/// A product as the driver knows it, and what became of it. Prices in cents.
struct known_product {
  std::int64_t price = 0;
  std::int64_t freight = 0;
  std::string version = "0";
  bool changing = false;  ///< An update is under way: one at a time.
  std::vector<price_update> updates;
  std::int64_t units_sold = 0;  ///< In orders that were answered.
  std::int64_t lines_sold = 0;
};

struct known_customer {
  std::uint32_t orders = 0;  ///< That were answered.
  std::uint32_t last_order = 0;
  std::int64_t items = 0;  ///< Of those.
};

/// All that the driver knows of the marketplace. One thread.
class marketplace_world {
 public:
  explicit marketplace_world(const marketplace_options& options);

  std::size_t sellers() const { return sellers_; }
  std::size_t per_seller() const { return per_seller_; }
  std::vector<known_product>& products() { return products_; }
  const std::vector<known_product>& products() const { return products_; }
  std::vector<known_customer>& customers() { return customers_; }
  const std::vector<known_customer>& customers() const { return customers_; }
  std::mt19937_64& random() { return random_; }

  std::size_t number(std::size_t below) { return static_cast<std::size_t>(random_() % below); }
  /// The numbers that the server knows them by.
  std::uint32_t seller_of(std::size_t product) const {
    return static_cast<std::uint32_t>(product / per_seller_ + 1);
  }
  std::uint32_t product_of(std::size_t product) const {
    return static_cast<std::uint32_t>(product % per_seller_ + 1);
  }
  /// Where a product stands; nothing if the server names one that is not.
  std::optional<std::size_t> find(std::int64_t seller_id, std::int64_t product_id) const;

  /// Of a new product, in cents.
  std::int64_t draw_price();
  std::size_t draw_seller() { return by_seller_.draw(random_); }
  std::size_t draw_product(std::size_t seller) { return seller * per_seller_ + by_product_.draw(random_); }
  std::size_t draw_product() { return draw_product(draw_seller()); }

 private:
  std::size_t per_seller_;
  std::size_t sellers_;
  std::vector<known_product> products_;
  std::vector<known_customer> customers_;
  std::mt19937_64 random_;
  skewed by_seller_;
  skewed by_product_;
};

/// Amounts: "12.34" of cents; millionths of what the server writes; and how many of them a cent is.
std::string cents_text(std::int64_t cents);
inline constexpr std::int64_t millionths_per_cent = 10'000;

/// The body of a whole product.
void write_product(std::string& body, const marketplace_world& world, std::size_t product);

/// Has the server forget what it knows of a marketplace, and posts sellers, customers, products and their
/// stock. Throws `std::runtime_error` where one is refused.
void load_marketplace(const marketplace_options& options, const marketplace_world& world);

}  // namespace souk::bench
