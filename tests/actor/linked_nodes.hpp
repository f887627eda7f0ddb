#pragma once

#include "runtime/links/hub.hpp"
#include "runtime/testkit/driver.hpp"
#include "runtime/testkit/network.hpp"
#include "tests/actor/tally.hpp"

#include <caf/all.hpp>

#include <google/protobuf/wrappers.pb.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace souk::testing {

inline runtime::message_ptr text(const std::string& value) {
  auto message = std::make_shared<google::protobuf::StringValue>();
  message->set_value(value);
  return message;
}

inline runtime::entity_catalogue tally_kinds() {
  runtime::entity_catalogue catalogue;
  catalogue.kinds[runtime::testkit::tally_decider::id] =
      std::make_shared<runtime::kind_of<runtime::testkit::tally_decider>>(runtime::testkit::tally_decider{});
  return catalogue;
}

/// What the actors of one node have received, in order.
struct received {
  std::vector<runtime::request> requests;
  std::vector<runtime::index_query> queries;
  std::vector<runtime::stream_batch> batches;
  std::vector<runtime::stream_ack> acks;
  std::vector<links::replica_message> replica_messages;
  std::vector<links::node_question> questions;
  std::vector<runtime::response> responses;
  std::vector<runtime::index_page> pages;
  std::vector<links::node_answer> answers;
  std::vector<links::link_change> changes;
};

/// Plays all roles of a node behind its links: shard, replica, node, and who asks.
inline caf::behavior everything(caf::event_based_actor* self, std::shared_ptr<received> seen,
                                const bool* answering) {
  return {
      [=](const runtime::request& request) {
        seen->requests.push_back(request);
        if (!*answering) return;
        runtime::response response;
        response.correlation = request.correlation;
        response.answer.body = "done by " + request.request_id;
        self->send(request.reply_to, std::move(response));
      },
      [=](const runtime::index_query& query) {
        seen->queries.push_back(query);
        if (*answering)
          self->send(query.reply_to, runtime::index_page{query.correlation, true, {{"k", "v"}}, true});
      },
      [=](const runtime::stream_batch& batch) { seen->batches.push_back(batch); },
      [=](const runtime::stream_ack& ack) { seen->acks.push_back(ack); },
      [=](const links::replica_message& message) { seen->replica_messages.push_back(message); },
      [=](const links::node_question& question) {
        seen->questions.push_back(question);
        if (*answering)
          self->send(question.reply_to,
                     links::node_answer{question.correlation, true, "about " + question.name});
      },
      [=](const runtime::response& response) { seen->responses.push_back(response); },
      [=](const runtime::index_page& page) { seen->pages.push_back(page); },
      [=](const links::node_answer& answer) { seen->answers.push_back(answer); },
  };
}

/// One node's links, over a simulated network.
struct linked_node {
  std::string id;
  std::shared_ptr<received> seen = std::make_shared<received>();
  bool answering = true;
  bool shards_here = true;
  caf::actor actor;
  links::link_board board;
  links::link_figures figures;
  std::unique_ptr<links::transport> transport;
  std::shared_ptr<links::link_environment> environment = std::make_shared<links::link_environment>();
  caf::actor hub;

  caf::actor shard(const std::string& node, links::shard_id shard = 1) const {
    return board.shard(node, shard);
  }
};

/// Nodes that share a thread, a clock and a network.
class linked_nodes {
 public:
  using ms = std::chrono::milliseconds;

  explicit linked_nodes(std::uint64_t seed = 1)
      : driver(seed), network([time = driver.time()] { return time->steady(); }) {}
  ~linked_nodes() {
    for (auto& node : nodes_)
      kill(*node);
    pass(ms{10});
  }

  static std::string address_of(const std::string& id) { return id + ":7000"; }

  /// A process starts. It is told of the others by `acquaint`.
  linked_node& start(
      const std::string& id, const std::function<void(links::link_environment&)>& change = [](auto&) {},
      const std::string& certified = {}) {
    auto& node = *nodes_.emplace_back(std::make_unique<linked_node>());
    node.id = id;
    node.actor = driver.system().spawn(everything, node.seen, &node.answering);
    node.transport = network.start(id, address_of(id), certified);
    auto& environment = *node.environment;
    environment.self = {.cluster = "souk", .node = id, .incarnation = ++last_incarnation_};
    environment.shard_count = 4;
    environment.kinds = &kinds_;
    environment.transport = node.transport.get();
    environment.board = &node.board;
    environment.figures = &node.figures;
    environment.time = driver.time();
    environment.random = driver.random();
    environment.local_shard = [&node](links::shard_id) {
      return node.shards_here ? node.actor : caf::actor{};
    };
    environment.local_replica = environment.local_shard;
    environment.local_node = [&node] { return node.shards_here ? node.actor : caf::actor{}; };
    environment.on_change = [seen = node.seen](const links::link_change& change) {
      seen->changes.push_back(change);
    };
    change(environment);
    node.hub =
        driver.system().spawn(links::hub, std::shared_ptr<const links::link_environment>{node.environment});
    return node;
  }

  /// Tells a node of others.
  void acquaint(linked_node& node, const std::vector<std::string>& others) {
    links::remote_nodes news;
    for (const auto& id : others)
      news.nodes.push_back({id, address_of(id)});
    caf::anon_send(node.hub, news);
  }

  /// Its process ends.
  void kill(linked_node& node) {
    if (!node.transport) return;
    network.kill(node.id);
    caf::anon_send_exit(node.hub, caf::exit_reason::kill);
    caf::anon_send_exit(node.actor, caf::exit_reason::kill);
    driver.settle();
    node.hub = node.actor = nullptr;
    node.board.clear();
    node.transport.reset();
  }

  void pass(ms time) {
    const auto until = driver.time()->steady() + time;
    for (;;) {
      driver.settle();
      while (network.deliver())
        driver.settle();
      if (driver.time()->steady() >= until) return;
      driver.advance(ms{1});
    }
  }

  /// Whether it comes true within this time.
  bool comes_true(const std::function<bool()>& what, ms within) {
    for (ms passed{0}; passed <= within; ++passed) {
      if (what()) return true;
      pass(ms{1});
    }
    return what();
  }

  runtime::request request(const linked_node& from, std::uint64_t correlation, bool read_only = false) {
    runtime::request request;
    request.to = {"main", runtime::testkit::tally_decider::id, "key"};
    request.command = text("add 1");
    request.id.fill(7);
    request.request_id = "request " + std::to_string(correlation);
    request.read_only = read_only;
    request.correlation = correlation;
    request.reply_to = from.actor;
    return request;
  }
  void ask(const linked_node& from, const std::string& of, std::uint64_t correlation,
           bool read_only = false) {
    caf::anon_send(from.shard(of), request(from, correlation, read_only));
  }

  runtime::testkit::driver driver;
  runtime::testkit::network network;

 private:
  runtime::entity_catalogue kinds_ = tally_kinds();
  std::vector<std::unique_ptr<linked_node>> nodes_;
  std::uint64_t last_incarnation_ = 100;
};

}  // namespace souk::testing
