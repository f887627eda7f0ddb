#pragma once

#include "actors/events/event_kind.hpp"

namespace souk::product {

/// What readers of events are told of products.
events::event_kind event_kind();

}  // namespace souk::product
