#include "tests/token_issuer.hpp"

#include "actors/gateway/digests.hpp"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>

#include <cstddef>
#include <stdexcept>
#include <variant>

namespace souk::tests {

using gateway::base64url;
using gateway::token_algorithm;

namespace {

/// A JWS has r and s side by side.
std::string raw_of(const std::string& der) {
  const auto* in = reinterpret_cast<const unsigned char*>(der.data());
  ECDSA_SIG* signature = d2i_ECDSA_SIG(nullptr, &in, static_cast<long>(der.size()));
  std::string raw(64, '\0');
  BN_bn2binpad(ECDSA_SIG_get0_r(signature), reinterpret_cast<unsigned char*>(raw.data()), 32);
  BN_bn2binpad(ECDSA_SIG_get0_s(signature), reinterpret_cast<unsigned char*>(raw.data()) + 32, 32);
  ECDSA_SIG_free(signature);
  return raw;
}

std::string number_of(EVP_PKEY* key, const char* name) {
  BIGNUM* number = nullptr;
  EVP_PKEY_get_bn_param(key, name, &number);
  std::string bytes(static_cast<std::size_t>(BN_num_bytes(number)), '\0');
  BN_bn2bin(number, reinterpret_cast<unsigned char*>(bytes.data()));
  BN_free(number);
  return bytes;
}

std::string raw_public_key(EVP_PKEY* key) {
  std::string bytes(32, '\0');
  auto size = bytes.size();
  EVP_PKEY_get_raw_public_key(key, reinterpret_cast<unsigned char*>(bytes.data()), &size);
  return bytes;
}

/// "0x04 ‖ x ‖ y".
std::string point_of(EVP_PKEY* key) {
  std::string bytes(65, '\0');
  std::size_t size = 0;
  EVP_PKEY_get_octet_string_param(key, "pub", reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(),
                                  &size);
  return bytes;
}

std::string replaced(std::string text, const std::string& what, const std::string& to) {
  return text.replace(text.find(what), what.size(), to);
}

}  // namespace

token_issuer::token_issuer()
    : es256_(EVP_EC_gen("P-256")),
      rs256_(EVP_RSA_gen(2048)),
      eddsa_(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")) {}

token_issuer::~token_issuer() {
  for (EVP_PKEY* key : {es256_, rs256_, eddsa_})
    EVP_PKEY_free(key);
}

std::string token_issuer::key_set() const {
  const auto point = point_of(es256_);
  return R"({"keys":[{"kty":"EC","crv":"P-256","alg":"ES256","use":"sig","kid":"e","x":")" +
         base64url(point.substr(1, 32)) + R"(","y":")" + base64url(point.substr(33)) +
         R"("},{"kty":"RSA","alg":"RS256","kid":"r","key_ops":["verify"],"n":")" +
         base64url(number_of(rs256_, "n")) + R"(","e":")" + base64url(number_of(rs256_, "e")) +
         R"("},{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","kid":"d","x":")" +
         base64url(raw_public_key(eddsa_)) + R"("}]})";
}

gateway::token_keys token_issuer::keys() const {
  auto read = gateway::parse_token_keys(key_set());
  if (const auto* wrong = std::get_if<std::string>(&read)) throw std::logic_error(*wrong);
  return std::get<gateway::token_keys>(std::move(read));
}

std::string token_issuer::sign(const std::string& text, token_algorithm algorithm, bool raw) const {
  EVP_PKEY* key = algorithm == token_algorithm::es256   ? es256_
                  : algorithm == token_algorithm::rs256 ? rs256_
                                                        : eddsa_;
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  EVP_DigestSignInit(context, nullptr, algorithm == token_algorithm::eddsa ? nullptr : EVP_sha256(), nullptr,
                     key);
  const auto* data = reinterpret_cast<const unsigned char*>(text.data());
  std::size_t size = 0;
  EVP_DigestSign(context, nullptr, &size, data, text.size());
  std::string signature(size, '\0');
  EVP_DigestSign(context, reinterpret_cast<unsigned char*>(signature.data()), &size, data, text.size());
  EVP_MD_CTX_free(context);
  signature.resize(size);
  return algorithm == token_algorithm::es256 && raw ? raw_of(signature) : signature;
}

