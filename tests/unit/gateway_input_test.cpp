#include "actors/gateway/input.hpp"
#include "actors/json/reader.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace souk::gateway {
namespace {

json::value parsed(const std::string& text) {
  json::parse_error error;
  auto value = json::parse(text, error);
  if (!value) ADD_FAILURE() << text << ": " << error.detail;
  return value.value_or(json::value{});
}

/// Reads a body and says what is wrong with it: "code pointer pointer ...", or "" for nothing.
template <class Parse>
std::string wrong_in(Parse parse, const std::string& body) {
  json::input_errors errors;
  json::value value = parsed(body);
  parse(value, errors);
  auto problem = errors.take();
  if (!problem) return "";
  std::string text = problem->code;
  for (const auto& error : problem->errors)
    text += " " + error.pointer;
  return text;
}

struct row {
  std::string body;
  std::string wrong;
};

template <class Parse>
void expect_rows(Parse parse, const std::vector<row>& rows) {
  for (const row& row : rows)
    EXPECT_EQ(wrong_in(parse, row.body), row.wrong) << row.body;
}

TEST(gateway_input, products) {
  expect_rows(
      parse_product,
      {{R"({"title":"Tea","variants":[{"sku":"T1","price":{"amount":5,"currency":"EUR"}}]})", ""},
       {R"({"title":"Tea","variants":[{"sku":"T1","price":{"amount":0,"currency":"EUR"}}]})", ""},
       {R"({"id":"prd_x-1","title":"Tea","description":"","categories":["a","b"],"attributes":{"a":1,"b":true,)"
        R"("c":"x"},"image_url":"/a.png","status":"draft","variants":[{"sku":"T 1","title":"50 g",)"
        R"("options":{"weight":"50 g"},"price":{"currency":"EUR","precise":{"value":"12345","scale":4}}}]})",
        ""},
       {"[]", "validation_failed "},
       {R"({"title":"Tea"})", "validation_failed /variants"},
       {R"({"title":"Tea","variants":[]})", "validation_failed /variants"},
       {R"({"title":"","variants":[{"sku":"T1","price":{"amount":5,"currency":"EUR"}}]})",
        "validation_failed /title"},
       {R"({"title":"Tea","colour":1,"variants":[{"sku":"T1","price":{"amount":5,"currency":"EUR"}}]})",
        "unknown_field /colour"},
       {R"({"title":"Tea","variants":[{"sku":"T1","colour":1,"price":{"amount":5,"currency":"EUR"}}]})",
        "unknown_field /variants/0/colour"},
       {R"({"title":"Tea","variants":[{"sku":"T1","price":{"amount":1.5,"currency":"EUR"}}]})",
        "validation_failed /variants/0/price/amount"},
       {R"({"title":"Tea","variants":[{"sku":"T1","price":{"amount":-1,"currency":"EUR"}}]})",
        "validation_failed /variants/0/price/amount"},
       {R"({"title":"Tea","variants":[{"sku":" T","price":{"amount":1,"currency":"EUR"}}]})",
        "validation_failed /variants/0/sku"},
       {R"({"title":"Tea","variants":[{"sku":"T","price":{"amount":1,"currency":"EUR"}},)"
        R"({"sku":"T","price":{"amount":1,"currency":"EUR"}}]})",
        "validation_failed /variants/1/sku"},
       {R"({"title":"Tea","status":"gone","variants":[{"sku":"T","price":{"amount":1,"currency":"EUR"}}]})",
        "validation_failed /status"},
       {R"({"title":"Tea","attributes":{"a":[1]},"variants":[{"sku":"T","price":{"amount":1,"currency":"EUR"}}]})",
        "validation_failed /attributes"},
       {R"({"title":"Tea","id":"a b","variants":[{"sku":"T","price":{"amount":1,"currency":"EUR"}}]})",
        "validation_failed /id"}});
}

TEST(gateway_input, a_product_is_read_whole) {
  json::input_errors errors;
  product::pb::Product product = parse_product(
      parsed(R"({"title":"Tea","categories":["b","a"],"attributes":{"z":1,"a":true},"variants":[{"sku":"T1",)"
             R"("options":{"w":"1"},"price":{"amount":250,"currency":"EUR"}}]})"),
      errors);
  EXPECT_TRUE(errors.empty());
  EXPECT_EQ(product.status(), "active");
  EXPECT_EQ(product.attributes_json(), R"({"a":true,"z":1})");
  EXPECT_EQ(product.categories(0), "b");
  EXPECT_EQ(product.variants(0).options_json(), R"({"w":"1"})");
  EXPECT_EQ(product.variants(0).price().amount(), 250);
}

TEST(gateway_input, adjustments) {
  expect_rows(
      parse_adjustment,
      {{R"({"sku":"T","delta":50,"reason":"received"})", ""},
       {R"({"sku":"T","delta":1,"reason":"returned","location":"north_2","reference":"R1"})", ""},
       {R"({"sku":"T","delta":-1,"reason":"written_off"})", ""},
       {R"({"sku":"T","delta":-7,"reason":"correction"})", ""},
       {R"({"sku":"T","delta":0,"reason":"received"})", "validation_failed /delta"},
       {R"({"sku":"T","delta":-1,"reason":"returned"})", "validation_failed /delta"},
       {R"({"sku":"T","delta":1,"reason":"written_off"})", "validation_failed /delta"},
       {R"({"sku":"T","delta":0,"reason":"correction"})", "validation_failed /delta"},
       {R"({"sku":"T","delta":"1","reason":"received"})", "validation_failed /delta"},
       {R"({"sku":"T","delta":9007199254740993,"reason":"received"})", "validation_failed /delta"},
       {R"({"sku":"T","delta":1,"reason":"stolen"})", "validation_failed /reason"},
       {R"({"sku":"T","delta":1,"reason":"received","location":"a@b"})", "validation_failed /location"},
       {R"({"delta":1,"reason":"received"})", "validation_failed /sku"}});
}

TEST(gateway_input, carts_and_quantities) {
  expect_rows(parse_cart, {{R"({"currency":"USD"})", ""},
                           {R"({"currency":"USD","customer_id":"c-1"})", ""},
                           {R"({"currency":"XXQ"})", "validation_failed /currency"},
                           {R"({})", "validation_failed /currency"},
                           {R"({"currency":"USD","customer_id":""})", "validation_failed /customer_id"},
                           {R"({"currency":"USD","total":1})", "unknown_field /total"}});
  expect_rows(parse_quantity, {{R"({"quantity":0})", ""},
                               {R"({"quantity":1000000})", ""},
                               {R"({"quantity":1000001})", "validation_failed /quantity"},
                               {R"({"quantity":-1})", "validation_failed /quantity"},
                               {R"({"quantity":-0})", "validation_failed /quantity"},
                               {R"({"quantity":"1"})", "validation_failed /quantity"},
                               {R"({"quantity":1.0})", "validation_failed /quantity"},
                               {R"({"quantity":1e400})", "validation_failed /quantity"}});
}

TEST(gateway_input, items_come_alone_or_together) {
  expect_rows(
      parse_items,
      {{R"({"sku":"T","quantity":1})", ""},
       {R"({"sku":"T","quantity":1,"attributes":{"engraving":"Ada"}})", ""},
       {R"({"items":[{"sku":"T","quantity":1},{"sku":"U","quantity":2}]})", ""},
       {R"({"items":[]})", "validation_failed /items"},
       {R"({"items":[{"sku":"T","quantity":0}]})", "validation_failed /items/0/quantity"},
       {R"({"sku":"T","quantity":1,"items":[{"sku":"T","quantity":1}]})", "unknown_field /sku /quantity"},
       {R"({"sku":"T","quantity":1,"attributes":{"n":1}})", "validation_failed /attributes/n"},
       {R"({"sku":"T","quantity":1,"price":1})", "unknown_field /price"}});
  json::input_errors errors;
  auto one = parse_items(parsed(R"({"sku":"T","quantity":3,"attributes":{"b":"2","a":"1"}})"), errors);
  EXPECT_TRUE(one.single());
  EXPECT_EQ(one.items(0).attributes(0).name(), "a");
  EXPECT_FALSE(has_quoted_price(one));
  auto quoted = parse_items(
      parsed(R"({"items":[{"sku":"T","quantity":1,"unit_price":{"amount":0,"currency":"GBP"}}]})"), errors);
  EXPECT_FALSE(quoted.single());
  EXPECT_TRUE(has_quoted_price(quoted));
}

TEST(gateway_input, items_are_at_most_five_hundred) {
  auto body = [](int count) {
    std::string text = R"({"items":[)";
    for (int i = 0; i < count; ++i)
      text += (i == 0 ? "" : ",") + std::string{R"({"sku":"T","quantity":1})"};
    return text + "]}";
  };
  EXPECT_EQ(wrong_in(parse_items, body(500)), "");
  EXPECT_EQ(wrong_in(parse_items, body(501)), "validation_failed /items");
}

TEST(gateway_input, checkouts) {
  expect_rows(
      parse_checkout,
      {{R"({"cart_id":"crt_1","cart_version":3})", ""},
       {R"({"cart_id":"crt_1"})", ""},
       {R"({"cart_id":"crt_1","cart_version":3,"email":"a@b.c","shipping_address":{"city":"Turin"},)"
        R"("expected_total":{"amount":1,"currency":"EUR"},"payment":{"provider":"test","token":"tok_ok"}})",
        ""},
       {R"({"cart_version":3})", "validation_failed /cart_id"},
       {R"({"cart_id":"crt_1","cart_version":-1})", "validation_failed /cart_version"},
       {R"({"cart_id":"crt_1","cart_version":1,"email":"nobody"})", "validation_failed /email"},
       {R"({"cart_id":"crt_1","cart_version":1,"shipping_address":"x"})",
        "validation_failed /shipping_address"},
       {R"({"cart_id":"crt_1","cart_version":1,"payment":{"provider":"test"}})",
        "validation_failed /payment/token"},
       {R"({"cart_id":"crt_1","cart_version":1,"payment":{"provider":"test","token":"t","amount":1}})",
        "unknown_field /payment/amount"},
       {R"({"cart_id":"crt_1","cart_version":1,"total":1})", "unknown_field /total"}});
  json::input_errors errors;
  EXPECT_FALSE(parse_checkout(parsed(R"({"cart_id":"crt_1"})"), errors).version_given);
  EXPECT_TRUE(parse_checkout(parsed(R"({"cart_id":"crt_1","cart_version":0})"), errors).version_given);
}

TEST(gateway_input, small_bodies) {
  expect_rows(parse_complete, {{"{}", ""},
                               {R"({"payment":{"provider":"test","token":"tok_ok"}})", ""},
                               {R"({"payment":null})", "validation_failed /payment"},
                               {R"({"token":"x"})", "unknown_field /token"}});
  expect_rows(parse_reason, {{R"({"reason":"late"})", ""}, {"{}", "validation_failed /reason"}});
  const auto parse_key_now = [](const json::value& body, json::input_errors& errors) {
    return parse_key(body, runtime::from_ms(1'795'000'000'000), errors);
  };
  expect_rows(
      parse_key_now,
      {{R"({"label":"till"})", ""},
       {R"({"label":""})", "validation_failed /label"},
       {R"({"label":"till","scopes":["orders:read"],"expires_at":"2027-01-01T00:00:00Z"})", ""},
       {R"({"label":"till","scopes":[]})", "validation_failed /scopes"},
       {R"({"label":"till","scopes":["orders:eat"]})", "validation_failed /scopes"},
       {R"({"label":"till","publishable":true})", ""},
       {R"({"label":"till","publishable":true,"scopes":["orders:read"]})", "validation_failed /scopes"},
       {R"({"label":"till","expires_at":"2026-01-01T00:00:00.000Z"})", "validation_failed /expires_at"},
       {R"({"label":"till","expires_at":"tomorrow at ten o'clock"})", "validation_failed /expires_at"}});
  expect_rows(parse_crash, {{R"({"entity":"cart/crt_1"})", ""},
                            {R"({"entity":"cart"})", "validation_failed /entity"},
                            {R"({"entity":"cart/"})", "validation_failed /entity"}});
  expect_rows(parse_nothing, {{"{}", ""}, {R"({"a":1})", "unknown_field /a"}, {"[]", "validation_failed "}});
}

TEST(gateway_input, names) {
  for (const char* good : {"T", "85123A", "BANK CHARGES", "a@b", "~!"})
    EXPECT_TRUE(is_sku(good)) << good;
  for (const std::string& bad : {std::string{}, std::string{" a"}, std::string{"a "}, std::string{"a\tb"},
                                 std::string{"\xc3\xa9"}, std::string(65, 'a')})
    EXPECT_FALSE(is_sku(bad)) << bad;
  EXPECT_TRUE(is_location("north-2_B"));
  EXPECT_FALSE(is_location("a b"));
  EXPECT_FALSE(is_location(std::string(33, 'a')));
}

}  // namespace
}  // namespace souk::gateway
