#pragma once

#include "actors/values/ip_network.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Who a client is. Pure; any thread.
namespace souk::gateway {

/// Where a client has come from, as limits see it: an IPv6 client is its /64, which is the least that a
/// provider hands out; an IPv4 client that is written as IPv6 is the IPv4 one.
std::string limited_address(std::string_view address);

/// Addresses and networks: "10.0.0.1", "10.0.0.0/8", "fd00::/8".
class address_set {
 public:
  /// Adds one. False: it is none, or has bits set beyond its prefix.
  bool add(std::string_view text);
  /// Whether an address is in it; a text that is no address is not.
  bool contains(std::string_view address) const;
  bool empty() const { return networks_.empty(); }

 private:
  std::vector<values::ip_network> networks_;
};

/// At most so many proxies are followed back.
inline constexpr std::size_t forwarded_hops_max = 16;

/// The client behind trusted proxies: from `peer` back through the elements of the request's Forwarded fields
/// (RFC 7239), the last one first, as long as who says it is trusted. Gives the first address that is not, or
/// the last that is known: an element may name nobody ("unknown", "_hidden"). Fields that are malformed
/// anywhere say nothing at all.
std::string forwarded_client(const std::vector<std::pair<std::string, std::string>>& fields,
                             std::string_view peer, const address_set& trusted);

}  // namespace souk::gateway
