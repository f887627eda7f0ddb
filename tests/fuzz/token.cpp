// Access tokens: whatever comes is refused with a fault or says all that it must; what its issuer did not
// sign is never taken. An input that begins with a brace is what a token says (its claims, or its header, a
// line's end and its claims), signed here as the issuer would: no fuzzer signs. Any other is a token as it
// came.
#include "actors/gateway/token.hpp"

#include "actors/gateway/access_tokens.hpp"
#include "actors/gateway/digests.hpp"
#include "actors/json/reader.hpp"
#include "actors/values/utf8.hpp"
#include "tests/fuzz/target.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <variant>

namespace souk::gateway {
namespace {

using souk::fuzz::demand;

constexpr runtime::timestamp now = runtime::from_ms(1'795'000'000'000);
const token_rules rules{"https://id.example", "souk"};
constexpr std::string_view usual_header = R"({"typ":"at+jwt","alg":"EdDSA","kid":"d"})";
constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The issuer's key, always the same: Ed25519 signs without drawing anything.
EVP_PKEY* issuing_key() {
  static constexpr std::array<unsigned char, 32> secret{7, 7, 7};
  static EVP_PKEY* const key =
      EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, secret.data(), secret.size());
  return key;
}

/// That key, and public ones of the two other algorithms, whose private parts nobody has.
token_keys issuers_keys() {
  std::array<unsigned char, 32> point{};
  std::size_t size = point.size();
  EVP_PKEY_get_raw_public_key(issuing_key(), point.data(), &size);
  auto read = parse_token_keys(
      R"({"keys":[{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","kid":"d","x":")" +
      base64url({reinterpret_cast<const char*>(point.data()), point.size()}) +
      R"("},{"kty":"EC","crv":"P-256","alg":"ES256","kid":"e",)"
      R"("x":"y5FnT08aY_CPpd9matYRQuDpXIdJ6kbuwsY2od-ScBg",)"
      R"("y":"L2ISlj6SSufjkUCgmq1ZCYKxLwyWcEjrXM0P7rsaqQM"},)"
      R"({"kty":"RSA","alg":"RS256","kid":"r","e":"AQAB","n":")"
      "xtd1Y4_WsomJDLj7B001WfhUkVXqVqrD-Hh2Z8cbo52yfai0dDq_T7k59J7DX3QgHqsVkcHuYUnkXI1Bb6wXYpZJbv"
      "6Wi7O0ViExbbHiD7g5zTx57bxJgVxinkmX1Y6vSd1Umb3FzqUrKROdz5s3NbCtdSZP-_PJnjrgVlIn7PsaibWC6d9_"
      "qBCNQgl_1-2pZGjkwd9Qpla1dZeCiOXa0279Y_RywpaDbwkLvfnZilj8CQACtVhjOx_AwrX4CSQKRrY5ptSkYLzr_p"
      "IQsFKsEymua252Wh7_2r6khbdMUxbK4W-kiXhW3nS3B7wxJvVkXyee75bgBOYT-emfGqhHAQ"
      R"("}]})");
  demand(std::holds_alternative<token_keys>(read), "the keys are read");
  return std::get<token_keys>(std::move(read));
}

const token_keys& keys() {
  static const token_keys all = issuers_keys();
  return all;
}

std::string signed_token(std::string_view header, std::string_view claims) {
  static EVP_MD_CTX* const context = EVP_MD_CTX_new();
  const auto text = base64url(header) + "." + base64url(claims);
  std::array<unsigned char, 64> signature{};
  std::size_t size = signature.size();
  demand(EVP_DigestSignInit(context, nullptr, nullptr, nullptr, issuing_key()) == 1 &&
             EVP_DigestSign(context, signature.data(), &size,
                            reinterpret_cast<const unsigned char*>(text.data()), text.size()) == 1,
         "the issuer signs");
  return text + "." + base64url({reinterpret_cast<const char*>(signature.data()), size});
}

