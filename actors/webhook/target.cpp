#include "actors/webhook/target.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace souk::webhook {

namespace {

using values::ip_address;
using values::ip_network;
using values::parse_network;

/// The address of IPv4 that four bytes within one of IPv6 are.
ip_address v4_within(const ip_address& address, std::size_t at) {
  return values::ipv4_address({address.at(at), address.at(at + 1), address.at(at + 2), address.at(at + 3)});
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
std::vector<ip_network> networks_of(const std::array<const char*, size>& texts) {
  std::vector<ip_network> networks;
  networks.reserve(size);
  for (const auto* text : texts)
    networks.push_back(parse_network(text).value());
  return networks;
}

bool any_has(const std::vector<ip_network>& networks, const ip_address& address) {
  return std::ranges::any_of(networks, [&](const ip_network& each) { return each.has(address); });
}

bool is_host(std::string_view text) {
  return !text.empty() && text.size() <= 253 && std::ranges::all_of(text, [](unsigned char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
           (letter >= '0' && letter <= '9') || letter == '-' || letter == '.' || letter == '_';
  });
}

std::optional<std::uint16_t> number_of(std::string_view digits) {
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

}  // namespace

bool is_public(const ip_address& address) {
  static const auto v4 = networks_of(special_v4);
  static const auto v6 = networks_of(special_v6);
  static const auto internet = parse_network("2000::/3").value();
  static const auto nat64 = parse_network("64:ff9b::/96").value();
  static const auto six_to_four = parse_network("2002::/16").value();
  if (values::is_ipv4(address)) return !any_has(v4, address);
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
    if (found.host.find(':') == std::string::npos || !values::parse_address(found.host)) return std::nullopt;
  } else if (!is_host(found.host)) {
    return std::nullopt;
  }
  if (rest.empty()) return found;
  const auto port = rest.starts_with(':') ? number_of(rest.substr(1)) : std::nullopt;
  if (!port || *port == 0) return std::nullopt;
  found.port = *port;
  return found;
}

}  // namespace souk::webhook
