#pragma once

#include "actors/gateway/http.hpp"
#include "actors/gateway/step.hpp"

#include <string>
#include <string_view>

namespace souk::gateway {

/// An answer as it goes out: Content-Type, ETag, Location, Request-Id, Idempotent-Replayed and what else the
/// call brings.
http_response to_response(done done, std::string_view request_id);

}  // namespace souk::gateway
