#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What a receiver knows an event by: Standard Webhooks 1.0. Pure.
namespace souk::webhook {

/// "v1,<base64 HMAC-SHA256 of id.timestamp.body>".
std::string signature(std::string_view secret, std::string_view id, std::chrono::seconds at,
                      std::string_view body);

/// The fields that a delivery bears: `webhook-id`, `webhook-timestamp` (of this try) and `webhook-signature`,
/// with one signature for each secret that is not empty.
std::vector<std::pair<std::string, std::string>> signed_fields(std::string_view id, std::chrono::seconds at,
                                                               std::string_view body, std::string_view secret,
                                                               std::string_view previous_secret);

}  // namespace souk::webhook
