#include "actors/gateway/access_tokens.hpp"
#include "actors/gateway/digests.hpp"
#include "actors/gateway/token.hpp"
#include "tests/token_issuer.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace souk::gateway {
namespace {

using keyring::scope;
using keyring::scope_set;
using tests::issuer;
using tests::token_header;

constexpr std::int64_t now_s = 1'795'000'000;
constexpr runtime::timestamp now = runtime::from_ms(now_s * 1'000);

std::string claims(const std::string& more = "", std::int64_t exp = now_s + 300, std::int64_t iat = now_s) {
  return tests::token_claims_of(exp, iat, more);
}
std::string fault_of(const std::string& token) {
  static const auto keys = issuer().keys();
  const auto verified = verify_token(token, keys, tests::issued, now);
  const auto* fault = std::get_if<token_fault>(&verified);
  return fault == nullptr ? "" : std::string{name_of(*fault)};
}

TEST(token, each_algorithm_with_its_own_key) {
  EXPECT_EQ(fault_of(issuer().token(token_header(), claims())), "");
  EXPECT_EQ(fault_of(issuer().token(token_header("RS256", "r"), claims(), token_algorithm::rs256)), "");
  EXPECT_EQ(fault_of(issuer().token(token_header("EdDSA", "d"), claims(), token_algorithm::eddsa)), "");
}

TEST(token, says_who_and_what_for) {
  const auto verified =
      verify_token(issuer().token(token_header(), claims(R"(,"scope":"customer orders:read  of:others")")),
                   issuer().keys(), tests::issued, now);
  const auto& said = std::get<token_claims>(verified);
  EXPECT_EQ(said.subject, "ada");
  EXPECT_EQ(said.scopes, scope_set{scope::orders_read});
  EXPECT_EQ(said.expires_at, runtime::from_ms((now_s + 300) * 1'000));
}

TEST(token, opens_nothing_without_a_scope) {
  const auto verified =
      verify_token(issuer().token(token_header(), claims()), issuer().keys(), tests::issued, now);
  EXPECT_EQ(std::get<token_claims>(verified).scopes, scope_set{});
}

TEST(token, broken_ones) {
  const auto rows = issuer().broken_tokens(now_s);
  EXPECT_GE(rows.size(), 62u);
  for (const auto& [token, fault] : rows)
    EXPECT_EQ(fault_of(token), fault) << token.substr(0, 200);
}

TEST(token, clocks_may_be_off_by_a_minute) {
  const auto at = [](std::int64_t exp_in, std::int64_t iat_in, std::int64_t nbf_in = 0) {
    const auto nbf = R"(,"nbf":)" + std::to_string(now_s + nbf_in);
    return fault_of(issuer().token(token_header(), claims(nbf, now_s + exp_in, now_s + iat_in)));
  };
  EXPECT_EQ(at(-59, 0), "");
  EXPECT_EQ(at(-60, 0), "expired");
  EXPECT_EQ(at(300, 60), "");
  EXPECT_EQ(at(300, 61), "early");
  EXPECT_EQ(at(300, 0, 60), "");
  EXPECT_EQ(at(300, 0, 61), "early");
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
  EXPECT_EQ(wrong(R"({"keys":[)" + okp + "," + okp + "]}"), "/keys/1: kid d: another key has it, too");
  EXPECT_EQ(wrong(issuer().key_set()), "");
  EXPECT_EQ(wrong("{}"), "it is no object with a list of keys");
  EXPECT_EQ(wrong("[]"), "it is no object with a list of keys");
  EXPECT_EQ(wrong(R"({"keys":[{"kty")"), "/keys/0/kty: the document ends too early (near byte 15)");
  EXPECT_EQ(wrong(std::string(token_key_bytes_max + 1, ' ')), "it is larger than 256 KiB");
  std::string many;
  for (std::size_t i = 0; i <= token_keys_max; ++i)
    many += (many.empty() ? "" : ",") + std::string{"{}"};
  EXPECT_EQ(wrong(R"({"keys":[)" + many + "]}"), "/keys: there are more than 100");
  EXPECT_EQ(wrong(R"({"keys":[7]})"), "/keys/0: it has no kid of 1 to 128 characters");
  EXPECT_EQ(wrong(R"({"keys":[{"kty":"oct","alg":"HS256","kid":"h","k":"AAAA"}]})"),
            "/keys/0: kid h: it is not public: it has k");
  const std::string at = "/keys/0: kid e: ";
  struct broken_key {
    std::string what;
    std::string to;
    std::string problem;
  };
  for (const auto& [what, to, problem] : std::vector<broken_key>{
           {R"("kid":"e",)", "", "/keys/0: it has no kid of 1 to 128 characters"},
           {R"("kid":"e")", R"("kid":"e\n")", "/keys/0: it has no kid of 1 to 128 characters"},
           {"ES256", "EdDSA", at + "its kty is not \"OKP\""},
           {"ES256", "none", at + "its alg is none of ES256, RS256, EdDSA"},
           {R"("alg":"ES256",)", "", at + "its alg is none of ES256, RS256, EdDSA"},
           {"P-256", "P-384", at + "its crv is not \"P-256\""},
           {R"("x")", R"("z")", at + "its x is not 32 bytes in base64url without padding"},
           {"iTo7Tu", "", at + "its x is not 32 bytes in base64url without padding"},
           {"4Etl6", "4Etl7", at + "it is no key for ES256"},
           {"IFyM", "IFyN", at + "its y is not 32 bytes in base64url without padding"},
           {R"("use":"sig")", R"("use":"enc")", at + "its use is not \"sig\""},
           {R"("use":"sig")", R"("key_ops":["sign"])", at + "its key_ops do not have \"verify\""},
           {R"("use":"sig")", R"("d":"AAAA")", at + "it is not public: it has d"}}) {
    std::string broken = ec;
    broken.replace(broken.find(what), what.size(), to);
    EXPECT_EQ(wrong(R"({"keys":[)" + broken + "]}"), problem) << what << " " << to;
  }
  const std::string small = R"({"kty":"RSA","alg":"RS256","kid":"r","e":"AQAB","n":")";
  EXPECT_EQ(wrong(R"({"keys":[)" + small + base64url(std::string(128, '\xff')) + "\"}]}"),
            "/keys/0: kid r: its n is not 256 to 1024 bytes in base64url without padding");
  EXPECT_EQ(wrong(R"({"keys":[)" + small + base64url(std::string(255, '\0') + "\xff") + "\"}]}"),
            "/keys/0: kid r: it is no key for RS256");
}

std::string token_of(const std::string& subject, std::int64_t exp = now_s + 300) {
  return issuer().token(token_header(), R"({"iss":"https://id.example","aud":"souk","sub":")" + subject +
                                            R"(","exp":)" + std::to_string(exp) + R"(,"iat":)" +
                                            std::to_string(now_s) + R"(,"scope":"orders:read"})");
}

TEST(access_tokens, are_credentials_that_are_never_those_of_a_key) {
  access_tokens tokens{tests::issued, issuer().keys()};
  const auto found = tokens.find(token_of("key_01M8CGJXP0W1DZ1ZBAFHN0HJ8D7FQ8"), now);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->id, "sub:key_01M8CGJXP0W1DZ1ZBAFHN0HJ8D7FQ8");
  EXPECT_EQ(found->scopes, scope_set{scope::orders_read});
  EXPECT_FALSE(found->publishable);
}

TEST(access_tokens, are_verified_once) {
  access_tokens tokens{tests::issued, issuer().keys()};
  const auto token = token_of("ada");
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(tokens.find(token, now)->id, "sub:ada");
  EXPECT_EQ(tokens.verified(), 1u);
  EXPECT_EQ(tokens.remembered(), 1u);
  EXPECT_FALSE(tokens.find(token + "A", now));
  EXPECT_FALSE(tokens.find(token + "A", now));
  EXPECT_EQ(tokens.refused(token_fault::encoding) + tokens.refused(token_fault::signature), 2u)
      << "what is not valid is not remembered";
}

TEST(access_tokens, end_although_they_are_remembered) {
  access_tokens tokens{tests::issued, issuer().keys()};
  const auto token = token_of("ada", now_s + 10);
  EXPECT_TRUE(tokens.find(token, now));
  const auto end = now + std::chrono::seconds{10} + token_skew;
  EXPECT_TRUE(tokens.find(token, end - std::chrono::milliseconds{1}));
  EXPECT_EQ(tokens.verified(), 1u);
  EXPECT_FALSE(tokens.find(token, end));
  EXPECT_EQ(tokens.refused(token_fault::expired), 1u);
  EXPECT_EQ(tokens.remembered(), 0u);
}

TEST(access_tokens, are_forgotten_when_the_keys_change) {
  access_tokens tokens{tests::issued, issuer().keys()};
  const auto token = token_of("ada");
  EXPECT_TRUE(tokens.find(token, now));
  auto without = issuer().keys();
  without.erase("e");
  tokens.replace(std::move(without));
  EXPECT_EQ(tokens.keys(), 2u);
  EXPECT_FALSE(tokens.find(token, now));
  EXPECT_EQ(tokens.refused(token_fault::key), 1u);
  tokens.replace(issuer().keys());
  EXPECT_TRUE(tokens.find(token, now));
  EXPECT_EQ(tokens.verified(), 2u);
}

TEST(access_tokens, are_remembered_up_to_a_number_and_the_first_to_end_goes_first) {
  access_tokens tokens{tests::issued, issuer().keys(), 2};
  const auto soon = token_of("soon", now_s + 10);
  const auto late = token_of("late", now_s + 30);
  EXPECT_TRUE(tokens.find(soon, now));
  EXPECT_TRUE(tokens.find(late, now));
  EXPECT_TRUE(tokens.find(token_of("next", now_s + 20), now));
  EXPECT_EQ(tokens.remembered(), 2u);
  EXPECT_TRUE(tokens.find(late, now));
  EXPECT_EQ(tokens.verified(), 3u);
  EXPECT_TRUE(tokens.find(soon, now));
  EXPECT_EQ(tokens.verified(), 4u) << "it was forgotten";
}

TEST(access_tokens, are_told_from_keys_by_their_three_parts) {
  EXPECT_TRUE(is_token(".."));
  EXPECT_TRUE(is_token(token_of("ada")));
  for (const char* other : {"", "sk_00", "a.b", "a.b.c.d"})
    EXPECT_FALSE(is_token(other)) << other;
}

}  // namespace
}  // namespace souk::gateway
