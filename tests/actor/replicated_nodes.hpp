#pragma once

#include "persistence/memory_storage.hpp"
#include "runtime/cluster/cluster_coordinator.hpp"
#include "runtime/cluster/controller.hpp"
#include "runtime/replica/replica.hpp"
#include "runtime/storage/writers.hpp"
#include "runtime/supervision/entity_supervisor.hpp"
#include "runtime/testkit/coordination_model.hpp"
#include "runtime/testkit/copies.hpp"
#include "runtime/testkit/driver.hpp"
#include "tests/actor/tally.hpp"

#include <caf/all.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

/// Members of shards in one thread: real replicas, shards, coordinators and controllers, on storage and a
/// coordination store in memory. Between them are carriers that deliver in order, until they are cut.
namespace souk::runtime::testkit {

inline caf::behavior response_inbox(caf::event_based_actor*, std::map<std::uint64_t, response>* responses,
                                    std::map<std::uint64_t, index_page>* pages) {
  return {[responses](const response& response) { (*responses)[response.correlation] = response; },
          [pages](const index_page& page) { (*pages)[page.correlation] = page; },
          [](const operator_answer& answer) {
            const bool expected = answer.correlation == 0;
            EXPECT_TRUE(!expected || answer.what == operator_answer::outcome::done)
                << ::testing::PrintToString(answer.lines);
          }};
}

/// The world: answers every call once its switch is on.
inline caf::behavior echo_world(caf::event_based_actor* self, const bool* answers) {
  return {[self, answers](const world_request& call) {
    if (!*answers) return;
    auto result = std::make_shared<google::protobuf::StringValue>();
    result->set_value("result");
    self->send(call.reply_to, world_result{call.caller, call.number, result});
  }};
}

class replicated_nodes {
 public:
  static constexpr std::uint16_t shard_count = 2;

  struct node {
    std::string id;
    std::string disk;
    std::unique_ptr<persistence::memory_storage> storage;
    std::unique_ptr<routing_table> routing;
    std::shared_ptr<coordination_store> store;
    runtime::shard_figures figures;
    runtime::writer_figures writers;
    std::vector<caf::actor> actors;
    std::vector<caf::actor> replicas;
    caf::actor coordinator;
    bool up = false;
    bool paused = false;  // nothing reaches its links, neither way, but it lives

    std::string member() const { return member_name(id, disk); }
  };

  explicit replicated_nodes(std::uint64_t seed, runtime::limits limits = {},
                            replication::limits replication = {})
      : driver(seed), model(driver.time(), seed), limits_(limits), replication_(replication) {
    kinds_.kinds[tally_decider::id] = std::make_shared<kind_of<tally_decider>>(tally_decider{});
    inbox_ = driver.system().spawn(response_inbox, &responses, &pages);
    for (const std::string id : {"a", "b", "c"}) {
      auto& made = nodes_[id];
      made.id = id;
      replace_disk(id);
      start(id);
    }
  }

  ~replicated_nodes() {
    for (auto& [id, node] : nodes_)
      kill(id);
    caf::anon_send_exit(inbox_, caf::exit_reason::kill);
    inbox_ = nullptr;
    driver.settle();
  }

  node& at(const std::string& id) { return nodes_.at(id); }

  /// An empty disk with a new name.
  void replace_disk(const std::string& id) {
    at(id).disk = "d" + std::to_string(++disks_);
    at(id).storage = persistence::make_memory_storage();
  }

