#include "actors/gateway/token.hpp"

#include "actors/gateway/digests.hpp"
#include "actors/json/reader.hpp"
#include "actors/keyring/tenant.hpp"
#include "actors/values/owner.hpp"
#include "actors/values/utf8.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace souk::gateway {

namespace {

constexpr std::size_t coordinate_bytes = 32;
constexpr std::size_t es256_signature_bytes = 64;
constexpr std::size_t ed25519_key_bytes = 32;
constexpr int rsa_bits_min = 2'048;
constexpr int rsa_bits_max = 8'192;
constexpr std::size_t kid_bytes_max = 128;
constexpr std::size_t subject_bytes_max = 255;
constexpr std::array<std::string_view, 3> algorithm_names{"ES256", "RS256", "EdDSA"};
constexpr std::array<std::string_view, token_faults> fault_names{
    "too_large", "parts",  "encoding", "header",   "type",    "key",  "algorithm",
    "signature", "claims", "issuer",   "audience", "expired", "early"};

template <class T, void (*free)(T*)>
struct freed {
  void operator()(T* owned) const { free(owned); }
};
using number_ptr = std::unique_ptr<BIGNUM, freed<BIGNUM, BN_free>>;
using key_context_ptr = std::unique_ptr<EVP_PKEY_CTX, freed<EVP_PKEY_CTX, EVP_PKEY_CTX_free>>;
using digest_context_ptr = std::unique_ptr<EVP_MD_CTX, freed<EVP_MD_CTX, EVP_MD_CTX_free>>;
using signature_ptr = std::unique_ptr<ECDSA_SIG, freed<ECDSA_SIG, ECDSA_SIG_free>>;
using builder_ptr = std::unique_ptr<OSSL_PARAM_BLD, freed<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>>;
using params_ptr = std::unique_ptr<OSSL_PARAM, freed<OSSL_PARAM, OSSL_PARAM_free>>;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::shared_ptr<EVP_PKEY> shared(EVP_PKEY* key) {
  return key == nullptr ? nullptr : std::shared_ptr<EVP_PKEY>(key, EVP_PKEY_free);
}

std::shared_ptr<EVP_PKEY> key_from(const char* type, const params_ptr& params) {
  key_context_ptr context{EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr)};
  EVP_PKEY* key = nullptr;
  if (!context || !params || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1)
    return nullptr;
  auto owned = shared(key);
  // A point that is not on the curve, a modulus that is even.
  key_context_ptr check{EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr)};
  return check && EVP_PKEY_public_check(check.get()) == 1 ? owned : nullptr;
}

/// Not empty, and without control characters.
bool is_plain(std::string_view text) {
  return !text.empty() && std::none_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
}

/// One key of a set, as it is read: gives its members, and remembers the first thing that is wrong.
class jwk_reader {
 public:
  explicit jwk_reader(const json::value& jwk) : jwk_(jwk) {}

  void complain(std::string text) {
    if (wrong_.empty()) wrong_ = std::move(text);
  }
  const std::string& wrong() const { return wrong_; }

  std::string text(std::string_view name) const { return json::text_of(jwk_, name); }
  bool has(std::string_view name) const { return jwk_.find(name) != nullptr; }
  const json::value* find(std::string_view name) const { return jwk_.find(name); }

  void want(std::string_view name, std::string_view wanted) {
    if (text(name) != wanted)
      complain("its " + std::string{name} + " is not \"" + std::string{wanted} + "\"");
  }

  /// Bytes in base64url.
  std::string bytes(std::string_view name, std::size_t least, std::size_t most) {
    const auto* member = jwk_.find(name);
    const auto* encoded = member == nullptr ? nullptr : member->as_string();
    auto bytes = encoded == nullptr ? std::nullopt : parse_base64url(*encoded);
    if (bytes && bytes->size() >= least && bytes->size() <= most) return *std::move(bytes);
    const auto sizes =
        least == most ? std::to_string(least) : std::to_string(least) + " to " + std::to_string(most);
    complain("its " + std::string{name} + " is not " + sizes + " bytes in base64url without padding");
    return {};
  }

