#include "runtime/fault_point.hpp"
#include "runtime/shard/shard.hpp"
#include "runtime/telemetry/log.hpp"

// Of a shard: what happens when an entity throws.
namespace souk::runtime {

namespace rpb = persistence::pb;

namespace {

constexpr std::string_view quarantine_index = "quarantine";

// The name under which a message that makes its entity throw is remembered.
std::string name_of(const work& work) {
  switch (work.origin) {
    case work_origin::client:
      return "command " + to_string(work.request->id);
    case work_origin::effect:
      return "effect " + std::to_string(work.from) + "/" + std::to_string(work.number);
    case work_origin::world:
      return "result " + std::to_string(work.number);
    case work_origin::timer:
      return "timer " + work.timer.name + " of " + work.timer.entity.key + " at " +
             std::to_string(work.timer.due_ms);
  }
  return {};
}

}  // namespace

void shard_life::on_entity_down(std::uint64_t token, const std::string& reason,
                                std::chrono::nanoseconds retry_after) {
  auto found = slots_.find(token);
  if (found == slots_.end()) return;
  auto& slot = *found->second;
  log::warn("an entity threw", {{"entity", to_string(slot.address, slot.kind->name())}, {"reason", reason}});
  ++options_.figures->entity_restarts;
  if (slot.actor) {
    --active_;
    --options_.figures->entities_active;
    slot.actor = nullptr;
  }
  if (slot.in_recency) {
    recency_.erase(slot.recency);
    slot.in_recency = false;
  }
  slot.leaving = false;
  auto undecided = std::move(slot.sent);
  slot.sent.clear();
  std::shared_ptr<const work> culprit;
  if (!undecided.empty()) {
    culprit = std::move(undecided.front());
    undecided.pop_front();
  }
  slot.waiting.splice(slot.waiting.begin(), undecided);
  if (culprit) {
    slot.sent.push_front(std::move(culprit));
    blame(slot, reason);
  }
  if (slot.waiting.empty() && !slot.capturing) return drop_if_idle(slot);
  if (retry_after.count() > 0) {
    slot.backing_off = true;
    self_->delayed_send(self_, retry_after, retry_entity{token});
  } else {
    activate(slot);
  }
}

void shard_life::blame(slot& slot, const std::string& reason) {
  auto work = std::move(slot.sent.front());
  slot.sent.pop_front();
  const bool comes_again = work->origin != work_origin::client || work->request->fingerprint;
  const auto message = name_of(*work);
  if (comes_again) reached("shard: a strike");
  if (comes_again && strike(message) >= options_.limits->strikes_max) {
    set_aside(slot, *work, message, reason);
  } else if (work->origin == work_origin::client) {
    respond(*work, outcome::failed, {}, reason);
  } else {
    slot.waiting.push_front(std::move(work));
  }
}

void shard_life::set_aside(slot& slot, const work& work, const std::string& message,
                           const std::string& reason) {
  reached("shard: before a message is set aside");
  const auto now = to_ms(options_.time->now());
  rpb::Record record;
  record.set_schema(1);
  record.set_time_ms(now);
  record.set_tenant(slot.address.tenant);
  record.set_kind(slot.address.kind);
  record.set_key(slot.address.key);
  auto& aside = *record.mutable_quarantined();
  const auto& trace = work.origin == work_origin::client ? work.request->traceparent : work.traceparent;
  if (!trace.empty()) record.set_traceparent(trace);
  aside.set_message(message);
  aside.set_reason(reason);
  aside.set_entity(to_string(slot.address, slot.kind->name()));
  aside.set_at_ms(now);
  if (work.command) aside.set_command(work.command->SerializeAsString());

  std::vector<message_ptr> commands;
  switch (work.origin) {
    case work_origin::client: {
      auto& kept = *record.add_answers();
      kept.set_command_id(bytes_of(work.request->id));
      kept.set_fingerprint(bytes_of(*work.request->fingerprint));
      break;
    }
    case work_origin::effect:
      record.mutable_received()->set_from_shard(work.from);
      record.mutable_received()->set_number(work.number);
      if (work.failed_kind == 0 && work.sender.kind != 0) {
        // The sender learns of it as a typed failure of its own effect.
        auto& failure = *record.add_effects();
        failure.set_to_shard(options_.routing->shard_of(work.sender));
        failure.set_tenant(work.sender.tenant);
        failure.set_kind(work.sender.kind);
        failure.set_key(work.sender.key);
        failure.set_command(work.command->SerializeAsString());
        failure.set_failed_kind(slot.address.kind);
        failure.set_failed_key(slot.address.key);
        failure.set_failure("quarantined");
        commands.push_back(work.command);
      }
      break;
    case work_origin::world:
      record.set_world_done(work.number);
      results_in_work_.erase(work.number);
      calls_made_.erase(work.number);
      break;
    case work_origin::timer: {
      aside.set_timer(work.timer.name);
      aside.set_timer_due_ms(work.timer.due_ms);
      auto& change = *record.add_timers();
      change.set_name(work.timer.name);
      change.set_was_due_ms(work.timer.due_ms);
      break;
    }
  }
  auto& listed = *record.add_indexes();
  listed.set_index(std::string{quarantine_index});
  listed.set_key(std::to_string(now) + "-" + std::to_string(book_->last_index() + 1));
  listed.set_value(aside.SerializeAsString());

  const auto index = journal(record, commands, {});
  slot.last_index = index;
  if (record.timers_size() > 0) {
    slot.dirty = true;
    add_to_tail(slot, burst_.back());
  }
  ++options_.figures->quarantined;
  log::error("a message was set aside",
             {{"message", message}, {"entity", aside.entity()}, {"reason", reason}});
  if (work.origin == work_origin::client) {
    running_.erase(work.request->id);
    --unanswered_;
    release_after(index, work.request->reply_to,
                  response{work.request->correlation, outcome::quarantined, {}, reason});
  }
  deliver_local_effects();
}

unsigned shard_life::strike(const std::string& message) {
  auto [found, is_new] = strikes_.emplace(message, 0);
  if (is_new) {
    strike_order_.push_back(message);
    if (strike_order_.size() > options_.limits->strikes_remembered_max) {
      strikes_.erase(strike_order_.front());
      strike_order_.pop_front();
    }
  }
  return ++strikes_[message];
}

}  // namespace souk::runtime
