#pragma once

#include "runtime/cluster/coordination_store.hpp"
#include "runtime/seams/seams.hpp"

#include <caf/actor_system.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace souk::runtime::testkit {

/// The coordination store of a simulated cluster: behaves as etcd does, in memory and virtual time, and
/// misbehaves when it is told to. Everything is drawn from the seed. One thread; outlives its connections.
class coordination_model {
 public:
  using milliseconds = std::chrono::milliseconds;

  coordination_model(std::shared_ptr<clock> time, std::uint64_t seed);
  ~coordination_model();
  coordination_model(const coordination_model&) = delete;
  coordination_model& operator=(const coordination_model&) = delete;

  /// How a node called `name` reaches it. Answers come over an actor of that node's system, which ends with
  /// the system.
  std::shared_ptr<coordination_store> connect(caf::actor_system& system, std::string name);

  /// The node is about to be no more: nothing reaches it after this.
  void disconnect(const std::string& name);
  /// Ends the leases whose time is over. Who has a lease sees to that itself; whoever can go away or hang
  /// with its time must be seen to, as etcd does each half second.
  void end_leases();

  // What goes wrong, from now on.
  /// No question of this node arrives, or no answer (one of the two for each call); watches stall.
  void cut(const std::string& name, bool is_cut);
  void cut_all(bool is_cut);
  /// So many of a thousand calls lose their question, and as many their answer.
  void lose(unsigned per_mille) { lose_per_mille_ = per_mille; }
  /// Each call takes up to so long, both ways together. 4 ms from the start.
  void delay(milliseconds most) { delay_most_ = most; }
  /// All watches end as `broken`; what they then ask for is compacted, if `forget`.
  void break_watches(bool forget);
  /// The lease under which this key stands ends now.
  void end_lease_of(const std::string& key);

  // What stands there.
  std::int64_t revision() const { return revision_; }
  /// Empty if it is not there.
  std::string value(const std::string& key) const;
  std::size_t watches() const;

 private:
  class connection;
  struct lease {
    std::chrono::seconds ttl{0};
    std::chrono::nanoseconds ends{0};
  };
  struct change {
    std::int64_t revision = 0;
    stored_value value;
    bool removed = false;
  };

  range_result read(const std::string& prefix) const;
  swap_result swap(const swap_request& request);
  void put(const std::string& key, std::string value, lease_id lease);
  void remove(const std::string& key);
  void end(lease_id id);
  std::vector<change>::const_iterator changes_from(std::int64_t revision) const;
  void tell_watches();
  bool draw(unsigned per_mille) { return random_() % 1000 < per_mille; }

  std::shared_ptr<clock> time_;
  std::mt19937_64 random_;
  unsigned lose_per_mille_ = 0;
  milliseconds delay_most_{4};
  std::int64_t revision_ = 1;
  std::int64_t told_ = 1;       // the one that watches were told of last
  std::int64_t compacted_ = 0;  // changes up to it are forgotten
  std::map<std::string, stored_value> values_;
  std::vector<change> history_;
  std::map<lease_id, lease> leases_;
  lease_id last_lease_ = 0;
  std::vector<std::weak_ptr<connection>> connections_;
};

}  // namespace souk::runtime::testkit
