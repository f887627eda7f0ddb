#pragma once

#include "runtime/types.hpp"

#include <chrono>
#include <string_view>

/// What a receiver that is busy asks for. Pure.
namespace souk::webhook {

/// A receiver that asks for more is waited for no longer.
inline constexpr std::chrono::milliseconds retry_after_max{std::chrono::hours{24}};

/// How long to wait by a field Retry-After (RFC 9110, section 10.2.3): seconds, or until a date by our own
/// clock; `retry_after_max` at most. 0: it asks for nothing, for what is over, or cannot be understood.
std::chrono::milliseconds pause_asked_for(std::string_view retry_after, runtime::timestamp now);

}  // namespace souk::webhook
