#pragma once

#include "actors/gateway/call.hpp"
#include "actors/gateway/http.hpp"
#include "runtime/telemetry/access_log.hpp"

#include <string_view>

/// What the access log says of requests: see docs/operators.md. Any thread.
namespace souk::gateway {

struct route;

/// What a line says of any request. Of what the client sent there is nothing but the method, if it is one
/// that is known: not the path, which opens carts and orders.
telemetry::access_entry access_of(const http_request& http, const http_response& response,
                                  const route* route);

/// The line of a request that was answered before anybody looked at it, for whatever reason.
void record_unread(telemetry::access_log& log, const http_request& http, const http_response& response,
                   const services& services);

}  // namespace souk::gateway
