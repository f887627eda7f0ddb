#include "actors/marketplace/amount.hpp"

#include <cmath>
#include <string>

namespace souk::marketplace {

std::optional<std::int64_t> amount_of(double value) {
  // Written so that what is no number is refused too.
  if (!(value >= 0 && value <= static_cast<double>(amount_max))) return std::nullopt;
  return std::llround(value * static_cast<double>(amount_unit));
}

std::string amount_text(std::int64_t amount) {
  std::string text = amount < 0 ? "-" : "";
  const auto size = static_cast<std::uint64_t>(amount < 0 ? -amount : amount);
  text += std::to_string(size / amount_unit);
  if (const auto rest = size % amount_unit; rest != 0) {
    const auto digits = std::to_string(rest + amount_unit);  // with a leading 1, so that zeros stand
    const auto last = digits.find_last_not_of('0');
    text += '.';
    text.append(digits, 1, last);
  }
  return text;
}

}  // namespace souk::marketplace
