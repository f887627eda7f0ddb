#include "runtime/node/node.hpp"

#include "runtime/cluster/coordinator.hpp"
#include "runtime/cluster/view.hpp"
#include "runtime/replica/replica.hpp"
#include "runtime/storage/spawn.hpp"
#include "runtime/supervision/entity_supervisor.hpp"

#include <caf/all.hpp>

#include <utility>

namespace souk::runtime {

namespace {

// A storage that failed must not be tried again: what the kernel could not write it may have dropped.
constexpr supervision::intensity never{0, std::chrono::seconds{1}};

// A shard writes out its state before it ends; a slow disk takes its time.
constexpr std::chrono::seconds shard_stop_within{20};

std::string shard_role(shard_id id) { return "shard/" + std::to_string(id); }
std::string entities_role(shard_id id) { return "entities/" + std::to_string(id); }

}  // namespace

// -- directory
// ---------------------------------------------------------------------------------------------------

caf::actor directory::find(const std::string& role) const {
  std::lock_guard lock{mutex_};
  auto found = actors_.find(role);
  return found == actors_.end() ? caf::actor{} : found->second;
}

void directory::set(const std::string& role, caf::actor actor) {
  std::lock_guard lock{mutex_};
  actors_[role] = std::move(actor);
}

void directory::clear() {
  std::lock_guard lock{mutex_};
  actors_.clear();
}

supervision::child_spec directory::listed(const std::string& role, supervision::child_spec child) {
  child.on_started = [this, role](const caf::actor& actor) { set(role, actor); };
  child.on_ended = [this, role] { set(role, nullptr); };
  return child;
}

// -- node
// --------------------------------------------------------------------------------------------------------

node::node(caf::actor_system& system, node_options options) : system_(system), options_(std::move(options)) {
  routing_ = std::make_shared<routing_table>(options_.shard_count, options_.kinds);
  format_ = options_.formats.highest;
  if (!options_.cluster) return;
  // Until it is known what the cluster writes.
  format_ = options_.formats.lowest;
  options_.cluster->coordinator.self.formats = options_.formats;
  // What this node's shards show its projections goes to other nodes too.
  feed_log_ = std::make_shared<feed_log>(options_.shard_count);
  feed_figures_.behind = options_.shard_count;  // until it is known whose they are
  fed_ = options_.kinds.projections;
  for (const auto& each : fed_)
    options_.kinds.projections.push_back(make_feed_tap(
        each->source(), feed_log_, [this](const address& to) { return routing_->shard_of(to); }));
}

node::~node() { let_go(); }

void node::let_go() {
  root_ = nullptr;
  joined_ = nullptr;
  directory_.clear();
  links_.clear();
  for (shard_id id = 0; id < options_.shard_count; ++id) {
    routing_->set(id, nullptr);
    routing_->set_remote(id, nullptr);
  }
}

void node::start(std::vector<supervision::child_spec> effects, std::vector<supervision::child_spec> edge) {
  using supervision::strategy;
  using supervision::supervisor_child;
  // rest_for_one: whoever stands on what failed starts again with it.
  std::vector<supervision::child_spec> groups{storage_group(), coordination_group()};
  if (options_.cluster) groups.push_back(peers_group());
  groups.push_back(supervisor_child(group("effects", strategy::one_for_one, std::move(effects))));
  groups.push_back(shards_group());
  groups.push_back(supervisor_child(group("edge", strategy::one_for_one, std::move(edge))));
  auto root = group("node", strategy::rest_for_one, std::move(groups));
  root.intensity = never;
  root.on_escalation = options_.on_fatal;
  root_ = system_.spawn(supervision::supervisor, std::move(root));
}

void node::stop() { caf::anon_send_exit(root_, caf::exit_reason::user_shutdown); }

bool node::serving() const {
  if (!options_.cluster) return shard_figures_.serving == options_.shard_count;
  const auto view = cluster_.now().view;
  if (!view || view->shards.size() != options_.shard_count) return false;
  for (shard_id id = 0; id < options_.shard_count; ++id) {
    const auto& primary = view->shards[id].primary;
    if (primary == options_.id ? !routing_->local(id) : primary.empty() || !links_.up(primary)) return false;
  }
  return true;
}

caf::actor node::copy_of(shard_id id) const {
  if (auto replica = directory_.find(replica_role(id))) return replica;
  return routing_->local(id);
}

void node::wait_until_serving() const {
  for (auto serve = shard_figures_.serving.load(); serve != options_.shard_count;
       serve = shard_figures_.serving.load())
    shard_figures_.serving.wait(serve);
}

supervision::supervisor_spec node::group(std::string name, supervision::strategy strategy,
                                         std::vector<supervision::child_spec> children) {
  supervision::supervisor_spec spec;
  spec.name = std::move(name);
  spec.strategy = strategy;
  spec.children = std::move(children);
  spec.random = [random = options_.random] { return random->next_u64(); };
  return spec;
}

supervision::child_spec node::storage_group() {
  supervision::child_spec journal{.name = "journal", .start = [this](caf::event_based_actor*) {
                                    return spawn_journal_writer(system_, options_.own_threads,
                                                                options_.storage, &options_.limits,
                                                                &writer_figures_, options_.time);
                                  }};
  supervision::child_spec state{.name = "state", .start = [this](caf::event_based_actor*) {
                                  return spawn_state_writer(system_, options_.own_threads, options_.storage,
                                                            &options_.limits, &writer_figures_);
                                }};
  auto spec =
      group("storage", supervision::strategy::one_for_all,
            {directory_.listed("journal", std::move(journal)), directory_.listed("state", std::move(state))});
  spec.intensity = never;
  return supervisor_child(std::move(spec));
}

supervision::child_spec node::coordination_group() {
  std::vector<supervision::child_spec> children{coordinator_child()};
  if (options_.cluster) {
    children.push_back(controller_child());
    children.push_back(membership_child());
    children.push_back(desk_child());
  }
  return supervisor_child(group("coordination", supervision::strategy::one_for_one, std::move(children)));
}

supervision::child_spec node::coordinator_child() {
  supervision::child_spec child{
      .name = "coordinator", .start = [this](caf::event_based_actor* self) {
        if (joined_) return std::exchange(joined_, {});
        if (options_.cluster)
          return caf::actor{self->spawn(cluster_coordinator, options_.cluster->coordinator)};
        return caf::actor{self->spawn(embedded_coordinator, options_.storage,
                                      member_name(options_.id, options_.disk_id), options_.shard_count,
                                      directory_.find("state"))};
      }};
  return directory_.listed("coordinator", std::move(child));
}

supervision::child_spec node::shards_group() {
  std::vector<supervision::child_spec> shards;
  shards.reserve(options_.shard_count);
  for (shard_id id = 0; id < options_.shard_count; ++id)
    shards.push_back(shard_group(id));
  return supervisor_child(group("shards", supervision::strategy::one_for_one, std::move(shards)));
}

supervision::child_spec node::shard_group(shard_id id) {
  supervision::entity_supervisor_spec entities;
  entities.random = [random = options_.random] { return random->next_u64(); };
  supervision::child_spec replica_child{
      .name = "replica", .stop_within = shard_stop_within, .start = [this, id](caf::event_based_actor* self) {
        replica_options options;
        options.shard = options_of(id);
        if (options_.cluster) {
          options.link = [this](const std::string& other) { return links_.link(other); };
          options.linked = [this](const std::string& other) { return links_.up(other); };
        }
        return self->spawn(replica, std::move(options));
      }};
  // One cannot be without the other: the shard knows its entities, the entities know their shard.
  auto spec = group(shard_role(id), supervision::strategy::one_for_all,
                    {directory_.listed(entities_role(id), entity_supervisor_child(std::move(entities))),
                     directory_.listed(replica_role(id), std::move(replica_child))});
  return supervisor_child(std::move(spec));
}

shard_options node::options_of(shard_id id) {
  shard_options options;
  options.id = id;
  options.member = member_name(options_.id, options_.disk_id);
  options.kinds = &options_.kinds;
  options.storage = options_.storage;
  options.routing = routing_.get();
  options.limits = &options_.limits;
  options.format = &format_;
  options.figures = &shard_figures_;
  options.time = options_.time;
  options.random = options_.random;
  options.spans = options_.spans;
  options.shards_on_node = options_.shard_count;
  options.journal_writer = [this] { return directory_.find("journal"); };
  options.state_writer = [this] { return directory_.find("state"); };
  options.coordinator = [this] { return directory_.find("coordinator"); };
  options.entity_supervisor = [this, role = entities_role(id)] { return directory_.find(role); };
  options.world_worker = [this](const std::string& port) { return directory_.find("port/" + port); };
  return options;
}

}  // namespace souk::runtime
