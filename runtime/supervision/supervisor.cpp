#include "runtime/supervision/supervisor.hpp"

#include "runtime/supervision/failure.hpp"
#include "runtime/telemetry/log.hpp"

#include <caf/actor_system.hpp>
#include <caf/exit_reason.hpp>
#include <caf/send.hpp>

#include <algorithm>
#include <deque>
#include <exception>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace souk::supervision {

namespace {

std::string_view to_text(restart_policy::status status) {
  switch (status) {
    case restart_policy::status::idle:
      return "idle";
    case restart_policy::status::starting:
      return "starting";
    case restart_policy::status::running:
      return "running";
    case restart_policy::status::stopping:
      return "stopping";
    case restart_policy::status::waiting:
      return "waiting";
    case restart_policy::status::finished:
      return "finished";
  }
  return "unknown";
}

std::int64_t to_ms(duration time) { return std::chrono::floor<std::chrono::milliseconds>(time).count(); }

}  // namespace

/// A tree under way: complete when no child is waited for any more.
struct supervisor_state::collection {
  caf::response_promise promise;
  tree_node root;
  std::size_t missing = 0;

  void arrived() {
    if (--missing == 0) promise.deliver(std::move(root));
  }
};

supervisor_state::~supervisor_state() {
  for (const auto& child : children_)
    caf::anon_send_exit(child.handle, caf::exit_reason::kill);
}

caf::behavior supervisor_state::start(supervisor_spec spec) {
  spec_ = std::move(spec);
  std::vector<restart> rules;
  for (auto& child : spec_.children) {
    rules.push_back(child.when);
    children_.push_back({.spec = std::move(child)});
  }
  spec_.children.clear();
  policy_.emplace(std::move(rules), spec_.strategy, spec_.intensity, spec_.back_off);

  handle_failures(self_);
  self_->set_down_handler([this](caf::down_msg& down) { on_down(down); });
  self_->set_exit_handler([this](caf::exit_msg& exit) { on_exit(exit); });
  carry_out(policy_->start());
  return {
      [this](const tree_request& request) { return collect_tree(request); },
      [this](const restart_due& due) { carry_out(policy_->due(due.ticket)); },
      [this](const kill_due& due) { kill_child(due); },
      [this](ready_request) { on_ready_request(); },
      [this](ready) { on_ready(self_->current_sender()); },
      [this](caf::ok_atom, const std::string&, const caf::strong_actor_ptr& child, const std::string&) {
        on_ready(child);
      },
  };
}

duration supervisor_state::now() const { return self_->clock().now().time_since_epoch(); }

void supervisor_state::carry_out(steps todo) {
  std::deque<step> queue(todo.begin(), todo.end());
  while (!queue.empty()) {
    const auto more = do_step(queue.front());
    queue.pop_front();
    queue.insert(queue.end(), more.begin(), more.end());
  }
  if (parent_ && policy_->settled())
    self_->send(caf::actor_cast<caf::actor>(std::exchange(parent_, nullptr)), ready{});
}

steps supervisor_state::do_step(const step& step) {
  switch (step.what) {
    case step::action::start:
      return start_child(step.child);
    case step::action::stop:
      stop_child(step.child);
      break;
    case step::action::wait:
      log::warn("child restarts", {{"supervisor", spec_.name},
                                   {"child", children_[step.child].spec.name},
                                   {"delay_ms", to_ms(step.delay)}});
      if (step.delay == duration::zero()) return policy_->due(step.ticket);
      self_->delayed_send(self_, step.delay, restart_due{step.ticket});
      break;
    case step::action::finish:
      self_->quit(exit_reason_);
      break;
    case step::action::escalate:
      escalate();
      break;
  }
  return {};
}

steps supervisor_state::start_child(std::size_t index) {
  auto& child = children_[index];
  try {
    child.handle = child.spec.start(self_);
    if (!child.handle) throw std::runtime_error("its start function gave no actor");
  } catch (const std::exception& error) {
    child.last_error = error.what();
    last_failure_ = child.spec.name + ": " + child.last_error;
    log::error("child does not start",
               {{"supervisor", spec_.name}, {"child", child.spec.name}, {"reason", child.last_error}});
    return policy_->ended(index, true, now(), random());
  }
  ++child.life;
  self_->monitor(child.handle);
  log::debug("child started", {{"supervisor", spec_.name}, {"child", child.spec.name}});
  try {
    if (child.spec.on_started) child.spec.on_started(child.handle);
  } catch (const std::exception& error) {
    // Nobody knows it, so it is of no use: its end will be taken for the failure that it is.
    child.start_error = error.what();
    self_->send_exit(child.handle, caf::exit_reason::kill);
    return {};
  }
  if (child.spec.supervises)
    self_->send(child.handle, ready_request{});
  else  // every actor of CAF answers this by itself, once it has begun
    self_->send(child.handle, caf::sys_atom::value, caf::get_atom::value, std::string{"info"});
  return {};
}

std::optional<std::size_t> supervisor_state::child_of(const caf::actor_addr& address) const {
  const auto found =
      std::ranges::find_if(children_, [&](const child& child) { return child.handle == address; });
  if (found == children_.end()) return std::nullopt;
  return static_cast<std::size_t>(found - children_.begin());
}

void supervisor_state::on_ready_request() {
  parent_ = self_->current_sender();
  carry_out({});
}

