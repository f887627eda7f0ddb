#include "actors/payment/provider_worker.hpp"

#include "runtime/entity/kind.hpp"
#include "runtime/fault_point.hpp"
#include "runtime/mutant.hpp"
#include "runtime/supervision/failure.hpp"
#include "runtime/trace_context.hpp"

#include <caf/actor_cast.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>

#include <utility>

namespace souk::payment {

namespace {

using worker = caf::stateful_actor<payment_worker_state>;

pb::ProviderCall call_in(const runtime::world_request& request) {
  if (request.request) return static_cast<const pb::ProviderCall&>(*request.request);
  return *runtime::parse_as<pb::ProviderCall>(request.request_bytes);
}

/// The first answer to a call goes to its shard; later ones find nothing open.
void finish(worker* self, std::uint64_t call, pb::ProviderResult result) {
  auto& open = self->state.open;
  const auto found = open.find(call);
  if (found == open.end()) return;
  if (auto& span = found->second.span) {
    span->ended = self->state.config.clock->steady();
    span->failed = result.status() == "no_answer" || result.status() == "error";
    span->attributes.emplace_back("souk.provider.status", result.status());
    self->state.config.spans->record(std::move(*span));
  }
  reached("payments: before a result is told");
  auto command = std::make_shared<pb::Command>();
  *command->mutable_provider_result() = std::move(result);
  self->send(found->second.reply_to, runtime::world_result{std::move(found->second.caller),
                                                           found->second.number, std::move(command)});
  open.erase(found);
}

void tick_soon(worker* self) {
  if (std::exchange(self->state.ticking, true)) return;
  self->delayed_send(self, self->state.config.tick, worker_tick{});
}

std::unique_ptr<telemetry::span> span_of(const payment_worker_config& config, const pb::ProviderCall& call,
                                         const std::string& traceparent,
                                         const runtime::world_request& request) {
  if (config.spans == nullptr || !runtime::is_sampled(traceparent)) return nullptr;
  auto span = std::make_unique<telemetry::span>();
  span->traceparent = traceparent;
  span->parent = runtime::span_id_of(request.traceparent);
  span->name = "provider " + call.operation();
  span->kind = telemetry::span_kind::client;
  span->begun = config.clock->steady();
  return span;
}

void start(worker* self, const runtime::world_request& request) {
  auto& state = self->state;
  auto call = call_in(request);
  const auto id = ++state.calls;
  auto traceparent = state.config.random == nullptr
                         ? std::string{}
                         : runtime::child_traceparent(request.traceparent, *state.config.random);
  if (mutated("key-of-each-try")) call.set_key(call.key() + "/" + std::to_string(id));
  state.open.emplace(
      id, payment_worker_state::under_way{request.caller, request.number, call.operation(), request.reply_to,
                                          span_of(state.config, call, traceparent, request)});
  state.deadlines.emplace_back(state.config.clock->steady() + state.config.timeout, id);
  tick_soon(self);
  reached("payments: before the provider is called");
  state.config.provider->call(call, traceparent,
                              [me = caf::actor_cast<caf::actor>(self), id](pb::ProviderResult result) {
                                caf::anon_send(me, provider_answered{id, std::move(result)});
                              });
  reached("payments: the provider was called");
}

void end_late(worker* self) {
  auto& state = self->state;
  const auto now = state.config.clock->steady();
  while (!state.deadlines.empty()) {
    const auto [deadline, call] = state.deadlines.front();
    const auto found = state.open.find(call);
    if (found != state.open.end() && deadline > now) break;
    state.deadlines.pop_front();
    if (found == state.open.end()) continue;
    reached("payments: the provider is silent");
    pb::ProviderResult silence;
    silence.set_operation(found->second.operation);
    silence.set_status("no_answer");
    finish(self, call, std::move(silence));
  }
}

}  // namespace

caf::behavior payment_worker(worker* self, payment_worker_config config) {
  supervision::handle_failures(self);
  self->state.config = std::move(config);
  return {
      [self](const runtime::world_request& request) { start(self, request); },
      [self](const provider_answered& answered) { finish(self, answered.call, answered.result); },
      [self](const worker_tick&) {
        self->state.ticking = false;
        end_late(self);
        if (!self->state.deadlines.empty()) tick_soon(self);
      },
  };
}

}  // namespace souk::payment
