#include "actors/gateway/proxy_header.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

namespace souk::gateway {

namespace {

constexpr std::string_view signature{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr std::size_t fixed_bytes = 16;

/// The byte after the signature: version 2, and the command.
constexpr unsigned char local = 0x20;
constexpr unsigned char proxied = 0x21;
/// The byte after that: family and transport.
constexpr unsigned char unspecified = 0x00;
constexpr unsigned char tcp_ipv4 = 0x11;
constexpr unsigned char tcp_ipv6 = 0x21;

/// Source and destination, with their ports.
constexpr std::size_t ipv4_bytes = 12;
constexpr std::size_t ipv6_bytes = 36;

unsigned char byte_at(std::string_view bytes, std::size_t at) {
  return static_cast<unsigned char>(bytes[at]);
}

std::string address_at(std::string_view bytes, int family) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  return inet_ntop(family, bytes.data() + fixed_bytes, text.data(), text.size());
}

}  // namespace

proxy_header read_proxy_header(std::string_view bytes) {
  using state = proxy_header::state;
  const auto known = std::min(bytes.size(), signature.size());
  if (bytes.substr(0, known) != signature.substr(0, known)) return {state::wrong, 0, {}};
  if (bytes.size() < fixed_bytes) return {};
  const auto command = byte_at(bytes, signature.size());
  const auto family = byte_at(bytes, signature.size() + 1);
  const std::size_t rest = (std::size_t{byte_at(bytes, 14)} << 8) | byte_at(bytes, 15);
  const auto size = fixed_bytes + rest;
  if ((command != local && command != proxied) || size > proxy_header_bytes_max) return {state::wrong, 0, {}};
  const auto needed = family == tcp_ipv4 ? ipv4_bytes : family == tcp_ipv6 ? ipv6_bytes : 0;
  const bool says_nothing = command == local || family == unspecified;
  if (!says_nothing && (needed == 0 || size < fixed_bytes + needed)) return {state::wrong, 0, {}};
  if (bytes.size() < size) return {};
  if (says_nothing) return {state::complete, size, {}};
  return {state::complete, size, address_at(bytes, family == tcp_ipv4 ? AF_INET : AF_INET6)};
}

}  // namespace souk::gateway