  void start(const std::string& id) {
    auto& node = at(id);
    node.up = true;
    node.paused = false;
    node.routing = std::make_unique<routing_table>(shard_count, kinds_);
    const auto spawn = [&](auto&&... what) {
      return node.actors.emplace_back(driver.system().spawn(std::forward<decltype(what)>(what)...));
    };
    auto journal = spawn(journal_writer, node.storage.get(), &limits_, &node.writers, driver.time());
    auto state = spawn(state_writer, node.storage.get(), &limits_, &node.writers);
    auto echo = spawn(echo_world, &world_answers);
    node.store = model.connect(driver.system(), id);
    coordinator_options coordinating;
    coordinating.cluster_name = "test";
    coordinating.self = {.id = id, .disk_id = node.disk, .incarnation = ++incarnations_};
    coordinating.wanted = {.shard_count = shard_count, .replicas = 3, .min_in_sync = 2};
    coordinating.store = node.store;
    coordinating.time = driver.time();
    coordinating.random = driver.random();
    node.coordinator = spawn(cluster_coordinator, coordinating);
    controller_options controlling{.node = id, .incarnation = coordinating.self.incarnation};
    controlling.coordinator = [coordinator = node.coordinator] { return coordinator; };
    controlling.time = driver.time();
    controlling.ask = [this, id](const ask_position& question) { carry_question(id, question); };
    spawn(controller, controlling);
    for (shard_id shard = 0; shard < shard_count; ++shard) {
      node.routing->set_remote(shard, spawn([this, id](caf::event_based_actor* self,
                                                       shard_id shard) { return elsewhere(self, id, shard); },
                                            shard));
      auto entities = spawn(supervision::entity_supervisor, supervision::entity_supervisor_spec{});
      replica_options options;
      options.shard.id = shard;
      options.shard.member = node.member();
      options.shard.kinds = &kinds_;
      options.shard.storage = node.storage.get();
      options.shard.routing = node.routing.get();
      options.shard.limits = &limits_;
      options.shard.figures = &node.figures;
      options.shard.time = driver.time();
      options.shard.random = driver.random();
      options.shard.shards_on_node = shard_count;
      options.shard.replication = replication_;
      options.shard.journal_writer = [journal] { return journal; };
      options.shard.state_writer = [state] { return state; };
      options.shard.coordinator = [coordinator = node.coordinator] { return coordinator; };
      options.shard.entity_supervisor = [entities] { return entities; };
      options.shard.world_worker = [echo](const std::string&) { return echo; };
      options.link = [this, id](const std::string& other) { return carrier(id, other); };
      options.linked = [this, id](const std::string& other) { return linked(id, other); };
      node.replicas.push_back(spawn(replica, std::move(options)));
    }
    tell_links(id, true);
  }

  /// kill -9 and, with what the disk had not synced, a power cut.
  void kill(const std::string& id) {
    auto& node = at(id);
    if (!node.up) return;
    node.up = false;
    node.storage->hold_back(true);
    for (const auto& actor : node.actors)
      caf::anon_send_exit(actor, caf::exit_reason::kill);
    node.actors.clear();
    node.replicas.clear();
    node.coordinator = nullptr;
    driver.settle();
    for (auto& [key, carrier] : carriers_) {
      if (key.first != id && key.second != id) continue;
      caf::anon_send_exit(carrier, caf::exit_reason::kill);
      carrier = nullptr;
    }
    std::erase_if(carriers_, [](const auto& each) { return !each.second; });
    for (shard_id shard = 0; shard < shard_count; ++shard) {
      node.routing->set(shard, nullptr);
      node.routing->set_remote(shard, nullptr);
    }
    node.storage->lose_unsynced();
    node.storage->hold_back(false);
    tell_links(id, false);
  }

  /// Its replicas are asked to end.
  void stop(const std::string& id) {
    for (const auto& replica : at(id).replicas)
      caf::anon_send_exit(replica, caf::exit_reason::user_shutdown);
  }

  /// An operator asks for it.
  void command(operator_command::kind what, const std::string& node, shard_id shard = 0) {
    ask_coordinator({.what = what, .node = node, .shard = shard}, 0);
  }
  /// The same, and it may be refused.
  void try_command(operator_command::kind what, const std::string& node, shard_id shard = 0) {
    ask_coordinator({.what = what, .node = node, .shard = shard}, 1);
  }

  /// The links between two nodes are lost, or back.
  void part(const std::string& one, const std::string& other) {
    parted_.insert(std::minmax(one, other));
    tell_link(one, other, false);
    tell_link(other, one, false);
  }
  void join(const std::string& one, const std::string& other) {
    parted_.erase(std::minmax(one, other));
    tell_link(one, other, true);
    tell_link(other, one, true);
  }
  /// Nobody hears of it, and what it says is lost; nobody has noticed.
  void go_mute(const std::string& id, bool mute) { at(id).paused = mute; }

