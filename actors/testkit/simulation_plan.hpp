#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace souk::testkit {

/// Something that goes wrong in a simulated cluster, when, and for how long.
struct fault {
  enum class kind : std::uint8_t {
    crash,          ///< A node loses its power, `amount` steps later or, if even, as it takes money.
    pause,          ///< A node hangs, and wakes.
    part,           ///< Two nodes do not hear each other.
    cut,            ///< One node is not heard by another, but hears it.
    isolate,        ///< A node hears no other, and none hears it; if `amount`, but for one other.
    reset,          ///< The connections between two nodes end.
    lag,            ///< What two nodes say to each other takes long.
    store_cut,      ///< A node does not reach the coordination store.
    store_gone,     ///< Nobody reaches it.
    store_lossy,    ///< Questions to it and answers from it are lost, one in ten.
    watches_break,  ///< All watches end; what they missed is forgotten.
    lease_ends,     ///< A node's registration ends although it lives.
    disk_slow,      ///< A node's journal does not get on.
    disk_full,      ///< The next commits of a node are refused.
    disk_lost,      ///< A node loses its power and its disk; it starts with an empty one.
    disk_flip,      ///< Something on a node's disk is not what was written any more; drawn by `amount`.
    disk_rollback,  ///< A node's disk lies, loses its power, and the last it was given; see `last_commits`.
    clock_skew,     ///< A node's wall clock is up to an hour behind, or half a minute ahead.
    entity_crash,   ///< A cart throws; if `amount` is 0, on one message until that is set aside.
    crash_at,       ///< A node loses its power at a point, as it passes it once more after `amount` times.
    kinds
  };
  kind what = kind::crash;
  std::chrono::milliseconds at{0};
  std::chrono::milliseconds lasting{0};
  std::size_t node = 0;
  std::size_t other = 0;  ///< Of two.
  std::int64_t amount = 0;
  std::string_view point;  ///< Of `points()`.
};

/// What a `disk_rollback` of this amount takes: commits of the journal, and of the state.
struct last_commits {
  std::size_t journal = 0;
  std::size_t state = 0;
};
last_commits last_commits_of(std::int64_t amount);

std::string_view name_of(fault::kind kind);
/// "at 1200 ms for 800 ms: crash of b"
std::string describe(const fault& fault);

/// What is drawn, and how much of it.
struct profile {
  std::string name;
  std::vector<fault::kind> kinds;  ///< What may go wrong; a run switches a random part of it on.
  std::size_t faults_min = 10;
  std::size_t faults_max = 16;
  bool hot = false;  ///< Everybody wants the same few units.
  bool day = false;  ///< A hundred customers with time, for ten minutes.
};

/// "calm", "storm", "disk", "network", "hot" or "day"; nothing for other names.
std::optional<profile> profile_of(std::string_view name);

/// How a shopper goes about it.
struct shopping_habits {
  std::size_t purchases = 8;
  std::size_t pages = 0;                  ///< Looked at before each purchase.
  std::chrono::milliseconds click{300};   ///< From one request to the next, at most.
  std::chrono::milliseconds rest{1'000};  ///< From one purchase to the next, at most.
};

/// Everything that a run does, drawn from its seed. Cut down, it stays a run.
struct simulation_plan {
  std::uint64_t seed = 1;
  std::size_t nodes = 3;
  std::uint16_t shards = 4;
  std::size_t shoppers = 20;
  shopping_habits habits;    ///< Of each shopper.
  std::size_t watchers = 3;  ///< Who change what everybody looks at; 0: there is no such thing.
  std::size_t skus = 6;
  std::int64_t units = 100;  ///< Of each sku, at first.
  bool cramped = true;       ///< Nodes keep little in memory and journals: what is seldom comes often.
  bool real_disks = false;   ///< On LMDB in a temporary folder.
  bool limited = false;      ///< What one shopper may hold is limited.
  std::vector<fault> faults;
  std::chrono::milliseconds trouble{0};  ///< How long things go wrong; then all is healed.
};

/// `nodes` 0: drawn, 3 to 5.
simulation_plan draw_plan(std::uint64_t seed, const profile& profile, std::size_t nodes = 0);

/// Smaller plans than this, the most promising first: what a failure is tried with when it is cut down.
std::vector<simulation_plan> smaller(const simulation_plan& plan);

/// The plan in lines of text.
std::string describe(const simulation_plan& plan);

}  // namespace souk::testkit
