#include "actors/json/object_reader.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

namespace souk::json {
namespace {

value read(std::string_view text) {
  parse_error error;
  auto document = parse(text, error);
  EXPECT_TRUE(document.has_value()) << text << ": " << error.detail;
  return document ? *document : value{};
}

/// Reads `text` with `use`, finishes, and lists what was wrong as "code pointer".
std::vector<std::string> wrong(std::string_view text, const std::function<void(object_reader&)>& use) {
  const auto document = read(text);
  input_errors errors;
  object_reader in{document, errors};
  use(in);
  in.finish();
  std::vector<std::string> found;
  if (const auto problem = errors.take())
    for (const auto& error : problem->errors)
      found.push_back(error.code + " " + error.pointer);
  return found;
}

using strings = std::vector<std::string>;

TEST(json_reader_object, typed_members_are_read) {
  const auto found = wrong(
      R"({"s":"höh","i":3,"b":false,"c":"JPY","m":{"amount":5,"currency":"USD"},"l":["a","b"],
          "t":{"size":"L"},"o":{"x":{"y":7}},"n":[{"q":1},{"q":2}],"f":{"any":[1.5]}})",
      [](object_reader& in) {
        EXPECT_EQ(in.string("s", {3, 3}), "höh");
        EXPECT_EQ(in.integer("i", {3, 3}), 3);
        EXPECT_FALSE(in.boolean("b"));
        EXPECT_EQ(in.currency("c"), "JPY");
        const auto money = in.money("m", {0, 5});
        EXPECT_EQ(money.amount(), 5);
        EXPECT_EQ(money.currency(), "USD");
        EXPECT_EQ(in.strings("l", {0, 2}, {1, 1}), (strings{"a", "b"}));
        const auto texts = in.optional_texts("t", {0, 5}, {0, 5});
        ASSERT_EQ(texts.size(), 1u);
        EXPECT_EQ(texts[0].first + texts[0].second, "sizeL");
        std::int64_t y = 0;
        EXPECT_TRUE(in.with_object("o", [&](object_reader& o) {
          o.with_object("x", [&](object_reader& x) { y = x.integer("y", {0, 9}); });
        }));
        EXPECT_EQ(y, 7);
        std::int64_t sum = 0;
        in.each_object("n", {1, 2}, [&](object_reader& item) { sum += item.integer("q", {1, 2}); });
        EXPECT_EQ(sum, 3);
        EXPECT_NE(in.optional_free_object("f", 100), nullptr);
        EXPECT_EQ(in.optional_string("absent", {0, 1}), std::nullopt);
        EXPECT_EQ(in.optional_integer("absent", {0, 1}), std::nullopt);
        EXPECT_EQ(in.optional_boolean("absent"), std::nullopt);
        EXPECT_FALSE(in.optional_money("absent").has_value());
        EXPECT_FALSE(in.with_optional_object("absent", [](object_reader&) { FAIL(); }));
      });
  EXPECT_EQ(found, strings{});
}

TEST(json_reader_object, all_errors_are_found_with_their_places) {
  const auto found =
      wrong(R"({"items":[{"sku":"","quantity":1.0},{"sku":7,"quantity":9007199254740993},5],"email":null})",
            [](object_reader& in) {
              in.each_object("items", {1, 500}, [](object_reader& item) {
                item.string("sku", {1, 64});
                item.integer("quantity", {1, 1'000'000});
              });
              in.optional_string("email", {1, 5});
              in.string("currency", {3, 3});
            });
  EXPECT_EQ(found, (strings{"validation_failed /items/0/sku", "validation_failed /items/0/quantity",
                            "validation_failed /items/1/sku", "validation_failed /items/1/quantity",
                            "validation_failed /items/2", "validation_failed /email",
                            "validation_failed /currency"}));
}

TEST(json_reader_object, members_that_nobody_read_are_unknown_at_every_depth) {
  const auto document = read(R"({"payment":{"token":"t","admin":true},"total":0,"lines":[{"price":1}]})");
  input_errors errors;
  object_reader in{document, errors};
  in.with_object("payment", [](object_reader& payment) { payment.string("token", {1, 9}); });
  in.each_object("lines", {0, 9}, [](object_reader&) {});
  in.finish();
  const auto problem = errors.take();
  ASSERT_TRUE(problem.has_value());
  EXPECT_EQ(problem->code, "unknown_field");
  ASSERT_EQ(problem->errors.size(), 3u);
  EXPECT_EQ(problem->errors[0].pointer, "/payment/admin");
  EXPECT_EQ(problem->errors[1].pointer, "/lines/0/price");
  EXPECT_EQ(problem->errors[2].pointer, "/total");
  EXPECT_FALSE(errors.take().has_value());
}

TEST(json_reader_object, an_object_of_more_members_than_any_schema_has_is_refused) {
  std::string text = "{\"a\":1";
  for (int i = 0; i < 70; ++i)
    text += ",\"m" + std::to_string(i) + "\":0";
  text += ",\"b\":2}";
  const auto found = wrong(text, [](object_reader& in) {
    in.integer("a", {0, 9});
    in.optional_integer("b", {0, 9});
  });
  EXPECT_EQ(found.size(), input_errors::errors_max);
  EXPECT_EQ(found.front(), "unknown_field /m0");
}

