#include "runtime/supervision/restart_policy.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace souk::supervision {
namespace {

using namespace std::chrono_literals;

constexpr intensity lenient{.restarts_max = 100, .window = 1h};

std::string to_text(const steps& steps) {
  std::ostringstream text;
  for (const auto& step : steps) {
    if (text.tellp() > 0) text << ", ";
    switch (step.what) {
      case step::action::start:
        text << "start " << step.child;
        break;
      case step::action::stop:
        text << "stop " << step.child;
        break;
      case step::action::wait:
        text << "wait " << step.delay / 1ms << "ms #" << step.ticket;
        break;
      case step::action::finish:
        text << "finish";
        break;
      case step::action::escalate:
        text << "escalate";
        break;
    }
  }
  return text.str();
}

/// One supervisor of a, b, c (0, 1, 2), all running from time 0.
struct running {
  restart_policy policy;

  explicit running(strategy strategy,
                   std::vector<restart> children = {restart::permanent, restart::permanent,
                                                    restart::permanent},
                   intensity intensity = lenient)
      : policy(std::move(children), strategy, intensity, back_off{}) {
    policy.start();
    for (std::size_t child = 0; child < policy.size(); ++child)
      policy.started(child, 0s);
  }
  std::string failed(std::size_t child, duration now = 1s) {
    return to_text(policy.ended(child, true, now, 0));
  }
  std::string ended(std::size_t child, duration now = 1s) {
    return to_text(policy.ended(child, false, now, 0));
  }
  std::string due(std::uint64_t ticket) { return to_text(policy.due(ticket)); }
  std::string started(std::size_t child, duration now = 1s) { return to_text(policy.started(child, now)); }
};

TEST(restart_policy, one_for_one_starts_all_at_once) {
  restart_policy policy({restart::permanent, restart::transient}, strategy::one_for_one, lenient, {});
  EXPECT_EQ(to_text(policy.start()), "start 0, start 1");
  EXPECT_EQ(to_text(policy.started(0, 0s)), "");
  EXPECT_EQ(to_text(policy.started(1, 0s)), "");
}

TEST(restart_policy, a_group_starts_one_after_the_other) {
  for (auto strategy : {strategy::one_for_all, strategy::rest_for_one}) {
    restart_policy policy({restart::permanent, restart::transient}, strategy, lenient, {});
    EXPECT_EQ(to_text(policy.start()), "start 0");
    EXPECT_EQ(to_text(policy.started(0, 0s)), "start 1");
    EXPECT_EQ(to_text(policy.started(1, 0s)), "");
  }
}

TEST(restart_policy, a_supervisor_without_children_idles_and_finishes) {
  for (auto strategy : {strategy::one_for_one, strategy::one_for_all, strategy::rest_for_one}) {
    restart_policy policy({}, strategy, lenient, {});
    EXPECT_EQ(to_text(policy.start()), "");
    EXPECT_EQ(to_text(policy.shut_down()), "finish");
  }
}

TEST(restart_policy, which_ends_are_followed_by_a_restart) {
  struct row {
    restart when;
    bool failed;
    std::string expected;
  };
  for (const auto& row : std::vector<row>{{restart::permanent, true, "wait 0ms #1"},
                                          {restart::permanent, false, "wait 0ms #1"},
                                          {restart::transient, true, "wait 0ms #1"},
                                          {restart::transient, false, ""},
                                          {restart::temporary, true, ""},
                                          {restart::temporary, false, ""}}) {
    running it{strategy::one_for_one, {row.when}};
    EXPECT_EQ(row.failed ? it.failed(0) : it.ended(0), row.expected);
  }
}

TEST(restart_policy, what_no_restart_mends_ends_all) {
  running it{strategy::one_for_one};
  EXPECT_EQ(to_text(it.policy.broken(1)), "stop 2");
  EXPECT_EQ(it.ended(2), "stop 0");
  EXPECT_EQ(it.ended(0), "escalate");
  // Also one that was asked to end, for another's sake.
  running other{strategy::rest_for_one};
  EXPECT_EQ(other.failed(1), "stop 2");
  EXPECT_EQ(to_text(other.policy.broken(2)), "stop 0");
  EXPECT_EQ(other.ended(0), "escalate");
}

TEST(restart_policy, one_for_one_restarts_only_the_one) {
  running it{strategy::one_for_one};
  EXPECT_EQ(it.failed(1), "wait 0ms #1");
  EXPECT_EQ(it.policy.status_of(1), restart_policy::status::waiting);
  EXPECT_EQ(it.failed(2), "wait 0ms #2");
  EXPECT_EQ(it.due(1), "start 1");
  EXPECT_EQ(it.started(1), "");
  EXPECT_EQ(it.due(2), "start 2");
  EXPECT_EQ(it.started(2), "");
  EXPECT_EQ(it.policy.restarts_of(0), 0);
  EXPECT_EQ(it.policy.restarts_of(1), 1);
}

TEST(restart_policy, rest_for_one_restarts_those_started_after_it) {
  running it{strategy::rest_for_one};
  EXPECT_EQ(it.failed(1), "stop 2");
  EXPECT_EQ(it.ended(2), "wait 0ms #1");
  EXPECT_EQ(it.due(1), "start 1");
  EXPECT_EQ(it.started(1), "start 2");
  EXPECT_EQ(it.started(2), "");
  EXPECT_EQ(it.policy.restarts_of(0), 0);
}

TEST(restart_policy, one_for_all_stops_in_reverse_and_starts_in_order) {
  running it{strategy::one_for_all};
  EXPECT_EQ(it.failed(1), "stop 2");
  EXPECT_EQ(it.ended(2), "stop 0");
  EXPECT_EQ(it.ended(0), "wait 0ms #1");
  EXPECT_EQ(it.due(1), "start 0");
  EXPECT_EQ(it.started(0), "start 1");
  EXPECT_EQ(it.started(1), "start 2");
  EXPECT_EQ(it.started(2), "");
}

TEST(restart_policy, a_failure_among_those_being_stopped_is_one_failure) {
  running it{strategy::one_for_all};
  EXPECT_EQ(it.failed(1), "stop 2");
  EXPECT_EQ(it.failed(0), "");  // before it was asked to stop
  EXPECT_EQ(it.failed(2), "wait 0ms #1");
  EXPECT_EQ(it.due(1), "start 0");
}

TEST(restart_policy, a_failure_before_the_rest_widens_the_restart) {
  running it{strategy::rest_for_one};
  EXPECT_EQ(it.failed(2), "wait 0ms #1");
  EXPECT_EQ(it.failed(0), "stop 1");
  EXPECT_EQ(it.due(1), "") << "the first wait is stale";
  EXPECT_EQ(it.ended(1), "wait 0ms #2");
  EXPECT_EQ(it.due(2), "start 0");
}

TEST(restart_policy, a_failure_while_another_stops_waits_for_it) {
  running it{strategy::rest_for_one};
  EXPECT_EQ(it.failed(1), "stop 2");
  EXPECT_EQ(it.failed(0), "") << "2 is still on its way down";
  EXPECT_EQ(it.ended(2), "wait 0ms #1");
  EXPECT_EQ(it.due(1), "start 0");
  EXPECT_EQ(it.started(0), "start 1");
}

TEST(restart_policy, a_start_that_fails_counts_as_a_failure) {
  running it{strategy::rest_for_one};
  EXPECT_EQ(it.failed(0), "stop 2");
  EXPECT_EQ(it.ended(2), "stop 1");
  EXPECT_EQ(it.ended(1), "wait 0ms #1");
  EXPECT_EQ(it.due(1), "start 0");
  EXPECT_EQ(it.started(0), "start 1");
  EXPECT_EQ(it.failed(1), "wait 0ms #2") << "0 keeps running, 2 has not been started yet";
  EXPECT_EQ(it.due(2), "start 1");
  EXPECT_EQ(it.started(1), "start 2");
}

TEST(restart_policy, temporary_children_do_not_come_back_with_their_group) {
  running it{strategy::one_for_all, {restart::permanent, restart::temporary, restart::transient}};
  EXPECT_EQ(it.ended(2), "");
  EXPECT_EQ(it.failed(0), "stop 1");
  EXPECT_EQ(it.ended(1), "wait 0ms #1");
  EXPECT_EQ(it.due(1), "start 0");
  EXPECT_EQ(it.started(0), "start 2") << "a transient one that had finished starts anew with its group";
}

TEST(restart_policy, the_last_restart_too_many_escalates) {
  struct row {
    std::vector<duration> failures;
    std::string last;
  };
  const intensity twice_in_10_s{.restarts_max = 2, .window = 10s};
  for (const auto& row : std::vector<row>{{{1s, 2s}, "wait"},
                                          {{1s, 2s, 3s}, "stop 2"},
                                          {{1s, 2s, 10s}, "stop 2"},
                                          {{1s, 2s, 11s}, "wait"},
                                          {{1s, 9s, 12s, 17s}, "stop 2"}}) {
    running it{
        strategy::one_for_one, {restart::permanent, restart::permanent, restart::permanent}, twice_in_10_s};
    std::string last;
    std::uint64_t ticket = 0;
    for (auto now : row.failures) {
      last = it.failed(0, now);
      it.due(++ticket);
      if (it.policy.closing()) break;
      it.started(0, now);
    }
    EXPECT_EQ(last.substr(0, row.last.size()), row.last) << testing::PrintToString(row.failures.size());
  }
}

TEST(restart_policy, escalation_stops_all_others_in_reverse_first) {
  running it{strategy::one_for_one,
             {restart::permanent, restart::permanent, restart::permanent},
             {.restarts_max = 0, .window = 1s}};
  EXPECT_EQ(it.failed(1), "stop 2");
  EXPECT_EQ(it.failed(2), "stop 0");
  EXPECT_EQ(it.ended(0), "escalate");
  EXPECT_EQ(to_text(it.policy.shut_down()), "");
}

TEST(restart_policy, shutting_down_stops_in_reverse_and_starts_nothing) {
  running it{strategy::one_for_one};
  EXPECT_EQ(it.failed(1), "wait 0ms #1");
  EXPECT_EQ(to_text(it.policy.shut_down()), "stop 2");
  EXPECT_EQ(it.due(1), "");
  EXPECT_EQ(it.failed(2), "stop 0");
  EXPECT_EQ(it.ended(0), "finish");
}

TEST(restart_policy, shutting_down_stops_what_was_just_being_started) {
  restart_policy policy({restart::permanent, restart::permanent}, strategy::one_for_all, lenient, {});
  policy.start();
  EXPECT_EQ(to_text(policy.shut_down()), "stop 0");
  EXPECT_EQ(to_text(policy.started(0, 0s)), "") << "it became ready meanwhile";
  EXPECT_EQ(to_text(policy.ended(0, false, 0s, 0)), "finish");
}

TEST(restart_policy, waits_double_from_the_second_failure_and_forget_after_quiet) {
  running it{strategy::one_for_one, {restart::permanent}};
  std::uint64_t ticket = 0;
  auto fail_at = [&](duration now) {
    const auto steps = it.policy.ended(0, true, now, 0);
    it.due(++ticket);
    it.started(0, now);
    return steps.at(0).delay;
  };
  EXPECT_EQ(fail_at(1s), 0ms);
  EXPECT_EQ(fail_at(2s), 10ms);
  EXPECT_EQ(fail_at(3s), 20ms);
  EXPECT_EQ(fail_at(4s), 40ms);
  for (int i = 0; i < 10; ++i)
    fail_at(5s);
  EXPECT_EQ(fail_at(6s), 1s);
  EXPECT_EQ(fail_at(65s), 1s);
  EXPECT_EQ(fail_at(125s), 0ms) << "it ran for a minute";
}

TEST(restart_policy, jitter_takes_away_at_most_half_of_a_wait) {
  std::mt19937_64 random{7};
  duration least = 1h, most = 0s;
  for (int i = 0; i < 10'000; ++i) {
    const auto wait = restart_delay({}, 5, random());
    least = std::min(least, wait);
    most = std::max(most, wait);
  }
  EXPECT_GE(least, 40ms);
  EXPECT_LT(least, 41ms);
  EXPECT_LE(most, 80ms);
  EXPECT_GT(most, 79ms);
}

TEST(restart_policy, a_failure_stops_what_is_just_being_started_after_it) {
  restart_policy policy({restart::permanent, restart::permanent, restart::permanent}, strategy::rest_for_one,
                        lenient, {});
  policy.start();
  policy.started(0, 0s);
  EXPECT_EQ(to_text(policy.ended(0, true, 0s, 0)), "stop 1");
  EXPECT_EQ(to_text(policy.started(1, 0s)), "");
  EXPECT_EQ(to_text(policy.ended(1, false, 0s, 0)), "wait 0ms #1");
  EXPECT_EQ(to_text(policy.due(1)), "start 0");
}

TEST(restart_policy, is_settled_when_all_run_that_are_to_run) {
  restart_policy policy({restart::permanent, restart::temporary}, strategy::one_for_all, lenient, {});
  policy.start();
  EXPECT_FALSE(policy.settled());
  policy.started(0, 0s);
  EXPECT_FALSE(policy.settled());
  policy.started(1, 0s);
  EXPECT_TRUE(policy.settled());
  policy.ended(1, true, 0s, 0);
  EXPECT_TRUE(policy.settled());
  policy.ended(0, true, 0s, 0);
  EXPECT_FALSE(policy.settled());
  policy.shut_down();
  EXPECT_FALSE(policy.settled());
}

TEST(restart_policy, a_report_of_what_is_not_running_is_ignored) {
  running it{strategy::one_for_all, {restart::temporary, restart::permanent}};
  EXPECT_EQ(it.ended(0), "");
  EXPECT_EQ(it.failed(0), "");
  EXPECT_EQ(it.due(99), "");
  EXPECT_EQ(it.failed(1), "wait 0ms #1");
  EXPECT_EQ(it.failed(1), "");
}

/// Carries out steps at random and checks what must hold whatever happens.
class walk {
 public:
  explicit walk(std::uint64_t seed) : random_(seed) {
    const auto count = 1 + random_() % 5;
    for (std::size_t i = 0; i < count; ++i)
      when_.push_back(static_cast<restart>(random_() % 3));
    strategy_ = static_cast<strategy>(random_() % 3);
    intensity_ = {.restarts_max = static_cast<std::uint32_t>(random_() % 6), .window = 5s};
    policy_.emplace(when_, strategy_, intensity_, back_off{});
    alone_ = strategy_ == strategy::one_for_one;
    take(policy_->start());
  }

