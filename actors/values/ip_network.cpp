#include "actors/values/ip_network.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <string>

namespace souk::values {

namespace {

constexpr std::size_t ipv4_at = ipv4_offset_bits / 8;
constexpr ip_address mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0};

/// A byte's first `bits` bits.
std::uint8_t first_bits(unsigned bits) { return static_cast<std::uint8_t>(0xff00U >> bits); }

/// The first address of a network.
ip_address first_of(const ip_network& network) {
  auto first = network.address;
  if (const auto rest = network.bits % 8; rest != 0) first.at(network.bits / 8) &= first_bits(rest);
  std::fill(first.begin() + (network.bits + 7) / 8, first.end(), std::uint8_t{0});
  return first;
}

}  // namespace

ip_address ipv4_address(const std::array<std::uint8_t, 4>& bytes) {
  auto address = mapped;
  std::ranges::copy(bytes, address.begin() + ipv4_at);
  return address;
}

bool is_ipv4(const ip_address& address) {
  return std::equal(mapped.begin(), mapped.begin() + ipv4_at, address.begin());
}

std::optional<ip_address> parse_address(std::string_view text) {
  const std::string terminated{text};
  std::array<std::uint8_t, 4> v4{};
  if (inet_pton(AF_INET, terminated.c_str(), v4.data()) == 1) return ipv4_address(v4);
  ip_address address{};
  if (inet_pton(AF_INET6, terminated.c_str(), address.data()) == 1) return address;
  return std::nullopt;
}

bool ip_network::has(const ip_address& other) const {
  const auto whole = bits / 8;
  if (!std::equal(address.begin(), address.begin() + whole, other.begin())) return false;
  const auto rest = bits % 8;
  return rest == 0 || ((address.at(whole) ^ other.at(whole)) & first_bits(rest)) == 0;
}

std::optional<ip_network> parse_network(std::string_view text) {
  const auto slash = text.find('/');
  const auto written = text.substr(0, slash);
  const auto address = parse_address(written);
  if (!address) return std::nullopt;
  if (slash == std::string_view::npos) return ip_network{*address, 128};
  const auto offset = written.find(':') == std::string_view::npos ? ipv4_offset_bits : 0;
  const auto digits = text.substr(slash + 1);
  unsigned bits = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (error != std::errc{} || end != digits.data() + digits.size() || bits > 128 - offset)
    return std::nullopt;
  const ip_network network{*address, bits + offset};
  return first_of(network) == *address ? std::optional{network} : std::nullopt;
}

}  // namespace souk::values
