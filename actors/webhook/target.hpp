#pragma once

#include "actors/values/ip_network.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Where webhooks may go: whoever may make endpoints must not reach what only the shop's own machines reach.
/// Pure.
namespace souk::webhook {

/// Whether an address is one of the internet's, which anybody may reach: none of a private, loopback,
/// link-local, shared, documentation, multicast or reserved range, of IPv4 or IPv6, nor an IPv6 address that
/// wraps such a one of IPv4 (mapped, NAT64, 6to4).
bool is_public(const values::ip_address& address);

/// What an operator allows beyond that (`webhooks.allowed_networks`).
struct target_rules {
  std::vector<values::ip_network> allowed;

  /// Whether deliveries may connect to this address. `secure`: by TLS; without, only within allowed networks.
  bool may_reach(const values::ip_address& address, bool secure) const;
};

/// A URL, taken apart.
struct target {
  bool secure = true;
  std::string host;  ///< A name, or an address without brackets.
  std::uint16_t port = 443;
  std::string path;  ///< With the query; at least "/".

  /// As the Host field has it.
  std::string authority() const;
};

/// Characters of a URL: enough for tokens in it, and a small row.
inline constexpr std::size_t url_characters_max = 2'000;

/// Reads an absolute URL of http or https: printable ASCII, a host, no user, no fragment. Nothing if it is
/// none.
std::optional<target> parse_target(std::string_view url);

}  // namespace souk::webhook
