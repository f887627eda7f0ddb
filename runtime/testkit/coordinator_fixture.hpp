#pragma once

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/send.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

/// What tests run the runtime with: whole systems of actors in one thread, from one seed, in virtual time.
namespace souk::testkit {

/// The messages of one type that an actor of the test has received.
template <class Message>
struct inbox {
  caf::actor address;
  std::shared_ptr<std::vector<Message>> messages = std::make_shared<std::vector<Message>>();
};

/// What became of a request: neither is set while it is under way.
template <class Reply>
struct outcome {
  std::optional<Reply> reply;
  std::optional<caf::error> error;
};

/// An actor system that runs only when it is told to. Which of the actors with mail goes next is drawn from
/// the seed, so that the same seed gives the same run. No actor in it may be detached or blocking. What it
/// started, and what those started, must end when killed, or its end hangs. Give a function that becomes an
/// actor an argument besides the actor: without one CAF binds a null reference.
class virtual_system {
 public:
  using duration = std::chrono::nanoseconds;

  explicit virtual_system(std::uint64_t seed) : random_(seed), system_(config_) { run(); }

  ~virtual_system() {
    kill_all();
    system_.await_actors_before_shutdown(false);
  }

  virtual_system(const virtual_system&) = delete;
  virtual_system& operator=(const virtual_system&) = delete;

  caf::actor_system& system() { return system_; }

  /// Spawns an actor that is killed at the end.
  template <class... Arguments>
  caf::actor spawn(Arguments&&... arguments) {
    return own(system_.spawn(std::forward<Arguments>(arguments)...));
  }
  caf::actor own(caf::actor actor) {
    owned_.push_back(actor);
    return actor;
  }

  /// Ends what was spawned or owned so far, before the end of whatever it speaks to.
  void kill_all() {
    for (const auto& actor : owned_)
      caf::anon_send_exit(actor, caf::exit_reason::kill);
    owned_.clear();
    run();
  }

  /// Virtual time since the start of the system.
  duration now() { return coordinator().clock().current_time - started_; }

  /// Lets one actor handle one message. False: all are idle.
  bool step() {
    auto& jobs = coordinator().jobs;
    if (jobs.empty()) return false;
    const auto chosen = jobs.begin() + static_cast<std::ptrdiff_t>(random_() % jobs.size());
    std::rotate(jobs.begin(), chosen, chosen + 1);
    return coordinator().try_run_once();
  }

  /// Until all are idle; time stands still. Throws if that does not happen.
  void run() {
    for (std::size_t steps = 0; step(); ++steps)
      if (steps == steps_max) throw std::runtime_error("the actors do not come to rest");
  }

  /// Lets virtual time pass, from one due message to the next, with all idle in between.
  void advance(duration by) {
    run();
    auto& clock = coordinator().clock();
    const auto until = clock.current_time + by;
    while (!clock.schedule().empty() && clock.schedule().begin()->first <= until) {
      const auto due = clock.schedule().begin()->first;
      clock.advance_time(std::max(due - clock.current_time, duration::zero()));
      run();
    }
    clock.advance_time(until - clock.current_time);
    run();
  }

  /// How many actors live that the test did not make as inboxes.
  std::size_t living() { return system_.registry().running(); }

  /// An actor that keeps what it receives.
  template <class Message>
  inbox<Message> make_inbox() {
    inbox<Message> inbox;
    inbox.address = own(system_.spawn<caf::hidden>(
        [](caf::event_based_actor*, const std::shared_ptr<std::vector<Message>>& messages) {
          return caf::behavior{[messages](const Message& message) { messages->push_back(message); }};
        },
        inbox.messages));
    return inbox;
  }

  /// Sends a request; its outcome is there after `run`, or `advance`.
  template <class Reply, class... Arguments>
  std::shared_ptr<const outcome<Reply>> ask(const caf::actor& whom, duration wait, Arguments... arguments) {
    auto result = std::make_shared<outcome<Reply>>();
    system_.spawn<caf::hidden>(
        [=](caf::event_based_actor* self, const std::shared_ptr<outcome<Reply>>& result) {
          self->request(whom, wait, arguments...)
              .then([result](const Reply& reply) { result->reply = reply; },
                    [result](const caf::error& error) { result->error = error; });
        },
        result);
    return result;
  }

  caf::scheduler::test_coordinator& coordinator() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler());
  }

  std::mt19937_64& random() { return random_; }

 private:
  /// Far more than any test needs; only a loop gets there.
  static constexpr std::size_t steps_max = 10'000'000;

  struct testing_config : caf::actor_system_config {
    testing_config() { set("scheduler.policy", caf::atom("testing")); }
  };

  std::mt19937_64 random_;
  testing_config config_;
  caf::actor_system system_;
  std::chrono::steady_clock::time_point started_ = coordinator().clock().current_time;
  std::vector<caf::actor> owned_;
};

/// A test with one virtual system, whose actors may use the members of the test.
class coordinator_fixture : public ::testing::Test {
 protected:
  void TearDown() override { actors.kill_all(); }

  virtual_system actors{1};
};

}  // namespace souk::testkit
