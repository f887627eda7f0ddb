#include "runtime/testkit/network.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <utility>
#include <vector>

namespace souk::runtime::testkit {

using links::connection_event;
using links::connection_ptr;

namespace {

constexpr std::chrono::microseconds usual_latency{100};

}  // namespace

class simulated_connection;
class simulated_transport;

/// All that there is of a network; connections may outlive it.
struct network::core {
  using way = std::pair<std::string, std::string>;
  using work = std::function<void()>;

  std::function<time()> now;
  std::multimap<time, work> queue;  // equal times: in the order of their sending
  std::map<way, time> latencies;
  std::map<way, time> last_due;
  std::map<way, std::deque<work>> waiting;  // of ways that are cut
  std::map<way, std::size_t> losing;
  std::set<way> swapping;
  std::uint64_t envelopes = 0;
  std::optional<std::uint64_t> reset_at;  // the number of an envelope
  std::map<way, work> swapped;
  std::map<std::string, simulated_transport*> transports;  // by address
  std::vector<std::weak_ptr<simulated_connection>> connections;

  void send(const way& way, work work) {
    if (const auto cut = waiting.find(way); cut != waiting.end()) {
      cut->second.push_back(std::move(work));
      return;
    }
    const auto latency = latencies.find(way);
    const auto due = now() + (latency == latencies.end() ? time{usual_latency} : latency->second);
    auto& last = last_due[way];
    last = std::max(last, due);
    queue.emplace(last, std::move(work));
  }

  /// Whether nothing happens this way to what is sent now, but that it takes its time.
  bool is_plain(const way& way) const {
    return !waiting.contains(way) && !losing.contains(way) && !swapping.contains(way) &&
           !swapped.contains(way);
  }

