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
  virtual_clock(const caf::detail::test_actor_clock& clock, std::chrono::nanoseconds at)
      : clock_(clock), start_(clock.current_time - at) {}

  timestamp now() const override {
    return from_ms(first_ms) + std::chrono::duration_cast<std::chrono::milliseconds>(steady()) + skew_;
  }
  std::chrono::nanoseconds steady() const override { return clock_.current_time - start_; }
  void skew(std::chrono::milliseconds by) { skew_ = by; }

 private:
  const caf::detail::test_actor_clock& clock_;
  caf::actor_clock::time_point start_;
  std::chrono::milliseconds skew_{0};
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

driver::driver(std::uint64_t seed, std::chrono::nanoseconds at)
    : config_(std::make_unique<config>()),
      system_(*config_),
      scheduler_(dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler())),
      generator_(seed),
      time_(std::make_shared<virtual_clock>(scheduler_.clock(), at)),
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
  if (!busy()) return false;
  auto pick = static_cast<std::ptrdiff_t>(generator_() % jobs.size());
  while (!stalled_.empty() && is_stalled(*jobs[static_cast<std::size_t>(pick)]))
    pick = (pick + 1) % static_cast<std::ptrdiff_t>(jobs.size());
  std::rotate(jobs.begin(), jobs.begin() + pick, jobs.begin() + pick + 1);
  ++steps_;
  trace_ = (trace_ ^ (static_cast<std::uint64_t>(pick) + jobs.size() * 1'000'003)) * 1099511628211ULL;
  return scheduler_.try_run_once();
}

bool driver::busy() const {
  const auto& jobs = scheduler_.jobs;
  if (stalled_.empty()) return !jobs.empty();
  return !std::all_of(jobs.begin(), jobs.end(), [this](const auto* job) { return is_stalled(*job); });
}

bool driver::is_stalled(const caf::resumable& job) const {
  const auto* actor = dynamic_cast<const caf::local_actor*>(&job);
  if (actor == nullptr) return false;
  const auto found = stalled_.find(std::string_view{actor->name()});
  return found != stalled_.end() && time_->steady() < found->second;
}

void driver::stall(const std::string& actor_name, std::chrono::nanoseconds until) {
  stalled_[actor_name] = until;
}

void driver::skew(std::chrono::milliseconds by) { time_->skew(by); }

std::optional<std::chrono::nanoseconds> driver::next_due() const {
  std::optional<std::chrono::nanoseconds> due;
  const auto now = time_->steady();
  const auto& schedule = scheduler_.clock().schedule();
  if (!schedule.empty())
    due = now + std::max<std::chrono::nanoseconds>(schedule.begin()->first - scheduler_.clock().current_time,
                                                   std::chrono::nanoseconds{0});
  for (const auto& [name, until] : stalled_)
    if (until > now && (!due || until < *due)) due = until;
  return due;
}

void driver::move_to(std::chrono::nanoseconds at) {
  if (const auto by = at - time_->steady(); by.count() > 0) scheduler_.advance_time(by);
  std::erase_if(stalled_, [at](const auto& each) { return each.second <= at; });
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
  const auto now = time_->steady();
  auto jump = limit;
  if (const auto due = next_due())
    jump = std::clamp<std::chrono::nanoseconds>(*due - now, std::chrono::nanoseconds{0}, limit);
  move_to(now + std::max(jump, std::chrono::nanoseconds{1}));
}

}  // namespace souk::runtime::testkit