  bool linked(const std::string& one, const std::string& other) const {
    const auto both = [&](const std::string& id) {
      const auto found = nodes_.find(id);
      return found != nodes_.end() && found->second.up;
    };
    return one != other && both(one) && both(other) && !parted_.contains(std::minmax(one, other));
  }

  /// The node whose shard serves; empty while none does.
  std::string primary_of(shard_id shard) {
    std::string found;
    for (auto& [id, node] : nodes_)
      if (node.up && node.routing->local(shard)) found = id;
    return found;
  }
  bool runs_until(const std::function<bool()>& done,
                  std::chrono::milliseconds most = std::chrono::seconds{30}) {
    return driver.run_until(done, most);
  }
  bool all_serve() {
    return runs_until([this] { return !primary_of(0).empty() && !primary_of(1).empty(); });
  }

  shard_id shard_of(const std::string& key) {
    return at("a").routing->shard_of({"main", tally_decider::id, key});
  }
  /// A key of this shard.
  std::string key_in(shard_id shard, const std::string& name = "k") {
    for (int n = 0;; ++n)
      if (auto key = name + std::to_string(n); shard_of(key) == shard) return key;
  }

  /// Asks the shard's actor on a node; 0 if it does not serve there.
  std::uint64_t send(const std::string& node, const std::string& key, const std::string& text,
                     std::optional<command_id> idempotent = std::nullopt) {
    request request;
    request.to = {"main", tally_decider::id, key};
    auto command = std::make_shared<google::protobuf::StringValue>();
    command->set_value(text);
    request.command = command;
    request.correlation = ++correlation_;
    driver.random()->fill(request.id);
    if (idempotent) {
      request.id = *idempotent;
      request.fingerprint = fingerprint{};
      const auto digest = std::hash<std::string>{}(text);
      std::memcpy(request.fingerprint->data(), &digest, sizeof digest);
    }
    request.reply_to = inbox_;
    auto shard = at(node).routing->local(shard_of(key));
    if (!shard) return 0;
    caf::anon_send(shard, request);
    return correlation_;
  }

  /// Asks the shard's actor on a node for what is committed in its journal from a place on; what it says
  /// comes to be in `pages`.
  std::uint64_t ask_events(const std::string& node, shard_id shard, journal_place place) {
    place.kinds = {tally_decider::id};
    index_query query;
    query.limit = 1000;
    query.journal = std::move(place);
    query.correlation = ++correlation_;
    query.reply_to = inbox_;
    caf::anon_send(at(node).routing->local(shard), query);
    return correlation_;
  }
  /// The same of whoever serves, until it says something.
  index_page events(shard_id shard, journal_place place) {
    for (int tries = 0; tries < 100; ++tries) {
      if (!runs_until([&] { return !primary_of(shard).empty(); })) break;
      const auto correlation = ask_events(primary_of(shard), shard, place);
      runs_until([&] { return pages.contains(correlation); }, std::chrono::seconds{5});
      if (pages.contains(correlation) && pages[correlation].available) return pages[correlation];
      driver.advance(std::chrono::milliseconds{20});
    }
    ADD_FAILURE() << "shard " << shard << " shows no events";
    return {};
  }

  /// Asks whoever serves, again if it was not done, until there is an answer.
  response ask(const std::string& key, const std::string& text,
               std::optional<command_id> idempotent = std::nullopt) {
    for (int tries = 0; tries < 100; ++tries) {
      if (!runs_until([&] { return !primary_of(shard_of(key)).empty(); })) break;
      const auto correlation = send(primary_of(shard_of(key)), key, text, idempotent);
      runs_until([&] { return responses.contains(correlation); }, std::chrono::seconds{5});
      if (responses.contains(correlation) && responses[correlation].outcome != outcome::unavailable)
        return responses[correlation];
      driver.advance(std::chrono::milliseconds{20});  // as a gateway would
    }
    ADD_FAILURE() << key << " does not answer " << text;
    return {};
  }
  std::string read(const std::string& key) { return ask(key, "read").answer.body; }

