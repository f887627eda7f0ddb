#include "runtime/supervision/entity_supervisor.hpp"

#include "runtime/supervision/failure.hpp"
#include "runtime/telemetry/log.hpp"

#include <caf/actor_system.hpp>
#include <caf/exit_reason.hpp>
#include <caf/send.hpp>

#include <utility>

namespace souk::supervision {

entity_supervisor_state::~entity_supervisor_state() {
  for (const auto& [id, entity] : live_)
    caf::anon_send_exit(entity.handle, caf::exit_reason::kill);
  if (spec_.on_live) spec_.on_live(-static_cast<std::int64_t>(live_.size()));
}

caf::behavior entity_supervisor_state::start(entity_supervisor_spec spec) {
  spec_ = std::move(spec);
  handle_failures(self_);
  self_->set_down_handler([this](caf::down_msg& down) { on_down(down); });
  self_->set_exit_handler([this](caf::exit_msg& exit) { on_exit(exit); });
  return {
      [this](adopt& adopt) { take_in(adopt); },
      [this](const tree_request&) { return describe(); },
      [](ready_request) { return ready{}; },
  };
}

void entity_supervisor_state::take_in(adopt& adopt) {
  const auto [added, is_new] = live_.try_emplace(adopt.entity.id());
  if (!is_new) return;
  added->second = {adopt.token, std::move(adopt.name), std::move(adopt.entity), std::move(adopt.shard)};
  const auto& handle = added->second.handle;
  if (spec_.on_live) spec_.on_live(1);
  self_->monitor(handle);
  if (closing_) self_->send_exit(handle, caf::exit_reason::kill);
}

void entity_supervisor_state::on_down(const caf::down_msg& down) {
  auto found = live_.find(down.source.id());
  if (found == live_.end()) return;
  const auto entity = std::move(found->second);
  live_.erase(found);
  if (spec_.on_live) spec_.on_live(-1);
  if (closing_) {
    if (live_.empty()) self_->quit(exit_reason_);
    return;
  }
  if (!is_failure(down.reason)) return;
  auto reason = failure_text(self_->system(), down.reason);
  log::error("entity failed", {{"entity", entity.name}, {"reason", reason}});
  const auto wait = note_failure(entity, reason);
  self_->send(entity.shard, entity_down{entity.token, std::move(reason), wait});
}

void entity_supervisor_state::on_exit(const caf::exit_msg& exit) {
  if (!exit.reason || closing_) return;
  closing_ = true;
  exit_reason_ = exit.reason;
  // An entity has nothing to put in order: what it decided is its shard's. So none is given time.
  for (const auto& [id, entity] : live_)
    self_->send_exit(entity.handle, caf::exit_reason::kill);
  if (live_.empty()) self_->quit(exit_reason_);
}

duration entity_supervisor_state::note_failure(const entity& entity, const std::string& reason) {
  ++restarts_;
  if (spec_.on_failure) spec_.on_failure();
  const duration now = self_->clock().now().time_since_epoch();
  auto known = failed_by_token_.find(entity.token);
  if (known != failed_by_token_.end()) {
    failed_.splice(failed_.begin(), failed_, known->second);
  } else {
    if (failed_.size() == failed_max) {
      failed_by_token_.erase(failed_.back().token);
      failed_.pop_back();
    }
    failed_.push_front({.token = entity.token, .name = entity.name, .at = now});
    failed_by_token_.emplace(entity.token, failed_.begin());
  }
  auto& record = failed_.front();
  if (now - record.at >= spec_.back_off.quiet) record.in_a_row = 0;
  record.at = now;
  record.last_error = reason;
  ++record.restarts;
  ++record.in_a_row;
  return restart_delay(spec_.back_off, record.in_a_row, spec_.random ? spec_.random() : 0);
}

tree_node entity_supervisor_state::describe() const {
  tree_node node{.name = spec_.name,
                 .kind = "entity_supervisor",
                 .state = closing_ ? "stopping" : "running",
                 .entities = population{.live = live_.size(), .restarts = restarts_}};
  for (const auto& failed : failed_) {
    if (node.children.size() == shown_max) break;
    node.children.push_back({.name = failed.name,
                             .kind = "entity",
                             .state = "failed",
                             .restarts = failed.restarts,
                             .last_error = failed.last_error});
  }
  return node;
}

caf::behavior entity_supervisor(caf::stateful_actor<entity_supervisor_state>* self,
                                entity_supervisor_spec spec) {
  return self->state.start(std::move(spec));
}

child_spec entity_supervisor_child(entity_supervisor_spec spec) {
  child_spec child;
  child.name = spec.name;
  child.kind = "entity_supervisor";
  child.supervises = true;
  child.start = [spec = std::move(spec)](caf::event_based_actor* self) -> caf::actor {
    return self->spawn(entity_supervisor, spec);
  };
  return child;
}

}  // namespace souk::supervision