  /// Of an envelope: what else may happen to it.
  void send_envelope(const way& way, work work) {
    if (auto losing_here = losing.find(way); losing_here != losing.end()) {
      if (--losing_here->second == 0) losing.erase(losing_here);
      return;
    }
    if (swapping.erase(way) > 0) {
      swapped.emplace(way, std::move(work));
      return;
    }
    send(way, std::move(work));
    if (auto first = swapped.extract(way)) send(way, std::move(first.mapped()));
  }
};

/// One end of a connection.
class simulated_connection final : public links::connection,
                                   public std::enable_shared_from_this<simulated_connection> {
 public:
  simulated_connection(std::shared_ptr<network::core> core, std::string node, std::string other)
      : core_(std::move(core)), node_(std::move(node)), other_(std::move(other)) {}

  void send(std::string_view stamp, std::string_view content) override {
    if (ended_ || finishing_) return;
    auto envelope = std::string{stamp};
    envelope += content;
    if (core_->reset_at == core_->envelopes++) {
      if (auto remote = remote_.lock()) remote->fail("it was reset");
      return fail("it was reset");
    }
    queued_ += envelope.size();
    const network::core::way way{node_, other_};
    const bool plain = core_->is_plain(way);
    const bool joins = plain && flight_ && !flight_->over && flight_->began == core_->now();
    auto flight = joins ? flight_ : std::make_shared<simulated_connection::flight>(core_->now());
    flight->event.bytes += envelope.size();
    flight->event.envelopes.push_back(std::move(envelope));
    if (joins) return;
    // The first one is read alone, by whoever finds out who is there.
    flight_ = plain && std::exchange(greeted_, true) ? flight : nullptr;
    core_->send_envelope(way, [self = shared_from_this(), flight = std::move(flight)] {
      flight->over = true;
      self->queued_ -= flight->event.bytes;
      if (self->ended_) return;
      if (auto remote = self->remote_.lock()) remote->happen(std::move(flight->event));
    });
  }

  std::size_t queued_bytes() const override { return queued_; }
  void consumed(std::size_t) override {}

  void adopt(links::connection_sink sink) override {
    sink_ = std::move(sink);
    for (auto& event : std::exchange(unseen_, {}))
      happen(std::move(event));
  }

  void close() override {
    if (std::exchange(ended_, true)) return;
    sink_ = nullptr;
    say_closed("it was closed");
  }

  void finish() override {
    if (ended_ || std::exchange(finishing_, true)) return;
    sink_ = nullptr;
    say_closed("it was closed");
  }

  /// What the other end, or the network, does to this one.
  void happen(connection_event event) {
    if (ended_ || finishing_) return;
    if (event.what == connection_event::type::closed) ended_ = true;
    if (!sink_) {
      unseen_.push_back(std::move(event));
      return;
    }
    const bool first = stranger_ && event.what == connection_event::type::received;
    sink_(std::move(event));
    if (first) {  // the rest waits until it is adopted
      stranger_ = false;
      sink_ = nullptr;
    }
    if (ended_) sink_ = nullptr;
  }

  void fail(const std::string& reason) {
    happen({.what = connection_event::type::closed, .name = {}, .envelopes = {}, .reason = reason});
  }

  bool between(const std::string& one, const std::string& other) const {
    return (node_ == one && other_ == other) || (node_ == other && other_ == one);
  }
  const std::string& node() const { return node_; }
  const std::string& other() const { return other_; }
  bool ended() const { return ended_; }

 private:
  friend class simulated_transport;

  /// What is sent at the same time and arrives together, as one read of a socket has it.
  struct flight {
    explicit flight(network::time now) : began(now) {}
    network::time began;
    connection_event event{.what = connection_event::type::received};
    bool over = false;
  };

  void say_closed(const std::string& reason) {
    core_->send({node_, other_}, [self = shared_from_this(), reason] {
      self->ended_ = true;
      if (auto remote = self->remote_.lock()) remote->fail(reason);
    });
  }

  std::shared_ptr<network::core> core_;
  std::string node_;
  std::string other_;
  std::weak_ptr<simulated_connection> remote_;
  links::connection_sink sink_;
  std::vector<connection_event> unseen_;
  bool stranger_ = false;
  bool ended_ = false;
  bool finishing_ = false;
  bool greeted_ = false;
  std::size_t queued_ = 0;
  std::shared_ptr<flight> flight_;  // the last one; null: nothing joins it
};

class simulated_transport final : public links::transport {
 public:
  simulated_transport(std::shared_ptr<network::core> core, std::string node, std::string address,
                      const std::string& certified)
      : core_(std::move(core)), node_(std::move(node)), address_(std::move(address)), certified_(certified) {
    core_->transports[address_] = this;
  }
  ~simulated_transport() override { leave(); }
  simulated_transport(const simulated_transport&) = delete;
  simulated_transport& operator=(const simulated_transport&) = delete;

  void accept(links::accept_sink sink) override { accept_ = std::move(sink); }

  connection_ptr dial(const std::string& address, links::connection_sink sink) override {
    // A way is known by the nodes at its ends; nobody is at an address that nobody has.
    const auto found = core_->transports.find(address);
    const auto other = found == core_->transports.end() ? address : found->second->node_;
    auto dialled = std::make_shared<simulated_connection>(core_, node_, other);
    dialled->sink_ = std::move(sink);
    keep(dialled);
    core_->send({node_, other}, [core = core_, dialled, address, certified = certified_] {
      const auto listening = core->transports.find(address);
      if (listening == core->transports.end() || !listening->second->accept_) {
        core->send({dialled->other_, dialled->node_}, [dialled] { dialled->fail("nobody listens"); });
      } else {
        listening->second->welcome(dialled, certified);
      }
    });
    return dialled;
  }

  const std::string& node() const { return node_; }

  /// The process ends.
  void leave() {
    if (const auto self = core_->transports.find(address_);
        self != core_->transports.end() && self->second == this)
      core_->transports.erase(self);
    accept_ = nullptr;
    auto connections = core_->connections;
    for (const auto& weak : connections) {
      auto connection = weak.lock();
      if (connection && connection->node() == node_) connection->close();
    }
  }

