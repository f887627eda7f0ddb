#include "actors/gateway/digests.hpp"
#include "actors/gateway/token.hpp"

#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>

#include <array>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace souk::gateway {
namespace {

constexpr std::int64_t now_s = 1'795'000'000;
constexpr runtime::timestamp now = runtime::from_ms(now_s * 1'000);
const token_rules rules{"https://id.example", "souk"};

/// An issuer with one key of each algorithm.
class issuer {
 public:
  issuer()
      : es256_(EVP_EC_gen("P-256")),
        rs256_(EVP_RSA_gen(2048)),
        eddsa_(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")) {}
  ~issuer() {
    for (EVP_PKEY* key : {es256_, rs256_, eddsa_})
      EVP_PKEY_free(key);
  }
  issuer(const issuer&) = delete;
  issuer& operator=(const issuer&) = delete;

  token_keys keys() const {
    const auto share = [](EVP_PKEY* key) {
      EVP_PKEY_up_ref(key);
      return std::shared_ptr<EVP_PKEY>(key, EVP_PKEY_free);
    };
    return {{"e", {token_algorithm::es256, share(es256_)}},
            {"r", {token_algorithm::rs256, share(rs256_)}},
            {"d", {token_algorithm::eddsa, share(eddsa_)}}};
  }

  std::string sign(const std::string& text, token_algorithm algorithm, bool raw = true) const {
    EVP_PKEY* key = algorithm == token_algorithm::es256   ? es256_
                    : algorithm == token_algorithm::rs256 ? rs256_
                                                          : eddsa_;
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    EVP_DigestSignInit(context, nullptr, algorithm == token_algorithm::eddsa ? nullptr : EVP_sha256(),
                       nullptr, key);
    const auto* data = reinterpret_cast<const unsigned char*>(text.data());
    std::size_t size = 0;
    EVP_DigestSign(context, nullptr, &size, data, text.size());
    std::string signature(size, '\0');
    EVP_DigestSign(context, reinterpret_cast<unsigned char*>(signature.data()), &size, data, text.size());
    EVP_MD_CTX_free(context);
    signature.resize(size);
    return algorithm == token_algorithm::es256 && raw ? raw_of(signature) : signature;
  }

  std::string token(const std::string& header, const std::string& claims, token_algorithm algorithm) const {
    const std::string text = base64url(header) + "." + base64url(claims);
    return text + "." + base64url(sign(text, algorithm));
  }

 private:
  static std::string raw_of(const std::string& der) {
    const auto* in = reinterpret_cast<const unsigned char*>(der.data());
    ECDSA_SIG* signature = d2i_ECDSA_SIG(nullptr, &in, static_cast<long>(der.size()));
    std::string raw(64, '\0');
    BN_bn2binpad(ECDSA_SIG_get0_r(signature), reinterpret_cast<unsigned char*>(raw.data()), 32);
    BN_bn2binpad(ECDSA_SIG_get0_s(signature), reinterpret_cast<unsigned char*>(raw.data()) + 32, 32);
    ECDSA_SIG_free(signature);
    return raw;
  }

  EVP_PKEY* es256_;
  EVP_PKEY* rs256_;
  EVP_PKEY* eddsa_;
};

const issuer& id() {
  static const issuer made;
  return made;
}

std::string header(const std::string& alg = "ES256", const std::string& kid = "e",
                   const std::string& more = "") {
  return R"({"typ":"at+jwt","alg":")" + alg + R"(","kid":")" + kid + "\"" + more + "}";
}
std::string claims(const std::string& more = "", std::int64_t exp = now_s + 300, std::int64_t iat = now_s) {
  return R"({"iss":"https://id.example","aud":"souk","sub":"ada","exp":)" + std::to_string(exp) +
         R"(,"iat":)" + std::to_string(iat) + more + "}";
}
std::string good(const std::string& head = header(), const std::string& body = claims()) {
  return id().token(head, body, token_algorithm::es256);
}
std::string fault_of(const std::string& token) {
  const auto verified = verify_token(token, id().keys(), rules, now);
  const auto* fault = std::get_if<token_fault>(&verified);
  return fault == nullptr ? "" : std::string{name_of(*fault)};
}

TEST(token, each_algorithm_with_its_own_key) {
  EXPECT_EQ(fault_of(good()), "");
  EXPECT_EQ(fault_of(id().token(header("RS256", "r"), claims(), token_algorithm::rs256)), "");
  EXPECT_EQ(fault_of(id().token(header("EdDSA", "d"), claims(), token_algorithm::eddsa)), "");
}

TEST(token, says_who_and_what_for) {
  const auto verified = verify_token(good(header(), claims(R"(,"scope":"customer orders:read of:others")")),
                                     id().keys(), rules, now);
  const auto& said = std::get<token_claims>(verified);
  EXPECT_EQ(said.subject, "ada");
  EXPECT_TRUE(said.customer);
  EXPECT_EQ(said.scopes, keyring::scope_set{keyring::scope::orders_read});
  EXPECT_EQ(said.expires_at, runtime::from_ms((now_s + 300) * 1'000));
}

TEST(token, broken_ones) {
  const auto signed_by = [](const std::string& head, token_algorithm algorithm) {
    return id().token(head, claims(), algorithm);
  };
  const std::string fine = good();
  const auto last = fine.rfind('.');
  const std::string text = fine.substr(0, last);
  const auto with = [](const std::string& from, const std::string& what, const std::string& to) {
    std::string changed = from;
    return changed.replace(changed.find(what), what.size(), to);
  };
  std::string hmac(32, '\0');
  HMAC(EVP_sha256(), "public key", 10, reinterpret_cast<const unsigned char*>(text.data()), text.size(),
       reinterpret_cast<unsigned char*>(hmac.data()), nullptr);
  const std::vector<std::pair<std::string, std::string>> rows{
      {"", "parts"},
      {"x", "parts"},
      {"a.b", "parts"},
      {fine + ".", "parts"},
      {fine + ".x", "parts"},
      {std::string(token_bytes_max + 1, 'x'), "too_large"},
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
      {good(header("none")), "algorithm"},
      {base64url(header("none")) + "." + base64url(claims()) + ".", "algorithm"},
      {base64url(header("None")) + "." + base64url(claims()) + ".", "algorithm"},
      {base64url(header("HS256")) + "." + base64url(claims()) + "." + base64url(hmac), "algorithm"},
      {base64url(header("HS256", "r")) + "." + base64url(claims()) + "." + base64url(hmac), "algorithm"},
      {good(header("ES384")), "algorithm"},
      {good(header("es256")), "algorithm"},
      {signed_by(header("RS256", "e"), token_algorithm::rs256), "algorithm"},
      {signed_by(header("ES256", "r"), token_algorithm::es256), "algorithm"},
      {signed_by(header("RS512", "r"), token_algorithm::rs256), "algorithm"},
      {signed_by(header("PS256", "r"), token_algorithm::rs256), "algorithm"},
      {good(header("ES256", "unknown")), "key"},
      {good(header("ES256", "")), "key"},
      {good(R"({"typ":"at+jwt","alg":"ES256"})"), "key"},
      {good(R"({"typ":"at+jwt","alg":"ES256","kid":7})"), "key"},
      {good(R"({"typ":"JWT","alg":"ES256","kid":"e"})"), "type"},
      {good(R"({"alg":"ES256","kid":"e"})"), "type"},
      {good(header("ES256", "e", R"(,"crit":["exp"])")), "header"},
      {good(header("ES256", "e", R"(,"jku":"https://evil.example")")), "header"},
      {good(header("ES256", "e", R"(,"jwk":{})")), "header"},
      {good(header("ES256", "e", R"(,"b64":false)")), "header"},
      {text + ".", "signature"},
      {text + "." + base64url(id().sign(text, token_algorithm::es256, false)), "signature"},
      {text + "." + base64url(std::string(64, '\0')), "signature"},
      {text + "." + base64url(std::string(64, '\xff')), "signature"},
      {text + "." + base64url(id().sign(text, token_algorithm::es256).substr(0, 63)), "signature"},
      {text + "." + base64url(id().sign(text + "x", token_algorithm::es256)), "signature"},
      {text + "." + base64url(id().sign(text, token_algorithm::eddsa)), "signature"},
      {with(fine, "." + base64url(claims()), "." + base64url(claims(R"(,"scope":"keys:admin")"))),
       "signature"},
      {good(header(), "[]"), "claims"},
      {good(header(), claims(R"(,"sub":"eve")")), "claims"},
      {good(header(), R"({"iss":"https://id.example","aud":"souk","sub":"ada","iat":1})"), "claims"},
      {good(header(), R"({"iss":"https://id.example","aud":"souk","sub":"ada","exp":1e10,"iat":1})"),
       "claims"},
      {good(header(), R"({"iss":"https://id.example","aud":"souk","sub":"ada","exp":"9999999999","iat":1})"),
       "claims"},
      {good(header(), claims(R"(,"nbf":"now")")), "claims"},
      {good(header(), claims(R"(,"scope":["keys:admin"])")), "claims"},
      {good(header(), with(claims(), R"("sub":"ada",)", "")), "claims"},
      {good(header(), with(claims(), "ada", std::string(256, 'a'))), "claims"},
      {good(header(), with(claims(), "id.example", "evil.example")), "issuer"},
      {good(header(), with(claims(), R"("iss":"https://id.example",)", "")), "issuer"},
      {good(header(), with(claims(), R"("souk")", R"("another")")), "audience"},
      {good(header(), with(claims(), R"("souk")", R"(["a","b"])")), "audience"},
      {good(header(), claims("", now_s - 60)), "expired"},
      {good(header(), claims("", now_s + 300, now_s + 61)), "early"},
      {good(header(), claims(R"(,"nbf":)" + std::to_string(now_s + 61))), "early"},
  };
  EXPECT_GE(rows.size(), 40u);
  for (const auto& [token, fault] : rows)
    EXPECT_EQ(fault_of(token), fault) << token.substr(0, 200);
}

TEST(token, clocks_may_be_off_by_a_minute) {
  EXPECT_EQ(fault_of(good(header(), claims("", now_s - 59))), "");
  EXPECT_EQ(fault_of(good(header(), claims("", now_s + 300, now_s + 60))), "");
  EXPECT_EQ(fault_of(good(header(), claims(R"(,"nbf":)" + std::to_string(now_s + 60)))), "");
}

TEST(token, keys_are_read_strictly) {
  const auto wrong = [](const std::string& text) {
    const auto read = parse_token_keys(text);
    const auto* problem = std::get_if<std::string>(&read);
    return problem == nullptr ? std::string{} : *problem;
  };
  // RFC 8037, appendix A.2, and RFC 7517, appendix A.1.
  const std::string okp =
      R"({"kty":"OKP","crv":"Ed25519","alg":"EdDSA","kid":"d","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})";
  const std::string ec =
      R"({"kty":"EC","crv":"P-256","alg":"ES256","kid":"e","use":"sig",)"
      R"("x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"})";
  EXPECT_EQ(wrong(R"({"keys":[]})"), "");
  EXPECT_EQ(wrong(R"({"keys":[)" + okp + "," + ec + "]}"), "");
  EXPECT_EQ(wrong(R"({"keys":[)" + okp + "," + okp + "]}"), "two keys have the kid d");
  EXPECT_NE(wrong("{}"), "");
  EXPECT_NE(wrong("[]"), "");
  EXPECT_NE(wrong(R"({"keys":[{"kty":"oct","alg":"HS256","kid":"h","k":"AAAA"}]})"), "");
  for (const auto& [what, to] :
       std::vector<std::pair<std::string, std::string>>{{"ES256", "EdDSA"},
                                                        {"ES256", "none"},
                                                        {R"("alg":"ES256",)", ""},
                                                        {R"("kid":"e",)", ""},
                                                        {"P-256", "P-384"},
                                                        {"4Etl6", "4Etl7"},
                                                        {"IFyM", "IFyN"},
                                                        {R"("use":"sig")", R"("use":"enc")"},
                                                        {R"("use":"sig")", R"("d":"AAAA")"}}) {
    std::string broken = ec;
    broken.replace(broken.find(what), what.size(), to);
    EXPECT_NE(wrong(R"({"keys":[)" + broken + "]}"), "") << what << " " << to;
  }
}

}  // namespace
}  // namespace souk::gateway
