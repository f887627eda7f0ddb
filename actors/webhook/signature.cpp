#include "actors/webhook/signature.hpp"

#include "actors/gateway/digests.hpp"

namespace souk::webhook {

std::string signature(std::string_view secret, std::string_view id, std::chrono::seconds at,
                      std::string_view body) {
  std::string text{id};
  text.append(".").append(std::to_string(at.count())).append(".").append(body);
  return "v1," + gateway::base64(gateway::hmac_sha256(secret, text));
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