 private:
  const json::value& jwk_;
  std::string wrong_;
};

std::shared_ptr<EVP_PKEY> read_p256(jwk_reader& jwk) {
  jwk.want("kty", "EC");
  jwk.want("crv", "P-256");
  const auto x = jwk.bytes("x", coordinate_bytes, coordinate_bytes);
  const auto y = jwk.bytes("y", coordinate_bytes, coordinate_bytes);
  if (!jwk.wrong().empty()) return nullptr;
  const std::string point = "\x04" + x + y;  // uncompressed
  builder_ptr builder{OSSL_PARAM_BLD_new()};
  if (OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) !=
          1)
    return nullptr;
  return key_from("EC", params_ptr{OSSL_PARAM_BLD_to_param(builder.get())});
}

std::shared_ptr<EVP_PKEY> read_rsa(jwk_reader& jwk) {
  jwk.want("kty", "RSA");
  const auto n = jwk.bytes("n", rsa_bits_min / 8, rsa_bits_max / 8);
  const auto e = jwk.bytes("e", 1, 8);
  if (!jwk.wrong().empty()) return nullptr;
  number_ptr modulus{BN_bin2bn(bytes_of(n), static_cast<int>(n.size()), nullptr)};
  number_ptr exponent{BN_bin2bn(bytes_of(e), static_cast<int>(e.size()), nullptr)};
  builder_ptr builder{OSSL_PARAM_BLD_new()};
  if (BN_num_bits(modulus.get()) < rsa_bits_min || BN_is_odd(exponent.get()) == 0 ||
      BN_num_bits(exponent.get()) < 2 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) != 1)
    return nullptr;
  return key_from("RSA", params_ptr{OSSL_PARAM_BLD_to_param(builder.get())});
}

std::shared_ptr<EVP_PKEY> read_ed25519(jwk_reader& jwk) {
  jwk.want("kty", "OKP");
  jwk.want("crv", "Ed25519");
  const auto x = jwk.bytes("x", ed25519_key_bytes, ed25519_key_bytes);
  if (!jwk.wrong().empty()) return nullptr;
  return shared(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes_of(x), x.size()));
}

std::optional<token_algorithm> algorithm_of(std::string_view name) {
  for (std::size_t i = 0; i < algorithm_names.size(); ++i)
    if (algorithm_names.at(i) == name) return static_cast<token_algorithm>(i);
  return std::nullopt;
}

bool may_verify(const json::value& operations) {
  const auto* listed = operations.as_array();
  return listed != nullptr && std::any_of(listed->begin(), listed->end(), [](const json::value& each) {
           return each.as_string() != nullptr && *each.as_string() == "verify";
         });
}

std::shared_ptr<EVP_PKEY> read_key(jwk_reader& jwk, token_algorithm algorithm) {
  auto key = algorithm == token_algorithm::es256   ? read_p256(jwk)
             : algorithm == token_algorithm::rs256 ? read_rsa(jwk)
                                                   : read_ed25519(jwk);
  if (key == nullptr)
    jwk.complain("it is no key for " + std::string{algorithm_names.at(static_cast<std::size_t>(algorithm))});
  return key;
}

/// Adds one key, or says what is wrong with it.
std::string add_key(const json::value& each, token_keys& keys) {
  jwk_reader jwk{each};
  auto kid = jwk.text("kid");
  if (kid.size() > kid_bytes_max || !is_plain(kid)) return "it has no kid of 1 to 128 characters";
  const auto name = "kid " + kid + ": ";
  if (keys.contains(kid)) return name + "another key has it, too";
  for (const char* secret : {"d", "k"})
    if (jwk.has(secret)) jwk.complain("it is not public: it has " + std::string{secret});
  if (jwk.has("use")) jwk.want("use", "sig");
  if (const auto* operations = jwk.find("key_ops"); operations != nullptr && !may_verify(*operations))
    jwk.complain("its key_ops do not have \"verify\"");
  const auto algorithm = algorithm_of(jwk.text("alg"));
  if (!algorithm) jwk.complain("its alg is none of ES256, RS256, EdDSA");
  auto key = algorithm && jwk.wrong().empty() ? read_key(jwk, *algorithm) : nullptr;
  if (key == nullptr) return name + jwk.wrong();
  keys.emplace(std::move(kid), token_key{*algorithm, std::move(key)});
  return {};
}