json::value object_of(std::string_view text) {
  json::parse_error error;
  auto read = json::parse(text, error);
  demand(read && read->as_object() != nullptr, "what was taken is an object");
  return *std::move(read);
}

bool names(const json::value& claims, std::string_view audience) {
  const auto* member = claims.find("aud");
  if (member == nullptr) return false;
  const auto is_it = [&](const json::value& each) {
    return each.as_string() != nullptr && *each.as_string() == audience;
  };
  const auto* several = member->as_array();
  return is_it(*member) || (several != nullptr && std::any_of(several->begin(), several->end(), is_it));
}

/// What was taken says what RFC 9068 and ours ask for.
void check_taken(std::string_view token, const token_claims& taken) {
  const auto first = token.find('.');
  const auto second = token.rfind('.');
  const auto header = object_of(parse_base64url(token.substr(0, first)).value());
  const auto claims = object_of(parse_base64url(token.substr(first + 1, second - first - 1)).value());
  const auto kid = json::text_of(header, "kid");
  const auto alg = json::text_of(header, "alg");
  demand((kid == "d" && alg == "EdDSA") || (kid == "e" && alg == "ES256") || (kid == "r" && alg == "RS256"),
         "a key is for one algorithm");
  demand(header.find("crit") == nullptr && header.find("jwk") == nullptr && header.find("jku") == nullptr,
         "no header brings its own key or rules");
  demand(json::text_of(claims, "iss") == rules.issuer, "it is the issuer's");
  demand(names(claims, rules.audience), "it is for this shop");
  demand(json::text_of(claims, "sub") == taken.subject, "it says of whom");
  demand(!taken.subject.empty() && taken.subject.size() <= 255 && values::is_utf8(taken.subject),
         "a subject is a short text");
  demand(std::none_of(taken.subject.begin(), taken.subject.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }),
         "without control characters");
  demand(taken.expires_at + token_skew > now, "it has not ended");
}

std::string_view fault_of(const std::variant<token_claims, token_fault>& verdict) {
  const auto* fault = std::get_if<token_fault>(&verdict);
  return fault == nullptr ? std::string_view{} : name_of(*fault);
}

/// A token of which one character is another one is no token of the issuer's.
void check_changed(std::string token, std::uint64_t random) {
  char& changed = token[random % token.size()];
  const auto other = alphabet[(random >> 32) % alphabet.size()];
  if (changed == other || changed == '.') return;
  changed = other;
  demand(!fault_of(verify_token(token, keys(), rules, now)).empty(), "what was changed is refused");
}

void check_came(std::string_view token) {
  const auto verdict = verify_token(token, keys(), rules, now);
  static access_tokens remembering{rules, keys(), 8};
  // A bad signature costs as much as a good one: not twice.
  if (fault_of(verdict) != "signature")
    for (int i = 0; i < 2; ++i)
      demand(remembering.find(token, now).has_value() == fault_of(verdict).empty(), "it is remembered so");
  if (const auto* taken = std::get_if<token_claims>(&verdict)) check_taken(token, *taken);
}

void check_said(std::string_view text) {
  const auto line = text.find('\n');
  const bool has_header = line != std::string_view::npos;
  const auto header = has_header ? text.substr(0, line) : usual_header;
  const auto token = signed_token(header, has_header ? text.substr(line + 1) : text);
  const auto verdict = verify_token(token, keys(), rules, now);
  const auto* taken = std::get_if<token_claims>(&verdict);
  if (taken == nullptr) {
    const auto fault = fault_of(verdict);
    demand(fault != "parts" && fault != "encoding", "it is well-formed");
    demand(has_header || (fault != "header" && fault != "type" && fault != "key" && fault != "algorithm" &&
                          fault != "signature"),
           "it is the issuer's");
    return;
  }
  check_taken(token, *taken);
  check_changed(token, souk::fuzz::number_of(text));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = souk::fuzz::text_of(data, size);
  if (text.starts_with('{'))
    check_said(text);
  else
    check_came(text);
  return 0;
}

}  // namespace souk::gateway
