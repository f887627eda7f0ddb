#include "runtime/supervision/failure.hpp"

#include "persistence/storage.hpp"
#include "runtime/supervision/type_name.hpp"
#include "runtime/telemetry/log.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/exit_reason.hpp>
#include <caf/scheduled_actor.hpp>
#include <caf/sec.hpp>
#include <caf/type_erased_tuple.hpp>

#include <exception>
#include <string>
#include <typeinfo>
#include <utility>

namespace souk::supervision {

namespace {

// Of CAF's codes the one that nothing of ours gives otherwise.
constexpr auto damage_code = caf::sec::cannot_open_file;

caf::error failure_of(const std::exception_ptr& exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const persistence::damage& error) {
    return damage(error.what());
  } catch (const std::exception& error) {
    return failure(error.what());
  } catch (...) {
    return failure("threw something that is no std::exception");
  }
}

/// Of what a message holds: its types, for the rest may be secret.
std::string types_of(const caf::actor_system& system, const caf::type_erased_tuple& content) {
  std::string types;
  for (std::size_t n = 0; n < content.size(); ++n) {
    const auto type = content.type(n);
    if (n > 0) types += ", ";
    types += type.second != nullptr ? name_of_type(*type.second) : system.types().portable_name(type);
  }
  return types;
}

}  // namespace

caf::error failure(std::string text) { return caf::make_error(caf::sec::runtime_error, std::move(text)); }

caf::error damage(std::string text) { return caf::make_error(damage_code, std::move(text)); }

bool is_damage(const caf::error& reason) { return reason == damage_code; }

std::string failure_text(const caf::actor_system& system, const caf::error& reason) {
  if (!reason) return {};
  if (reason.context().match_elements<std::string>()) return reason.context().get_as<std::string>(0);
  return system.render(reason);
}

bool is_failure(const caf::error& reason) {
  return static_cast<bool>(reason) && reason != caf::exit_reason::user_shutdown;
}

void handle_failures(caf::scheduled_actor* self) {
  self->set_exception_handler([](caf::scheduled_actor*, std::exception_ptr& exception) -> caf::error {
    return failure_of(exception);
  });
  self->set_default_handler(
      [](caf::scheduled_actor* actor, caf::message_view& view) -> caf::result<caf::message> {
        log::warn("nobody handles this message",
                  {{"actor", actor->name()}, {"message", types_of(actor->system(), view.content())}});
        return caf::sec::unexpected_message;
      });
}

}  // namespace souk::supervision
