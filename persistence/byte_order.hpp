#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

/// Integers in the byte order of our files: big endian, so that keys sort as numbers do.
namespace souk::persistence {

/// Writes `value` to the `sizeof(Int)` bytes at `out`.
template <class Int>
constexpr void store_big_endian(char* out, Int value) {
  static_assert(std::is_unsigned_v<Int>);
  for (std::size_t i = 0; i < sizeof(Int); ++i) {
    out[i] = static_cast<char>(value >> (8 * (sizeof(Int) - 1 - i)));
  }
}

/// Reads an integer from `bytes` at `offset`; all of it must lie inside.
template <class Int>
constexpr Int load_big_endian(std::string_view bytes, std::size_t offset) {
  static_assert(std::is_unsigned_v<Int>);
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof(Int); ++i) {
    value = value << 8 | static_cast<unsigned char>(bytes[offset + i]);
  }
  return static_cast<Int>(value);
}

}  // namespace souk::persistence
