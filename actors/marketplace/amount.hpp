#pragma once

#include <cstdint>
#include <optional>
#include <string>

/// Amounts of the benchmark: it names no currency, and its prices are numbers with decimals that grow by
/// percents. They are kept as whole millionths, and rounded once, when they come in.
namespace souk::marketplace {

inline constexpr std::int64_t amount_unit = 1'000'000;
/// The most that a client may name, a thousand times what the benchmark does. A line of `quantity_max` units
/// is 10^14 millionths at most, and 90,000 such lines of one seller stay within 64 bits.
inline constexpr std::int64_t amount_max = 100'000;

/// The amount of a number in JSON, to the nearest millionth; nothing if it is negative or above `amount_max`.
std::optional<std::int64_t> amount_of(double value);

/// A number in JSON: "12.5", "0".
std::string amount_text(std::int64_t amount);

}  // namespace souk::marketplace
