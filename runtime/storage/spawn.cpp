#include "runtime/storage/spawn.hpp"

#include <caf/all.hpp>

#include <utility>

namespace souk::runtime {

namespace {

template <class Function, class... Arguments>
caf::actor spawn_writer(caf::actor_system& system, bool own_thread, Function function,
                        Arguments... arguments) {
  if (own_thread) return system.spawn<caf::detached>(function, std::move(arguments)...);
  return system.spawn(function, std::move(arguments)...);
}

}  // namespace

caf::actor spawn_journal_writer(caf::actor_system& system, bool own_thread, persistence::storage* storage,
                                const limits* limits, writer_figures* figures, std::shared_ptr<clock> time) {
  return spawn_writer(system, own_thread, journal_writer, storage, limits, figures, std::move(time));
}

caf::actor spawn_state_writer(caf::actor_system& system, bool own_thread, persistence::storage* storage,
                              const limits* limits, writer_figures* figures) {
  return spawn_writer(system, own_thread, state_writer, storage, limits, figures);
}

}  // namespace souk::runtime
