#include "runtime/cluster/controller.hpp"
#include "runtime/links/hub.hpp"
#include "runtime/node/feed_source.hpp"
#include "runtime/node/node.hpp"
#include "runtime/node/node_desk.hpp"
#include "runtime/supervision/failure.hpp"

#include <caf/all.hpp>

#include <algorithm>
#include <set>
#include <utility>

/// What a node of a cluster has more than a node alone.
namespace souk::runtime {

namespace {

constexpr std::chrono::milliseconds subscribe_interval{200};

/// Tells once what the cluster is, and is gone.
caf::behavior settings_watch(caf::event_based_actor* self, const caf::actor& coordinator,
                             const std::function<void(const cluster_settings&)>& known) {
  supervision::handle_failures(self);
  self->set_down_handler([self](const caf::down_msg&) { self->quit(); });
  self->monitor(coordinator);
  self->send(self, tick{});
  return {
      [=](tick) {
        self->send(coordinator, subscribe{caf::actor{self}});
        self->delayed_send(self, subscribe_interval, tick{});
      },
      [=](const view_changed& changed) {
        if (changed.view->settings.shard_count == 0) return;
        known(changed.view->settings);
        self->quit();
      },
      [](const registration_changed&) {},
  };
}

}  // namespace

void node::join(std::string http, std::function<void(const cluster_settings&)> known) {
  options_.cluster->coordinator.self.http_address = std::move(http);
  joined_ = system_.spawn(cluster_coordinator, options_.cluster->coordinator);
  system_.spawn(settings_watch, joined_, [this, known = std::move(known)](const cluster_settings& settings) {
    cluster_id_ = settings.cluster_id;
    options_.cluster->coordinator.cluster_id = settings.cluster_id;
    known(settings);
  });
}

// Of two nodes neither can know which of them it is.
bool node::is_cut_off() const {
  const auto view = cluster_.now().view;
  if (!view) return false;
  std::size_t others = 0;
  std::size_t linked = 0;
  for (const auto& other : view->nodes) {
    if (other.id == options_.id) continue;
    ++others;
    linked += links_.up(other.id);
  }
  return others >= 2 && 2 * linked < others;
}

void node::hand_over() {
  if (auto coordinator = directory_.find("coordinator")) caf::anon_send(coordinator, runtime::leave{});
}

std::size_t node::still_to_hand_over() const {
  const auto view = cluster_.now().view;
  if (!view) return 0;
  return static_cast<std::size_t>(
      std::count_if(view->shards.begin(), view->shards.end(), [&](const auto& record) {
        return record.primary == options_.id &&
               std::any_of(record.in_sync.begin(), record.in_sync.end(), [&](const auto& member) {
                 const auto other = node_of_member(member);
                 return other != options_.id && view->node(other) && !view->node(other)->leaving;
               });
      }));
}

void node::end_links() {
  if (auto hub = directory_.find("links")) caf::anon_send(hub, links::end_links{});
}

void node::leave() {
  if (joined_) caf::anon_send_exit(joined_, caf::exit_reason::user_shutdown);
  joined_ = nullptr;
}

supervision::child_spec node::controller_child() {
  supervision::child_spec child{.name = "controller", .start = [this](caf::event_based_actor* self) {
                                  controller_options options;
                                  options.node = options_.id;
                                  options.incarnation = options_.cluster->coordinator.self.incarnation;
                                  options.coordinator = [this] { return directory_.find("coordinator"); };
                                  options.ask = [this](const ask_position& question) {
                                    if (auto desk = directory_.find("desk")) caf::anon_send(desk, question);
                                  };
                                  options.is_cut_off = [this] { return is_cut_off(); };
                                  options.time = options_.time;
                                  return self->spawn(controller, std::move(options));
                                }};
  return directory_.listed("controller", std::move(child));
}

supervision::child_spec node::membership_child() {
  supervision::child_spec child{.name = "membership", .start = [this](caf::event_based_actor* self) {
                                  membership_options options;
                                  options.node = options_.id;
                                  options.routing = routing_.get();
                                  options.links = &links_;
                                  options.board = &cluster_;
                                  options.format = &format_;
                                  options.coordinator = [this] { return directory_.find("coordinator"); };
                                  options.hub = [this] { return directory_.find("links"); };
                                  return self->spawn(membership, std::move(options));
                                }};
  return directory_.listed("membership", std::move(child));
}

supervision::child_spec node::desk_child() {
  supervision::child_spec child{
      .name = "desk", .start = [this](caf::event_based_actor* self) {
        node_desk_options options;
        options.node = options_.id;
        options.replica = [this](shard_id id) { return directory_.find(replica_role(id)); };
        options.link = [this](const std::string& other) { return links_.link(other); };
        options.feed = [this] { return directory_.find("feed"); };
        return self->spawn(node_desk, std::move(options));
      }};
  return directory_.listed("desk", std::move(child));
}

supervision::child_spec node::peers_group() {
  return supervisor_child(
      group("peers", supervision::strategy::one_for_one, {hub_child(), feed_child(), follower_child()}));
}

supervision::child_spec node::hub_child() {
  supervision::child_spec child{
      .name = "links", .start = [this](caf::event_based_actor* self) {
        auto environment = std::make_shared<links::link_environment>();
        environment->self.cluster = cluster_id_;
        environment->self.node = options_.id;
        environment->self.incarnation = options_.cluster->coordinator.self.incarnation;
        environment->limits = options_.cluster->links;
        environment->shard_count = options_.shard_count;
        environment->kinds = &options_.kinds;
        environment->transport = options_.cluster->transport;
        environment->board = &links_;
        environment->figures = &link_figures_;
        environment->time = options_.time;
        environment->random = options_.random;
        environment->local_shard = [this](shard_id id) { return routing_->local(id); };
        environment->local_replica = [this](shard_id id) { return directory_.find(replica_role(id)); };
        environment->local_node = [this] { return directory_.find("desk"); };
        environment->on_change = [this](const links::link_change& change) { tell_of_link(change); };
        return self->spawn(links::hub, std::shared_ptr<const links::link_environment>{environment});
      }};
  return directory_.listed("links", std::move(child));
}

supervision::child_spec node::feed_child() {
  supervision::child_spec child{.name = "feed", .start = [this](caf::event_based_actor* self) {
                                  feed_source_options options;
                                  options.log = feed_log_;
                                  options.storage = options_.storage;
                                  std::set<kind_id> kinds;
                                  for (const auto& each : fed_)
                                    kinds.insert(each->source());
                                  options.kinds.assign(kinds.begin(), kinds.end());
                                  options.shard = [this](shard_id id) { return routing_->local(id); };
                                  options.time = options_.time;
                                  return self->spawn(feed_source, std::move(options));
                                }};
  return directory_.listed("feed", std::move(child));
}

supervision::child_spec node::follower_child() {
  supervision::child_spec child{.name = "follower", .start = [this](caf::event_based_actor* self) {
                                  feed_follower_options options;
                                  options.node = options_.id;
                                  options.kinds = &options_.kinds;
                                  options.projections = fed_;
                                  options.coordinator = [this] { return directory_.find("coordinator"); };
                                  options.link = [this](const std::string& other) {
                                    return links_.up(other) ? links_.link(other) : caf::actor{};
                                  };
                                  options.figures = &feed_figures_;
                                  options.time = options_.time;
                                  return self->spawn(feed_follower, std::move(options));
                                }};
  return directory_.listed("follower", std::move(child));
}

void node::tell_of_link(const links::link_change& change) {
  for (const char* role : {"membership", "follower"})
    if (auto actor = directory_.find(role)) caf::anon_send(actor, neighbour_changed{change.node, change.up});
  for (shard_id id = 0; id < options_.shard_count; ++id)
    if (auto actor = directory_.find(replica_role(id)))
      caf::anon_send(actor, link_news{change.node, change.up});
}

}  // namespace souk::runtime
