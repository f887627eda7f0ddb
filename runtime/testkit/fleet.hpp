#pragma once

#include "runtime/testkit/driver.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>

namespace souk::runtime::testkit {

class network;

/// Several actor systems, a network between them, and one time for all, in one thread and from one number:
/// the seed says which system runs next, and which of its actors. Systems come and go as processes do.
class fleet {
 public:
  using time = std::chrono::nanoseconds;

  explicit fleet(std::uint64_t seed);
  ~fleet();
  fleet(const fleet&) = delete;
  fleet& operator=(const fleet&) = delete;

  /// A new system, named for good order: none of that name may be there.
  driver& launch(const std::string& name);
  /// It is gone. What its actors own must not need it any more.
  void remove(const std::string& name);
  driver* find(const std::string& name);
  /// A paused system does not run, and no time passes in it, until it wakes to find how late it is.
  void pause(const std::string& name, bool paused);
  bool paused(const std::string& name) const;

  /// The network that moves with this time.
  network& between() { return *network_; }
  /// The time of no system in particular.
  std::shared_ptr<clock> time_of_all() const;
  time now() const;
  /// Something that is due besides what systems and network have; called when its time has come, once.
  void at(time when, std::function<void()> what);
  /// Called after so many steps from now on, in the middle of what systems are at.
  void in_steps(std::uint64_t steps, std::function<void()> what);

  /// Hears of each point (runtime/fault_point.hpp) that a system passes, in the middle of its step. May be
  /// empty.
  std::function<void(const std::string& system, std::string_view point)> on_point;

  /// One step of one system, or the delivery of what is due. False: all are idle until time passes.
  bool step();
  /// So many steps, with time passing wherever all are idle.
  void run_steps(std::uint64_t count);
  /// Until all are idle. Throws after `steps_max` steps: something talks to itself for ever.
  void settle(std::uint64_t steps_max = 50'000'000);
  /// Lets time pass, from one due moment to the next, with everything settled in between.
  void advance(time duration);
  /// Settles, then lets time pass until `done()`, at most `most`. Returns whether it came true.
  bool run_until(const std::function<bool()>& done, time most);

  std::uint64_t steps() const { return steps_; }
  /// A digest of what ran when, all systems together: equal for equal runs.
  std::uint64_t trace_hash() const { return trace_; }

 private:
  class common_clock;
  struct member {
    std::unique_ptr<driver> system;
    bool paused = false;
  };

  class at_work;

  static void hear(std::string_view point);
  bool run_due();
  void jump_to_next_due(time limit);

  std::mt19937_64 random_;
  std::shared_ptr<common_clock> time_;
  std::unique_ptr<network> network_;
  std::map<std::string, member> members_;
  std::multimap<time, std::function<void()>> due_;
  std::multimap<std::uint64_t, std::function<void()>> due_by_step_;
  std::uint64_t steps_ = 0;
  std::uint64_t trace_ = 14695981039346656037ULL;
};

}  // namespace souk::runtime::testkit
