// Files of public keys (JSON Web Key Sets): keys that can be used as they say, or what is wrong and where.
#include "actors/gateway/token.hpp"
#include "actors/values/utf8.hpp"
#include "tests/fuzz/target.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <variant>

namespace souk::gateway {
namespace {

using souk::fuzz::demand;

void check_key(const std::string& kid, const token_key& key) {
  demand(!kid.empty() && kid.size() <= 128 && values::is_utf8(kid), "a kid is a short text");
  demand(std::none_of(kid.begin(), kid.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }),
         "without control characters");
  const auto type = EVP_PKEY_get_base_id(key.key.get());
  const auto bits = EVP_PKEY_get_bits(key.key.get());
  switch (key.algorithm) {
    case token_algorithm::es256:
      demand(type == EVP_PKEY_EC && bits == 256, "ES256 is of P-256");
      break;
    case token_algorithm::rs256:
      demand(type == EVP_PKEY_RSA && bits >= 2'048 && bits <= 8'192, "RS256 is of 2048 to 8192 bits");
      break;
    case token_algorithm::eddsa:
      demand(type == EVP_PKEY_ED25519, "EdDSA is of Ed25519");
      break;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto read = parse_token_keys(souk::fuzz::text_of(data, size));
  if (const auto* wrong = std::get_if<std::string>(&read)) {
    demand(!wrong->empty() && values::is_utf8(*wrong), "it is said what is wrong");
    return 0;
  }
  const auto& keys = std::get<token_keys>(read);
  demand(keys.size() <= token_keys_max, "there are not too many");
  for (const auto& [kid, key] : keys)
    check_key(kid, key);
  return 0;
}

}  // namespace souk::gateway
