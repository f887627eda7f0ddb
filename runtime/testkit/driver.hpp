#pragma once

#include "runtime/seams/seams.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>

namespace caf {
class resumable;
namespace scheduler {
class test_coordinator;
}
}  // namespace caf

namespace souk::runtime::testkit {

/// One actor system in one thread, driven by one number: which waiting actor runs next is drawn from the
/// seed, and time stands still unless it is told to pass. Same seed, same build: same order.
class driver {
 public:
  /// Sunday, 2026-03-01 00:00 UTC: where simulated time begins.
  static constexpr std::int64_t first_ms = 1'772'323'200'000;

  /// `at`: how far the time of the simulation is when this system begins.
  explicit driver(std::uint64_t seed, std::chrono::nanoseconds at = {});
  ~driver();
  driver(const driver&) = delete;
  driver& operator=(const driver&) = delete;

  caf::actor_system& system() { return system_; }
  std::shared_ptr<clock> time();
  std::shared_ptr<random_source> random();

  /// Runs until no actor has anything to do. Throws after `steps_max` steps: something talks to itself for
  /// ever.
  void settle(std::uint64_t steps_max = 50'000'000);
  /// Runs one step if there is one.
  bool step();
  /// Lets time pass, from one due moment to the next, with everything settled in between.
  void advance(std::chrono::milliseconds duration);
  /// Lets time pass to the next due moment, at most `most`, and nothing run yet.
  void jump(std::chrono::milliseconds most) { jump_to_next_due(most); }
  /// Settles, then lets time pass until `done()`, at most `most`. Returns whether it came true.
  bool run_until(const std::function<bool()>& done, std::chrono::milliseconds most);

  // For whoever drives several systems in step.
  /// Whether an actor that is not stalled has something to do now.
  bool busy() const;
  /// When something is due next, if anything is.
  std::optional<std::chrono::nanoseconds> next_due() const;
  /// Time is `at` now; what is due has mail, and nothing ran. Never backwards.
  void move_to(std::chrono::nanoseconds at);

  /// The wall clock of this system goes so far ahead, or behind. Its steady clock knows nothing of it.
  void skew(std::chrono::milliseconds by);
  /// Actors of this name do not run before `until`: a disk that is slow, a thread that hangs.
  void stall(const std::string& actor_name, std::chrono::nanoseconds until);

  /// Steps so far.
  std::uint64_t steps() const { return steps_; }
  /// A digest of which actor ran when: equal for equal runs.
  std::uint64_t trace_hash() const { return trace_; }

 private:
  class virtual_clock;
  class seeded_random;
  struct config;

  void jump_to_next_due(std::chrono::nanoseconds limit);
  bool is_stalled(const caf::resumable& job) const;

  std::unique_ptr<config> config_;
  caf::actor_system system_;
  caf::scheduler::test_coordinator& scheduler_;
  std::mt19937_64 generator_;
  std::shared_ptr<virtual_clock> time_;
  std::shared_ptr<seeded_random> random_;
  std::map<std::string, std::chrono::nanoseconds, std::less<>> stalled_;
  std::uint64_t steps_ = 0;
  std::uint64_t trace_ = 14695981039346656037ULL;
};

}  // namespace souk::runtime::testkit
