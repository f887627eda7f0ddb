#pragma once

#include "runtime/entity/kind.hpp"

namespace souk::runtime {

/// Shows all projections what the state on this disk amounts to, for one shard. No write of it may be on its
/// way. Throws `damage`, `undecodable`.
void restore_projections(shard_id shard, const entity_catalogue& kinds,
                         const persistence::state_store& state);

}  // namespace souk::runtime
