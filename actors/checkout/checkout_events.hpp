#pragma once

#include "actors/events/event_kind.hpp"

namespace souk::checkout {

/// What readers of events are told of checkouts.
events::event_kind event_kind();

}  // namespace souk::checkout