/// A JWS has r and s side by side, OpenSSL takes them as DER.
std::optional<std::string> der_of(std::string_view raw) {
  if (raw.size() != es256_signature_bytes) return std::nullopt;
  signature_ptr signature{ECDSA_SIG_new()};
  BIGNUM* r = BN_bin2bn(bytes_of(raw), coordinate_bytes, nullptr);
  BIGNUM* s = BN_bin2bn(bytes_of(raw.substr(coordinate_bytes)), coordinate_bytes, nullptr);
  if (ECDSA_SIG_set0(signature.get(), r, s) != 1) {
    BN_free(r);
    BN_free(s);
    return std::nullopt;
  }
  unsigned char* out = nullptr;
  const int size = i2d_ECDSA_SIG(signature.get(), &out);
  if (size <= 0) return std::nullopt;
  std::string der(reinterpret_cast<const char*>(out), static_cast<std::size_t>(size));
  OPENSSL_free(out);
  return der;
}

bool is_signed(const token_key& key, std::string_view text, std::string_view signature) {
  std::string der;
  if (key.algorithm == token_algorithm::es256) {
    auto converted = der_of(signature);
    if (!converted) return false;
    der = *std::move(converted);
    signature = der;
  }
  digest_context_ptr context{EVP_MD_CTX_new()};
  const EVP_MD* digest = key.algorithm == token_algorithm::eddsa ? nullptr : EVP_sha256();
  return context && EVP_DigestVerifyInit(context.get(), nullptr, digest, nullptr, key.key.get()) == 1 &&
         EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(text),
                          text.size()) == 1;
}

std::optional<json::value> object_in(std::string_view text) {
  json::parse_error error;
  auto read = json::parse(text, error);
  return read && read->as_object() != nullptr ? std::move(read) : std::nullopt;
}

