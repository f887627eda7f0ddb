#include "actors/product/product_json.hpp"

#include <utility>

namespace souk::product {
namespace {

void write_variant(json::writer& out, const pb::Variant& variant) {
  out.begin_object();
  out.key("sku").string(variant.sku());
  if (!variant.title().empty()) out.key("title").string(variant.title());
  out.key("options").raw(variant.options_json());
  out.key("price").unit_price(variant.price());
  out.end_object();
}

}  // namespace

void write_product(json::writer& out, const pb::Product& product) {
  out.begin_object();
  out.key("id").string(product.id());
  out.key("version").integer(static_cast<std::int64_t>(product.version()));
  out.key("status").string(product.status());
  out.key("title").string(product.title());
  out.key("description").string(product.description());
  out.key("categories").begin_array();
  for (const auto& category : product.categories())
    out.string(category);
  out.end_array();
  out.key("attributes").raw(product.attributes_json());
  if (!product.image_url().empty()) out.key("image_url").string(product.image_url());
  out.key("variants").begin_array();
  for (const auto& variant : product.variants())
    write_variant(out, variant);
  out.end_array();
  out.key("created_at").time(runtime::from_ms(product.created_at_ms()));
  out.key("updated_at").time(runtime::from_ms(product.updated_at_ms()));
  out.end_object();
}

std::string product_json(const pb::Product& product) {
  json::writer out;
  out.reserve(1024);
  write_product(out, product);
  return std::move(out).take();
}

}  // namespace souk::product
