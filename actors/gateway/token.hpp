#pragma once

#include "actors/keyring/scope.hpp"
#include "runtime/types.hpp"

#include <openssl/evp.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

/// Access tokens of an issuer that the operator trusts: RFC 9068, read as RFC 8725 asks for. Pure; any
/// thread.
namespace souk::gateway {

/// The longest token that is looked at, in bytes.
inline constexpr std::size_t token_bytes_max = 8'192;
/// How far the issuer's clock may be off.
inline constexpr std::chrono::seconds token_skew{60};
/// The largest file of keys, and the most keys in it.
inline constexpr std::size_t token_key_bytes_max = 256 * 1024;
inline constexpr std::size_t token_keys_max = 100;

enum class token_algorithm : std::uint8_t { es256, rs256, eddsa };

/// A public key and the one algorithm that it is for.
struct token_key {
  token_algorithm algorithm;
  std::shared_ptr<EVP_PKEY> key;
};
/// By `kid`.
using token_keys = std::map<std::string, token_key, std::less<>>;

/// Reads a JSON Web Key Set (RFC 7517), or says where and what is wrong with it. Every key must have a `kid`
/// of its own and `alg`, no private part, and be P-256, Ed25519 or RSA of 2048 to 8192 bits.
std::variant<token_keys, std::string> parse_token_keys(std::string_view text);

/// Who must have made a token, and for whom.
struct token_rules {
  std::string issuer;
  std::string audience;
};

/// What a valid token says.
struct token_claims {
  std::string subject;  ///< 1 to 255 bytes without control characters; a customer's at most 64 characters.
  keyring::scope_set scopes;  ///< Those that are known here.
  runtime::timestamp expires_at;
  std::string tenant;

  /// A token that opens nothing of staff's is its subject's own, who is a customer.
  bool is_customers() const { return scopes == keyring::scope_set{}; }
};

/// Why a token is not valid: for logs and tests, never for clients.
enum class token_fault : std::uint8_t {
  too_large,
  parts,
  encoding,
  header,
  type,
  key,
  algorithm,
  signature,
  claims,
  issuer,
  audience,
  expired,
  early,
};
inline constexpr std::size_t token_faults = 13;
std::string_view name_of(token_fault fault);

/// Looks at nothing that the token says of itself before its signature is known to be good, but `typ`, `kid`
/// and `alg`; the last must be the one of the key that `kid` names.
std::variant<token_claims, token_fault> verify_token(std::string_view token, const token_keys& keys,
                                                     const token_rules& rules, runtime::timestamp now);

}  // namespace souk::gateway
