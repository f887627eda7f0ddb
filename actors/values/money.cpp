#include "actors/values/money.hpp"

#include "runtime/mutant.hpp"

#include <array>
#include <limits>

namespace souk::values {
namespace {

__extension__ using wide = __int128;

constexpr std::uint32_t scale_max = 8;

// ISO 4217 list one, without the metals, funds of account and test codes, which have no minor unit. Two
// decimals where nothing else is said. BGN stays for refunds of what was sold before the euro.
constexpr std::string_view no_decimals =
    "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF";
constexpr std::string_view two_decimals =
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE "
    "CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD "
    "HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP "
    "MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD "
    "SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS "
    "VED VES WST XAD XCD XCG YER ZAR ZMW ZWG";
constexpr std::string_view three_decimals = "BHD IQD JOD KWD LYD OMR TND";
constexpr std::string_view four_decimals = "CLF UYW";

constexpr std::size_t letters = 26;
constexpr std::int8_t unknown = -1;

constexpr std::size_t index_of(char a, char b, char c) {
  return (static_cast<std::size_t>(a - 'A') * letters + static_cast<std::size_t>(b - 'A')) * letters +
         static_cast<std::size_t>(c - 'A');
}

using exponent_table = std::array<std::int8_t, letters * letters * letters>;

constexpr void fill(exponent_table& table, std::string_view codes, std::int8_t exponent) {
  for (std::size_t i = 0; i + 3 <= codes.size(); i += 4)
    table[index_of(codes[i], codes[i + 1], codes[i + 2])] = exponent;
}

constexpr exponent_table make_exponents() {
  exponent_table table{};
  for (auto& entry : table)
    entry = unknown;
  fill(table, no_decimals, 0);
  fill(table, two_decimals, 2);
  fill(table, three_decimals, 3);
  fill(table, four_decimals, 4);
  return table;
}

constexpr exponent_table exponents = make_exponents();

constexpr bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

constexpr wide power_of_ten(unsigned exponent) {
  wide power = 1;
  while (exponent-- > 0)
    power *= 10;
  return power;
}

// n / d for d > 0, rounded half to even.
wide divide_half_even(wide n, wide d) {
  wide quotient = n / d;
  const wide remainder = n % d;
  const wide twice = 2 * (remainder < 0 ? -remainder : remainder);
  if (twice > d || (twice == d && (quotient % 2 != 0 || mutated("rounded-up")))) quotient += n < 0 ? -1 : 1;
  return quotient;
}

bool in_range(wide amount) { return amount >= -amount_max && amount <= amount_max; }

// value / 10^scale major units in minor units, rounded half to even; nothing where 128 bits do not hold it.
std::optional<wide> to_minor(wide value, std::uint32_t scale, int exponent) {
  const int surplus = static_cast<int>(scale) - exponent;
  if (surplus > 0) return divide_half_even(value, power_of_ten(static_cast<unsigned>(surplus)));
  wide minor = 0;
  if (__builtin_mul_overflow(value, power_of_ten(static_cast<unsigned>(-surplus)), &minor))
    return std::nullopt;
  return minor;
}

// A decimal text as value / 10^scale, without trailing zeros after the point.
struct decimal {
  std::int64_t value = 0;
  std::uint32_t scale = 0;
};

std::optional<decimal> parse_decimal(std::string_view text) {
  const bool negative = !text.empty() && text.front() == '-';
  if (negative) text.remove_prefix(1);
  const std::size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  const std::string_view fraction =
      point == std::string_view::npos ? std::string_view{} : text.substr(point + 1);
  if (whole.empty() || (point != std::string_view::npos && fraction.empty()) || fraction.size() > scale_max)
    return std::nullopt;

  decimal result{0, static_cast<std::uint32_t>(fraction.size())};
  for (std::string_view digits : {whole, fraction}) {
    for (char c : digits) {
      if (!is_digit(c) || __builtin_mul_overflow(result.value, 10, &result.value) ||
          __builtin_add_overflow(result.value, c - '0', &result.value))
        return std::nullopt;
    }
  }
  while (result.scale > 0 && result.value % 10 == 0) {
    result.value /= 10;
    --result.scale;
  }
  if (negative) result.value = -result.value;
  return result;
}

}  // namespace

std::optional<int> minor_unit_exponent(std::string_view currency) {
  if (currency.size() != 3 || !is_upper(currency[0]) || !is_upper(currency[1]) || !is_upper(currency[2]))
    return std::nullopt;
  const std::int8_t exponent = exponents[index_of(currency[0], currency[1], currency[2])];
  if (exponent == unknown) return std::nullopt;
  return exponent;
}

std::int64_t add(std::int64_t a, std::int64_t b) { return replace_part(a, 0, b); }

std::int64_t replace_part(std::int64_t total, std::int64_t part, std::int64_t by) {
  const wide sum = wide{total} - part + by;
  if (!in_range(sum)) throw money_overflow{};
  return static_cast<std::int64_t>(sum);
}

std::int64_t line_total(const pb::UnitPrice& price, std::int64_t quantity) {
  std::optional<wide> total;
  if (price.precise()) {
    const auto exponent = minor_unit_exponent(price.currency());
    if (!exponent) throw std::logic_error("a price in the unknown currency " + price.currency());
    if (price.scale() > scale_max)
      throw std::logic_error("a price of " + std::to_string(price.scale()) + " decimals");
    total = to_minor(wide{price.value()} * quantity, price.scale(), *exponent);
  } else {
    total = wide{price.amount()} * quantity;
  }
  if (!total || !in_range(*total)) throw money_overflow{};
  return static_cast<std::int64_t>(*total);
}

std::optional<pb::UnitPrice> parse_unit_price(std::string_view text, std::string_view currency) {
  const auto number = parse_decimal(text);
  const auto exponent = minor_unit_exponent(currency);
  if (!number || !exponent) return std::nullopt;
  auto price = precise_unit_price(number->value, number->scale, currency);
  if (price && number->scale <= static_cast<std::uint32_t>(*exponent)) {
    price->clear_precise();
    price->clear_value();
    price->clear_scale();
  }
  return price;
}

std::optional<pb::UnitPrice> precise_unit_price(std::int64_t value, std::uint32_t scale,
                                                std::string_view currency) {
  const auto exponent = minor_unit_exponent(currency);
  if (!exponent || scale > scale_max) return std::nullopt;
  const auto amount = to_minor(value, scale, *exponent);
  if (!amount || !in_range(*amount)) return std::nullopt;
  pb::UnitPrice price;
  price.set_amount(static_cast<std::int64_t>(*amount));
  price.set_currency(std::string{currency});
  price.set_precise(true);
  price.set_value(value);
  price.set_scale(scale);
  return price;
}

std::string format_amount(std::int64_t amount, std::string_view currency) {
  const auto decimals = static_cast<std::size_t>(minor_unit_exponent(currency).value_or(0));
  const std::uint64_t magnitude =
      amount < 0 ? 0 - static_cast<std::uint64_t>(amount) : static_cast<std::uint64_t>(amount);
  std::string text = std::to_string(magnitude);
  if (decimals > 0) {
    if (text.size() <= decimals) text.insert(0, decimals + 1 - text.size(), '0');
    text.insert(text.size() - decimals, 1, '.');
  }
  if (amount < 0) text.insert(0, 1, '-');
  return text;
}

}  // namespace souk::values
