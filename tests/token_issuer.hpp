#pragma once

#include "actors/gateway/token.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

/// What a test needs of whoever gives out access tokens.
namespace souk::tests {

/// Who gives them out, and for whom.
inline const gateway::token_rules issued{"https://id.example", "souk"};

/// An issuer with one key of each algorithm: "e" (ES256), "r" (RS256) and "d" (EdDSA).
class token_issuer {
 public:
  token_issuer();
  ~token_issuer();
  token_issuer(const token_issuer&) = delete;
  token_issuer& operator=(const token_issuer&) = delete;

  /// Its keys as it publishes them.
  std::string key_set() const;
  /// And as they are read.
  gateway::token_keys keys() const;

  std::string token(const std::string& header, const std::string& claims,
                    gateway::token_algorithm algorithm = gateway::token_algorithm::es256) const;
  /// A good one for that subject, with these scopes, for five minutes from that second on.
  std::string token_for(const std::string& subject, const std::string& scopes, std::int64_t now_s) const;

  /// Tokens that are not to be taken at that second, and the name of what is wrong with each.
  std::vector<std::pair<std::string, std::string>> broken_tokens(std::int64_t now_s) const;

 private:
  std::string sign(const std::string& text, gateway::token_algorithm algorithm, bool raw = true) const;

  EVP_PKEY* es256_;
  EVP_PKEY* rs256_;
  EVP_PKEY* eddsa_;
};

/// The one issuer of a test's process: its RSA key takes a while.
const token_issuer& issuer();

/// The header of a token; `more` begins with a comma.
std::string token_header(const std::string& alg = "ES256", const std::string& kid = "e",
                         const std::string& more = "");
/// Its claims, of "ada".
std::string token_claims_of(std::int64_t exp_s, std::int64_t iat_s, const std::string& more = "");

}  // namespace souk::tests
