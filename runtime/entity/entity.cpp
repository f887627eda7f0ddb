#include "runtime/entity/entity.hpp"

#include "runtime/fault_point.hpp"
#include "runtime/shard/keys.hpp"
#include "runtime/shard/records.hpp"
#include "runtime/supervision/failure.hpp"

#include <algorithm>
#include <stdexcept>

namespace souk::runtime {

namespace rpb = persistence::pb;

namespace {

std::string bytes_of(const message_ptr& message) { return message->SerializeAsString(); }

}  // namespace

caf::behavior entity(entity_actor* self, std::shared_ptr<const entity_environment> environment,
                     address address, std::uint64_t token, caf::actor shard) {
  supervision::handle_failures(self);
  return self->state.start(std::move(environment), std::move(address), token, std::move(shard));
}

caf::behavior entity_life::start(std::shared_ptr<const entity_environment> environment, address address,
                                 std::uint64_t token, caf::actor shard) {
  environment_ = std::move(environment);
  address_ = std::move(address);
  token_ = token;
  shard_ = std::move(shard);
  return {
      [this](const wake_up& from) { wake(from); },
      [this](const work_item& item) { decide(*item.work); },
      [this](const capture& request) { hand_out(request); },
  };
}

void entity_life::wake(const wake_up& from) {
  try {
    memory_.begin(environment_->kinds->kind(address_.kind));
    memory_.load(keys::entity_prefix(environment_->shard, address_), *environment_->state);
    if (memory_.version > 0) reached("entity: comes back from the disk");
    for (const auto& entry : from.tail)
      memory_.replay(parse_record(entry));
  } catch (const persistence::damage& e) {
    self_->send(shard_, wake_up_failed{token_, e.what(), true});
    self_->quit();
  } catch (const std::exception& e) {
    self_->send(shard_, wake_up_failed{token_, e.what(), false});
    self_->quit();
  }
}

void entity_life::decide(const work& work) {
  decided result;
  result.token = token_;
  if (work.origin == work_origin::timer) {
    auto current = std::find_if(memory_.timers.begin(), memory_.timers.end(),
                                [&](const auto& timer) { return timer.first == work.timer.name; });
    if (current == memory_.timers.end() || current->second != work.timer.due_ms) {
      result.stale_timer = true;
      self_->send(shard_, std::move(result));
      return;
    }
  }
  const auto now = from_ms(std::max(to_ms(environment_->time->now()), memory_.last_ms));
  auto decision = ask_decider(work, now);
  fill_record(result, decision, work, now);
  for (const auto& event : decision.events)
    memory_.kind->evolve(*memory_.state, *event, now, ++memory_.version);
  // What leaves no trace in the entity must leave none in its rows either: replicas never hear of it.
  const bool lasting = !decision.events.empty() || (result.record && result.record->timers_size() > 0);
  if (lasting) memory_.last_ms = to_ms(now);
  result.events = std::move(decision.events);
  result.reply = std::move(decision.reply);
  result.parked = decision.parked;
  result.late_answers = std::move(decision.late_answers);
  self_->send(shard_, std::move(result));
}

decision entity_life::ask_decider(const work& work, timestamp now) {
  context context{address_, now, memory_.version, *environment_->random, {}, {}, false};
  if (environment_->format != nullptr) context.format = *environment_->format;
  switch (work.origin) {
    case work_origin::timer:
      return memory_.kind->on_timer(*memory_.state, work.timer.name, context);
    case work_origin::effect:
      if (work.failed_kind != 0)
        return memory_.kind->on_effect_failed(*memory_.state,
                                              {address_.tenant, work.failed_kind, work.failed_key},
                                              *work.command, work.failure, context);
      break;
    case work_origin::client:
      context.command = work.request->id;
      context.request_id = work.request->request_id;
      context.admin = work.request->admin;
      context.caller = work.request->caller;
      if (work.request->crash) throw std::runtime_error("crashed as asked by a test");
      break;
    case work_origin::world:
      break;
  }
  return memory_.kind->decide(*memory_.state, *work.command, context);
}

void entity_life::fill_record(decided& result, decision& decision, const work& work, timestamp now) {
  const bool changes = !decision.events.empty() || !decision.effects.empty() ||
                       !decision.world_calls.empty() || !decision.timers.empty() ||
                       !decision.indexes.empty() || !decision.late_answers.empty() || decision.parked ||
                       work.origin != work_origin::client || work.request->fingerprint;
  if (!changes) return;
  result.record = std::make_shared<rpb::Record>();
  auto& record = *result.record;
  record.set_schema(1);
  record.set_time_ms(to_ms(now));
  record.set_tenant(address_.tenant);
  record.set_kind(address_.kind);
  record.set_key(address_.key);
  record.set_first_version(memory_.version + 1);
  const auto& trace = work.origin == work_origin::client ? work.request->traceparent : work.traceparent;
  if (!trace.empty()) record.set_traceparent(trace);
  for (const auto& event : decision.events)
    record.add_events(bytes_of(event));
  for (auto& effect : decision.effects) {
    auto& out = *record.add_effects();
    out.set_to_shard(environment_->routing->shard_of(effect.to));
    out.set_tenant(std::move(effect.to.tenant));
    out.set_kind(effect.to.kind);
    out.set_key(std::move(effect.to.key));
    out.set_command(bytes_of(effect.command));
    result.effect_commands.push_back(std::move(effect.command));
  }
  for (auto& call : decision.world_calls) {
    auto& out = *record.add_world_calls();
    out.set_port(std::move(call.port));
    out.set_request(bytes_of(call.request));
    result.world_requests.push_back(std::move(call.request));
  }
  for (auto& change : decision.indexes) {
    auto& out = *record.add_indexes();
    out.set_index(std::move(change.index));
    out.set_key(std::move(change.key));
    if (change.value) {
      out.set_value(std::move(*change.value));
    } else {
      out.set_removed(true);
    }
  }
  change_timers(record, decision, work);
}

void entity_life::change_timers(rpb::Record& record, const decision& decision, const work& work) {
  auto change = [&](const std::string& name, std::int64_t due_ms) {
    auto current = std::find_if(memory_.timers.begin(), memory_.timers.end(),
                                [&](const auto& timer) { return timer.first == name; });
    const auto was = current == memory_.timers.end() ? 0 : current->second;
    if (was == due_ms) return;
    auto& out = *record.add_timers();
    out.set_name(name);
    out.set_due_ms(due_ms);
    out.set_was_due_ms(was);
    if (current != memory_.timers.end()) memory_.timers.erase(current);
    if (due_ms != 0) memory_.timers.emplace_back(name, due_ms);
  };
  // A timer that fired is set no more, unless the decision sets it anew.
  if (work.origin == work_origin::timer) change(work.timer.name, 0);
  for (const auto& timer : decision.timers)
    change(timer.name, timer.due ? to_ms(*timer.due) : 0);
}

void entity_life::hand_out(const capture& request) {
  captured result;
  result.token = token_;
  result.leaving = request.and_leave;
  memory_.save(keys::entity_prefix(environment_->shard, address_), result.rows);
  self_->send(shard_, std::move(result));
  if (request.and_leave) self_->quit();
}

}  // namespace souk::runtime
