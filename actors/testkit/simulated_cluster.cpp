#include "actors/testkit/simulated_cluster.hpp"

#include "actors/formats.hpp"
#include "actors/gateway/first_key.hpp"
#include "actors/gateway/gateway.hpp"
#include "actors/nats/publisher.hpp"
#include "actors/payment/provider.hpp"
#include "actors/payment/provider_worker.hpp"
#include "actors/testkit/watched_checkout.hpp"
#include "actors/webhook/sender.hpp"
#include "runtime/cluster/cluster_text.hpp"
#include "runtime/fault_point.hpp"
#include "runtime/node/node.hpp"
#include "runtime/shard/keys.hpp"

#include <caf/all.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <unordered_map>
#include <utility>

namespace souk::testkit {

namespace {

constexpr std::chrono::minutes patience{1};
// How often etcd looks for leases that are over.
constexpr std::chrono::milliseconds lease_look{500};
constexpr const char* cluster_name = "simulated";
constexpr const char* gateway_role = "gateway/0";
// What soukd sets for nodes of a cluster.
constexpr std::chrono::milliseconds failover_wait{5'500};

}  // namespace

/// The provider as a node reaches it, with somebody who waits for its next call.
class simulated_cluster::watched_provider final : public payment::provider_link {
 public:
  watched_provider(std::unique_ptr<provider_link> link, std::function<bool()> silent,
                   std::function<void(std::string_view traceparent)> called)
      : link_(std::move(link)), silent_(std::move(silent)), called_(std::move(called)) {}

  void call(const payment::pb::ProviderCall& call, std::string_view traceparent,
            result_handler then) override {
    if (silent_()) return;
    link_->call(call, traceparent, [then = std::move(then)](payment::pb::ProviderResult result) {
      const auto& operation = result.operation();
      if (operation == "find" && result.status() == "charged") reached("provider: a charge is found");
      if (operation == "find" && result.status() == "not_found") reached("provider: no charge is found");
      if (operation == "cancel") reached("provider: a charge can come no more");
      if (operation == "refund") reached("provider: money goes back");
      then(std::move(result));
    });
    called_(traceparent);
  }
  void list(list_handler then) override { link_->list(std::move(then)); }

 private:
  std::unique_ptr<provider_link> link_;
  std::function<bool()> silent_;
  std::function<void(std::string_view traceparent)> called_;
};

/// A request that a node has and has not answered.
struct simulated_cluster::pending {
  answer_handler then;

