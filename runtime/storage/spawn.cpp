#include "runtime/storage/spawn.hpp"

#include <caf/all.hpp>

#include <pthread.h>
#include <sched.h>

#include <utility>

namespace souk::runtime {

namespace {

// A writer that wakes up does not push a worker from its processor, but waits for its turn: while all
// processors have work, its next batch only grows, and commits become fewer. It costs nothing where one is
// idle. A kernel that refuses leaves things as they were.
void wait_for_turns() {
  const sched_param no_priority{};
  pthread_setschedparam(pthread_self(), SCHED_BATCH, &no_priority);
}

template <class Self, class... Parameters, class... Arguments>
caf::actor spawn_writer(caf::actor_system& system, bool own_thread,
                        caf::behavior (*writer)(Self*, Parameters...), Arguments... arguments) {
  if (!own_thread) return system.spawn(writer, std::move(arguments)...);
  // The behaviour is made on the actor's thread.
  return system.spawn<caf::detached>(
      [writer](Self* self, Parameters... parameters) {
        wait_for_turns();
        return writer(self, std::move(parameters)...);
      },
      std::move(arguments)...);
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