  void run() {
    for (int i = 0; i < 200 && !over_; ++i) {
      now_ += std::chrono::milliseconds(random_() % 800);
      one_event();
    }
    if (!over_) take(policy_->shut_down());
    for (int i = 0; i < 100 && !over_; ++i)
      one_event();
    EXPECT_TRUE(over_) << "it never finished";
    for (bool alive : alive_)
      EXPECT_FALSE(alive) << "an orphan lives";
  }

 private:
  void one_event() {
    const auto choice = random_() % 6;
    if (choice < 2 && !starting_.empty()) {
      const auto child = pick(starting_);
      starting_.erase(child);
      take(policy_->started(child, now_));
    } else if (choice < 4 && !stopping_.empty()) {
      end(*stopping_.begin(), random_() % 2 == 0);
    } else if (choice < 5 && !tickets_.empty()) {
      const auto ticket = pick(tickets_);
      tickets_.erase(ticket);
      take(policy_->due(ticket));
    } else if (!alive_.empty()) {
      end(pick(alive_), random_() % 2 == 0);
    }
  }

  template <class Value>
  Value pick(const std::set<Value>& among) {
    return *std::next(among.begin(), static_cast<std::ptrdiff_t>(random_() % among.size()));
  }

  void end(std::size_t child, bool failed) {
    alive_.erase(child);
    starting_.erase(child);
    stopping_.erase(child);
    take(policy_->ended(child, failed, now_, random_()));
  }

