#include "runtime/cluster/cluster_coordinator.hpp"

#include "runtime/supervision/failure.hpp"
#include "runtime/telemetry/log.hpp"

#include <caf/all.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace souk::runtime {

namespace {

std::string hex_secret(random_source& random) {
  std::array<std::uint8_t, 32> bytes{};
  random.fill(bytes);
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const auto byte : bytes) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

}  // namespace

caf::behavior cluster_coordinator(cluster_coordinator_actor* self, coordinator_options options) {
  supervision::handle_failures(self);
  return self->state.start(std::move(options));
}

caf::behavior cluster_coordinator_life::start(coordinator_options options) {
  options_ = std::move(options);
  keys_.emplace(options_.cluster_name);
  builder_.emplace(*keys_);
  self_->set_down_handler([this](caf::down_msg& down) { subscribers_.erase(down.source); });
  self_->set_exit_handler([this](caf::exit_msg& exit) {
    if (!exit.reason) return;
    // A node that leaves in order need not be missed for the rest of its lease.
    if (lease_ != 0 && exit.reason == caf::exit_reason::user_shutdown)
      options_.store->revoke(lease_, options_.limits.call_deadline, [](const lease_result&) {});
    self_->quit(exit.reason);
  });
  self_->delayed_send(self_, options_.limits.tick_interval, tick{});
  read_everything();
  return {
      [](const coordinator_step& step) { (*step.go_on)(); },
      [this](tick) { on_tick(); },
      [this](const subscribe& request) {
        if (subscribers_.emplace(request.subscriber.address(), request.subscriber).second)
          self_->monitor(request.subscriber);
        if (view_) self_->send(request.subscriber, view_changed{view_});
        self_->send(request.subscriber, registration_changed{is_registered(), waiting_reason_});
      },
      [this](const open_epoch& request) { open(request); },
      [this](const change_in_sync& request) { change(request); },
      [this](const hand_over& request) { give_away(request); },
      [this](const ask_controller_to_look& request) { keep_report(request); },
      [this](const propose_record& request) { propose(request.wish); },
      [this](const propose_member& request) { propose(request.wish); },
      [this](const operator_request& request) { command(request); },
      [this](const stand_aside& wish) {
        aside_ = wish.aside;
        if (!view_) return;
        if (aside_) {
          give_up_control();
        } else {
          campaign();
        }
      },
      [this](leave) {
        options_.self.leaving = true;
        if (!is_registered()) return;
        registration_ = registration::none;
        register_node();
      },
  };
}

// -- the store and the view
// --------------------------------------------------------------------------------------

// What the store tells is done in this actor, as long as it lives.
template <class Result>
coordination_store::callback<Result> cluster_coordinator_life::here(std::function<void(Result)> go_on) {
  auto shared = std::make_shared<const std::function<void(Result)>>(std::move(go_on));
  return [self = caf::actor_cast<caf::actor_addr>(self_), shared](Result result) {
    auto alive = caf::actor_cast<caf::actor>(self);
    if (!alive) return;
    auto step = [shared, result = std::move(result)] { (*shared)(result); };
    caf::anon_send(alive, coordinator_step{std::make_shared<const std::function<void()>>(std::move(step))});
  };
}
template coordination_store::callback<swap_result> cluster_coordinator_life::here(
    std::function<void(swap_result)>);

cluster_coordinator_life::milliseconds cluster_coordinator_life::now() const {
  return std::chrono::floor<milliseconds>(options_.time->steady());
}

void cluster_coordinator_life::on_tick() {
  self_->delayed_send(self_, options_.limits.tick_interval, tick{});
  if (!view_ || refused_) return;
  if (is_registered() && now() >= alive_until_) lose_registration("etcd has not answered for a whole lease");
  if (!may_belong()) return;
  if (view_->settings.shard_count == 0) {
    create_cluster();
  } else if (lease_ == 0) {
    grant_lease();
  } else {
    renew_lease();
    register_node();
    campaign();
    write_reports();
  }
  work_on_openings();
}

// Reading and watching go on by themselves: only their failures come here.
void cluster_coordinator_life::retry_later(std::function<void()> what) {
  if (retry_waits_) return;
  retry_waits_ = true;
  retry_after_ = std::clamp(2 * retry_after_, options_.limits.retry_first, options_.limits.retry_most);
  auto step = [this, what = std::move(what)] {
    retry_waits_ = false;
    what();
  };
  self_->delayed_send(self_, retry_after_,
                      coordinator_step{std::make_shared<const std::function<void()>>(std::move(step))});
}

void cluster_coordinator_life::read_everything() {
  ++watch_number_;
  watch_.reset();
  options_.store->range(keys_->prefix(), options_.limits.call_deadline,
                        here<range_result>([this](const range_result& all) {
                          if (!all.known) {
                            if (retry_after_ == milliseconds{0})
                              log::warn("the coordination store does not answer", {{"reason", all.detail}});
                            retry_later([this] { read_everything(); });
                            return;
                          }
                          retry_after_ = milliseconds{0};
                          builder_->reset(all);
                          publish();
                          start_watch();
                          notice_lost_registration();
                        }));
}