 private:
  void keep(const std::shared_ptr<simulated_connection>& connection) {
    std::erase_if(core_->connections, [](const auto& weak) { return weak.expired(); });
    std::erase_if(strangers_, [](const auto& stranger) { return stranger->ended_ || !stranger->stranger_; });
    core_->connections.push_back(connection);
  }

  void welcome(const std::shared_ptr<simulated_connection>& dialled, const std::string& certified) {
    auto here = std::make_shared<simulated_connection>(core_, node_, dialled->node_);
    here->stranger_ = true;
    here->remote_ = dialled;
    dialled->remote_ = here;
    here->sink_ = [weak = std::weak_ptr<simulated_connection>{here}, this](connection_event event) {
      if (auto connection = weak.lock(); connection && accept_) accept_(connection, std::move(event));
    };
    keep(here);
    strangers_.push_back(here);
    here->happen({.what = connection_event::type::opened, .name = certified});
    core_->send({node_, dialled->node_}, [dialled, here, name = certified_] {
      if (!here->ended_) dialled->happen({.what = connection_event::type::opened, .name = name});
    });
  }

  std::shared_ptr<network::core> core_;
  std::string node_;
  std::string address_;
  std::string certified_;
  links::accept_sink accept_;
  std::vector<std::shared_ptr<simulated_connection>> strangers_;  // nobody else holds them yet
};

network::network(std::function<time()> now) : core_(std::make_shared<core>()) { core_->now = std::move(now); }

network::~network() {
  core_->queue.clear();
  core_->waiting.clear();
  core_->swapped.clear();
}

std::unique_ptr<links::transport> network::start(const std::string& node, const std::string& address,
                                                 const std::string& certified) {
  return std::make_unique<simulated_transport>(core_, node, address, certified.empty() ? node : certified);
}

void network::kill(const std::string& node) {
  std::vector<simulated_transport*> leaving;
  for (const auto& [_, transport] : core_->transports)
    if (transport->node() == node) leaving.push_back(transport);
  for (auto* transport : leaving)
    transport->leave();
}

void network::delay(const std::string& from, const std::string& to, time latency) {
  core_->latencies[{from, to}] = latency;
}

void network::cut(const std::string& from, const std::string& to) { core_->waiting[{from, to}]; }

void network::open(const std::string& from, const std::string& to) {
  auto freed = core_->waiting.extract({from, to});
  if (!freed) return;
  for (auto& work : freed.mapped())
    core_->send({from, to}, std::move(work));
}

void network::part(const std::string& one, const std::string& other) {
  cut(one, other);
  cut(other, one);
}

void network::join(const std::string& one, const std::string& other) {
  open(one, other);
  open(other, one);
}

void network::reset(const std::string& one, const std::string& other) {
  auto connections = core_->connections;
  for (const auto& weak : connections)
    if (auto connection = weak.lock(); connection && connection->between(one, other))
      connection->fail("it was reset");
}

void network::reset_at(std::uint64_t envelopes) { core_->reset_at = core_->envelopes + envelopes; }

std::uint64_t network::envelopes() const { return core_->envelopes; }

void network::lose(const std::string& from, const std::string& to, std::size_t envelopes) {
  core_->losing[{from, to}] = envelopes;
}

void network::swap(const std::string& from, const std::string& to) { core_->swapping.insert({from, to}); }

bool network::deliver() {
  bool any = false;
  while (!core_->queue.empty() && core_->queue.begin()->first <= core_->now()) {
    auto next = core_->queue.extract(core_->queue.begin());
    next.mapped()();
    any = true;
  }
  return any;
}

std::optional<network::time> network::next_due() const {
  if (core_->queue.empty()) return std::nullopt;
  return core_->queue.begin()->first;
}

}  // namespace souk::runtime::testkit
