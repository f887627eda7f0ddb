#pragma once

#include "actors/events/event_kind.hpp"

namespace souk::cart {

/// What readers of events are told of carts.
events::event_kind event_kind();

}  // namespace souk::cart
