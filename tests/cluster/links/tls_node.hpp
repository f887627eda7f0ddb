#pragma once

#include "runtime/links/hub.hpp"
#include "runtime/links/tls_transport.hpp"
#include "tests/actor/tally.hpp"

#include <caf/all.hpp>

#include <google/protobuf/wrappers.pb.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace souk::cluster_test {

inline runtime::message_ptr text(std::string value) {
  auto message = std::make_shared<google::protobuf::StringValue>();
  message->set_value(std::move(value));
  return message;
}

/// What a node's actors have heard, for other threads to wait for.
struct heard {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<links::link_change> changes;
  std::vector<runtime::response> responses;
  std::uint64_t watermark = 0;  ///< Of our stream, at the other node.
  std::string wrong;            ///< What came in the wrong order.

  template <class What>
  void note(What what) {
    std::lock_guard lock{mutex};
    what();
    changed.notify_all();
  }
  /// Whether it comes true in time.
  bool wait(const std::function<bool()>& what, std::chrono::milliseconds within = std::chrono::seconds{10}) {
    std::unique_lock lock{mutex};
    return changed.wait_for(lock, within, what);
  }
};

/// A shard that answers every request, and acknowledges streams if nothing is missing; and one who asks.
inline caf::behavior answering(caf::event_based_actor* self, heard* heard, links::link_board* board,
                               const std::string& other) {
  auto last = std::make_shared<std::uint64_t>(0);
  return {
      [self](const runtime::request& request) {
        runtime::response response;
        response.correlation = request.correlation;
        response.answer.body = request.request_id;
        self->send(request.reply_to, std::move(response));
      },
      [=](const runtime::stream_batch& batch) {
        for (const auto& item : batch.items)
          if (item.number != ++*last) return;
        if (auto shard = board->shard(other, batch.from))
          self->send(shard, runtime::stream_ack{batch.to, batch.from, *last, {}});
      },
      [heard](const runtime::stream_ack& ack) { heard->note([&] { heard->watermark = ack.watermark; }); },
      [heard](const runtime::response& response) {
        heard->note([&] { heard->responses.push_back(response); });
      },
  };
}

/// One node's links, as a process has them.
class tls_node {
 public:
  tls_node(const std::string& id, const std::string& listen, const links::tls_files& files,
           const std::string& cluster, const links::remote_node& other, std::uint64_t incarnation)
      : transport_(links::make_tls_transport({.node = id, .listen = listen, .files = files, .limits = {}})) {
    kinds_.kinds[runtime::testkit::tally_decider::id] =
        std::make_shared<runtime::kind_of<runtime::testkit::tally_decider>>(
            runtime::testkit::tally_decider{});
    actor = system_.spawn(answering, &heard, &board, other.id);
    auto environment = std::make_shared<links::link_environment>();
    environment->self = {.cluster = cluster, .node = id, .incarnation = incarnation};
    environment->shard_count = 2;
    environment->kinds = &kinds_;
    environment->transport = transport_.get();
    environment->board = &board;
    environment->figures = &figures;
    environment->time = runtime::make_system_clock();
    environment->random = runtime::make_system_random();
    environment->local_shard = [shard = actor](links::shard_id) { return shard; };
    environment->local_replica = environment->local_shard;
    environment->local_node = [] { return caf::actor{}; };
    environment->on_change = [this](const links::link_change& change) {
      heard.note([&] { heard.changes.push_back(change); });
    };
    hub_ = system_.spawn(links::hub, std::shared_ptr<const links::link_environment>{environment});
    tell_of(other);
  }
  ~tls_node() {
    caf::anon_send_exit(hub_, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
    hub_ = nullptr;
    actor = nullptr;
    board.clear();
    // First the thread that calls actors, then the actors, then their system.
    transport_->stop();
    system_.await_all_actors_done();
  }
  tls_node(const tls_node&) = delete;
  tls_node& operator=(const tls_node&) = delete;

  void tell_of(const links::remote_node& other) { caf::anon_send(hub_, links::remote_nodes{{other}}); }
  std::uint16_t port() const { return transport_->port(); }

  /// Waits until the last change of the link is this one.
  bool link_is(bool up, std::chrono::milliseconds within = std::chrono::seconds{10}) {
    return heard.wait([&] { return !heard.changes.empty() && heard.changes.back().up == up; }, within);
  }

  /// Sends a request to the other node.
  void ask(const std::string& other, std::uint64_t correlation, std::string command = "add 1") {
    runtime::request request;
    request.to = {"main", runtime::testkit::tally_decider::id, "key"};
    request.command = text(std::move(command));
    request.request_id = std::to_string(correlation);
    request.correlation = correlation;
    request.reply_to = actor;
    caf::anon_send(board.shard(other, 0), std::move(request));
  }

  cluster_test::heard heard;
  links::link_board board;
  links::link_figures figures;
  caf::actor actor;

 private:
  runtime::entity_catalogue kinds_;
  std::unique_ptr<links::tls_transport> transport_;
  caf::actor_system_config config_;
  caf::actor_system system_{config_};
  caf::actor hub_;
};

}  // namespace souk::cluster_test
