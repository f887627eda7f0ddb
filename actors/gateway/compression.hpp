#pragma once

#include "actors/gateway/http.hpp"

#include <cstddef>

namespace souk::gateway {

struct route;

/// Shorter bodies are sent as they are: they fit into one packet with their head.
inline constexpr std::size_t compressed_bytes_min = 1'025;
/// Longer ones, too: packing one takes the gateway's thread some milliseconds, in which it serves nobody
/// else.
inline constexpr std::size_t compressed_bytes_max = 1 << 20;

/// Whether a client would rather have gzip than nothing, by its Accept-Encoding (RFC 9110, 12.5.3).
bool prefers_gzip(const http_request& http);

/// Packs the answer to a GET with gzip if the client takes it and it is worth it, and says in Vary that it
/// depends. Answers that may hold a secret are never packed: their length would tell something of it. Any
/// thread.
void compress(const http_request& http, const route* route, http_response& response);

}  // namespace souk::gateway
