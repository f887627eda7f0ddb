#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace souk::gateway {

/// The longest header of a proxy that is read: what is beside the addresses is of no use here.
inline constexpr std::size_t proxy_header_bytes_max = 1'024;

/// What the first bytes of a connection say of who is behind the proxy.
struct proxy_header {
  enum class state : std::uint8_t { incomplete, complete, wrong };

  state read = state::incomplete;
  std::size_t bytes = 0;  ///< Of a complete one: what follows is the client's.
  std::string client;     ///< Its address; empty: the proxy itself, which looks whether we are there.
};

/// Reads a header of the PROXY protocol, version 2 (haproxy.org, proxy-protocol.txt), of TCP over IPv4 or
/// IPv6. Anything else, version 1 too, is wrong. Pure.
proxy_header read_proxy_header(std::string_view bytes);

}  // namespace souk::gateway
