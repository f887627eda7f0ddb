#pragma once

#include "runtime/replication/election.hpp"
#include "runtime/replication/follower.hpp"
#include "runtime/replication/primary.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

/// One shard on a few nodes, simulated: a network that loses, repeats, reorders and delays, disks that lose
/// what is not synced, a coordinator whose answers may be lost, a controller that suspects the living, clocks
/// that drift. The world checks after each event that nothing acknowledged is lost, that histories agree and
/// that no read is stale; it throws `violation`.
namespace souk::replication {

class violation : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A rule left out around the protocol, to see that the world notices.
enum class breakage : std::uint8_t {
  none,
  no_epoch_check,        ///< Followers take what comes under any epoch.
  epoch_reused,          ///< A restarted primary goes on under its epoch.
  swap_without_compare,  ///< Changes of in_sync are written whatever stands there.
  failover_out_of_sync,  ///< Anyone may be elected.
  empty_disk_elected,    ///< A disk that was emptied keeps its name.
  own_disk_not_counted,  ///< The primary's record counts as on its disk before it is.
  read_without_lease,    ///< A primary answers reads as long as it does not know better.
  promise_not_kept,      ///< A new primary does not wait.
  clocks_run_wild,       ///< They drift by more than lease and promise allow for.
};

struct world_options {
  unsigned nodes = 3;
  std::uint32_t min_in_sync = 2;
  std::chrono::nanoseconds faults_for{std::chrono::seconds{40}};
  breakage broken = breakage::none;
};

/// What happened, to tell that the rare things do happen.
struct world_figures {
  std::uint64_t acknowledged = 0;
  std::uint64_t epochs = 0;
  std::uint64_t crashes = 0;
  std::uint64_t living_deposed = 0;
  std::uint64_t shrunk = 0;
  std::uint64_t grown = 0;
  std::uint64_t unknown_swaps = 0;
  std::uint64_t cuts = 0;
  std::uint64_t snapshots = 0;
  std::uint64_t handovers = 0;
  std::uint64_t writes_refused = 0;
  std::uint64_t disks_emptied = 0;
  std::uint64_t reads = 0;
  std::uint64_t reads_held_back = 0;  ///< A primary that did not know better had no lease.

  void add(const world_figures& other);
};

class world {
 public:
  world(std::uint64_t seed, world_options options);

  /// Faults for the time of the options, then none, until all replicas are in sync and equal again.
  void run();
  const world_figures& figures() const { return figures_; }

 private:
  using time = std::chrono::nanoseconds;
  using wire = std::variant<append, appended, snapshot_chunk, snapshot_received>;

  struct record {
    std::uint64_t epoch = 0;
    std::shared_ptr<const std::string> payload;
    bool operator==(const record& other) const { return epoch == other.epoch && *payload == *other.payload; }
  };
  struct disk {
    std::string id;
    std::vector<record> records;  // all of them: those below `first` stand for the state
    std::uint64_t first = 1;      // the oldest that the journal still has
    std::uint64_t applied = 0;    // what the state stands for
    std::uint64_t epoch = 0;
    std::string staged;
  };
  struct disk_write {
    std::function<bool(disk&)> apply;  // false: the storage refuses
    std::function<void(bool)> done;
  };
  struct node {
    std::string name;
    unsigned number = 0;
    disk on_disk;
    double rate = 1;
    time offset{0};
    bool up = true;
    time paused_until{0};
    std::deque<std::function<void()>> inbox;  // while paused
    std::uint64_t life = 0;                   // number of its process
    std::unique_ptr<follower> follows;
    std::unique_ptr<primary> leads;
    std::deque<disk_write> writes;
    bool writing = false;
    std::optional<shard_config> seen;
    std::optional<shard_config> opened_from;  // the record as it was before our own swap
    std::vector<record> decided;              // the whole sequence in memory of a primary
    std::uint64_t next_value = 0;
    bool asking_epoch = false;
    bool rebuilding = false;
    std::uint64_t refusals = 0;  // what was decided before one and is still on its way is refused too
    time promised_until{0};      // carried over within a process
    std::map<std::string, std::string> snapshots;  // being sent, by receiver
    std::optional<time> down_since;

    member_id member() const { return name + "/" + on_disk.id; }
  };

  void at(time delay, std::function<void()> what);
  // Something for a process: lost if that ended meanwhile, late if it is paused.
  void for_process(node& node, time delay, std::function<void()> what);
  bool chance(double probability);
  time between(time low, time high);
  time local(const node& node) const;
  node* find(const member_id& member);

  void boot(node& node);
  void crash(node& node);
  void start_follower(node& node);
  void start_primary(node& node);
  void rebuild(node& node);
  history journal_of(const disk& disk) const;

  void act(node& node);
  void act(node& node, follower_action& action);
  void act(node& node, primary_action& action);
  void write(node& node, std::function<bool(disk&)> apply, std::function<void(bool)> done);
  void next_write(node& node);
  void send(node& from, const member_id& to, wire message);
  void deliver(node& to, const member_id& from, const wire& message);
  void set_link(unsigned a, unsigned b, bool whole);
  void tell_link(node& to, node& about);

  using change = std::function<void(shard_config&)>;
  void swap(std::int64_t revision, change change,
            std::function<void(swap_outcome, std::optional<shard_config>)> answer);
  void look_at_coordinator(node& node);
  void on_config(node& node, const shard_config& config);
  void keep_replicas_current();
  void control();

  void tick(node& node);
  void decide(node& node);
  void fault();
  void heal();
  void check_reads();
  void check_committed(const node& node, const std::vector<record>& records, std::uint64_t upto);
  bool converged() const;
  std::string describe() const;
  [[noreturn]] void fail(const std::string& what) const;

  std::uint64_t seed_;
  world_options options_;
  std::mt19937_64 random_;
  time now_{0};
  std::multimap<time, std::function<void()>> events_;
  std::vector<node> nodes_;
  std::set<std::pair<unsigned, unsigned>> cut_;  // from, to
  bool faulty_ = true;
  shard_config config_;
  bool look_ = false;
  bool failing_over_ = false;
  std::uint64_t values_ = 0;
  std::uint64_t disks_ = 0;
  std::vector<record> acknowledged_;  // by index - 1; known to a client or a projection
  std::map<std::uint64_t, unsigned> epoch_owner_;
  world_figures figures_;
};

}  // namespace souk::replication
