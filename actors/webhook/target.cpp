#include "actors/webhook/target.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace souk::webhook {

namespace {

constexpr unsigned v4_offset = 96;  // bits of ::ffff: before an address of IPv4

bool is_v4(const ip_address& address) {
  static constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return std::equal(mapped.begin(), mapped.end(), address.begin());
}

/// The address of IPv4 that four bytes within one of IPv6 are.
ip_address v4_within(const ip_address& address, std::size_t at) {
  ip_address inner{};
  inner[10] = inner[11] = 0xff;
  std::copy_n(address.begin() + static_cast<std::ptrdiff_t>(at), 4, inner.begin() + 12);
  return inner;
}

/// Of https://www.iana.org/assignments/iana-ipv4-special-registry and its like for IPv6, with multicast.
constexpr std::array special_v4{"0.0.0.0/8",       "10.0.0.0/8",      "100.64.0.0/10",   "127.0.0.0/8",
                                "169.254.0.0/16",  "172.16.0.0/12",   "192.0.0.0/24",    "192.0.2.0/24",
                                "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24",  "192.168.0.0/16",
                                "192.175.48.0/24", "198.18.0.0/15",   "198.51.100.0/24", "203.0.113.0/24",
                                "224.0.0.0/4",     "240.0.0.0/4"};
/// Of what is given out to the internet, 2000::/3; all else is not.
constexpr std::array special_v6{"2001::/23", "2001:db8::/32", "3fff::/20"};

template <std::size_t size>
std::vector<network> networks_of(const std::array<const char*, size>& texts) {
  std::vector<network> networks;
  networks.reserve(size);
  for (const auto* text : texts)
    networks.push_back(parse_network(text).value());
  return networks;
}

bool any_has(const std::vector<network>& networks, const ip_address& address) {
  return std::ranges::any_of(networks, [&](const network& each) { return each.has(address); });
}

bool is_host(std::string_view text) {
  return !text.empty() && text.size() <= 253 && std::ranges::all_of(text, [](unsigned char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
           (letter >= '0' && letter <= '9') || letter == '-' || letter == '.' || letter == '_';
  });
}

template <class Number>
std::optional<Number> number_of(std::string_view digits) {
  Number number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

}  // namespace

std::optional<ip_address> parse_address(std::string_view text) {
  const std::string terminated{text};
  ip_address address{};
  if (inet_pton(AF_INET6, terminated.c_str(), address.data()) == 1) return address;
  std::array<std::uint8_t, 4> v4{};
  if (inet_pton(AF_INET, terminated.c_str(), v4.data()) != 1) return std::nullopt;
  address = {};
  address[10] = address[11] = 0xff;
  std::ranges::copy(v4, address.begin() + 12);
  return address;
}

bool network::has(const ip_address& other) const {
  const auto whole = bits / 8;
  if (std::memcmp(address.data(), other.data(), whole) != 0) return false;
  const auto rest = bits % 8;
  return rest == 0 || (address.at(whole) ^ other.at(whole)) >> (8 - rest) == 0;
}

std::optional<network> parse_network(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = parse_address(text.substr(0, slash));
  if (!address) return std::nullopt;
  if (slash == std::string_view::npos) return network{*address, 128};
  const auto offset = text.find(':') == std::string_view::npos ? v4_offset : 0;
  const auto bits = number_of<unsigned>(text.substr(slash + 1));
  if (!bits || *bits > 128 - offset) return std::nullopt;
  return network{*address, *bits + offset};
}

bool is_public(const ip_address& address) {
  static const auto v4 = networks_of(special_v4);
  static const auto v6 = networks_of(special_v6);
  static const auto internet = parse_network("2000::/3").value();
  static const auto nat64 = parse_network("64:ff9b::/96").value();
  static const auto six_to_four = parse_network("2002::/16").value();
  if (is_v4(address)) return !any_has(v4, address);
  if (nat64.has(address)) return is_public(v4_within(address, 12));
  if (six_to_four.has(address)) return is_public(v4_within(address, 2));
  return internet.has(address) && !any_has(v6, address);
}

bool target_rules::may_reach(const ip_address& address, bool secure) const {
  return any_has(allowed, address) || (secure && is_public(address));
}

std::string target::authority() const {
  const auto name = host.find(':') == std::string::npos ? host : "[" + host + "]";
  const bool usual = port == (secure ? 443 : 80);
  return usual ? name : name + ":" + std::to_string(port);
}

std::optional<target> parse_target(std::string_view url) {
  const bool printable = std::ranges::all_of(url, [](char letter) { return letter > ' ' && letter < 0x7f; });
  if (url.size() > url_characters_max || !printable || url.find('#') != std::string_view::npos)
    return std::nullopt;
  target found;
  found.secure = url.starts_with("https://");
  if (!found.secure && !url.starts_with("http://")) return std::nullopt;
  found.port = found.secure ? 443 : 80;
  url.remove_prefix(found.secure ? 8 : 7);
  const auto end = std::min(url.find_first_of("/?"), url.size());
  auto authority = url.substr(0, end);
  found.path = std::string{url.substr(end)};
  if (!found.path.starts_with('/')) found.path.insert(0, "/");
  const bool bracketed = authority.starts_with('[');
  const auto host_end = bracketed ? authority.find(']') : std::min(authority.find(':'), authority.size());
  if (host_end == std::string_view::npos) return std::nullopt;
  found.host = std::string{bracketed ? authority.substr(1, host_end - 1) : authority.substr(0, host_end)};
  auto rest = authority.substr(bracketed ? host_end + 1 : host_end);
  if (bracketed) {
    if (found.host.find(':') == std::string::npos || !parse_address(found.host)) return std::nullopt;
  } else if (!is_host(found.host)) {
    return std::nullopt;
  }
  if (rest.empty()) return found;
  const auto port = rest.starts_with(':') ? number_of<std::uint16_t>(rest.substr(1)) : std::nullopt;
  if (!port || *port == 0) return std::nullopt;
  found.port = *port;
  return found;
}

}  // namespace souk::webhook
