#include "actors/product/product_rules.hpp"

#include "actors/product/product.hpp"
#include "actors/sku/sku.hpp"
#include "actors/values/money.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>

namespace souk::product {
namespace {

using errors = std::vector<json::problem_error>;

void add(errors& found, std::string pointer, std::string code, std::string detail) {
  found.push_back({std::move(pointer), std::move(code), std::move(detail)});
}

// Characters of a UTF-8 text: all bytes but those that continue one.
std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

void check_length(errors& found, std::string pointer, std::size_t length, std::size_t least,
                  std::size_t most) {
  if (length >= least && length <= most) return;
  add(found, std::move(pointer), "out_of_range",
      "It must be " + std::to_string(least) + " to " + std::to_string(most) + " long.");
}

void check_price(errors& found, const std::string& pointer, const values::pb::UnitPrice& price) {
  if (!values::minor_unit_exponent(price.currency()))
    add(found, pointer + "/currency", "invalid_value", "It must be the code of a currency by ISO 4217.");
  if (price.amount() < 0 || price.value() < 0)
    add(found, pointer + "/amount", "out_of_range", "A price must not be below 0.");
  if (price.amount() > values::amount_max)
    add(found, pointer + "/amount", "money_overflow", "A price must not be beyond 2^53-1 minor units.");
}

void check_variant(errors& found, const std::string& pointer, const pb::Variant& variant) {
  if (!sku::is_sku(variant.sku()))
    add(found, pointer + "/sku", "invalid_value",
        "A sku is 1 to 64 printable ASCII characters but @, without spaces around it.");
  check_length(found, pointer + "/title", characters(variant.title()), 0, title_length_max);
  check_length(found, pointer + "/options", variant.options_json().size(), 0, options_bytes_max);
  check_price(found, pointer + "/price", variant.price());
}

void check_variants(errors& found, const pb::Product& product) {
  check_length(found, "/variants", static_cast<std::size_t>(product.variants_size()), 1, variants_max);
  std::unordered_set<std::string_view> seen;
  for (int i = 0; i < product.variants_size(); ++i) {
    const std::string pointer = "/variants/" + std::to_string(i);
    check_variant(found, pointer, product.variants(i));
    if (!seen.insert(product.variants(i).sku()).second)
      add(found, pointer + "/sku", "duplicate", "Another variant of the product has this sku.");
  }
}

void check_categories(errors& found, const pb::Product& product) {
  check_length(found, "/categories", static_cast<std::size_t>(product.categories_size()), 0, categories_max);
  for (int i = 0; i < product.categories_size(); ++i)
    check_length(found, "/categories/" + std::to_string(i), characters(product.categories(i)), 1,
                 category_length_max);
}

}  // namespace

std::vector<json::problem_error> check_product(const pb::Product& product) {
  errors found;
  check_length(found, "/id", product.id().size(), 1, id_length_max);
  check_length(found, "/title", characters(product.title()), 1, title_length_max);
  check_length(found, "/description", characters(product.description()), 0, description_length_max);
  check_length(found, "/attributes", product.attributes_json().size(), 0, attributes_bytes_max);
  check_length(found, "/image_url", product.image_url().size(), 0, image_url_length_max);
  if (product.status() != "active" && product.status() != "draft" && product.status() != "archived")
    add(found, "/status", "invalid_value", "The status must be active, draft or archived.");
  check_categories(found, product);
  check_variants(found, product);
  return found;
}

}  // namespace souk::product
