#pragma once

#include "actors/events/event_kind.hpp"

#include <span>

namespace souk::events {

/// All kinds whose events are public. The others keep house (who owns a sku) or hold secrets (the keyring).
std::span<const event_kind> public_kinds();

/// Null for a kind that is not public.
const event_kind* public_kind(runtime::kind_id id);

}  // namespace souk::events
