#include "persistence/checksum.hpp"

#include "persistence/byte_order.hpp"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <isa-l/crc.h>

namespace souk::persistence {

std::uint32_t crc32c(std::string_view bytes, std::uint32_t previous) {
  // The library takes and returns the register before its final inversion, an `int` length and a pointer
  // that it does not write through.
  constexpr std::size_t step_max = 1 << 30;
  std::uint32_t sum = ~previous;
  while (!bytes.empty()) {
    const std::size_t step = std::min(bytes.size(), step_max);
    auto* data = reinterpret_cast<unsigned char*>(const_cast<char*>(bytes.data()));
    sum = crc32_iscsi(data, static_cast<int>(step), sum);
    bytes.remove_prefix(step);
  }
  return ~sum;
}

std::uint64_t chain_hash(std::string_view frame) { return XXH3_64bits(frame.data(), frame.size()); }

std::string hex(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const char byte : bytes) {
    text += digits[static_cast<unsigned char>(byte) >> 4];
    text += digits[static_cast<unsigned char>(byte) & 15];
  }
  return text;
}

std::string hex(std::uint32_t sum) {
  std::array<char, sizeof sum> bytes{};
  store_big_endian(bytes.data(), sum);
  return hex(std::string_view(bytes.data(), bytes.size()));
}

std::string hex(std::uint64_t sum) {
  std::array<char, sizeof sum> bytes{};
  store_big_endian(bytes.data(), sum);
  return hex(std::string_view(bytes.data(), bytes.size()));
}

}  // namespace souk::persistence
