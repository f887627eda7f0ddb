#pragma once

#include <caf/error.hpp>
#include <caf/fwd.hpp>

#include <string>

/// How actors of ours fail: with a text that says why, which CAF's own handlers would throw away.
namespace souk::supervision {

/// The reason to quit with.
caf::error failure(std::string text);

/// The reason to quit with where a restart mends nothing, for the disk holds something else than was written:
/// supervisors pass it on at once, and the node ends.
caf::error damage(std::string text);
bool is_damage(const caf::error& reason);

/// The text of a reason: as given to `failure`, or CAF's own rendering.
std::string failure_text(const caf::actor_system& system, const caf::error& reason);

/// False: it ended because it was done, or was asked to.
bool is_failure(const caf::error& reason);

/// Call first in every actor of ours: an exception (also in the rest of the initialiser) becomes a `failure`
/// with its text, or `damage` if that is what it is, and a message that nobody handles is logged, not
/// printed.
void handle_failures(caf::scheduled_actor* self);

}  // namespace souk::supervision
