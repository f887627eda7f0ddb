#pragma once

#include "actors/gateway/call.hpp"
#include "actors/gateway/http.hpp"

#include <string>
#include <string_view>

namespace souk::gateway {

/// Who has shown something that is not known: not a name of a tenant.
inline constexpr std::string_view strangers = "?";

/// Whose tenant's a request is, as far as can be told at once, for an overloaded node to share itself out by.
/// Any thread. Opens nothing.
///
/// Nothing that is merely claimed is believed. A key is looked up by its digest, a token by its own among
/// those that were verified on this node, and a request without either is a guest's of `services.tenant`: so
/// nobody is counted for a tenant whose credential they do not have, nor for none. All else, made-up keys and
/// tokens that come for the first time, is the strangers', who share one part as if they were a tenant.
///
/// What an attacker gains: by making up credentials, one part of the node, however many they make up, for
/// requests that are refused when they are looked at; who comes with a fresh token waits in the same line
/// until it was let in once. With a tenant's publishable key, which anybody may have, as much of this
/// tenant's part as they can take from its clients; as a guest, of the first tenant's. Against that there are
/// limits by address.
///
/// Where the node knows of no tenant but the first it costs nothing; else a digest of what is shown and a
/// look into a table, some microseconds (a key 1, a token 3, the longest there may be 25).
std::string tenant_at_sight(const http_request& http, const services& services);

}  // namespace souk::gateway
