#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

/// Crockford's base32: capital letters and digits without I, L, O and U, five bits each.
namespace souk::runtime {

inline constexpr std::string_view crockford_alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
inline constexpr unsigned crockford_bits = 5;

/// What makes an id unguessable: 20 characters, 100 bits.
inline constexpr std::size_t id_part_length = 20;
/// The fewest bytes that hold them.
inline constexpr std::size_t id_part_bytes = 13;

/// 20 characters from the first 100 bits of at least 13 bytes. Throws std::invalid_argument for fewer.
inline std::string encode_id_part(std::span<const std::uint8_t> bytes) {
  if (bytes.size() < id_part_bytes) throw std::invalid_argument("an id part needs 13 bytes");
  std::string part;
  part.reserve(id_part_length);
  unsigned buffer = 0;
  unsigned bits = 0;
  for (std::size_t next = 0; part.size() < id_part_length;) {
    if (bits < crockford_bits) {
      buffer = (buffer << 8 | bytes[next++]) & 0xffff;
      bits += 8;
    }
    bits -= crockford_bits;
    part += crockford_alphabet[(buffer >> bits) & 31];
  }
  return part;
}

}  // namespace souk::runtime
