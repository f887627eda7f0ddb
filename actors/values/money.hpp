#pragma once

#include "actors/values/money.pb.h"

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

/// Values that all of commerce shares: money, ids, times. Pure; any thread.
namespace souk::values {

/// The largest amount, in minor units: 2^53 - 1, which every JSON reader holds exactly.
inline constexpr std::int64_t amount_max = (std::int64_t{1} << 53) - 1;

/// An amount left the range. Reported to clients as 422 `money_overflow`.
class money_overflow : public std::range_error {
 public:
  money_overflow() : std::range_error("the amount is beyond 2^53-1 minor units") {}
};

/// Decimals of a currency's minor unit by ISO 4217 (JPY 0, USD 2, KWD 3), or nothing for an unknown code.
/// Codes are three upper-case letters.
std::optional<int> minor_unit_exponent(std::string_view currency);

/// a + b within the range, or `money_overflow`.
std::int64_t add(std::int64_t a, std::int64_t b);

/// `total` with one of its parts replaced by another, within the range, or `money_overflow`.
std::int64_t replace_part(std::int64_t total, std::int64_t part, std::int64_t by);

/// quantity x unit price in minor units, rounded once, half to even, with 128-bit intermediates; or
/// `money_overflow`. The price's currency must be known.
std::int64_t line_total(const pb::UnitPrice& price, std::int64_t quantity);

/// A unit price of a decimal text such as "2.55", "-1", "0.001": exact, `precise` where the currency's minor
/// unit does not hold it; nothing if it is not a decimal, has more than 8 decimals, or leaves the range.
std::optional<pb::UnitPrice> parse_unit_price(std::string_view decimal, std::string_view currency);

/// A unit price of value / 10^scale major units (scale 0 to 8), its `amount` rounded half to even; or
/// nothing.
std::optional<pb::UnitPrice> precise_unit_price(std::int64_t value, std::uint32_t scale,
                                                std::string_view currency);

/// "12.34" of 1234 and USD; for people, never for machines.
std::string format_amount(std::int64_t amount, std::string_view currency);

}  // namespace souk::values
