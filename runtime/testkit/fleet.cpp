#include "runtime/testkit/fleet.hpp"

#include "runtime/fault_point.hpp"
#include "runtime/testkit/network.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>
#include <vector>

namespace souk::runtime::testkit {

namespace {

// Where nothing is due at all, time passes by so much.
constexpr std::chrono::milliseconds idle_jump_most{100};

}  // namespace

class fleet::common_clock final : public clock {
 public:
  timestamp now() const override {
    return from_ms(driver::first_ms) + std::chrono::duration_cast<std::chrono::milliseconds>(steady_);
  }
  std::chrono::nanoseconds steady() const override { return steady_; }
  void move_to(time at) { steady_ = at; }

 private:
  time steady_{0};
};

/// The system whose step it is: what runs in it passes points without knowing of any fleet.
class fleet::at_work {
 public:
  at_work(const fleet& whole, const std::string& system) : fleet_(whole), system_(system) { now_ = this; }
  ~at_work() { now_ = nullptr; }
  at_work(const at_work&) = delete;
  at_work& operator=(const at_work&) = delete;

  static void pass(std::string_view point) {
    if (now_ != nullptr && now_->fleet_.on_point) now_->fleet_.on_point(now_->system_, point);
  }

 private:
  static at_work* now_;  // null between steps: whoever is taken down or started passes no points

  const fleet& fleet_;
  const std::string& system_;
};

fleet::at_work* fleet::at_work::now_ = nullptr;

void fleet::hear(std::string_view point) { at_work::pass(point); }

fleet::fleet(std::uint64_t seed)
    : random_(seed),
      time_(std::make_shared<common_clock>()),
      network_(std::make_unique<network>([time = time_] { return time->steady(); })) {
  hears_points = hear;
}

fleet::~fleet() = default;

driver& fleet::launch(const std::string& name) {
  auto& made = members_[name];
  if (made.system) throw std::logic_error(name + " runs already");
  made.paused = false;
  made.system = std::make_unique<driver>(random_(), now());
  return *made.system;
}

void fleet::remove(const std::string& name) { members_.erase(name); }

driver* fleet::find(const std::string& name) {
  const auto found = members_.find(name);
  return found == members_.end() ? nullptr : found->second.system.get();
}

void fleet::pause(const std::string& name, bool paused) {
  auto& member = members_.at(name);
  member.paused = paused;
  if (!paused) member.system->move_to(now());
}

bool fleet::paused(const std::string& name) const {
  const auto found = members_.find(name);
  return found != members_.end() && found->second.paused;
}

std::shared_ptr<clock> fleet::time_of_all() const { return time_; }

fleet::time fleet::now() const { return time_->steady(); }

void fleet::at(time when, std::function<void()> what) { due_.emplace(when, std::move(what)); }

void fleet::in_steps(std::uint64_t steps, std::function<void()> what) {
  due_by_step_.emplace(steps_ + steps, std::move(what));
}

bool fleet::run_due() {
  if (!due_by_step_.empty() && due_by_step_.begin()->first <= steps_) {
    const auto what = std::move(due_by_step_.begin()->second);
    due_by_step_.erase(due_by_step_.begin());
    what();
    return true;
  }
  if (due_.empty() || due_.begin()->first > now()) return false;
  const auto what = std::move(due_.begin()->second);
  due_.erase(due_.begin());
  what();
  return true;
}

bool fleet::step() {
  if (run_due() || network_->deliver()) return true;
  std::size_t busy = 0;
  std::pair<std::uint64_t, driver*> chosen{0, nullptr};
  const std::string* system = nullptr;
  std::uint64_t number = 0;
  for (auto& [name, member] : members_) {
    ++number;
    if (member.paused || !member.system->busy()) continue;
    // Each of them with the same chance.
    if (random_() % ++busy != 0) continue;
    chosen = {number, member.system.get()};
    system = &name;
  }
  if (chosen.second == nullptr) return false;
  {
    const at_work work{*this, *system};
    chosen.second->step();
  }
  ++steps_;
  trace_ = (trace_ ^ chosen.second->trace_hash() ^ chosen.first) * 1099511628211ULL;
  return true;
}

void fleet::run_steps(std::uint64_t count) {
  while (count > 0) {
    if (step())
      --count;
    else
      jump_to_next_due(idle_jump_most);
  }
}

void fleet::settle(std::uint64_t steps_max) {
  for (std::uint64_t n = 0; step(); ++n)
    if (n == steps_max) throw std::runtime_error("the systems do not come to rest");
}

void fleet::advance(time duration) {
  const auto until = now() + duration;
  settle();
  while (now() < until) {
    jump_to_next_due(until - now());
    settle();
  }
}

bool fleet::run_until(const std::function<bool()>& done, time most) {
  const auto until = now() + most;
  settle();
  while (!done()) {
    if (now() >= until) return false;
    jump_to_next_due(until - now());
    settle();
  }
  return true;
}

void fleet::jump_to_next_due(time limit) {
  auto due = now() + limit;
  if (!due_.empty()) due = std::min(due, due_.begin()->first);
  if (const auto next = network_->next_due()) due = std::min(due, *next);
  for (const auto& [name, member] : members_)
    if (const auto next = member.paused ? std::nullopt : member.system->next_due())
      due = std::min(due, *next);
  due = std::max(due, now() + time{1});
  time_->move_to(due);
  for (auto& [name, member] : members_)
    if (!member.paused) member.system->move_to(due);
}

}  // namespace souk::runtime::testkit
