#include "actors/gateway/client_address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

namespace souk::gateway {

std::string limited_address(std::string_view address) {
  std::string text{address.substr(0, address.find('%'))};  // without the zone of a link-local one
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  if (inet_pton(AF_INET6, text.c_str(), bytes.data()) != 1) return text;
  std::array<char, INET6_ADDRSTRLEN> written{};
  constexpr std::array<unsigned char, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (std::equal(mapped.begin(), mapped.end(), bytes.begin()))
    return inet_ntop(AF_INET, bytes.data() + mapped.size(), written.data(), written.size());
  std::fill(bytes.begin() + 8, bytes.end(), static_cast<unsigned char>(0));
  return std::string{inet_ntop(AF_INET6, bytes.data(), written.data(), written.size())} + "/64";
}

}  // namespace souk::gateway
