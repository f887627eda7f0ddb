#include "actors/webhook/signature.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

namespace souk::webhook {

namespace {

const unsigned char* bytes_in(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

std::string base64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // and the end that OpenSSL writes
  const auto length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes_in(bytes),
                                      static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

std::string signature(std::string_view secret, std::string_view id, std::chrono::seconds at,
                      std::string_view body) {
  std::string text{id};
  text.append(".").append(std::to_string(at.count())).append(".").append(body);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), bytes_in(text), text.size(),
       digest.data(), &length);
  return "v1," + base64({reinterpret_cast<const char*>(digest.data()), length});
}

std::vector<std::pair<std::string, std::string>> signed_fields(std::string_view id, std::chrono::seconds at,
                                                               std::string_view body, std::string_view secret,
                                                               std::string_view previous_secret) {
  auto signatures = signature(secret, id, at, body);
  if (!previous_secret.empty()) signatures += " " + signature(previous_secret, id, at, body);
  return {{"webhook-id", std::string{id}},
          {"webhook-timestamp", std::to_string(at.count())},
          {"webhook-signature", std::move(signatures)}};
}

}  // namespace souk::webhook