void cluster_coordinator_life::start_watch() {
  const auto number = ++watch_number_;
  watch_ = options_.store->watch(keys_->prefix(), builder_->view()->revision + 1,
                                 here<watch_event>([this, number](watch_event event) {
                                   if (number == watch_number_) on_watch(std::move(event));
                                 }));
}

void cluster_coordinator_life::on_watch(watch_event event) {
  switch (event.what) {
    case watch_event::kind::changed:
      retry_after_ = milliseconds{0};
      builder_->apply(event);
      publish();
      notice_lost_registration();
      return;
    case watch_event::kind::compacted:
      log::info("the watch fell behind; everything is read anew", {{"reason", event.detail}});
      read_everything();
      return;
    case watch_event::kind::broken:
      retry_later([this] { start_watch(); });
      return;
  }
}

void cluster_coordinator_life::publish() {
  view_ = builder_->view();
  notice_unreadable();
  for (const auto& [address, subscriber] : subscribers_)
    self_->send(subscriber, view_changed{view_});
  if (refused_ || !may_belong()) return;
  // From now on it is this one or none: a store that loses its data must not begin another.
  if (options_.cluster_id.empty()) options_.cluster_id = view_->settings.cluster_id;
  register_node();
  campaign();
  work_on_openings();
}

void cluster_coordinator_life::notice_unreadable() {
  if (builder_->unreadable() == unreadable_told_) return;
  unreadable_told_ = builder_->unreadable();
  for (const auto& key : unreadable_told_)
    log::error("the coordination store holds what cannot be read", {{"key", key}});
}

// -- belonging to the cluster
// ------------------------------------------------------------------------------------

bool cluster_coordinator_life::may_belong() {
  const auto& settings = view_->settings;
  const auto& wanted = options_.wanted;
  const auto* member = view_->member(options_.self.id);
  if (settings.shard_count == 0) {
    const bool was_there = std::find(unreadable_told_.begin(), unreadable_told_.end(), keys_->settings()) !=
                           unreadable_told_.end();
    if (was_there) {
      refuse("the settings of cluster " + options_.cluster_name + " cannot be read");
    } else if (!options_.cluster_id.empty()) {
      refuse("this disk belongs to cluster " + options_.cluster_id +
             ", and the coordination store knows none of name " + options_.cluster_name +
             ": it lost its data, or is another one");
    }
  } else if (!options_.cluster_id.empty() && options_.cluster_id != settings.cluster_id) {
    refuse("this disk belongs to cluster " + options_.cluster_id + ", but " + options_.cluster_name + " is " +
           settings.cluster_id);
  } else if (wanted.shard_count != settings.shard_count) {
    refuse("this node is set up for " + std::to_string(wanted.shard_count) + " shards, but cluster " +
           options_.cluster_name + " has " + std::to_string(settings.shard_count));
  } else if (!options_.self.formats.contains(settings.format)) {
    refuse("cluster " + options_.cluster_name + " writes format " + std::to_string(settings.format) +
           ", which this version does not know");
  } else if (member && member->state == member_state::removed) {
    refuse("node " + options_.self.id + " was removed from cluster " + options_.cluster_name);
  }
  return !refused_;
}

void cluster_coordinator_life::refuse(const std::string& reason) {
  if (std::exchange(refused_, true)) return;
  log::error("this node cannot belong to the cluster", {{"reason", reason}});
  registration_ = registration::none;
  waiting_reason_ = reason;
  tell_registration();
  if (options_.on_refused) options_.on_refused(reason);
}

void cluster_coordinator_life::create_cluster() {
  if (creating_) return;
  creating_ = true;
  auto settings = options_.wanted;
  settings.cluster_id = options_.random->next_part();
  if (settings.cluster_secret.empty()) settings.cluster_secret = hex_secret(*options_.random);
  settings.format = options_.self.formats.highest;
  options_.store->swap({.conditions = {{keys_->settings(), 0}},
                        .changes = {{.key = keys_->settings(), .value = to_text(settings)}}},
                       options_.limits.call_deadline,
                       here<swap_result>([this, id = settings.cluster_id](const swap_result& result) {
                         creating_ = false;
                         if (result.what == swap_result::outcome::done)
                           log::info("cluster created",
                                     {{"name", options_.cluster_name}, {"cluster_id", id}});
                       }));
}

void cluster_coordinator_life::grant_lease() {
  if (granting_) return;
  granting_ = true;
  const auto asked = now();
  options_.store->grant(options_.limits.node_lease, options_.limits.call_deadline,
                        here<lease_result>([this, asked](const lease_result& result) {
                          granting_ = false;
                          if (result.what != lease_result::outcome::alive) return;
                          lease_ = result.lease;
                          alive_until_ = asked + result.ttl;
                          renew_at_ = asked + options_.limits.renew_interval;
                          register_node();
                        }));
}

