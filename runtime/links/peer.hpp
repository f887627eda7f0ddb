#pragma once

#include "runtime/links/environment.hpp"
#include "runtime/links/messages.hpp"
#include "runtime/links/pending.hpp"

#include <caf/behavior.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/stateful_actor.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace souk::links {

/// The link to one other node: one connection at a time, made by the node whose id sorts first, made again
/// for as long as this actor lives. It greets, says that it lives, notices when the other one is silent,
/// sends what the proxies give it and hands on what arrives.
class peer_life {
 public:
  static inline const char* name = "link";
  explicit peer_life(caf::event_based_actor* self) : self_(self) {}
  ~peer_life();
  peer_life(const peer_life&) = delete;
  peer_life& operator=(const peer_life&) = delete;

  /// `proxies`: of the other node's shards, by shard.
  caf::behavior start(std::shared_ptr<const link_environment> environment, remote_node node,
                      std::vector<caf::actor> proxies);

 private:
  enum class stage : std::uint8_t { down, greeting, up };
  struct question {
    caf::actor reply_to;
    std::uint64_t correlation = 0;
  };

  bool dials() const { return environment_->self.node < node_.id; }
  std::chrono::nanoseconds now() const { return environment_->time->steady(); }

  // A connection's life.
  void dial();
  connection_sink sink();
  void take(const wire_event& wire);
  void take(const greeted& dialled);
  void begin(std::uint32_t version, std::uint64_t incarnation);
  void lose(const std::string& reason);
  void refuse(const std::string& reason);
  void down(const std::string& reason);
  void tick();

  // What comes in.
  void take_envelope(const std::string& bytes);
  bool in_sequence(const stamp& stamp);
  void greet(arrival& arrived);
  void hand_on(arrival& arrived);
  void hand_on(arrival& arrived, runtime::request& request);
  void hand_on(arrival& arrived, runtime::index_query& query);
  void hand_on(arrival& arrived, runtime::stream_batch& batch);
  void hand_on(arrival& arrived, runtime::stream_ack& ack);
  void hand_on(arrival& arrived, replication& message);
  void hand_on(arrival& arrived, node_call& call);
  void hand_on(arrival& arrived, node_reply& reply);
  void say_not_understood(shard_id shard, std::uint64_t correlation, const std::string& reason);

  // What goes out.
  void take(outgoing& freight);
  void take(replica_message& message);
  void take(const node_question& question);
  void send(std::string_view content);

  caf::event_based_actor* self_;
  std::shared_ptr<const link_environment> environment_;
  remote_node node_;
  std::vector<caf::actor> proxies_;

  stage stage_ = stage::down;
  connection_ptr connection_;
  std::uint64_t generation_ = 0;  // of the connection
  std::uint32_t version_ = 0;
  std::uint64_t incarnation_ = 0;  // of the other process
  std::uint64_t sent_ = 0;         // envelopes, on this connection
  std::uint64_t received_ = 0;
  std::chrono::nanoseconds dialled_at_{0};
  std::chrono::nanoseconds heard_at_{0};
  std::chrono::nanoseconds ticked_at_{0};
  std::uint64_t sent_at_tick_ = 0;
  unsigned failures_ = 0;  // since the link was last up
  std::string told_;       // the last failure that operators heard of
  bool told_not_understood_ = false;
  std::optional<pending<question>> questions_;
};

using peer_actor = caf::stateful_actor<peer_life>;
caf::behavior peer(peer_actor* self, std::shared_ptr<const link_environment> environment, remote_node node,
                   std::vector<caf::actor> proxies);

}  // namespace souk::links
