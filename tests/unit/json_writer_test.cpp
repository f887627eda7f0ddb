#include "actors/json/writer.hpp"

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include <random>
#include <stdexcept>
#include <string>
#include <utility>

namespace souk::json {
namespace {

TEST(json_writer, values_stand_in_the_order_of_the_calls) {
  writer out;
  out.begin_object();
  out.key("a").integer(1);
  out.key("b").begin_array().integer(-5).boolean(true).boolean(false).null().string("x").end_array();
  out.key("c").begin_object().end_object();
  out.key("d")
      .begin_array()
      .begin_array()
      .end_array()
      .begin_object()
      .key("e")
      .integer(2)
      .end_object()
      .end_array();
  out.key("f").raw(R"({"g":[1]})");
  out.end_object();
  EXPECT_EQ(std::move(out).take(),
            R"({"a":1,"b":[-5,true,false,null,"x"],"c":{},"d":[[],{"e":2}],"f":{"g":[1]}})");
}

TEST(json_writer, a_value_may_stand_alone) {
  EXPECT_EQ(std::move(writer{}.string("x")).take(), R"("x")");
  EXPECT_EQ(std::move(writer{}.integer(INT64_MIN)).take(), "-9223372036854775808");
  EXPECT_EQ(std::move(writer{}.begin_array().end_array()).take(), "[]");
}

TEST(json_writer, what_json_forbids_in_strings_is_escaped) {
  const std::string text = std::string{"a\"b\\c/\b\t\n\f\r\x01\x1f\x7f"} + '\0' + "\xc3\xa9\xf0\x9f\x9b\x8d";
  EXPECT_EQ(std::move(writer{}.string(text)).take(),
            "\"a\\\"b\\\\c/\\b\\t\\n\\f\\r\\u0001\\u001f\x7f\\u0000\xc3\xa9\xf0\x9f\x9b\x8d\"");
  writer out;
  out.begin_object().key("k\"").integer(1).end_object();
  EXPECT_EQ(std::move(out).take(), R"({"k\"":1})");
}

TEST(json_writer, a_parser_reads_back_any_string) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random{seed};
  for (int round = 0; round < 500; ++round) {
    std::string text;
    for (auto length = random() % 40; length > 0; --length)
      text += static_cast<char>(random() % 128);
    const auto value = boost::json::parse(std::move(writer{}.string(text)).take());
    ASSERT_EQ(std::string_view{value.as_string()}, text);
  }
}

TEST(json_writer, money_prices_and_times_have_their_shapes) {
  values::pb::UnitPrice price;
  price.set_amount(123);
  price.set_currency("USD");
  writer out;
  out.begin_array().money(-1999, "JPY").unit_price(price);
  price.set_precise(true);
  price.set_value(12345);
  price.set_scale(4);
  out.unit_price(price).time(runtime::from_ms(1'795'600'800'120)).end_array();
  EXPECT_EQ(
      std::move(out).take(),
      R"([{"amount":-1999,"currency":"JPY"},{"amount":123,"currency":"USD"},)"
      R"({"amount":123,"currency":"USD","precise":{"value":"12345","scale":4}},"2026-11-25T10:00:00.120Z"])");
}

TEST(json_writer, misuse_throws) {
  EXPECT_THROW(writer{}.begin_object().integer(1), std::logic_error);
  EXPECT_THROW(writer{}.begin_object().begin_array(), std::logic_error);
  EXPECT_THROW(writer{}.begin_object().key("a").key("b"), std::logic_error);
  EXPECT_THROW(writer{}.begin_object().key("a").end_object(), std::logic_error);
  EXPECT_THROW(writer{}.begin_object().end_array(), std::logic_error);
  EXPECT_THROW(writer{}.begin_array().end_object(), std::logic_error);
  EXPECT_THROW(writer{}.begin_array().key("a"), std::logic_error);
  EXPECT_THROW(writer{}.key("a"), std::logic_error);
  EXPECT_THROW(writer{}.end_object(), std::logic_error);
  EXPECT_THROW(writer{}.integer(1).integer(2), std::logic_error);
  EXPECT_THROW(std::move(writer{}.begin_array()).take(), std::logic_error);
  EXPECT_THROW(writer{}.take(), std::logic_error);
  writer deep;
  for (int level = 0; level < 64; ++level)
    deep.begin_array();
  EXPECT_THROW(deep.begin_array(), std::logic_error);
}

}  // namespace
}  // namespace souk::json
