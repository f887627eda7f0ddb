// What proxies say of their clients. An input that begins with "F" is the Forwarded fields of a request, one
// a line; any other the first bytes of a connection from a proxy.
#include "actors/gateway/client_address.hpp"
#include "actors/gateway/proxy_header.hpp"
#include "tests/fuzz/target.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace souk::gateway {
namespace {

using souk::fuzz::demand;

constexpr std::string_view proxy = "10.0.0.1";
constexpr std::string_view stranger = "192.0.2.9";

bool is_address(const std::string& text) {
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  return inet_pton(AF_INET, text.c_str(), bytes.data()) == 1 ||
         inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1;
}

void check_header(std::string_view bytes) {
  using state = proxy_header::state;
  const auto whole = read_proxy_header(bytes);
  if (whole.read == state::complete) {
    demand(whole.bytes <= bytes.size() && whole.bytes <= proxy_header_bytes_max,
           "a header is within its bytes");
    demand(whole.client.empty() || is_address(whole.client), "a client is an address");
  }
  bool settled = false;
  for (std::size_t size = 0; size <= bytes.size() && size <= proxy_header_bytes_max; ++size) {
    const auto cut = read_proxy_header(bytes.substr(0, size));
    demand(!settled || cut.read == whole.read, "what is settled stays so");
    settled = cut.read != state::incomplete;
    if (settled) demand(cut.bytes == whole.bytes && cut.client == whole.client, "more bytes change nothing");
    demand(cut.read != state::complete || size >= cut.bytes, "a header is complete when all of it is there");
  }
  demand(settled || bytes.size() < proxy_header_bytes_max, "a header comes to its end");
}

void check_forwarded(std::string_view text) {
  address_set trusted;
  trusted.add("10.0.0.0/8");
  std::vector<std::pair<std::string, std::string>> fields;
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    fields.emplace_back("forwarded", line);
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
  demand(forwarded_client(fields, stranger, trusted) == stranger, "nobody believes a stranger");
  const auto client = forwarded_client(fields, proxy, trusted);
  demand(is_address(client), "a client is an address");
  fields.emplace_back("forwarded", "for=192.0.2.1");
  const auto last = forwarded_client(fields, proxy, trusted);
  demand(last == "192.0.2.1" || last == proxy, "what a client sends itself is not looked at");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = souk::fuzz::text_of(data, size);
  if (bytes.starts_with('F'))
    check_forwarded(bytes.substr(1));
  else
    check_header(bytes);
  return 0;
}

}  // namespace souk::gateway
