#include "actors/gateway/digests.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <stdexcept>

namespace souk::gateway {

namespace {

constexpr std::string_view base64url_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// 80 bits: beyond guessing for something that is checked online and opens nothing but a list's next page.
constexpr std::size_t cursor_tag_bytes = 10;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

template <std::size_t Size>
std::array<std::uint8_t, Size> first_bytes(const digest& digest) {
  std::array<std::uint8_t, Size> out{};
  std::copy_n(digest.begin(), Size, out.begin());
  return out;
}

std::string cursor_tag(std::string_view secret, std::string_view list, std::string_view key) {
  std::string text{"cursor"};
  text.append(1, '\0').append(list).append(1, '\0').append(key);
  digest tag = hmac_sha256(secret, text);
  return {reinterpret_cast<const char*>(tag.data()), cursor_tag_bytes};
}

}  // namespace

std::string base64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // and the end that OpenSSL writes
  const auto length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes_of(bytes),
                                      static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

std::string base64(const digest& bytes) {
  return base64({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

std::string base64url(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() * 4 / 3 + 3);
  std::uint32_t buffer = 0;
  int bits = 0;
  for (char byte : bytes) {
    buffer = (buffer << 8) | static_cast<std::uint8_t>(byte);
    bits += 8;
    while (bits >= 6) {
      bits -= 6;
      out += base64url_alphabet[(buffer >> bits) & 63];
    }
  }
  if (bits > 0) out += base64url_alphabet[(buffer << (6 - bits)) & 63];
  return out;
}

std::string base64url(const digest& bytes) {
  return base64url({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

std::optional<std::string> parse_base64url(std::string_view text) {
  std::string out;
  std::uint32_t buffer = 0;
  int bits = 0;
  for (char c : text) {
    std::size_t digit = base64url_alphabet.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    buffer = (buffer << 6) | static_cast<std::uint32_t>(digit);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out += static_cast<char>((buffer >> bits) & 255);
    }
  }
  // Left-over bits must be zero, or two texts would read as the same bytes.
  if (base64url(out) != text) return std::nullopt;
  return out;
}

std::string idempotency_scope(std::string_view tenant, std::string_view credential_id,
                              std::string_view method, std::string_view path, std::string_view key) {
  std::string scope;
  for (std::string_view part : {tenant, credential_id, method, path})
    scope.append(part).append(1, '\0');
  scope.append(key);
  return scope;
}

runtime::command_id keyed_command_id(std::string_view secret, std::string_view scope) {
  std::string text{"command"};
  text.append(1, '\0').append(scope);
  return first_bytes<std::tuple_size_v<runtime::command_id>>(hmac_sha256(secret, text));
}

runtime::fingerprint fingerprint_of(std::string_view canonical_body) {
  return first_bytes<std::tuple_size_v<runtime::fingerprint>>(sha256(canonical_body));
}

std::string seal_cursor(std::string_view secret, std::string_view list, std::string_view key) {
  return base64url(cursor_tag(secret, list, key).append(key));
}

std::optional<std::string> open_cursor(std::string_view secret, std::string_view list,
                                       std::string_view cursor) {
  auto bytes = parse_base64url(cursor);
  if (!bytes || bytes->size() <= cursor_tag_bytes) return std::nullopt;
  std::string key = bytes->substr(cursor_tag_bytes);
  if (CRYPTO_memcmp(bytes->data(), cursor_tag(secret, list, key).data(), cursor_tag_bytes) != 0)
    return std::nullopt;
  return key;
}

}  // namespace souk::gateway
