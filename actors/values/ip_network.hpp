#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

/// Addresses of the internet protocol and networks of them. Pure; any thread.
namespace souk::values {

/// An address of IPv4 (as ::ffff:a.b.c.d) or IPv6.
using ip_address = std::array<std::uint8_t, 16>;

/// Bits that stand before an address of IPv4.
inline constexpr unsigned ipv4_offset_bits = 96;

/// Four bytes as an address of IPv4.
ip_address ipv4_address(const std::array<std::uint8_t, 4>& bytes);
bool is_ipv4(const ip_address& address);

/// Of a text such as "10.0.0.1" or "fe80::1", without a zone or brackets; nothing if it is none.
std::optional<ip_address> parse_address(std::string_view text);

/// Addresses that begin alike.
struct ip_network {
  ip_address address{};
  unsigned bits = 128;  ///< Of the 128 that are the same.

  bool has(const ip_address& other) const;
};

/// Reads "10.0.0.0/8", "fd00::/8", or one address; nothing if it is neither, or has bits set beyond its
/// prefix: whoever wrote "10.1.2.3/12" meant another network, or one address.
std::optional<ip_network> parse_network(std::string_view text);

}  // namespace souk::values