std::string token_issuer::token(const std::string& header, const std::string& claims,
                                token_algorithm algorithm) const {
  const std::string text = base64url(header) + "." + base64url(claims);
  return text + "." + base64url(sign(text, algorithm));
}

std::string token_issuer::token_for(const std::string& subject, const std::string& scopes,
                                    std::int64_t now_s) const {
  const auto claims = token_claims_of(now_s + 300, now_s, R"(,"scope":")" + scopes + "\"");
  return token(token_header(), replaced(claims, "ada", subject));
}

std::vector<std::pair<std::string, std::string>> token_issuer::broken_tokens(std::int64_t now_s) const {
  const auto claims = [now_s](const std::string& more = "", std::int64_t exp_in = 300,
                              std::int64_t iat_in = 0) {
    return token_claims_of(now_s + exp_in, now_s + iat_in, more);
  };
  const auto good = [&](const std::string& header, const std::string& body = {}) {
    return token(header, body.empty() ? claims() : body);
  };
  const auto signed_by = [&](const std::string& header, token_algorithm algorithm) {
    return token(header, claims(), algorithm);
  };
  const std::string fine = good(token_header());
  const auto last = fine.rfind('.');
  const std::string text = fine.substr(0, last);
  std::string hmac(32, '\0');
  HMAC(EVP_sha256(), "public key", 10, reinterpret_cast<const unsigned char*>(text.data()), text.size(),
       reinterpret_cast<unsigned char*>(hmac.data()), nullptr);
  return {
      {"", "parts"},
      {"x", "parts"},
      {"a.b", "parts"},
      {fine + ".", "parts"},
      {fine + ".x", "parts"},
      {std::string(gateway::token_bytes_max + 1, 'x'), "too_large"},
      {"..", "header"},
      {fine + "=", "encoding"},
      {text + "==" + fine.substr(last), "encoding"},
      {" " + fine, "encoding"},
      {fine + "\n", "encoding"},
      {"+" + fine, "encoding"},
      {"/" + fine, "encoding"},
      {base64url("{}") + "x." + fine, "parts"},
      {base64url("[]") + ".e30.e30", "header"},
      {base64url("not json") + ".e30.e30", "header"},
      {base64url(R"({"alg":"ES256","alg":"none"})") + ".e30.e30", "header"},
      {good(token_header("none")), "algorithm"},
      {base64url(token_header("none")) + "." + base64url(claims()) + ".", "algorithm"},
      {base64url(token_header("None")) + "." + base64url(claims()) + ".", "algorithm"},
      {base64url(token_header("HS256")) + "." + base64url(claims()) + "." + base64url(hmac), "algorithm"},
      {base64url(token_header("HS256", "r")) + "." + base64url(claims()) + "." + base64url(hmac),
       "algorithm"},
      {good(token_header("ES384")), "algorithm"},
      {good(token_header("es256")), "algorithm"},
      {signed_by(token_header("RS256", "e"), token_algorithm::rs256), "algorithm"},
      {signed_by(token_header("ES256", "r"), token_algorithm::es256), "algorithm"},
      {signed_by(token_header("RS512", "r"), token_algorithm::rs256), "algorithm"},
      {signed_by(token_header("PS256", "r"), token_algorithm::rs256), "algorithm"},
      {good(token_header("ES256", "unknown")), "key"},
      {good(token_header("ES256", "")), "key"},
      {good(R"({"typ":"at+jwt","alg":"ES256"})"), "key"},
      {good(R"({"typ":"at+jwt","alg":"ES256","kid":7})"), "key"},
      {good(R"({"typ":"JWT","alg":"ES256","kid":"e"})"), "type"},
      {good(R"({"alg":"ES256","kid":"e"})"), "type"},
      {good(token_header("ES256", "e", R"(,"crit":["exp"])")), "header"},
      {good(token_header("ES256", "e", R"(,"jku":"https://evil.example")")), "header"},
      {good(token_header("ES256", "e", R"(,"jwk":{})")), "header"},
      {good(token_header("ES256", "e", R"(,"b64":false)")), "header"},
      {text + ".", "signature"},
      {text + "." + base64url(sign(text, token_algorithm::es256, false)), "signature"},
      {text + "." + base64url(std::string(64, '\0')), "signature"},
      {text + "." + base64url(std::string(64, '\xff')), "signature"},
      {text + "." + base64url(sign(text, token_algorithm::es256).substr(0, 63)), "signature"},
      {text + "." + base64url(sign(text + "x", token_algorithm::es256)), "signature"},
      {text + "." + base64url(sign(text, token_algorithm::eddsa)), "signature"},
      {replaced(fine, "." + base64url(claims()), "." + base64url(claims(R"(,"scope":"keys:admin")"))),
       "signature"},
      {good(token_header(), "[]"), "claims"},
      {good(token_header(), claims(R"(,"sub":"eve")")), "claims"},
      {good(token_header(), R"({"iss":"https://id.example","aud":"souk","sub":"ada","iat":1})"), "claims"},
      {good(token_header(), R"({"iss":"https://id.example","aud":"souk","sub":"ada","exp":1e10,"iat":1})"),
       "claims"},
      {good(token_header(),
            R"({"iss":"https://id.example","aud":"souk","sub":"ada","exp":"9999999999","iat":1})"),
       "claims"},
      {good(token_header(), claims(R"(,"nbf":"now")")), "claims"},
      {good(token_header(), claims(R"(,"scope":["keys:admin"])")), "claims"},
      {good(token_header(), replaced(claims(), R"("sub":"ada",)", "")), "claims"},
      {good(token_header(), replaced(claims(), "ada", "")), "claims"},
      {good(token_header(), replaced(claims(), "ada", std::string(256, 'a'))), "claims"},
      {good(token_header(), replaced(claims(), "ada", "a\\u0000b")), "claims"},
      {good(token_header(), replaced(claims(), "ada", std::string(65, 'a'))), "claims"},
      {good(token_header(), claims(R"(,"tenant":"")")), "claims"},
      {good(token_header(), claims(R"(,"tenant":7)")), "claims"},
      {good(token_header(), claims(R"(,"tenant":"Main")")), "claims"},
      {good(token_header(), claims(R"(,"tenant":"a/b")")), "claims"},
      {good(token_header(), claims(R"(,"tenant":")" + std::string(33, 'a') + "\"")), "claims"},
      {good(token_header(), replaced(claims(), "id.example", "evil.example")), "issuer"},
      {good(token_header(), replaced(claims(), R"("iss":"https://id.example",)", "")), "issuer"},
      {good(token_header(), replaced(claims(), R"("souk")", R"("another")")), "audience"},
      {good(token_header(), replaced(claims(), R"("souk")", R"(["a","b"])")), "audience"},
      {good(token_header(), claims("", -3'600)), "expired"},
      {good(token_header(), claims("", 3'600, 300)), "early"},
      {good(token_header(), claims(R"(,"nbf":)" + std::to_string(now_s + 300))), "early"},
  };
}

const token_issuer& issuer() {
  static const token_issuer made;
  return made;
}

std::string token_header(const std::string& alg, const std::string& kid, const std::string& more) {
  return R"({"typ":"at+jwt","alg":")" + alg + R"(","kid":")" + kid + "\"" + more + "}";
}

std::string token_claims_of(std::int64_t exp_s, std::int64_t iat_s, const std::string& more) {
  return R"({"iss":"https://id.example","aud":"souk","sub":"ada","exp":)" + std::to_string(exp_s) +
         R"(,"iat":)" + std::to_string(iat_s) + more + "}";
}

}  // namespace souk::tests
