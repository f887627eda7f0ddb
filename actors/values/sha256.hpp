#pragma once

#include <array>
#include <cstdint>
#include <string_view>

/// SHA-256 (FIPS 180-4) and what is made of it. Any thread.
namespace souk::values {

using digest = std::array<std::uint8_t, 32>;

/// SHA-256.
digest sha256(std::string_view text);

/// HMAC-SHA256 (RFC 2104).
digest hmac_sha256(std::string_view secret, std::string_view text);

}  // namespace souk::values
