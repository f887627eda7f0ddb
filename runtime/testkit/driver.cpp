#include "runtime/testkit/driver.hpp"

#include "runtime/crockford.hpp"

#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include <algorithm>
#include <stdexcept>

namespace souk::runtime::testkit {

struct driver::config : caf::actor_system_config {
  config() {
    set("scheduler.policy", caf::atom("testing"));
    set("logger.inline-output", true);
  }
};

class driver::virtual_clock final : public clock {
 public:
  explicit virtual_clock(const caf::detail::test_actor_clock& clock)
      : clock_(clock), start_(clock.current_time) {}

  timestamp now() const override {
    return from_ms(first_ms) + std::chrono::duration_cast<std::chrono::milliseconds>(steady());
  }
  std::chrono::nanoseconds steady() const override { return clock_.current_time - start_; }

 private:
  const caf::detail::test_actor_clock& clock_;
  caf::actor_clock::time_point start_;
};

class driver::seeded_random final : public random_source {
 public:
  explicit seeded_random(std::uint64_t seed) : generator_(seed) {}

  void fill(std::span<std::uint8_t> bytes) override {
    for (auto& byte : bytes)
      byte = static_cast<std::uint8_t>(generator_());
  }
  std::uint64_t next_u64() override { return generator_(); }
  std::string next_part() override {
    std::uint8_t bytes[13];
    fill(bytes);
    return encode_id_part(bytes);
  }

 private:
  std::mt19937_64 generator_;
};

driver::driver(std::uint64_t seed)
    : config_(std::make_unique<config>()),
      system_(*config_),
      scheduler_(dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler())),
      generator_(seed),
      time_(std::make_shared<virtual_clock>(scheduler_.clock())),
      random_(std::make_shared<seeded_random>(seed ^ 0x5eed)) {
  // Actors that a test leaves behind are not waited for.
  system_.await_actors_before_shutdown(false);
}

driver::~driver() {
  // Without this the coordinator's own stop would run periodic ticks for ever.
  scheduler_.clock().cancel_all();
  while (scheduler_.try_run_once())
    scheduler_.clock().cancel_all();
}

std::shared_ptr<clock> driver::time() { return time_; }

std::shared_ptr<random_source> driver::random() { return random_; }

bool driver::step() {
  auto& jobs = scheduler_.jobs;
  if (jobs.empty()) return false;
  const auto pick = static_cast<std::ptrdiff_t>(generator_() % jobs.size());
  std::rotate(jobs.begin(), jobs.begin() + pick, jobs.begin() + pick + 1);
  ++steps_;
  trace_ = (trace_ ^ (static_cast<std::uint64_t>(pick) + jobs.size() * 1'000'003)) * 1099511628211ULL;
  return scheduler_.try_run_once();
}

void driver::settle(std::uint64_t steps_max) {
  for (std::uint64_t n = 0; step(); ++n) {
    if (n == steps_max) throw std::runtime_error("the actors do not come to rest");
  }
}

void driver::advance(std::chrono::milliseconds duration) {
  const auto until = time_->steady() + duration;
  settle();
  while (time_->steady() < until) {
    jump_to_next_due(until - time_->steady());
    settle();
  }
}

bool driver::run_until(const std::function<bool()>& done, std::chrono::milliseconds most) {
  const auto until = time_->steady() + most;
  settle();
  while (!done()) {
    if (time_->steady() >= until) return false;
    jump_to_next_due(until - time_->steady());
    settle();
  }
  return true;
}

void driver::jump_to_next_due(std::chrono::nanoseconds limit) {
  auto& clock = scheduler_.clock();
  auto jump = limit;
  if (!clock.schedule().empty()) {
    auto due = clock.schedule().begin()->first - clock.current_time;
    jump = std::clamp<std::chrono::nanoseconds>(due, std::chrono::nanoseconds{0}, limit);
  }
  scheduler_.advance_time(std::max(jump, std::chrono::nanoseconds{1}));
}

}  // namespace souk::runtime::testkit
