#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// How streams, subjects and servers of NATS are written. Pure; any thread.
namespace souk::nats {

/// Characters of a stream's name: what NATS recommends as the most.
inline constexpr std::size_t stream_characters_max = 32;
/// Characters of a prefix: a tenant and a type come behind it, and NATS takes some thousand in all.
inline constexpr std::size_t prefix_characters_max = 64;
/// Servers of a cluster: one after the other is tried.
inline constexpr std::size_t servers_max = 16;

/// Whether a stream may have this name: 1 to 32 of a-z, A-Z, 0-9, "-" and "_".
bool is_stream_name(std::string_view name);

/// Whether subjects may begin with it: names as of streams, with a dot between each two, 64 characters at
/// most.
bool is_prefix(std::string_view text);

/// "nats://HOST:PORT" or "tls://HOST:PORT", several with commas between them, all by TLS or none. Nothing if
/// it is not that; a user or a password has no place there.
std::optional<std::vector<std::string>> servers_of(std::string_view url);

}  // namespace souk::nats
