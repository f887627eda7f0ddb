#pragma once

#include "actors/events/event_kind.hpp"

namespace souk::stock {

/// What readers of events are told of stocks.
events::event_kind event_kind();

}  // namespace souk::stock