void cluster_coordinator_life::renew_lease() {
  if (renewing_since_ || now() < renew_at_) return;
  renewing_since_ = now();
  // From the sending on: the store may have renewed it at any time since.
  renew_at_ = now() + options_.limits.renew_interval;
  options_.store->keep_alive(lease_, options_.limits.call_deadline,
                             here<lease_result>([this, lease = lease_](const lease_result& result) {
                               const auto asked = *std::exchange(renewing_since_, {});
                               if (lease != lease_) return;
                               if (result.what == lease_result::outcome::alive) {
                                 alive_until_ = asked + result.ttl;
                               } else if (result.what == lease_result::outcome::gone) {
                                 lose_registration("its lease has ended");
                               } else {
                                 renew_at_ = now() + options_.limits.retry_first;
                               }
                             }));
}

void cluster_coordinator_life::lose_registration(const std::string& why) {
  const bool had = is_registered();
  lease_ = 0;
  registration_ = registration::none;
  waiting_reason_ = why;
  for (auto& [shard, report] : reports_)
    report.written = false;
  if (!had) return;
  log::warn("registration lost", {{"node", options_.self.id}, {"reason", why}});
  tell_registration();
}

// The watch shows it gone: the lease ended, or somebody else took the name.
void cluster_coordinator_life::notice_lost_registration() {
  if (!is_registered() || view_->revision < registered_at_) return;
  const auto* node = view_->node(options_.self.id);
  if (!node) {
    lose_registration("its lease has ended");
  } else if (node->incarnation != options_.self.incarnation) {
    lose_registration("another process registered as this node");
  }
}

void cluster_coordinator_life::tell_registration() {
  for (const auto& [address, subscriber] : subscribers_)
    self_->send(subscriber, registration_changed{is_registered(), waiting_reason_});
}

void cluster_coordinator_life::register_node() {
  if (refused_ || lease_ == 0 || registration_ != registration::none || view_->settings.shard_count == 0)
    return;
  const auto& self = options_.self;
  const auto* other = view_->node(self.id);
  // The same disk: its process is dead, or this one could not have opened it. Another disk: two machines
  // claim one name, and the one that lives keeps it.
  if (other && other->incarnation != self.incarnation && other->disk_id != self.disk_id) {
    const std::string reason = "another disk is registered as this node, at " + other->link_address;
    if (reason == std::exchange(waiting_reason_, reason)) return;
    log::warn("registration waits", {{"node", self.id}, {"reason", reason}});
    tell_registration();
    return;
  }
  registration_ = registration::under_way;
  const auto* member = view_->member(self.id);
  swap_request request;
  request.conditions.push_back({keys_->member(self.id), member ? member->revision : 0});
  if (!member)
    request.changes.push_back(
        {.key = keys_->member(self.id), .value = to_text(cluster_member{.id = self.id})});
  request.changes.push_back({.key = keys_->node(self.id), .value = to_text(self), .lease = lease_});
  options_.store->swap(std::move(request), options_.limits.call_deadline,
                       here<swap_result>([this, lease = lease_](const swap_result& result) {
                         if (lease != lease_ || registration_ != registration::under_way) return;
                         registration_ = registration::none;
                         if (result.what == swap_result::outcome::lease_gone) lease_ = 0;
                         // Whatever else it was, the next try finds out.
                         if (result.what != swap_result::outcome::done) return;
                         registration_ = registration::done;
                         registered_at_ = result.revision;
                         waiting_reason_.clear();
                         log::info("registered",
                                   {{"node", options_.self.id}, {"cluster", options_.cluster_name}});
                         tell_registration();
                         campaign();
                         write_reports();
                       }));
}

void cluster_coordinator_life::campaign() {
  if (refused_ || !is_registered() || campaigning_ || aside_ || holds_control()) return;
  const auto& self = options_.self;
  // An earlier life of this node may still stand there.
  if (!view_->controller.empty() && view_->controller != self.id) return;
  campaigning_ = true;
  options_.store->swap({.conditions = {{keys_->controller(), view_->controller_revision}},
                        .changes = {{.key = keys_->controller(),
                                     .value = controller_text(self.id, self.incarnation),
                                     .lease = lease_}}},
                       options_.limits.call_deadline, here<swap_result>([this](const swap_result& result) {
                         campaigning_ = false;
                         if (result.what == swap_result::outcome::done)
                           log::info("this node is the controller", {{"node", options_.self.id}});
                       }));
}

bool cluster_coordinator_life::holds_control() const {
  return view_->controller == options_.self.id && view_->controller_incarnation == options_.self.incarnation;
}

void cluster_coordinator_life::give_up_control() {
  if (!holds_control()) return;
  swap_request request;
  request.conditions.push_back({keys_->controller(), view_->controller_revision});
  request.changes.push_back({.key = keys_->controller(), .remove = true});
  options_.store->swap(std::move(request), options_.limits.call_deadline,
                       here<swap_result>([this](const swap_result& result) {
                         if (result.what == swap_result::outcome::done)
                           log::warn("this node cannot reach most others and leaves control to them",
                                     {{"node", options_.self.id}});
                       }));
}

}  // namespace souk::runtime
