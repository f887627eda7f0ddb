#include "actors/nats/names.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace souk::nats {

namespace {

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/// "HOST:PORT", "[::1]:4222".
bool is_host_with_port(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return false;
  auto host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto may = [&](char c) {
    return is_letter_or_digit(c) || c == '.' || c == '-' || (bracketed && c == ':');
  };
  const auto digits = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  return !host.empty() && std::ranges::all_of(host, may) && error == std::errc{} &&
         end == digits.data() + digits.size() && port != 0;
}

/// The parts of a text between separators, empty ones too.
std::vector<std::string_view> parts_of(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (std::size_t at = 0; at <= text.size();) {
    const auto end = std::min(text.find(separator, at), text.size());
    parts.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

}  // namespace

bool is_stream_name(std::string_view name) {
  const auto may = [](char c) { return is_letter_or_digit(c) || c == '-' || c == '_'; };
  return !name.empty() && name.size() <= stream_characters_max && std::ranges::all_of(name, may);
}

bool is_prefix(std::string_view text) {
  return text.size() <= prefix_characters_max && std::ranges::all_of(parts_of(text, '.'), is_stream_name);
}

std::optional<std::vector<std::string>> servers_of(std::string_view url) {
  std::vector<std::string> servers;
  const auto scheme = url.substr(0, url.find("://") + 3);
  if (scheme != "nats://" && scheme != "tls://") return std::nullopt;
  for (const auto& server : parts_of(url, ',')) {
    if (!server.starts_with(scheme) || !is_host_with_port(server.substr(scheme.size()))) return std::nullopt;
    servers.emplace_back(server);
  }
  if (servers.size() > servers_max) return std::nullopt;
  return servers;
}

}  // namespace souk::nats