TEST(json_reader_object, a_body_that_is_no_object_is_one_error) {
  for (const auto* text : {"[]", "null", "3", "\"x\""})
    EXPECT_EQ(wrong(text, [](object_reader& in) { in.string("sku", {1, 64}); }),
              strings{"validation_failed "})
        << text;
}

struct refused_case {
  std::string text;
  std::string error;
};

TEST(json_reader_object, money_is_whole_minor_units_of_a_known_currency) {
  const std::vector<refused_case> cases{
      {R"({"m":{"amount":1.5,"currency":"USD"}})", "validation_failed /m/amount"},
      {R"({"m":{"amount":-1,"currency":"USD"}})", "validation_failed /m/amount"},
      {R"({"m":{"amount":"1","currency":"USD"}})", "validation_failed /m/amount"},
      {R"({"m":{"amount":1,"currency":"usd"}})", "validation_failed /m/currency"},
      {R"({"m":{"amount":1,"currency":"ZZZ"}})", "validation_failed /m/currency"},
      {R"({"m":{"amount":1}})", "validation_failed /m/currency"},
      {R"({"m":{"amount":1,"currency":"USD","scale":2}})", "unknown_field /m/scale"},
      {R"({"m":5})", "validation_failed /m"},
      {R"({})", "validation_failed /m"},
  };
  for (const auto& one : cases)
    EXPECT_EQ(wrong(one.text, [](object_reader& in) { in.money("m"); }), strings{one.error}) << one.text;
}

TEST(json_reader_object, a_unit_price_may_be_precise) {
  const auto document = read(R"({"p":{"currency":"USD","precise":{"value":"12345","scale":4}}})");
  input_errors errors;
  object_reader in{document, errors};
  const auto price = in.unit_price("p");
  in.finish();
  EXPECT_TRUE(errors.empty());
  EXPECT_TRUE(price.precise());
  EXPECT_EQ(price.value(), 12345);
  EXPECT_EQ(price.scale(), 4u);
  EXPECT_EQ(price.amount(), 123);

  const std::vector<refused_case> cases{
      {R"({"p":{"currency":"USD","precise":{"value":12345,"scale":4}}})",
       "validation_failed /p/precise/value"},
      {R"({"p":{"currency":"USD","precise":{"value":"1.5","scale":4}}})",
       "validation_failed /p/precise/value"},
      {R"({"p":{"currency":"USD","precise":{"value":"01","scale":4}}})",
       "validation_failed /p/precise/value"},
      {R"({"p":{"currency":"USD","precise":{"value":"-1","scale":1}}})",
       "validation_failed /p/precise/value"},
      {R"({"p":{"currency":"USD","precise":{"value":"1","scale":9}}})", "validation_failed /p/precise/scale"},
      {R"({"p":{"currency":"USD","amount":124,"precise":{"value":"12345","scale":4}}})",
       "validation_failed /p/amount"},
      {R"({"p":{"currency":"USD"}})", "validation_failed /p/amount"},
  };
  for (const auto& one : cases)
    EXPECT_EQ(wrong(one.text, [](object_reader& in) { in.unit_price("p"); }), strings{one.error}) << one.text;
}

TEST(json_reader_object, texts_are_measured_in_characters_and_hold_no_nul) {
  const auto length = [](object_reader& in) { in.string("s", {2, 3}); };
  EXPECT_EQ(wrong(R"({"s":"äöü"})", length), strings{});
  EXPECT_EQ(wrong(R"({"s":"ä"})", length), strings{"validation_failed /s"});
  EXPECT_EQ(wrong(R"({"s":"äöüß"})", length), strings{"validation_failed /s"});
  EXPECT_EQ(wrong(R"({"s":"a\u0000"})", length), strings{"validation_failed /s"});
}

TEST(json_reader_object, a_free_object_holds_only_numbers_that_every_reader_holds) {
  const auto use = [](object_reader& in) { in.optional_free_object("o", 40); };
  EXPECT_EQ(wrong(R"({"o":{"a":{"b":[1,0.5,-1.5e3,"x",null,true]}}})", use), strings{});
  EXPECT_EQ(wrong(R"({"o":{"a":[1e400]}})", use), strings{"validation_failed /o/a/0"});
  EXPECT_EQ(wrong(R"({"o":{"a":-0}})", use), strings{"validation_failed /o/a"});
  EXPECT_EQ(wrong(R"({"o":{"a":9007199254740993}})", use), strings{"validation_failed /o/a"});
  EXPECT_EQ(wrong(R"({"o":{"a":0.123456789012345678}})", use), strings{"validation_failed /o/a"});
  EXPECT_EQ(wrong(R"({"o":{"a":"\u0000"}})", use), strings{"validation_failed /o/a"});
  EXPECT_EQ(wrong(R"({"o":{"a":"0123456789012345678901234567890123456789"}})", use),
            strings{"validation_failed /o"});
}

}  // namespace
}  // namespace souk::json
