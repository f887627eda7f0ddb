#pragma once

#include <cstdint>
#include <string>
#include <string_view>

/// The two sums of our files: CRC32C finds damage, XXH3 chains each record to the one before it.
namespace souk::persistence {

/// CRC32C (Castagnoli) of `bytes`, going on from `previous`, the sum of what comes before them.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t previous = 0);

/// XXH3-64 of a whole record as stored: what its successor names as its predecessor.
std::uint64_t chain_hash(std::string_view frame);

/// A sum as operators see it in messages: eight or sixteen hexadecimal digits.
std::string hex(std::uint32_t sum);
std::string hex(std::uint64_t sum);
/// Bytes as hexadecimal digits, two a byte.
std::string hex(std::string_view bytes);

}  // namespace souk::persistence
