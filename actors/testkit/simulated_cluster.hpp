#pragma once

#include "actors/gateway/hold_limits.hpp"
#include "actors/gateway/http.hpp"
#include "actors/nats/stream_link.hpp"
#include "actors/payment/provider_ledger.hpp"
#include "actors/payment/test_provider.hpp"
#include "actors/shop/shop.hpp"
#include "actors/testkit/simulated_http.hpp"
#include "actors/webhook/courier.hpp"
#include "runtime/limits.hpp"
#include "runtime/telemetry/spans.hpp"
#include "runtime/testkit/coordination_model.hpp"
#include "runtime/testkit/copies.hpp"
#include "runtime/testkit/disk.hpp"
#include "runtime/testkit/fleet.hpp"
#include "runtime/testkit/network.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace souk::gateway {
class access_tokens;
}

namespace souk::testkit {

struct cluster_options {
  std::size_t nodes = 3;  ///< Called "a", "b", "c", ...
  std::uint16_t shard_count = 4;
  std::uint32_t replicas = 3;
  std::uint32_t min_in_sync = 2;
  bool real_disks = false;  ///< Storage is LMDB in a temporary folder in place of memory.
  /// Gets the spans of traces that clients record. Null: nobody wants them.
  std::shared_ptr<telemetry::span_sink> spans;
  bool keep_records = false;  ///< Disks remember what is trimmed from their journals.
  runtime::limits limits;
  shop::shop_options shop;
  gateway::hold_limits hold_limits;
  std::shared_ptr<gateway::access_tokens> tokens;  ///< Null: none are taken.
  /// The way to receivers of webhooks, from a node. Empty: nothing is sent.
  std::function<std::shared_ptr<webhook::courier>(const std::string& node)> courier;
  /// The way to NATS, from a node. Empty: nothing is published.
  std::function<std::shared_ptr<nats::stream_link>(const std::string& node)> stream_link;
};

/// A whole cluster in one thread, driven by one number: the nodes as they are in production, from their
/// gateways to their journals, on simulated disks, in virtual time; between them a network, beside them a
/// coordination store and a payment provider. All of these fail when they are told to.
///
///     simulated_cluster shop{seed};
///     shop.stock("TEA", 50);
///     shop.crash("b");
///     auto answer = shop.call("c", "GET", "/v1/variants/TEA");
class simulated_cluster {
 public:
  using point_counts = std::map<std::string_view, std::uint64_t>;
  using milliseconds = std::chrono::milliseconds;
  using fields = http_fields;
  /// Status 0: the connection broke before there was an answer.
  using answer_handler = http_answer_handler;

  /// Starts it and waits until it serves. Throws if it does not within a virtual minute.
  explicit simulated_cluster(std::uint64_t seed, cluster_options options = {});
  ~simulated_cluster();
  simulated_cluster(const simulated_cluster&) = delete;
  simulated_cluster& operator=(const simulated_cluster&) = delete;

