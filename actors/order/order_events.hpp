#pragma once

#include "actors/events/event_kind.hpp"

namespace souk::order {

/// What readers of events are told of orders.
events::event_kind event_kind();

}  // namespace souk::order
