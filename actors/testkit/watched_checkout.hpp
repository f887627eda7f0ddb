#pragma once

#include "runtime/entity/kind.hpp"

namespace souk::testkit {

/// Puts points (runtime/fault_point.hpp) behind what checkouts decide, whose decider knows of none: their
/// steps are passed when they are decided and nobody has heard of it.
void watch_checkouts(runtime::entity_catalogue& entities);

}  // namespace souk::testkit