/// RFC 9068, section 4; "application/" may be left out.
bool is_access_token(std::string type) {
  std::transform(type.begin(), type.end(), type.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return type == "at+jwt" || type == "application/at+jwt";
}

std::variant<const token_key*, token_fault> key_of(const json::value& header, const token_keys& keys) {
  // Whoever sends the key along, or asks for what is not understood here, is not trusted.
  for (const char* name : {"crit", "jku", "jwk", "x5u", "x5c", "b64", "enc", "zip"})
    if (header.find(name) != nullptr) return token_fault::header;
  if (!is_access_token(json::text_of(header, "typ"))) return token_fault::type;
  const auto found = keys.find(json::text_of(header, "kid"));
  if (found == keys.end()) return token_fault::key;
  if (algorithm_of(json::text_of(header, "alg")) != found->second.algorithm) return token_fault::algorithm;
  return &found->second;
}

bool is_for(const json::value& claims, const std::string& audience) {
  const auto* aud = claims.find("aud");
  if (aud == nullptr) return false;
  if (const auto* one = aud->as_string()) return *one == audience;
  const auto* some = aud->as_array();
  return some != nullptr && std::any_of(some->begin(), some->end(), [&](const json::value& each) {
           return each.as_string() != nullptr && *each.as_string() == audience;
         });
}

const std::int64_t* seconds_in(const json::value& claims, std::string_view name) {
  const auto* member = claims.find(name);
  return member == nullptr ? nullptr : member->as_integer();
}

void read_scopes(std::string_view text, token_claims& claims) {
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    const auto name = text.substr(0, end);
    if (auto known = keyring::scope_of(name)) claims.scopes.add(*known);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

std::variant<token_claims, token_fault> read_claims(const json::value& said, const token_rules& rules,
                                                    runtime::timestamp now) {
  if (json::text_of(said, "iss") != rules.issuer) return token_fault::issuer;
  if (!is_for(said, rules.audience)) return token_fault::audience;
  const auto* exp = seconds_in(said, "exp");
  const auto* iat = seconds_in(said, "iat");
  const auto* nbf = seconds_in(said, "nbf");
  const std::int64_t seconds_max = json::integer_max / 1'000;  // so that milliseconds are exact, too
  const auto is_time = [&](const std::int64_t* at) {
    return at != nullptr && *at >= 0 && *at <= seconds_max;
  };
  if (!is_time(exp) || !is_time(iat) || (said.find("nbf") != nullptr && !is_time(nbf)))
    return token_fault::claims;
  token_claims claims;
  claims.subject = json::text_of(said, "sub");
  // It becomes a part of names that are joined with control characters.
  if (claims.subject.size() > subject_bytes_max || !is_plain(claims.subject)) return token_fault::claims;
  const std::int64_t at = runtime::to_ms(now) / 1'000;
  if (at >= *exp + token_skew.count()) return token_fault::expired;
  if (std::max(*iat, nbf == nullptr ? 0 : *nbf) > at + token_skew.count()) return token_fault::early;
  claims.expires_at = runtime::from_ms(*exp * 1'000);
  if (const auto* scope = said.find("scope")) {
    if (scope->as_string() == nullptr) return token_fault::claims;
    read_scopes(*scope->as_string(), claims);
  }
  claims.tenant = said.find("tenant") == nullptr ? keyring::first_tenant : json::text_of(said, "tenant");
  if (!keyring::is_tenant(claims.tenant)) return token_fault::claims;
  if (claims.is_customers() && values::code_points(claims.subject) > values::customer_characters_max)
    return token_fault::claims;
  return claims;
}

}  // namespace

std::variant<token_keys, std::string> parse_token_keys(std::string_view text) {
  if (text.size() > token_key_bytes_max) return "it is larger than 256 KiB";
  json::parse_error error;
  const auto set = json::parse(text, error);
  if (!set) return error.pointer + (error.pointer.empty() ? "" : ": ") + error.detail;
  const auto* keys_member = set->find("keys");
  const auto* listed = keys_member == nullptr ? nullptr : keys_member->as_array();
  if (listed == nullptr) return "it is no object with a list of keys";
  if (listed->size() > token_keys_max) return "/keys: there are more than 100";
  token_keys keys;
  for (std::size_t i = 0; i < listed->size(); ++i)
    if (const auto wrong = add_key((*listed)[i], keys); !wrong.empty())
      return "/keys/" + std::to_string(i) + ": " + wrong;
  return keys;
}

std::string_view name_of(token_fault fault) { return fault_names.at(static_cast<std::size_t>(fault)); }

std::variant<token_claims, token_fault> verify_token(std::string_view token, const token_keys& keys,
                                                     const token_rules& rules, runtime::timestamp now) {
  if (token.size() > token_bytes_max) return token_fault::too_large;
  const auto first = token.find('.');
  const auto second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos)
    return token_fault::parts;
  const auto head = parse_base64url(token.substr(0, first));
  const auto body = parse_base64url(token.substr(first + 1, second - first - 1));
  const auto signature = parse_base64url(token.substr(second + 1));
  if (!head || !body || !signature) return token_fault::encoding;
  const auto header = object_in(*head);
  if (!header) return token_fault::header;
  const auto key = key_of(*header, keys);
  if (const auto* fault = std::get_if<token_fault>(&key)) return *fault;
  if (!is_signed(*std::get<const token_key*>(key), token.substr(0, second), *signature))
    return token_fault::signature;
  const auto claims = object_in(*body);
  if (!claims) return token_fault::claims;
  return read_claims(*claims, rules, now);
}

}  // namespace souk::gateway
