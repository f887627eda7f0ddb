#pragma once

#include "runtime/storage/writers.hpp"

#include <caf/actor.hpp>
#include <caf/fwd.hpp>

#include <memory>

namespace souk::runtime {

/// Starts the journal's writer under `parent`. Its syncs block, so it has a thread of its own; in a
/// simulation
/// (`own_thread` false) it is scheduled like everybody else.
caf::actor spawn_journal_writer(caf::actor_system& system, bool own_thread, persistence::storage* storage,
                                const limits* limits, writer_figures* figures, std::shared_ptr<clock> time);

/// The same for the state's writer.
caf::actor spawn_state_writer(caf::actor_system& system, bool own_thread, persistence::storage* storage,
                              const limits* limits, writer_figures* figures);

}  // namespace souk::runtime