  // What clients do.
  /// Sends a request to a node; `then` gets its answer while time passes, once, or never.
  void send(const std::string& node, const std::string& method, const std::string& target,
            const std::string& body, fields fields, answer_handler then);
  /// Sends a request and lets time pass until it is answered. Throws if that takes more than a virtual
  /// minute.
  gateway::http_response call(const std::string& node, const std::string& method, const std::string& target,
                              const std::string& body = {}, fields fields = {});
  /// The field that makes a request the staff's.
  std::pair<std::string, std::string> staff() const { return {"authorization", "Bearer " + key_}; }
  /// A product of one variant, with that many units received. The price is in thousandths of a dollar.
  void stock(const std::string& sku, std::int64_t units, std::int64_t price = 10'000);

  // Time.
  void advance(milliseconds duration) { fleet_.advance(duration); }
  bool run_until(const std::function<bool()>& done, milliseconds most) {
    return fleet_.run_until(done, most);
  }

  // What happens to nodes.
  /// Power cut, and kill -9: nothing is left but what was durable.
  void crash(const std::string& node);
  /// Calls `then` when the node calls the provider next: after the charge, before anybody knows of it.
  void at_next_charge(const std::string& node, std::function<void()> then);
  using crash_handler = std::function<void(const std::string& node)>;
  /// In place of a node: the one that gets there first.
  static constexpr const char* whoever = "";
  /// The node loses its power as it passes this point (actors/testkit/points.hpp) once more, after `later`
  /// further times: nothing that it does behind it in the same step is durable, sent or answered. `then` is
  /// called when it is down, and may be empty. This waits until all is healed, whatever else happens.
  void crash_at(const std::string& node, std::string_view point, std::uint64_t later, crash_handler then);
  /// Starts it again on what it had, with a new incarnation.
  void restart(const std::string& node);
  /// An empty disk in place of the one that it had; while it is down.
  void replace_disk(const std::string& node);
  /// Its disk, for what happens to disks.
  runtime::testkit::disk& disk(const std::string& node);
  /// Power cut of a node whose disk lied: of each environment so many of the commits are gone that it had
  /// said were written, the last ones.
  void crash_losing(const std::string& node, std::size_t journal_commits, std::size_t state_commits);
  /// Why it is down, where it gave up by itself; empty: it did not.
  const std::string& gave_up_because(const std::string& node) const;
  /// Whether for all that the others know its copies count: what was acknowledged is expected there.
  bool counted(const std::string& node) const;
  /// SIGSTOP: it does nothing until it wakes, late.
  void pause(const std::string& node);
  void resume(const std::string& node);
  /// Commits of its journal wait so long from now on.
  void stall_disk(const std::string& node, milliseconds duration);
  /// After `later` further writes the next commits find the disk full.
  void fill_disk(const std::string& node, unsigned commits, std::uint64_t later = 0);
  /// Its wall clock is so far ahead, or behind.
  void skew_clock(const std::string& node, milliseconds by);

  // What happens between them.
  runtime::testkit::network& net() { return fleet_.between(); }
  runtime::testkit::coordination_model& store() { return store_; }
  /// Nothing is in anybody's way any more; nodes that are down stay so.
  void heal();

  // What there is.
  const std::vector<std::string>& names() const { return names_; }
  bool up(const std::string& node) const;
  bool paused(const std::string& node) const { return fleet_.paused(node); }
  /// All nodes are up, and every shard is served with all its copies in sync.
  bool whole() const;
  /// Writes to a node's disk so far.
  std::uint64_t writes_of(const std::string& node) const;
  std::string provider_books() const { return provider_->list(); }
  /// The traceparent of each call to the provider so far; empty: it came with none.
  const std::vector<std::string>& provider_traces() const { return provider_traces_; }
  /// How often points were passed so far, by node.
  std::map<std::string, point_counts> passes() const;
  /// What differs between the nodes' copies of what was committed, in words; empty: nothing. Of a cluster at
  /// rest, some seconds after its last command.
  std::string difference() const;
  /// What each shard's state amounts to now on the disk of one member: to begin a replay from.
  void take_snapshots();
  /// The same of what the records amount to, replayed from the first on and from the snapshots, and the state
  /// of one member of each shard. Adds up for how many of them no record was missing. Needs `keep_records`.
  std::string replay_difference(std::uint64_t& from_empty, std::uint64_t& from_snapshot) const;
  /// How many rows the states of entities of a kind have, of a cluster at rest.
  std::size_t rows_of(runtime::kind_id kind) const;
  runtime::testkit::fleet& fleet() { return fleet_; }
  const runtime::testkit::fleet& fleet() const { return fleet_; }

  /// Told of what happens, in words; may be empty.
  std::function<void(const std::string& what)> on_event;

 private:
  class scratch_folder;
  struct member;
  struct pending;
  class watched_provider;

  void pass(const std::string& node, std::string_view point);
  void silence(member& member);
  void boot(member& member);
  void start(member& member);
  void take_down(member& member, std::size_t journal_lost = 0, std::size_t state_lost = 0);
  void take_all_down();
  void give_up(member& member, const std::string& why);
  void make_first_key();
  void look_at_leases();
  void tell(const std::string& what) const;
  static bool is_in_sync(const member& member, runtime::shard_id shard);
  member* in_sync_member(runtime::shard_id shard) const;
  runtime::testkit::shard_records records_that_stay(runtime::shard_id shard, std::string& differing) const;
  member& at(const std::string& node) { return *members_.at(node); }
  const member& at(const std::string& node) const { return *members_.at(node); }

  // A crash that waits for a point to be passed.
  struct waiting_crash {
    std::string node;  // empty: whoever comes first
    std::string_view point;
    std::uint64_t later = 0;
    crash_handler then;
  };

  cluster_options options_;
  std::unique_ptr<scratch_folder> folder_;  // null: disks are in memory
  runtime::testkit::fleet fleet_;
  runtime::testkit::coordination_model store_;
  std::unique_ptr<payment::provider_ledger> ledger_;
  std::shared_ptr<payment::test_provider> provider_;
  std::vector<std::string> provider_traces_;
  std::vector<std::string> names_;
  std::map<std::string, std::unique_ptr<member>> members_;
  std::map<runtime::shard_id, runtime::testkit::shard_snapshot> snapshots_;
  std::string key_;
  std::vector<waiting_crash> crashes_;
  std::uint64_t incarnations_ = 0;
  std::uint64_t disks_ = 0;
};

}  // namespace souk::testkit
