#include "bench/random_keys.hpp"

#include <array>

namespace souk::bench {
namespace {

std::mt19937_64 seeded() {
  std::random_device device;
  std::seed_seq seed{device(), device(), device(), device(), device(), device(), device(), device()};
  return std::mt19937_64(seed);
}

}  // namespace

random_keys::random_keys() : random_(seeded()), text_("00000000-0000-4000-8000-000000000000") {}

std::string_view random_keys::next() {
  constexpr std::string_view digits = "0123456789abcdef";
  constexpr std::size_t version_at = 14;
  constexpr std::size_t variant_at = 19;
  std::array<std::uint64_t, 2> bits{random_(), random_()};
  std::size_t taken = 0;
  for (std::size_t i = 0; i < text_.size(); ++i) {
    if (text_[i] == '-' || i == version_at) continue;
    std::uint64_t& source = bits[taken++ / 16];
    const std::uint64_t nibble = source & 15;
    source >>= 4;
    text_[i] = digits[i == variant_at ? 8 + nibble % 4 : nibble];
  }
  return text_;
}

std::size_t random_keys::number(std::size_t below) { return static_cast<std::size_t>(random_() % below); }

}  // namespace souk::bench
