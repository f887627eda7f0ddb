#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace souk {
namespace {

namespace json = boost::json;

/// The sample that the first start of script/run loads: each line a product as POST /v1/products takes it,
/// with its stock.
std::vector<json::object> read_sample() {
  std::ifstream in{"deploy/sample/catalogue.ndjson"};
  std::vector<json::object> lines;
  for (std::string line; std::getline(in, line);)
    lines.push_back(json::parse(line).as_object());
  return lines;
}

std::set<std::string> keys_of(const json::object& object) {
  std::set<std::string> keys;
  for (const auto& member : object)
    keys.insert(std::string{member.key()});
  return keys;
}

TEST(sample, is_a_shop_worth_browsing) {
  std::map<std::string, int> by_category;
  std::set<std::string> titles;
  std::size_t products = 0;
  std::size_t variants = 0;
  for (const json::object& line : read_sample()) {
    const json::object& product = line.at("product").as_object();
    ++products;
    variants += product.at("variants").as_array().size();
    for (const json::value& category : product.at("categories").as_array())
      ++by_category[std::string{category.as_string()}];
    EXPECT_TRUE(titles.insert(std::string{product.at("title").as_string()}).second) << product;
    EXPECT_GE(product.at("description").as_string().size(), 40u) << product;
    EXPECT_FALSE(product.at("attributes").as_object().empty()) << product;
  }
  EXPECT_GE(products, 120u);
  EXPECT_GE(variants, 250u);
  EXPECT_EQ(by_category.size(), 8u);
  for (const auto& [category, count] : by_category)
    EXPECT_GE(count, 10) << category;
}

TEST(sample, every_line_is_what_the_import_takes) {
  for (const json::object& line : read_sample()) {
    EXPECT_EQ(keys_of(line), (std::set<std::string>{"product", "stock"}));
    const json::object& product = line.at("product").as_object();
    EXPECT_EQ(keys_of(product),
              (std::set<std::string>{"attributes", "categories", "description", "title", "variants"}));
    for (const auto& attribute : product.at("attributes").as_object())
      EXPECT_TRUE(attribute.value().is_string() || attribute.value().is_number() ||
                  attribute.value().is_bool())
          << product;
    for (const json::value& value : product.at("variants").as_array()) {
      const json::object& variant = value.as_object();
      for (const std::string& key : keys_of(variant))
        EXPECT_TRUE(key == "sku" || key == "title" || key == "options" || key == "price") << key;
      if (!variant.contains("options")) continue;
      for (const auto& option : variant.at("options").as_object())
        EXPECT_TRUE(option.value().is_string()) << variant;
    }
  }
}

TEST(sample, skus_are_unique_and_each_is_priced_and_in_stock) {
  std::set<std::string> skus;
  for (const json::object& line : read_sample()) {
    std::set<std::string> of_product;
    for (const json::value& value : line.at("product").at("variants").as_array()) {
      const std::string sku{value.at("sku").as_string()};
      EXPECT_TRUE(skus.insert(sku).second) << sku;
      of_product.insert(sku);
      EXPECT_EQ(value.at("price").at("currency").as_string(), "EUR") << sku;
      EXPECT_GT(value.at("price").at("amount").as_int64(), 0) << sku;
      EXPECT_LT(value.at("price").at("amount").as_int64(), 200'000) << sku;
    }
    EXPECT_EQ(keys_of(line.at("stock").as_object()), of_product);
    for (const auto& level : line.at("stock").as_object())
      EXPECT_GT(level.value().as_int64(), 0) << level.key();
  }
}

TEST(sample, variants_of_a_product_differ_in_their_options) {
  for (const json::object& line : read_sample()) {
    std::vector<json::value> seen;
    const json::array& variants = line.at("product").at("variants").as_array();
    for (const json::value& variant : variants) {
      const json::value* options = variant.as_object().if_contains("options");
      if (variants.size() > 1) {
        ASSERT_NE(options, nullptr) << variant;
        EXPECT_EQ(std::count(seen.begin(), seen.end(), *options), 0) << variant;
        seen.push_back(*options);
      }
    }
  }
}

}  // namespace
}  // namespace souk
