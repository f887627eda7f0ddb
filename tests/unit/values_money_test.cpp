#include "actors/values/money.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <sstream>
#include <string>
#include <vector>

namespace souk::values {
namespace {

pb::UnitPrice plain(std::int64_t amount, const std::string& currency = "USD") {
  pb::UnitPrice price;
  price.set_amount(amount);
  price.set_currency(currency);
  return price;
}

pb::UnitPrice precise(std::int64_t value, std::uint32_t scale, const std::string& currency = "USD") {
  pb::UnitPrice price;
  price.set_currency(currency);
  price.set_precise(true);
  price.set_value(value);
  price.set_scale(scale);
  return price;
}

struct exponent_group {
  int exponent;
  const char* codes;
};

TEST(money, the_minor_unit_of_every_current_currency_is_known) {
  const std::vector<exponent_group> groups = {
      {0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"},
      {2,
       "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE "
       "CHF "
       "CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD "
       "HNL "
       "HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP "
       "MRU "
       "MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD "
       "SCR "
       "SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS "
       "VED "
       "VES WST XAD XCD XCG YER ZAR ZMW ZWG"},
      {3, "BHD IQD JOD KWD LYD OMR TND"},
      {4, "CLF UYW"},
  };
  std::size_t count = 0;
  for (const auto& group : groups) {
    std::istringstream codes{group.codes};
    for (std::string code; codes >> code; ++count)
      EXPECT_EQ(minor_unit_exponent(code), group.exponent) << code;
  }
  EXPECT_EQ(count, 165u);
}

TEST(money, what_is_no_currency_is_unknown) {
  for (const char* code :
       {"", "US", "USDX", "usd", "Usd", "XXX", "XAU", "XTS", "AAA", "ZZZ", "U D", "US\x80", "123"})
    EXPECT_EQ(minor_unit_exponent(code), std::nullopt) << code;
}

struct total_case {
  pb::UnitPrice price;
  std::int64_t quantity;
  std::int64_t total;
};

TEST(money, a_line_is_rounded_once_half_to_even) {
  const std::vector<total_case> cases = {
      {plain(1999), 3, 5997},
      {plain(-1), 1'000'000, -1'000'000},
      {plain(0), 7, 0},
      {precise(25, 1, "JPY"), 1, 2},    // 2.5
      {precise(35, 1, "JPY"), 1, 4},    // 3.5
      {precise(15, 1, "JPY"), 1, 2},    // 1.5
      {precise(5, 1, "JPY"), 1, 0},     // 0.5
      {precise(-5, 1, "JPY"), 1, 0},    // -0.5
      {precise(-15, 1, "JPY"), 1, -2},  // -1.5
      {precise(-25, 1, "JPY"), 1, -2},  // -2.5
      {precise(25, 1, "JPY"), 3, 8},    // 7.5, not 3 x 2
      {precise(26, 1, "JPY"), 1, 3},
      {precise(24, 1, "JPY"), 1, 2},
      {precise(12345, 4), 1, 123},  // 1.2345 USD
      {precise(12345, 4), 100, 12345},
      {precise(10050, 4), 1, 100},  // 1.0050: half to even
      {precise(10150, 4), 1, 102},
      {precise(10051, 4), 1, 101},
      {precise(1, 8), 1'000'000, 1},  // 0.01 USD
      {precise(1, 8), 500'000, 0},    // 0.005 USD: half, to even
      {precise(1, 8), 1'500'000, 2},
      {precise(7, 0), 2, 1400},  // fewer decimals than the currency has
      {precise(7, 1), 2, 140},
      {precise(12345, 4, "KWD"), 1, 1234},  // 1234.5 fils
      {precise(12355, 4, "KWD"), 1, 1236},
      {precise(12345, 4, "CLF"), 2, 24690},
  };
  for (const auto& c : cases)
    EXPECT_EQ(line_total(c.price, c.quantity), c.total) << c.price.ShortDebugString() << " x " << c.quantity;
}

TEST(money, intermediates_do_not_overflow_64_bits) {
  // 9 x 10^18 / 10^8 = 9 x 10^10 USD a unit; times 1,000 leaves 64 bits before the division.
  EXPECT_EQ(line_total(precise(9'000'000'000'000'000'000, 8), 1000), 9'000'000'000'000'000);
  EXPECT_EQ(line_total(precise(-9'000'000'000'000'000'000, 8), 1000), -9'000'000'000'000'000);
}

TEST(money, what_leaves_the_range_is_an_overflow) {
  EXPECT_EQ(line_total(plain(amount_max), 1), amount_max);
  EXPECT_EQ(line_total(plain(amount_max), -1), -amount_max);
  EXPECT_THROW(line_total(plain(amount_max), 2), money_overflow);
  EXPECT_THROW(line_total(plain(amount_max / 2 + 1), 2), money_overflow);
  EXPECT_THROW(line_total(plain(INT64_MAX), INT64_MAX), money_overflow);
  EXPECT_THROW(line_total(precise(INT64_MAX, 0), INT64_MAX), money_overflow);
  EXPECT_THROW(line_total(precise(INT64_MIN, 0, "CLF"), INT64_MIN), money_overflow);
  EXPECT_EQ(add(amount_max, -1), amount_max - 1);
  EXPECT_EQ(add(amount_max - 1, 1), amount_max);
  EXPECT_THROW(add(amount_max, 1), money_overflow);
  EXPECT_THROW(add(-amount_max, -1), money_overflow);
  EXPECT_THROW(add(INT64_MAX, INT64_MAX), money_overflow);
}

TEST(money, a_total_of_random_prices_is_the_nearest_amount_and_even_on_a_tie) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random{seed};
  for (int round = 0; round < 20'000; ++round) {
    const auto value = static_cast<std::int64_t>(random() % 2'000'001) - 1'000'000;
    const auto quantity = static_cast<std::int64_t>(random() % 1000) + 1;
    const auto scale = static_cast<std::uint32_t>(random() % 7) + 2;
    std::int64_t unit = 1;
    for (std::uint32_t i = 2; i < scale; ++i)
      unit *= 10;
    const std::int64_t off = line_total(precise(value, scale), quantity) * unit - value * quantity;
    ASSERT_LE(std::abs(off) * 2, unit) << value << "e-" << scale << " x " << quantity;
    if (std::abs(off) * 2 == unit) {
      ASSERT_EQ(line_total(precise(value, scale), quantity) % 2, 0);
    }
  }
}

struct price_case {
  const char* text;
  const char* currency;
  std::int64_t amount;
  bool precise;
  std::int64_t value;
  std::uint32_t scale;
};

TEST(money, a_decimal_becomes_an_exact_price) {
  const std::vector<price_case> cases = {
      {"2.55", "USD", 255, false, 0, 0},
      {"2.5", "USD", 250, false, 0, 0},
      {"2", "USD", 200, false, 0, 0},
      {"0", "USD", 0, false, 0, 0},
      {"-0.00", "USD", 0, false, 0, 0},
      {"-1", "USD", -100, false, 0, 0},
      {"2.550000", "USD", 255, false, 0, 0},
      {"0.001", "USD", 0, true, 1, 3},
      {"0.005", "USD", 0, true, 5, 3},
      {"0.015", "USD", 2, true, 15, 3},
      {"-0.015", "USD", -2, true, -15, 3},
      {"1.23450", "USD", 123, true, 12345, 4},
      {"0.00000001", "USD", 0, true, 1, 8},
      {"10", "JPY", 10, false, 0, 0},
      {"10.5", "JPY", 10, true, 105, 1},
      {"1.234", "KWD", 1234, false, 0, 0},
      {"90071992547409.91", "USD", amount_max, false, 0, 0},
  };
  for (const auto& c : cases) {
    const auto price = parse_unit_price(c.text, c.currency);
    ASSERT_TRUE(price) << c.text;
    EXPECT_EQ(price->amount(), c.amount) << c.text;
    EXPECT_EQ(price->currency(), c.currency);
    EXPECT_EQ(price->precise(), c.precise) << c.text;
    EXPECT_EQ(price->value(), c.value) << c.text;
    EXPECT_EQ(price->scale(), c.scale) << c.text;
  }
}

TEST(money, what_is_no_decimal_is_no_price) {
  for (const char* text : {"", "-", ".", ".5", "5.", "1,5", "1e3", "+1", " 1", "1 ", "1.2.3", "--1", "0x10",
                           "1.123456789", "90071992547409.92", "99999999999999999999999", "NaN"})
    EXPECT_FALSE(parse_unit_price(text, "USD")) << text;
  EXPECT_FALSE(parse_unit_price("1", "XXX"));
}

TEST(money, a_precise_price_rounds_its_amount_half_to_even) {
  EXPECT_EQ(precise_unit_price(12345, 4, "USD")->amount(), 123);
  EXPECT_EQ(precise_unit_price(12350, 4, "USD")->amount(), 124);
  EXPECT_EQ(precise_unit_price(12250, 4, "USD")->amount(), 122);
  EXPECT_EQ(precise_unit_price(5, 0, "USD")->amount(), 500);
  EXPECT_TRUE(precise_unit_price(5, 0, "USD")->precise());
  EXPECT_FALSE(precise_unit_price(1, 9, "USD"));
  EXPECT_FALSE(precise_unit_price(1, 2, "usd"));
  EXPECT_FALSE(precise_unit_price(INT64_MAX, 0, "USD"));
}

TEST(money, amounts_read_with_their_decimals) {
  EXPECT_EQ(format_amount(1234, "USD"), "12.34");
  EXPECT_EQ(format_amount(5, "USD"), "0.05");
  EXPECT_EQ(format_amount(-5, "USD"), "-0.05");
  EXPECT_EQ(format_amount(0, "KWD"), "0.000");
  EXPECT_EQ(format_amount(-1234567, "KWD"), "-1234.567");
  EXPECT_EQ(format_amount(1234, "JPY"), "1234");
  EXPECT_EQ(format_amount(INT64_MIN, "JPY"), "-9223372036854775808");
}

}  // namespace
}  // namespace souk::values
