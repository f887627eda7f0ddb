#pragma once

#include "actors/events/event_kind.hpp"

namespace souk::import_job {

/// What readers of events are told of imports.
events::event_kind event_kind();

}  // namespace souk::import_job
