#include "actors/gateway/client_address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <optional>

namespace souk::gateway {

namespace {

bool is_token(char c) {
  return c > ' ' && c < 0x7f && std::string_view{"\"(),/:;<=>?@[\\]{}"}.find(c) == std::string_view::npos;
}

/// Reads a Forwarded field, element by element: each gives what its `for` says, or nothing.
class forwarded_reader {
 public:
  explicit forwarded_reader(std::string_view field) : rest_(field) {}

  /// False: it is malformed.
  bool read(std::vector<std::string>& nodes) {
    while (true) {
      skip_space();
      if (rest_.empty()) return true;
      if (take(',')) continue;  // an element of nothing
      std::optional<std::string> node;
      if (!read_element(node)) return false;
      nodes.push_back(node.value_or(""));
      skip_space();
      if (!rest_.empty() && !take(',')) return false;
    }
  }

 private:
  void skip_space() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t"), rest_.size())); }
  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  std::string token() {
    const auto end =
        static_cast<std::size_t>(std::find_if_not(rest_.begin(), rest_.end(), is_token) - rest_.begin());
    std::string text{rest_.substr(0, end)};
    rest_.remove_prefix(end);
    return text;
  }

  std::optional<std::string> quoted() {
    std::string text;
    while (!rest_.empty() && rest_.front() != '"') {
      if (rest_.front() == '\\') rest_.remove_prefix(1);
      if (rest_.empty()) return std::nullopt;
      text += rest_.front();
      rest_.remove_prefix(1);
    }
    return take('"') ? std::optional{std::move(text)} : std::nullopt;
  }

  bool read_element(std::optional<std::string>& node) {
    do {
      auto name = token();
      std::transform(name.begin(), name.end(), name.begin(),
                     [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
      if (name.empty() || !take('=')) return false;
      auto value = take('"') ? quoted() : std::optional{token()};
      if (!value || value->empty()) return false;
      if (name != "for") continue;
      if (node) return false;  // it may stand once
      node = std::move(value);
    } while (take(';'));
    return true;
  }

  std::string_view rest_;
};

/// The address of a node: "192.0.2.1", "192.0.2.1:80", "[2001:db8::1]", "[2001:db8::1]:80". Empty: it names
/// none.
std::string address_of_node(std::string_view node) {
  const bool bracketed = node.starts_with('[');
  const auto end = bracketed ? node.find(']') : node.find(':');
  auto address = node.substr(0, end);
  auto port = end == std::string_view::npos ? std::string_view{} : node.substr(end + (bracketed ? 1 : 0));
  if (bracketed) {
    if (end == std::string_view::npos) return {};
    address.remove_prefix(1);
  }
  const bool has_port =
      port.size() > 1 && port.size() <= 6 && port.front() == ':' &&
      std::all_of(port.begin() + 1, port.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!port.empty() && !has_port) return {};
  const bool is_v6 = address.find(':') != std::string_view::npos;
  return is_v6 == bracketed && values::parse_address(address) ? std::string{address} : std::string{};
}

}  // namespace

std::string limited_address(std::string_view address) {
  std::string text{address.substr(0, address.find('%'))};  // without the zone of a link-local one
  auto bytes = values::parse_address(text);
  if (!bytes) return text;
  std::array<char, INET6_ADDRSTRLEN> written{};
  if (values::is_ipv4(*bytes))
    return inet_ntop(AF_INET, bytes->data() + values::ipv4_offset_bits / 8, written.data(), written.size());
  std::fill(bytes->begin() + 8, bytes->end(), std::uint8_t{0});
  return std::string{inet_ntop(AF_INET6, bytes->data(), written.data(), written.size())} + "/64";
}

bool address_set::add(std::string_view text) {
  const auto network = values::parse_network(text);
  if (!network) return false;
  networks_.push_back(*network);
  return true;
}

bool address_set::contains(std::string_view address) const {
  const auto found = values::parse_address(address.substr(0, address.find('%')));
  return found &&
         std::any_of(networks_.begin(), networks_.end(), [&](const auto& each) { return each.has(*found); });
}

std::string forwarded_client(const std::vector<std::pair<std::string, std::string>>& fields,
                             std::string_view peer, const address_set& trusted) {
  std::string client{peer};
  if (!trusted.contains(peer)) return client;
  std::vector<std::string> nodes;
  for (const auto& [name, value] : fields)
    if (name == "forwarded" && !forwarded_reader{value}.read(nodes)) return client;
  std::size_t hops = 0;
  for (auto node = nodes.rbegin(); node != nodes.rend() && hops < forwarded_hops_max; ++node, ++hops) {
    auto said = address_of_node(*node);
    if (said.empty()) break;
    client = std::move(said);
    if (!trusted.contains(client)) break;
  }
  return client;
}

}  // namespace souk::gateway
