#pragma once

#include "actors/events/event_kind.hpp"

namespace souk::payment {

/// What readers of events are told of payments: never a card's token.
events::event_kind event_kind();

}  // namespace souk::payment