void supervisor_state::on_ready(const caf::strong_actor_ptr& child) {
  const auto index = child_of(caf::actor_cast<caf::actor_addr>(child));
  if (index && children_[*index].start_error.empty()) carry_out(policy_->started(*index, now()));
}

void supervisor_state::stop_child(std::size_t index) {
  auto& child = children_[index];
  self_->send_exit(child.handle, caf::exit_reason::user_shutdown);
  self_->delayed_send(self_, child.spec.stop_within, kill_due{index, child.life});
}

void supervisor_state::kill_child(const kill_due& due) {
  auto& child = children_[due.child];
  if (!child.handle || child.life != due.life) return;
  log::warn("child does not end by itself and is killed",
            {{"supervisor", spec_.name}, {"child", child.spec.name}});
  self_->send_exit(child.handle, caf::exit_reason::kill);
}

void supervisor_state::on_down(const caf::down_msg& down) {
  const auto found = child_of(down.source);
  if (!found) return;
  const auto index = *found;
  auto& child = children_[index];
  const bool asked = policy_->status_of(index) == restart_policy::status::stopping;
  const bool failed = is_failure(down.reason);
  const bool broken = is_damage(down.reason);
  child.handle = nullptr;
  if (broken || (failed && !asked)) {
    const auto text = failure_text(self_->system(), down.reason);
    child.last_error = child.start_error.empty() ? text : child.start_error;
    last_failure_ = child.spec.name + ": " + child.last_error;
    log::error("child failed",
               {{"supervisor", spec_.name}, {"child", child.spec.name}, {"reason", child.last_error}});
  }
  child.start_error.clear();
  if (child.spec.on_ended) child.spec.on_ended();
  damaged_ |= broken;
  carry_out(broken ? policy_->broken(index) : policy_->ended(index, failed, now(), random()));
}

void supervisor_state::on_exit(const caf::exit_msg& exit) {
  // A linked actor that ended normally is no reason to end.
  if (!exit.reason || policy_->closing()) return;
  exit_reason_ = exit.reason;
  carry_out(policy_->shut_down());
}

void supervisor_state::escalate() {
  const std::string why =
      spec_.name +
      (damaged_ ? " gives up because of " : " gives up after too many restarts, the last because of ") +
      last_failure_;
  log::error("supervisor gives up", {{"supervisor", spec_.name}, {"reason", last_failure_}});
  if (spec_.on_escalation) spec_.on_escalation(why);
  self_->quit(damaged_ ? damage(why) : failure(why));
}

tree_node supervisor_state::describe(std::size_t index) const {
  const auto& child = children_[index];
  return {.name = child.spec.name,
          .kind = child.spec.kind,
          .state = std::string{to_text(policy_->status_of(index))},
          .restarts = policy_->restarts_of(index),
          .last_error = child.last_error};
}

caf::result<tree_node> supervisor_state::collect_tree(const tree_request& request) {
  auto tree = std::make_shared<collection>();
  tree->promise = self_->make_response_promise();
  tree->root = {
      .name = spec_.name, .kind = "supervisor", .state = policy_->closing() ? "stopping" : "running"};
  tree->missing = 1;  // until all have been asked
  for (std::size_t index = 0; index < children_.size(); ++index) {
    tree->root.children.push_back(describe(index));
    const auto status = policy_->status_of(index);
    const bool starting = status == restart_policy::status::starting && children_[index].spec.supervises;
    if (children_[index].handle && (starting || status == restart_policy::status::running))
      ask(tree, index, request.wait);
  }
  tree->arrived();
  return tree->promise;
}

void supervisor_state::ask(const std::shared_ptr<collection>& tree, std::size_t index, duration wait) {
  ++tree->missing;
  const auto& child = children_[index];
  auto no_answer = [tree, index](const caf::error& error) {
    auto& state = tree->root.children[index].state;
    if (error == caf::sec::request_timeout && state == "running") state = "busy";
    tree->arrived();
  };
  if (child.spec.supervises) {
    auto answer = [tree, index](const tree_node& node) {
      auto& mine = tree->root.children[index];
      if (mine.state == "running") mine.state = node.state;
      mine.entities = node.entities;
      mine.children = node.children;
      tree->arrived();
    };
    // Less than our own wait, so that a busy grandchild does not make its parent look busy too.
    self_->request(child.handle, wait, tree_request{wait * 3 / 4}).then(answer, no_answer);
    return;
  }
  // Answered as soon as it comes to its next message.
  auto answer = [tree](caf::ok_atom, const std::string&, const caf::strong_actor_ptr&, const std::string&) {
    tree->arrived();
  };
  self_->request(child.handle, wait, caf::sys_atom::value, caf::get_atom::value, std::string{"info"})
      .then(answer, no_answer);
}

caf::behavior supervisor(caf::stateful_actor<supervisor_state>* self, supervisor_spec spec) {
  return self->state.start(std::move(spec));
}

child_spec supervisor_child(supervisor_spec spec, restart when) {
  child_spec child;
  child.name = spec.name;
  child.kind = "supervisor";
  child.when = when;
  child.supervises = true;
  child.stop_within = std::chrono::seconds{1};
  for (const auto& each : spec.children)
    child.stop_within += each.stop_within + each.stop_within / 4;
  child.start = [spec = std::move(spec)](caf::event_based_actor* self) -> caf::actor {
    return self->spawn(supervisor, spec);
  };
  return child;
}

}  // namespace souk::supervision