  void end(const gateway::http_response& response) {
    if (auto told = std::exchange(then, nullptr)) told(response);
  }
};

/// A folder for disks: in memory where there is such a file system, else where temporary files are.
class simulated_cluster::scratch_folder {
 public:
  scratch_folder() {
    std::error_code no_matter;
    const std::filesystem::path shared_memory{"/dev/shm"};
    const auto root = std::filesystem::is_directory(shared_memory, no_matter)
                          ? shared_memory
                          : std::filesystem::temp_directory_path();
    auto name = (root / "souk-simulation-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr)
      throw std::system_error(errno, std::generic_category(), "mkdtemp " + name);
    path_ = name;
  }
  ~scratch_folder() {
    std::error_code no_matter;
    std::filesystem::remove_all(path_, no_matter);
  }
  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;

  std::filesystem::path disk(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

struct simulated_cluster::member {
  std::string id;
  std::string disk;
  std::unique_ptr<runtime::testkit::disk> storage;
  std::string cluster;  // that the disk belongs to; empty: none yet
  std::string secret;
  std::string gave_up_because;  // of the last process; empty: it did not

  // Of the process, while there is one.
  bool up = false;
  bool caught_up = false;     // with the catalogue and the keys of others
  std::uint64_t process = 0;  // its number
  std::unique_ptr<links::transport> transport;
  std::shared_ptr<runtime::coordination_store> store;
  std::optional<shop::shop> shop;
  std::optional<runtime::node> node;
  std::vector<std::weak_ptr<pending>> requests;
  std::function<void()> at_next_charge;                   // may be empty
  std::unordered_map<const char*, std::uint64_t> passes;  // of each point, by where its name stands
  bool silent = false;                                    // it died at a point, and its step goes on

  std::string member_name() const { return runtime::member_name(id, disk); }
  /// What it knows of the cluster; null: it is down, or knows nothing yet.
  auto view() const { return up && node ? node->cluster().now().view : nullptr; }
};

simulated_cluster::simulated_cluster(std::uint64_t seed, cluster_options options)
    : options_(std::move(options)),
      folder_(options_.real_disks ? std::make_unique<scratch_folder>() : nullptr),
      fleet_(seed),
      store_(fleet_.time_of_all(), seed ^ 0x5704e),
      ledger_(payment::make_memory_ledger()),
      provider_(std::make_shared<payment::test_provider>(*ledger_)) {
  options_.limits.effect_resend_interval = runtime::effect_resend_between_nodes;
  for (std::size_t n = 0; n < options_.nodes; ++n) {
    const std::string id(1, static_cast<char>('a' + n));
    names_.push_back(id);
    auto& made = members_[id];
    made = std::make_unique<member>();
    made->id = id;
    replace_disk(id);
  }
  fleet_.on_point = [this](const std::string& node, std::string_view point) { pass(node, point); };
  look_at_leases();
  try {
    for (auto& [id, member] : members_)
      boot(*member);
    if (!run_until([this] { return whole(); }, patience))
      throw std::runtime_error("the cluster does not form");
    make_first_key();
  } catch (...) {
    take_all_down();
    throw;
  }
}

simulated_cluster::~simulated_cluster() { take_all_down(); }

void simulated_cluster::look_at_leases() {
  store_.end_leases();
  fleet_.at(fleet_.now() + lease_look, [this] { look_at_leases(); });
}

void simulated_cluster::take_all_down() {
  for (auto& [id, member] : members_)
    if (member->up) take_down(*member);
}

void simulated_cluster::tell(const std::string& what) const {
  if (on_event) on_event(what);
}

// -- processes ---------------------------------------------------------------------------------------

void simulated_cluster::boot(member& member) {
  member.gave_up_because.clear();
  try {
    member.storage->power_on();
  } catch (const persistence::damage& damage) {
    member.gave_up_because = damage.what();
    return tell("node " + member.id + " does not start: " + member.gave_up_because);
  }
  auto& driver = fleet_.launch(member.id);
  const auto process = ++incarnations_;
  member.process = process;
  const auto address = member.id + ":1";
  member.transport = fleet_.between().start(member.id, address);
  member.store = store_.connect(driver.system(), member.id);
  member.shop.emplace(shop::make_shop(options_.shop));
  watch_checkouts(member.shop->entities);

  // What a process says of itself counts while it lives, and is heard when its actor has come to an end.
  const auto of_this_process = [this, &member, process](std::function<void()> what) {
    fleet_.at(fleet_.now(), [&member, process, what = std::move(what)] {
      if (member.up && member.process == process) what();
    });
  };
  const auto fatal = [this, &member, of_this_process](const std::string& why) {
    of_this_process([this, &member, why] { give_up(member, why); });
  };

  runtime::cluster_options cluster;
  cluster.transport = member.transport.get();
  auto& coordinator = cluster.coordinator;
  coordinator.cluster_name = cluster_name;
  coordinator.self.id = member.id;
  coordinator.self.disk_id = member.disk;
  coordinator.self.incarnation = process;
  coordinator.self.link_address = address;
  coordinator.cluster_id = member.cluster;
  coordinator.wanted.shard_count = options_.shard_count;
  coordinator.wanted.replicas = options_.replicas;
  coordinator.wanted.min_in_sync = options_.min_in_sync;
  coordinator.store = member.store;
  coordinator.time = driver.time();
  coordinator.random = driver.random();
  coordinator.on_refused = fatal;

  runtime::node_options node;
  node.id = member.id;
  node.disk_id = member.disk;
  node.storage = member.storage.get();
  node.shard_count = options_.shard_count;
  node.kinds = member.shop->entities;
  node.limits = options_.limits;
  node.formats = {1, formats::newest};
  node.time = driver.time();
  node.random = driver.random();
  node.spans = options_.spans;
  node.own_threads = false;
  node.on_fatal = fatal;
  node.cluster = std::move(cluster);
  member.node.emplace(driver.system(), std::move(node));
  member.up = true;
  member.silent = false;
  member.caught_up = false;
  member.node->join("http://" + member.id,
                    [this, &member, of_this_process](const runtime::cluster_settings& settings) {
                      member.cluster = settings.cluster_id;
                      member.secret = settings.cluster_secret;
                      of_this_process([this, &member] { start(member); });
                    });
}

void simulated_cluster::start(member& member) {
  auto& driver = *fleet_.find(member.id);
  payment::payment_worker_config paying;
  const auto called = [this, &member](std::string_view traceparent) {
    provider_traces_.emplace_back(traceparent);
    if (auto then = std::exchange(member.at_next_charge, nullptr)) fleet_.in_steps(0, std::move(then));
  };
  paying.provider = std::make_shared<watched_provider>(
      payment::make_direct_provider(provider_, driver.time()), [&member] { return member.silent; }, called);
  paying.clock = driver.time();
  paying.random = driver.random();
  paying.spans = options_.spans;
  supervision::child_spec payments{.name = "payments", .start = [paying](caf::event_based_actor* self) {
                                     return self->spawn(payment::payment_worker, paying);
                                   }};

  gateway::gateway_config serving;
  serving.routing = member.node->routing();
  serving.shard_wait = failover_wait;
  auto& services = serving.services;
  services.catalogue = member.shop->catalogue;
  services.credentials = member.shop->credentials;
  services.tokens = options_.tokens;
  services.hold_limits = options_.hold_limits;
  services.clock = driver.time();
  services.random = driver.random();
  services.secret = member.secret;
  services.shard_count = options_.shard_count;
  services.test_mode = true;
  if (options_.spans)
    services.tracing = std::make_shared<const telemetry::tracing>(telemetry::tracing{options_.spans});
  services.keys_are_coming = [&member] {
    const bool behind = member.node->feed().behind != 0;
    member.caught_up = member.caught_up || (member.node->serving() && !behind);
    return behind || !member.caught_up;
  };
  services.test_payments = [this](const std::function<void(std::string)>& then) { then(provider_books()); };
  supervision::child_spec edge{.name = gateway_role, .start = [serving](caf::event_based_actor* self) {
                                 return self->spawn(gateway::gateway, serving);
                               }};
  auto& directory = member.node->directory();
  std::vector<supervision::child_spec> workers{directory.listed("port/payments", std::move(payments))};
  if (options_.courier) {
    webhook::sender_config sending;
    sending.routing = member.node->routing();
    sending.clock = driver.time();
    sending.random = driver.random();
    sending.courier = options_.courier(member.id);
    sending.figures = std::make_shared<webhook::sender_figures>();
    sending.tenants = [credentials = member.shop->credentials] { return credentials->tenants(); };
    workers.push_back({.name = "webhooks", .start = [sending](caf::event_based_actor* self) {
                         return self->spawn(webhook::sender, sending);
                       }});
  }
  if (options_.stream_link) {
    nats::publisher_config publishing;
    publishing.routing = member.node->routing();
    publishing.clock = driver.time();
    publishing.random = driver.random();
    publishing.link = options_.stream_link(member.id);
    publishing.figures = std::make_shared<nats::publisher_figures>();
    workers.push_back({.name = "nats", .start = [publishing](caf::event_based_actor* self) {
                         return self->spawn(nats::publisher, publishing);
                       }});
  }
  member.node->start(std::move(workers), {directory.listed(gateway_role, std::move(edge))});
}

void simulated_cluster::take_down(member& member, std::size_t journal_lost, std::size_t state_lost) {
  member.up = false;
  std::vector<std::shared_ptr<pending>> lost;
  for (const auto& request : std::exchange(member.requests, {}))
    if (auto open = request.lock()) lost.push_back(std::move(open));
  const auto [journal_commits, state_commits] = member.storage->unwritten();
  silence(member);
  if (member.node->root()) caf::anon_send_exit(member.node->root(), caf::exit_reason::kill);
  member.node->leave();
  member.node->let_go();
  fleet_.remove(member.id);
  member.node.reset();
  member.shop.reset();
  member.store.reset();
  member.transport.reset();
  member.storage->power_cut(journal_commits - std::min(journal_lost, journal_commits),
                            state_commits - std::min(state_lost, state_commits));
  for (const auto& request : lost)
    request->end({.status = 0, .fields = {}, .body = {}});
}

// Whatever its actors still do never happened.
void simulated_cluster::silence(member& member) {
  member.silent = true;
  member.storage->power_off();
  fleet_.between().kill(member.id);
  store_.disconnect(member.id);
}

void simulated_cluster::pass(const std::string& node, std::string_view point) {
  auto& member = at(node);
  if (member.silent) return;
  ++member.passes[point.data()];
  const auto due = std::ranges::find_if(crashes_, [&](auto& each) {
    return each.point == point && (each.node.empty() || each.node == node) && each.later-- == 0;
  });
  if (due == crashes_.end()) return;
  tell("node " + node + " dies: " + std::string{point});
  auto after = std::move(due->then);
  crashes_.erase(due);
  silence(member);
  // Before anything else runs or is delivered.
  fleet_.in_steps(0, [this, &member, node, process = member.process, then = std::move(after)] {
    if (member.up && member.process == process) take_down(member);
    if (then) then(node);
  });
}

std::map<std::string, simulated_cluster::point_counts> simulated_cluster::passes() const {
  std::map<std::string, point_counts> counts;
  for (const auto& [name, member] : members_)
    for (const auto& [point, count] : member->passes)
      counts[name][point] += count;
  return counts;
}

void simulated_cluster::crash_at(const std::string& node, std::string_view point, std::uint64_t later,
                                 crash_handler then) {
  crashes_.push_back({node, point, later, std::move(then)});
}

void simulated_cluster::give_up(member& member, const std::string& why) {
  tell("node " + member.id + " gives up: " + why);
  take_down(member);
  member.gave_up_because = why;
}

void simulated_cluster::crash(const std::string& node) {
  if (!at(node).up) return;
  tell("node " + node + " crashes");
  take_down(at(node));
}

runtime::testkit::disk& simulated_cluster::disk(const std::string& node) { return *at(node).storage; }

const std::string& simulated_cluster::gave_up_because(const std::string& node) const {
  return at(node).gave_up_because;
}

void simulated_cluster::crash_losing(const std::string& node, std::size_t journal_commits,
                                     std::size_t state_commits) {
  if (!at(node).up) return;
  const auto [journal, state] = at(node).storage->unwritten();
  tell(fmt::format(
      "node {} crashes, and of the last commits {} of {} to its journal and {} of {} to its state are gone",
      node, std::min(journal_commits, journal), journal, std::min(state_commits, state), state));
  take_down(at(node), journal_commits, state_commits);
}

void simulated_cluster::at_next_charge(const std::string& node, std::function<void()> then) {
  at(node).at_next_charge = std::move(then);
}

void simulated_cluster::restart(const std::string& node) {
  if (at(node).up) return;
  tell("node " + node + " starts");
  boot(at(node));
}

void simulated_cluster::replace_disk(const std::string& node) {
  auto& member = at(node);
  if (member.up) throw std::logic_error("the disk of a node that is up");
  member.disk = "d" + std::to_string(++disks_);
  member.storage = std::make_unique<runtime::testkit::disk>(
      options_.shard_count, folder_ ? folder_->disk(member.disk) : std::filesystem::path{});
  if (options_.keep_records) member.storage->keep_trimmed();
  member.cluster.clear();
  member.gave_up_because.clear();
}

void simulated_cluster::pause(const std::string& node) {
  if (!at(node).up) return;
  tell("node " + node + " hangs");
  fleet_.pause(node, true);
}

void simulated_cluster::resume(const std::string& node) {
  if (!fleet_.paused(node)) return;
  tell("node " + node + " wakes");
  fleet_.pause(node, false);
}

void simulated_cluster::stall_disk(const std::string& node, milliseconds duration) {
  auto* driver = fleet_.find(node);
  if (driver == nullptr) return;
  tell("the disk of node " + node + " takes " + std::to_string(duration.count()) + " ms");
  driver->stall("journal", fleet_.now() + duration);
}

void simulated_cluster::fill_disk(const std::string& node, unsigned commits, std::uint64_t later) {
  tell("the disk of node " + node + " is full for " + std::to_string(commits) + " commits");
  at(node).storage->refuse_writes(commits, later);
}

void simulated_cluster::skew_clock(const std::string& node, milliseconds by) {
  auto* driver = fleet_.find(node);
  if (driver == nullptr) return;
  tell("the clock of node " + node + " is off by " + std::to_string(by.count()) + " ms");
  driver->skew(by);
}

void simulated_cluster::heal() {
  tell("all is healed");
  crashes_.clear();
  store_.cut_all(false);
  store_.lose(0);
  store_.delay(milliseconds{4});
  for (const auto& one : names_) {
    resume(one);
    at(one).storage->refuse_writes(0);
    at(one).storage->stop_lying();
    if (auto* driver = fleet_.find(one)) driver->skew(milliseconds{0});
    store_.cut(one, false);
    for (const auto& other : names_) {
      if (one == other) continue;
      net().open(one, other);
      net().delay(one, other, std::chrono::microseconds{100});
    }
  }
}

// -- what there is -----------------------------------------------------------------------------------

std::uint64_t simulated_cluster::writes_of(const std::string& node) const {
  return at(node).storage->writes();
}

bool simulated_cluster::up(const std::string& node) const { return at(node).up; }

bool simulated_cluster::whole() const {
  std::size_t serving = 0;
  for (const auto& [id, member] : members_) {
    if (!member->up || !member->node->cluster().now().registered || member->node->feed().behind != 0)
      return false;
    for (runtime::shard_id shard = 0; shard < options_.shard_count; ++shard)
      serving += member->node->routing()->local(shard) != nullptr;
  }
  if (serving != options_.shard_count) return false;
  const auto view = members_.begin()->second->node->cluster().now().view;
  const auto copies = std::min<std::size_t>(options_.replicas, members_.size());
  return view && view->shards.size() == options_.shard_count &&
         std::all_of(view->shards.begin(), view->shards.end(),
                     [&](const auto& record) { return record.in_sync.size() == copies; });
}

bool simulated_cluster::counted(const std::string& node) const {
  const auto name = at(node).member_name();
  bool known = false;
  for (const auto& [id, member] : members_) {
    const auto view = member->view();
    if (!view) continue;
    known = true;
    if (std::any_of(view->shards.begin(), view->shards.end(),
                    [&](const auto& record) { return record.has_in_sync(name); }))
      return true;
  }
  return !known;
}

std::string simulated_cluster::difference() const {
  std::string found;
  const auto view = members_.begin()->second->node->cluster().now().view;
  for (runtime::shard_id shard = 0; shard < options_.shard_count; ++shard) {
    const member* first = nullptr;
    for (const auto& [id, member] : members_) {
      if (!view->shards[shard].has_in_sync(member->member_name())) continue;
      if (first == nullptr) {
        first = member.get();
        continue;
      }
      const auto here = runtime::testkit::difference(*first->storage, *member->storage, shard);
      if (!here.empty()) found += fmt::format("shard {}, nodes {} and {}: {}\n", shard, first->id, id, here);
    }
  }
  return found;
}

// The first of those that are up.
bool simulated_cluster::is_in_sync(const member& member, runtime::shard_id shard) {
  const auto view = member.view();
  return view && shard < view->shards.size() && view->shards[shard].has_in_sync(member.member_name());
}

simulated_cluster::member* simulated_cluster::in_sync_member(runtime::shard_id shard) const {
  for (const auto& [id, member] : members_)
    if (is_in_sync(*member, shard)) return member.get();
  return nullptr;
}

std::size_t simulated_cluster::rows_of(runtime::kind_id kind) const {
  std::size_t rows = 0;
  for (runtime::shard_id shard = 0; shard < options_.shard_count; ++shard) {
    auto* const member = in_sync_member(shard);
    if (member == nullptr) continue;
    const auto of_kind = runtime::keys::starting_with(runtime::keys::kind_prefix(shard, kind));
    const auto state = runtime::testkit::state_rows(*member->storage, shard);
    for (auto row = state.lower_bound(of_kind.from); row != state.end() && row->first < of_kind.to; ++row) {
      const auto parsed = runtime::keys::parse_entity_row(row->first);
      if (parsed && parsed->row != runtime::keys::entity_header_row) ++rows;
    }
  }
  return rows;
}

void simulated_cluster::take_snapshots() {
  for (runtime::shard_id shard = 0; shard < options_.shard_count; ++shard) {
    auto* const member = in_sync_member(shard);
    if (member == nullptr || member->storage->spoilt()) continue;
    if (auto taken = runtime::testkit::snapshot_of(*member->storage, shard))
      snapshots_.insert_or_assign(shard, std::move(*taken));
  }
}

// What is trimmed somewhere is committed, and so is what members in sync have in their journals when all has
// come to rest. Anything else that was ever written may have been dropped again.
runtime::testkit::shard_records simulated_cluster::records_that_stay(runtime::shard_id shard,
                                                                     std::string& differing) const {
  runtime::testkit::shard_records records;
  const auto add = [&](const persistence::journal_entry& entry) {
    const auto& first = records.try_emplace(entry.index, entry).first->second;
    if (first.epoch != entry.epoch || first.payload != entry.payload)
      differing += fmt::format("shard {}: record {} was committed twice\n", shard, entry.index);
    return true;
  };
  for (const auto& [id, member] : members_) {
    for (const auto& [index, entry] : member->storage->trimmed(shard))
      add(entry);
    if (is_in_sync(*member, shard))
      member->storage->log().read(shard, member->storage->log().bounds(shard).first, add);
  }
  return records;
}

std::string simulated_cluster::replay_difference(std::uint64_t& from_empty,
                                                 std::uint64_t& from_snapshot) const {
  std::string found;
  for (runtime::shard_id shard = 0; shard < options_.shard_count; ++shard) {
    const auto* const member = in_sync_member(shard);
    if (member == nullptr) continue;
    const auto records = records_that_stay(shard, found);
    const auto compare = [&](const char* from, const runtime::testkit::shard_snapshot& snapshot,
                             std::uint64_t& compared) {
      const auto differing = runtime::testkit::replay_difference(snapshot, records, *member->storage, shard,
                                                                 member->shop->entities, options_.limits,
                                                                 fleet_.time_of_all()->now());
      if (!differing) return;
      ++compared;
      if (!differing->empty())
        found +=
            fmt::format("shard {}, replayed from {}, and node {}: {}\n", shard, from, member->id, *differing);
    };
    compare("empty", {}, from_empty);
    if (const auto snapshot = snapshots_.find(shard); snapshot != snapshots_.end())
      compare("a snapshot", snapshot->second, from_snapshot);
  }
  return found;
}

// -- clients -----------------------------------------------------------------------------------------

void simulated_cluster::send(const std::string& node, const std::string& method, const std::string& target,
                             const std::string& body, fields fields, answer_handler then) {
  auto waiting = std::make_shared<pending>();
  waiting->then = std::move(then);
  auto& member = at(node);
  // An answer is heard when the actor that gives it has come to an end.
  const auto answer = [this, waiting](const gateway::http_response& response) {
    fleet_.at(fleet_.now(), [waiting, response] { waiting->end(response); });
  };
  const auto gateway = member.up ? member.node->directory().find(gateway_role) : caf::actor{};
  if (!gateway) return answer({.status = 0, .fields = {}, .body = {}});
  std::erase_if(member.requests, [](const auto& each) { return each.expired(); });
  member.requests.push_back(waiting);
  send_http(gateway, method, target, body, std::move(fields), answer);
}

gateway::http_response simulated_cluster::call(const std::string& node, const std::string& method,
                                               const std::string& target, const std::string& body,
                                               fields fields) {
  std::optional<gateway::http_response> answer;
  send(node, method, target, body, std::move(fields), [&answer](const auto& response) { answer = response; });
  if (!run_until([&answer] { return answer.has_value(); }, patience))
    throw std::runtime_error(method + " " + target + " was not answered");
  return *answer;
}

// The node that serves the keyring's shard makes it.
void simulated_cluster::make_first_key() {
  for (auto& [id, member] : members_) {
    auto& driver = *fleet_.find(id);
    gateway::first_key_config config;
    config.routing = member->node->routing();
    config.clock = driver.time();
    config.random = driver.random();
    config.keep = [this](const std::string& fresh) { return key_.empty() ? key_ = fresh : key_; };
    config.known = [&member, tenant = config.tenant] { return member->shop->credentials->any(tenant); };
    config.ready = [](bool) {};
    driver.system().spawn(gateway::first_key, config);
  }
  const auto known = [this] {
    return !key_.empty() && std::all_of(members_.begin(), members_.end(), [this](const auto& each) {
      return each.second->shop->credentials->find(key_, runtime::timestamp{}).has_value();
    });
  };
  if (!run_until(known, patience)) throw std::runtime_error("no key was made");
}

void simulated_cluster::stock(const std::string& sku, std::int64_t units, std::int64_t price) {
  put_on_sale(sku, fmt::format(R"({{"currency":"USD","precise":{{"value":"{}","scale":3}}}})", price), units,
              [this](const std::string& target, const std::string& body) {
                return call(names_.front(), "POST", target, body, {staff()});
              });
}

}  // namespace souk::testkit