  void take(const steps& steps) {
    todo_.insert(todo_.end(), steps.begin(), steps.end());
    if (std::exchange(taking_, true)) return;
    while (!todo_.empty()) {
      const auto step = todo_.front();
      todo_.pop_front();
      carry_out(step);
    }
    taking_ = false;
  }

  void carry_out(const step& step) {
    EXPECT_FALSE(over_) << "a step after the last one";
    switch (step.what) {
      case step::action::start:
        start(step.child);
        break;
      case step::action::stop:
        if (!alive_.contains(step.child)) break;  // it failed to start meanwhile
        EXPECT_TRUE(alone_ || *alive_.rbegin() == step.child) << "stopped before what depends on it";
        EXPECT_TRUE(stopping_.empty()) << "stops are one at a time";
        stopping_.insert(step.child);
        break;
      case step::action::wait:
        tickets_.insert(step.ticket);
        break;
      case step::action::escalate:
      case step::action::finish:
        over_ = true;
        break;
    }
  }

  void start(std::size_t child) {
    for (std::size_t earlier = 0; !alone_ && earlier < child; ++earlier)
      EXPECT_TRUE((alive_.contains(earlier) && !starting_.contains(earlier)) ||
                  policy_->status_of(earlier) == restart_policy::status::finished)
          << "started before what it depends on was ready";
    EXPECT_TRUE(alive_.insert(child).second) << "two lives of one child";
    if (random_() % 8 == 0)
      end(child, true);
    else
      starting_.insert(child);
  }

  std::mt19937_64 random_;
  std::vector<restart> when_;
  strategy strategy_{};
  intensity intensity_;
  std::optional<restart_policy> policy_;
  bool alone_ = false;  ///< Children do not depend on each other.
  std::set<std::size_t> alive_;
  std::set<std::size_t> starting_;
  std::set<std::size_t> stopping_;
  std::set<std::uint64_t> tickets_;
  duration now_{};
  std::deque<step> todo_;
  bool taking_ = false;
  bool over_ = false;
};

TEST(restart_policy, holds_its_order_whatever_happens) {
  for (std::uint64_t seed = 1; seed <= 2'000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    walk{seed}.run();
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace souk::supervision
