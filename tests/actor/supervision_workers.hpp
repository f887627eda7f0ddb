#pragma once

#include "persistence/storage.hpp"
#include "runtime/supervision/failure.hpp"
#include "runtime/supervision/supervisor.hpp"
#include "runtime/testkit/coordinator_fixture.hpp"

#include <caf/actor.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

/// Children that do what a test tells them, and a record of what became of them.
namespace souk::supervision {

/// What happened, in order: "start a", "end a"; and the living children by name.
struct record {
  std::vector<std::string> events;
  std::map<std::string, caf::actor> living;
  std::map<std::string, int> failing_starts;        ///< How many more starts throw.
  std::map<std::string, int> failing_initialisers;  ///< How many more throw once they run.

  /// The events since the last call.
  std::vector<std::string> take() { return std::exchange(events, {}); }
  void tell(const std::string& child, const std::string& command) const {
    caf::anon_send(living.at(child), command);
  }
};

using record_ptr = std::shared_ptr<record>;

/// Says that it ended when it is destroyed with its actor's state.
class end_mark {
 public:
  end_mark(record_ptr record, std::string name) : record_(std::move(record)), name_(std::move(name)) {}
  ~end_mark() {
    record_->events.push_back("end " + name_);
    record_->living.erase(name_);
  }
  end_mark(const end_mark&) = delete;
  end_mark& operator=(const end_mark&) = delete;

 private:
  record_ptr record_;
  std::string name_;
};

struct worker_state {
  static inline const char* name = "worker";
  std::unique_ptr<end_mark> mark;
};

/// Obeys "throw", "damage", "fail", "done", "stubborn": from then on it does not end when asked.
inline caf::behavior worker(caf::stateful_actor<worker_state>* self, record_ptr record, std::string name) {
  handle_failures(self);
  self->state.mark = std::make_unique<end_mark>(record, name);
  if (record->failing_initialisers[name] > 0) {
    --record->failing_initialisers[name];
    throw std::runtime_error(name + " cannot begin");
  }
  return {[self](const std::string& command) {
    if (command == "throw") throw std::runtime_error("told to throw");
    if (command == "damage") throw persistence::damage("told to find damage");
    if (command == "fail") self->quit(failure("told to fail"));
    if (command == "done") self->quit();
    if (command == "stubborn") self->set_exit_handler([](caf::exit_msg&) {});
  }};
}

inline child_spec worker_child(const record_ptr& record, const std::string& name,
                               restart when = restart::permanent) {
  child_spec child;
  child.name = name;
  child.when = when;
  child.start = [record, name](caf::event_based_actor* self) -> caf::actor {
    if (record->failing_starts[name] > 0) {
      --record->failing_starts[name];
      throw std::runtime_error(name + " cannot start");
    }
    record->events.push_back("start " + name);
    return self->spawn(worker, record, name);
  };
  child.on_started = [record, name](const caf::actor& handle) { record->living[name] = handle; };
  return child;
}

}  // namespace souk::supervision