  /// What the journal of a node has of a shard.
  std::vector<std::string> journal(const std::string& id, shard_id shard) {
    std::vector<std::string> records;
    at(id).storage->log().read(shard, 1, [&](const persistence::journal_entry& entry) {
      records.push_back(std::to_string(entry.index) + "@" + std::to_string(entry.epoch) + " " +
                        std::string{entry.payload});
      return true;
    });
    return records;
  }
  /// Where the copies of two nodes differ, in words; empty: nowhere.
  std::string difference(const std::string& one, const std::string& other, shard_id shard) {
    return testkit::difference(*at(one).storage, *at(other).storage, shard);
  }
  shard_record record(shard_id shard) {
    return *runtime::shard_of(model.value("/souk/test/shards/000" + std::to_string(shard)));
  }

  testkit::driver driver;
  coordination_model model;
  std::map<std::uint64_t, response> responses;
  std::map<std::uint64_t, index_page> pages;
  bool world_answers = true;

 private:
  void ask_coordinator(operator_command command, std::uint64_t correlation) {
    operator_request request;
    request.command = std::move(command);
    request.correlation = correlation;
    request.reply_to = inbox_;
    caf::anon_send(at(request.command.node).coordinator, request);
  }
  // Stands on a node for a shard that another one serves.
  caf::behavior elsewhere(caf::event_based_actor* self, const std::string& from, shard_id shard) {
    const auto there = [=, this]() -> caf::actor {
      const auto to = primary_of(shard);
      const bool reached = !to.empty() && linked(from, to) && !at(from).paused && !at(to).paused;
      return reached ? at(to).routing->local(shard) : caf::actor{};
    };
    return {[=](const stream_batch& batch) {
              if (const auto to = there()) self->send(to, batch);
            },
            [=](const stream_ack& ack) {
              if (const auto to = there()) self->send(to, ack);
            }};
  }
  // Takes what a node says to another, and brings it there a moment later.
  caf::actor carrier(const std::string& from, const std::string& to) {
    if (!linked(from, to)) return {};
    auto& carrier = carriers_[{from, to}];
    if (!carrier) {
      carrier = driver.system().spawn(
          [this, from, to](caf::event_based_actor* self, int) -> caf::behavior {
            return {[=, this](links::replica_message& message) {
              const bool lost = !linked(from, to) || at(from).paused || at(to).paused;
              if (lost) return;
              message.node = from;
              self->delayed_send(at(to).replicas.at(message.shard), std::chrono::microseconds{200}, message);
            }};
          },
          0);
    }
    return carrier;
  }
  void carry_question(const std::string& from, const ask_position& question) {
    const std::string to{node_of_member(question.member)};
    const bool reached = from == to || linked(from, to);
    if (!reached || at(from).paused || at(to).paused) return;
    caf::anon_send(at(to).replicas.at(question.shard), question);
  }
  void tell_link(const std::string& one, const std::string& other, bool up) {
    if (!at(one).up) return;
    for (const auto& replica : at(one).replicas)
      caf::anon_send(replica, link_news{other, up});
  }
  void tell_links(const std::string& id, bool up) {
    for (auto& [other, node] : nodes_) {
      if (other == id || (up && !linked(id, other))) continue;
      tell_link(other, id, up);
      tell_link(id, other, up);
    }
  }

  runtime::limits limits_;
  replication::limits replication_;
  entity_catalogue kinds_;
  std::map<std::string, node> nodes_;
  std::map<std::pair<std::string, std::string>, caf::actor> carriers_;
  std::set<std::pair<std::string, std::string>> parted_;
  caf::actor inbox_;
  std::uint64_t correlation_ = 0;
  std::uint64_t incarnations_ = 0;
  std::uint64_t disks_ = 0;
};

}  // namespace souk::runtime::testkit
