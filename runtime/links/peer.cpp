#include "runtime/links/peer.hpp"

#include "runtime/telemetry/log.hpp"

#include <caf/send.hpp>

#include <algorithm>
#include <type_traits>
#include <utility>
#include <variant>

namespace souk::links {

namespace {

/// What a stamp may add to an envelope.
constexpr std::size_t stamp_bytes_max = 100;

constexpr std::size_t content_bytes_max = envelope_bytes_max - stamp_bytes_max;

std::chrono::milliseconds redial_wait(const link_limits& limits, unsigned failures, std::uint64_t random) {
  auto wait = limits.redial_first;
  for (unsigned n = 1; n < failures && wait < limits.redial_most; ++n)
    wait *= 2;
  wait = std::min(wait, limits.redial_most);
  const auto half = wait / 2;
  return half + std::chrono::milliseconds{random % static_cast<std::uint64_t>(half.count() + 1)};
}

}  // namespace

peer_life::~peer_life() {
  if (connection_) connection_->close();
}

caf::behavior peer_life::start(std::shared_ptr<const link_environment> environment, remote_node node,
                               std::vector<caf::actor> proxies) {
  environment_ = std::move(environment);
  node_ = std::move(node);
  proxies_ = std::move(proxies);
  questions_.emplace(environment_->random->next_u64(), environment_->limits.pending_max);
  self_->set_exit_handler([this](const caf::exit_msg& exit) {
    if (stage_ != stage::down) refuse("node " + environment_->self.node + " leaves");
    self_->quit(exit.reason);
  });
  ticked_at_ = now();
  self_->delayed_send(self_, environment_->limits.heartbeat_interval, link_tick{});
  if (dials()) dial();
  return {
      // CAF tries them one after the other: what comes often stands first.
      [this](const wire_event& wire) { take(wire); },
      [this](replica_message& message) { take(message); },
      [this](outgoing& freight) { take(freight); },
      [this](const node_question& question) { take(question); },
      [this](const node_answer& answer) {
        if (stage_ == stage::up)
          send(content(0, answer.correlation, node_reply{answer.answered, answer.content}));
      },
      [this](link_tick) { tick(); },
      [this](const greeted& dialled) { take(dialled); },
      [this](const redial& due) {
        if (due.generation == generation_ && stage_ == stage::down) dial();
      },
  };
}

// -- a connection's life -----------------------------------------------------------------------------

void peer_life::dial() {
  stage_ = stage::greeting;
  sent_ = received_ = 0;
  dialled_at_ = now();
  ++generation_;
  connection_ = environment_->transport->dial(node_.address, sink());
}

connection_sink peer_life::sink() {
  return [self = caf::actor_cast<caf::actor>(self_), generation = generation_](connection_event event) {
    caf::anon_send(self, wire_event{generation, std::make_shared<const connection_event>(std::move(event))});
  };
}

void peer_life::take(const wire_event& wire) {
  if (wire.generation != generation_ || stage_ == stage::down) return;
  const auto& event = *wire.event;
  switch (event.what) {
    case connection_event::type::opened:
      if (event.name != node_.id)
        return lose("at " + node_.address + " is not node " + node_.id + " but " + event.name);
      return send(content(0, 0, introduction(environment_->self, node_.id)));
    case connection_event::type::closed:
      return lose(event.reason);
    case connection_event::type::received:
      break;
  }
  heard_at_ = now();
  for (const auto& envelope : event.envelopes) {
    take_envelope(envelope);
    if (wire.generation != generation_ || stage_ == stage::down) return;
  }
  if (event.bytes > 0) connection_->consumed(event.bytes);
}

void peer_life::take(const greeted& dialled) {
  if (stage_ != stage::down) lose("node " + node_.id + " dialled again");
  ++generation_;
  connection_ = dialled.connection;
  sent_ = 0;
  received_ = 1;
  stage_ = stage::greeting;
  connection_->adopt(sink());
  send(content(0, 0, introduction(environment_->self, {})));
  begin(dialled.version, dialled.theirs.incarnation);
}

void peer_life::begin(std::uint32_t version, std::uint64_t incarnation) {
  stage_ = stage::up;
  version_ = version;
  incarnation_ = incarnation;
  heard_at_ = now();
  failures_ = 0;
  told_.clear();
  told_not_understood_ = false;
  environment_->board->change(node_.id, [&](link_board::line& line) {
    line.up = true;
    line.incarnation = incarnation;
    line.version = version;
  });
  for (const auto& proxy : proxies_)
    self_->send(proxy, link_is{true, caf::actor_cast<caf::actor>(self_)});
  if (environment_->on_change) environment_->on_change({node_.id, true, incarnation_, {}});
  log::info("link is up", {{"node", node_.id}, {"incarnation", incarnation_}, {"version", version_}});
}

void peer_life::lose(const std::string& reason) {
  connection_->close();
  down(reason);
}

void peer_life::refuse(const std::string& reason) {
  send(content(0, 0, goodbye{reason}));
  connection_->finish();
  down(reason);
}

void peer_life::down(const std::string& reason) {
  const bool was_up = stage_ == stage::up;
  stage_ = stage::down;
  connection_ = nullptr;
  ++generation_;
  environment_->board->change(node_.id, [&](link_board::line& line) {
    line.up = false;
    line.last_loss = reason;
  });
  for (const auto& question : questions_->take_all())
    self_->send(question.reply_to, node_answer{question.correlation, false, {}});
  if (was_up) {
    ++environment_->figures->links_lost;
    for (const auto& proxy : proxies_)
      self_->send(proxy, link_is{});
    if (environment_->on_change) environment_->on_change({node_.id, false, incarnation_, reason});
  }
  // A node that is gone for long is dialled every second, and told of once.
  if (was_up || reason != told_) {
    log::warn(was_up ? "link is lost" : "link cannot be made", {{"node", node_.id}, {"why", reason}});
    told_ = reason;
  }
  if (!dials()) return;
  const auto wait = redial_wait(environment_->limits, ++failures_, environment_->random->next_u64());
  self_->delayed_send(self_, wait, redial{generation_});
}

void peer_life::tick() {
  const auto& limits = environment_->limits;
  const auto time = now();
  // If it was us who stood still, what the others said meanwhile may not have been read yet.
  if (time - std::exchange(ticked_at_, time) > limits.loss_timeout / 2) heard_at_ = time;
  if (stage_ == stage::up) {
    if (time - heard_at_ > limits.loss_timeout) {
      lose("silent for " +
           std::to_string(std::chrono::floor<std::chrono::milliseconds>(time - heard_at_).count()) + " ms");
    } else if (sent_ == sent_at_tick_) {
      send(content(0, 0, heartbeat{}));
    }
  } else if (stage_ == stage::greeting && time - dialled_at_ > limits.handshake_timeout) {
    lose("no greeting in time");
  }
  sent_at_tick_ = sent_;
  for (const auto& question : questions_->take_expired(time))
    self_->send(question.reply_to, node_answer{question.correlation, false, {}});
  self_->delayed_send(self_, limits.heartbeat_interval, link_tick{});
}

// -- what comes in -----------------------------------------------------------------------------------

void peer_life::take_envelope(const std::string& bytes) {
  ++environment_->figures->envelopes_received;
  environment_->figures->bytes_received += bytes.size();
  auto read = decode(bytes, *environment_->kinds);
  if (const auto* nothing = std::get_if<garbage>(&read)) return lose(nothing->reason);
  if (const auto* strange = std::get_if<not_understood>(&read)) {
    if (!in_sequence(strange->stamp)) return;
    if (stage_ != stage::up) return refuse("a greeting that is none: " + strange->reason);
    return say_not_understood(strange->shard, strange->correlation, strange->reason);
  }
  auto& arrived = std::get<arrival>(read);
  if (!in_sequence(arrived.stamp)) return;
  if (stage_ == stage::greeting) return greet(arrived);
  hand_on(arrived);
}

/// An envelope that is missing or of another process means that something is wrong with the connection.
bool peer_life::in_sequence(const stamp& stamp) {
  ++received_;
  if (stamp.sequence != received_) {
    lose("envelope " + std::to_string(stamp.sequence) + " came in the place of " + std::to_string(received_));
    return false;
  }
  if (stage_ == stage::up && stamp.incarnation != incarnation_) {
    lose("an envelope of another incarnation");
    return false;
  }
  return true;
}

void peer_life::greet(arrival& arrived) {
  if (const auto* why = std::get_if<goodbye>(&arrived.payload)) return lose("refused there: " + why->reason);
  const auto* theirs = std::get_if<hello>(&arrived.payload);
  if (theirs == nullptr) return refuse("a greeting was expected");
  // Whose certificate it is was checked when the connection was opened.
  const auto agreed = agree(environment_->self, *theirs, node_.id);
  if (agreed.version == 0) return refuse(agreed.refusal);
  begin(agreed.version, theirs->incarnation);
}

void peer_life::hand_on(arrival& arrived) {
  if (arrived.shard >= proxies_.size())
    return say_not_understood(arrived.shard, arrived.correlation, "there is no such shard");
  std::visit(
      [&](auto& payload) {
        using kind = std::decay_t<decltype(payload)>;
        const auto& proxy = proxies_[arrived.shard];
        if constexpr (std::is_same_v<kind, heartbeat>) {
          // It was heard: that is all.
        } else if constexpr (std::is_same_v<kind, hello>) {
          lose("a second greeting");
        } else if constexpr (std::is_same_v<kind, goodbye>) {
          lose("it said goodbye: " + payload.reason);
        } else if constexpr (std::is_same_v<kind, refusal>) {
          log::error("another node does not understand what it was sent",
                     {{"node", node_.id}, {"shard", arrived.shard}, {"why", payload.reason}});
          self_->send(proxy, refused_there{arrived.correlation, std::move(payload.reason)});
        } else if constexpr (std::is_same_v<kind, runtime::response>) {
          self_->send(proxy, answer_arrived{std::move(payload)});
        } else if constexpr (std::is_same_v<kind, runtime::index_page>) {
          self_->send(proxy, page_arrived{std::move(payload)});
        } else {
          hand_on(arrived, payload);
        }
      },
      arrived.payload);
}

void peer_life::hand_on(arrival& arrived, runtime::request& request) {
  auto shard = environment_->local_shard(arrived.shard);
  if (!shard) {
    return send(content(arrived.shard, arrived.correlation,
                        runtime::response{arrived.correlation, runtime::outcome::unavailable, {}, {}}));
  }
  request.reply_to = proxies_[arrived.shard];
  if (arrived.deadline.count() > 0) request.deadline = now() + arrived.deadline;
  self_->send(shard, std::move(request));
}

void peer_life::hand_on(arrival& arrived, runtime::index_query& query) {
  auto shard = environment_->local_shard(arrived.shard);
  if (!shard) {
    return send(content(arrived.shard, arrived.correlation,
                        runtime::index_page{arrived.correlation, false, {}, false}));
  }
  query.reply_to = proxies_[arrived.shard];
  self_->send(shard, std::move(query));
}

void peer_life::hand_on(arrival& arrived, runtime::stream_batch& batch) {
  if (auto shard = environment_->local_shard(arrived.shard)) self_->send(shard, std::move(batch));
}

void peer_life::hand_on(arrival& arrived, runtime::stream_ack& ack) {
  if (auto shard = environment_->local_shard(arrived.shard)) self_->send(shard, std::move(ack));
}

void peer_life::hand_on(arrival& arrived, replication& message) {
  if (auto replica = environment_->local_replica(arrived.shard))
    self_->send(replica, replica_message{arrived.shard, node_.id, std::move(message.content)});
}

void peer_life::hand_on(arrival& arrived, node_call& call) {
  auto node = environment_->local_node();
  if (!node) return send(content(0, arrived.correlation, node_reply{false, {}}));
  self_->send(node, node_question{std::move(call.name), std::move(call.content), arrived.correlation,
                                  caf::actor_cast<caf::actor>(self_)});
}

void peer_life::hand_on(arrival& arrived, node_reply& reply) {
  if (auto question = questions_->take(arrived.correlation))
    self_->send(question->reply_to,
                node_answer{question->correlation, reply.answered, std::move(reply.content)});
}

void peer_life::say_not_understood(shard_id shard, std::uint64_t correlation, const std::string& reason) {
  ++environment_->figures->not_understood;
  if (!std::exchange(told_not_understood_, true))
    log::error("an envelope is not understood", {{"node", node_.id}, {"shard", shard}, {"why", reason}});
  send(content(shard, correlation, refusal{reason}));
}

// -- what goes out -----------------------------------------------------------------------------------

void peer_life::take(outgoing& freight) {
  const bool request = freight.freight == freight::request;
  auto refuse_it = [&](std::string reason) {
    ++environment_->figures->requests_refused;
    self_->send(proxies_[freight.shard], not_sent{freight.correlation, std::move(reason)});
  };
  if (stage_ != stage::up) {
    if (request) refuse_it("the link is down");
    return;
  }
  if (freight.content.size() > content_bytes_max) {
    if (request) return refuse_it("too long for one envelope");
    // Whoever waits for it must not wait for ever, and who repeats it would do so for ever.
    return lose("an envelope of " + std::to_string(freight.content.size()) + " bytes for shard " +
                std::to_string(freight.shard) + " is too long");
  }
  const auto most = environment_->limits.send_queue_bytes_max;
  const auto queued = connection_->queued_bytes() + freight.content.size();
  if (request && queued > most) return refuse_it("too much waits to be sent");
  if (queued > most + most / 2) return lose("too much waits to be sent");
  send(freight.content);
}

void peer_life::take(replica_message& message) {
  if (stage_ != stage::up || message.content.size() > content_bytes_max ||
      connection_->queued_bytes() + message.content.size() > environment_->limits.send_queue_bytes_max) {
    ++environment_->figures->replica_messages_dropped;
    return;
  }
  send(content(message.shard, 0, replication{std::move(message.content)}));
}

void peer_life::take(const node_question& question) {
  if (stage_ != stage::up || questions_->full() || question.content.size() > content_bytes_max ||
      connection_->queued_bytes() > environment_->limits.send_queue_bytes_max) {
    self_->send(question.reply_to, node_answer{question.correlation, false, {}});
    return;
  }
  const auto number = questions_->add({question.reply_to, question.correlation},
                                      now() + environment_->limits.pending_timeout);
  send(content(0, number, node_call{question.name, question.content}));
}

void peer_life::send(std::string_view content) {
  const auto version = version_ == 0 ? environment_->self.highest_version : version_;
  const auto stamp = stamped({version, environment_->self.node, environment_->self.incarnation, ++sent_});
  ++environment_->figures->envelopes_sent;
  environment_->figures->bytes_sent += stamp.size() + content.size();
  connection_->send(stamp, content);
}

caf::behavior peer(peer_actor* self, std::shared_ptr<const link_environment> environment, remote_node node,
                   std::vector<caf::actor> proxies) {
  return self->state.start(std::move(environment), std::move(node), std::move(proxies));
}

}  // namespace souk::links
