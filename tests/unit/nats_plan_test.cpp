#include "actors/nats/publish_plan.hpp"
#include "tests/seeds.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace souk::nats {
namespace {

using namespace std::chrono_literals;
using kind = publish_result::kind;

constexpr std::int64_t start_ms = 1'800'000'000'000;

Place place_at(std::uint32_t shard, std::uint64_t index) {
  Place place;
  place.set_shard(shard);
  place.set_index(index);
  return place;
}

/// "evt_s_000012": as real ones, those of a shard sort as they happened.
std::string id_at(std::uint32_t shard, std::uint64_t index) {
  auto digits = std::to_string(index);
  return "evt_" + std::to_string(shard) + "_" + std::string(6 - digits.size(), '0') + digits;
}

feed_step event_at(std::uint32_t shard, std::uint64_t index, std::string subject) {
  feed_event event;
  event.at = place_at(shard, index);
  event.tenant = "main";
  event.id = id_at(shard, index);
  event.type = "order.placed.v1";
  event.subject = std::move(subject);
  event.time_ms = start_ms + static_cast<std::int64_t>(index);
  event.body = "body of " + event.id;
  return {place_at(shard, index + 1), std::move(event)};
}

feed_step nothing_until(std::uint32_t shard, std::uint64_t index) {
  return {place_at(shard, index), std::nullopt};
}

pb::Sink sink_at(std::uint64_t index) {
  pb::Sink sink;
  *sink.mutable_place() = place_at(0, index);
  return sink;
}

class nats_plan : public ::testing::Test {
 protected:
  nats_plan() { plan_.begin(0, sink_at(1), now_); }

  void read(std::vector<feed_step> steps) { plan_.take(0, std::move(steps)); }
  /// The ids of all that can be published now.
  std::vector<std::string> sent() {
    std::vector<std::string> ids;
    while (auto next = plan_.next(now_)) {
      numbers_[next->event.id] = next->number;
      ids.push_back(next->event.id);
    }
    return ids;
  }
  void end(const std::string& id, kind what = kind::stored) {
    plan_.ended(std::exchange(numbers_[id], 0), what, now_, dice_);
  }
  std::optional<pb::Progress> progress() { return plan_.progress(0, now_); }
  using ids = std::vector<std::string>;

  plan_limits limits_;
  publish_plan plan_{limits_};
  nanoseconds now_ = 100s;
  std::uint64_t dice_ = 0;  // the waits are a tenth shorter then
  std::map<std::string, std::uint64_t> numbers_;
};

TEST_F(nats_plan, sends_events_of_a_subject_one_after_the_other) {
  read({event_at(0, 1, "a"), event_at(0, 2, "a"), event_at(0, 3, "b"), event_at(0, 4, "a")});
  EXPECT_EQ(sent(), (ids{id_at(0, 1), id_at(0, 3)}));
  end(id_at(0, 3));
  EXPECT_EQ(sent(), ids{});
  end(id_at(0, 1), kind::duplicate);
  EXPECT_EQ(sent(), ids{id_at(0, 2)});
  end(id_at(0, 2));
  EXPECT_EQ(sent(), ids{id_at(0, 4)});
}

TEST_F(nats_plan, keeps_subjects_of_tenants_apart) {
  auto other = event_at(0, 2, "a");
  other.event->tenant = "other";
  read({event_at(0, 1, "a"), std::move(other)});
  EXPECT_EQ(sent().size(), 2u);
}

TEST_F(nats_plan, bounds_what_is_under_way_over_all_shards) {
  plan_.begin(1, sink_at(1), now_);
  std::vector<feed_step> of_one;
  for (std::uint64_t n = 1; n <= limits_.in_flight_max; ++n) {
    read({event_at(0, n, "s" + std::to_string(n))});
    of_one.push_back(event_at(1, n, "s" + std::to_string(n)));
  }
  plan_.take(1, std::move(of_one));
  EXPECT_EQ(sent().size(), limits_.in_flight_max);
  EXPECT_EQ(plan_.under_way(), limits_.in_flight_max);
  end(id_at(0, 1));
  EXPECT_EQ(sent().size(), 1u);
}

TEST_F(nats_plan, reads_no_more_than_a_crash_may_repeat) {
  std::uint64_t index = 1;
  for (; plan_.wants_more(0); ++index)
    read({event_at(0, index, "s" + std::to_string(index))});
  EXPECT_EQ(index - 1, limits_.window_max);
  for (const auto& id : sent())
    end(id);
  EXPECT_FALSE(plan_.wants_more(0));  // they came through, and nobody knows
  ASSERT_TRUE(progress());
  EXPECT_FALSE(plan_.wants_more(0));
  plan_.committed(0);
  EXPECT_TRUE(plan_.wants_more(0));
}

TEST_F(nats_plan, bounds_what_it_has_read_of_all_shards) {
  limits_.waiting_max = 3;
  plan_ = publish_plan{limits_};
  for (const runtime::shard_id shard : {0, 1, 2})
    plan_.begin(shard, sink_at(1), now_);
  read({event_at(0, 1, "a"), event_at(0, 2, "b"), event_at(0, 3, "c")});
  EXPECT_FALSE(plan_.wants_more(0));
  EXPECT_TRUE(plan_.wants_more(1));  // it has nothing yet
  plan_.take(1, {event_at(1, 1, "a")});
  EXPECT_FALSE(plan_.wants_more(1));
  EXPECT_EQ(plan_.waiting(), 4u);
  plan_.end(0);
  EXPECT_EQ(plan_.waiting(), 1u);
  EXPECT_TRUE(plan_.wants_more(1));
}

TEST_F(nats_plan, commits_what_came_through_from_the_beginning_on) {
  read({event_at(0, 1, "a"), event_at(0, 2, "b"), event_at(0, 3, "c"), nothing_until(0, 9)});
  sent();
  end(id_at(0, 2));
  end(id_at(0, 3));
  now_ += limits_.commit_interval;
  EXPECT_FALSE(progress());
  end(id_at(0, 1));
  const auto told = progress();
  ASSERT_TRUE(told);
  EXPECT_EQ(told->place().index(), 9u);
  EXPECT_EQ(told->published(), 3u);
  EXPECT_FALSE(progress());
}

TEST_F(nats_plan, commits_seldom_while_little_happens_and_at_once_while_much_does) {
  read({event_at(0, 1, "a")});
  sent();
  end(id_at(0, 1));
  EXPECT_FALSE(progress());
  now_ += limits_.commit_interval;
  EXPECT_TRUE(progress());
  for (std::uint64_t n = 2; n < 2 + limits_.commit_events; ++n) {
    EXPECT_FALSE(progress()) << n;
    read({event_at(0, n, "a")});
    sent();
    end(id_at(0, n));
  }
  EXPECT_TRUE(progress());
}

TEST_F(nats_plan, commits_what_it_passed_over_and_where_it_began) {
  read({nothing_until(0, 1 + limits_.passed_over_max)});
  EXPECT_FALSE(progress());
  read({nothing_until(0, 2 + limits_.passed_over_max)});
  EXPECT_TRUE(progress());
  EXPECT_FALSE(progress());
  plan_.end(0);
  plan_.begin(0, {}, now_);
  read({nothing_until(0, 5)});
  const auto told = progress();
  ASSERT_TRUE(told);
  EXPECT_EQ(told->place().index(), 5u);
  plan_.end(0);
  plan_.begin(0, {}, now_);
  read({event_at(0, 7, "a")});  // and is not taken
  EXPECT_EQ(progress()->place().index(), 7u);
  EXPECT_FALSE(progress());
}

TEST_F(nats_plan, tries_one_event_at_longer_and_longer_waits_while_nats_is_away) {
  for (std::uint64_t n = 1; n <= 9; ++n)
    read({event_at(0, n, "s" + std::to_string(n))});
  for (const auto& id : sent())
    end(id, kind::away);  // all together are one failure
  EXPECT_TRUE(plan_.away());
  milliseconds wait = limits_.wait_first;
  for (int n = 0; n < 12; ++n) {
    now_ += wait * 9 / 10 - 1ms;
    EXPECT_EQ(sent(), ids{}) << n;
    now_ += 1ms;
    const auto probe = sent();
    ASSERT_EQ(probe.size(), 1u) << n;
    EXPECT_EQ(sent(), ids{});
    end(probe.front(), kind::away);
    wait = std::min(2 * wait, limits_.wait_max);
  }
  EXPECT_EQ(wait, limits_.wait_max);
  now_ += wait;
  const auto probe = sent();
  ASSERT_EQ(probe.size(), 1u);
  end(probe.front());
  EXPECT_FALSE(plan_.away());
  EXPECT_EQ(sent().size(), 8u);
}

TEST_F(nats_plan, holds_up_the_subject_of_a_refused_event_alone) {
  read({event_at(0, 1, "a"), event_at(0, 2, "a"), event_at(0, 3, "b")});
  sent();
  end(id_at(0, 1), kind::refused);
  end(id_at(0, 3));
  EXPECT_FALSE(plan_.away());
  EXPECT_EQ(sent(), ids{});
  read({event_at(0, 4, "b")});
  EXPECT_EQ(sent(), ids{id_at(0, 4)});
  end(id_at(0, 4));
  now_ += limits_.wait_first;
  EXPECT_EQ(sent(), ids{id_at(0, 1)});
  end(id_at(0, 1), kind::refused);
  now_ += limits_.wait_first;
  EXPECT_EQ(sent(), ids{});
  now_ += limits_.wait_first;
  EXPECT_EQ(sent(), ids{id_at(0, 1)});
  end(id_at(0, 1));
  EXPECT_EQ(sent(), ids{id_at(0, 2)});
}

TEST_F(nats_plan, goes_on_behind_what_was_trimmed_and_counts_it) {
  read({event_at(0, 1, "a")});
  sent();
  EXPECT_EQ(plan_.lost(0, place_at(0, 50)), 48u);
  EXPECT_EQ(plan_.place(0).index(), 50u);
  now_ += limits_.commit_interval;
  EXPECT_EQ(progress()->place().index(), 0u + 1u);  // what was read before is not lost
  read({event_at(0, 50, "a")});
  end(id_at(0, 1));
  EXPECT_EQ(sent(), ids{id_at(0, 50)});
  now_ += limits_.commit_interval;
  const auto told = progress();
  ASSERT_TRUE(told);
  EXPECT_EQ(told->place().index(), 50u);
}

TEST_F(nats_plan, forgets_a_shard_that_another_node_leads) {
  read({event_at(0, 1, "a"), event_at(0, 2, "b")});
  EXPECT_EQ(sent().size(), 2u);
  plan_.end(0);
  EXPECT_FALSE(plan_.has(0));
  plan_.begin(0, sink_at(1), now_);
  read({event_at(0, 1, "a")});
  end(id_at(0, 1));  // of before
  now_ += limits_.commit_interval;
  EXPECT_FALSE(progress());
  EXPECT_EQ(sent(), ids{id_at(0, 1)});
  EXPECT_EQ(plan_.under_way(), 2u);
}

TEST_F(nats_plan, says_how_much_waits_and_since_when) {
  EXPECT_FALSE(plan_.oldest_ms());
  read({event_at(0, 1, "a"), event_at(0, 2, "b")});
  EXPECT_EQ(plan_.waiting(), 2u);
  EXPECT_EQ(plan_.oldest_ms(), start_ms + 1);
  sent();
  end(id_at(0, 1));
  EXPECT_EQ(plan_.waiting(), 1u);
  EXPECT_EQ(plan_.oldest_ms(), start_ms + 2);
}

/// A stream that remembers every id, and journals of three shards. Publishers die, answers are lost, NATS is
/// away for a while: nothing may be missing or out of order within a subject, and a death repeats no more
/// than it may.
class nats_life {
 public:
  explicit nats_life(std::uint64_t seed) : random_(seed) {
    for (std::uint32_t shard = 0; shard < shards; ++shard)
      begin(shard);
  }

  void run() {
    for (int n = 0; n < 400; ++n)
      step();
    calm_ = true;
    for (int n = 0; n < 2'000; ++n)
      step();
    for (std::uint32_t shard = 0; shard < shards; ++shard) {
      const auto& journal = journals_[shard];
      const auto silent = std::ranges::count(journal, "");
      EXPECT_EQ(stored_[shard].size(), journal.size() - static_cast<std::size_t>(silent)) << shard;
    }
  }

 private:
  static constexpr std::uint32_t shards = 3;
  static constexpr std::size_t page = 16;

  bool once_in(std::uint64_t n) { return random_() % n == 0; }

  void begin(std::uint32_t shard) {
    plan_->begin(shard, sinks_[shard], now_);
    repeated_[shard] = 0;
    before_[shard] = stored_[shard];
  }

  void step() {
    now_ += milliseconds{random_() % 200};
    if (!calm_ && once_in(40)) away_ = !away_;
    if (calm_) away_ = false;
    if (!calm_ && once_in(60)) die();
    for (std::uint32_t shard = 0; shard < shards; ++shard) {
      if (!calm_) happen(shard);
      read(shard);
      commit(shard);
    }
    publish();
    end_some();
  }

  void happen(std::uint32_t shard) {
    for (auto n = random_() % 20; n > 0; --n)
      journals_[shard].push_back(once_in(4) ? "" : "s" + std::to_string(random_() % 7));
  }

  void read(std::uint32_t shard) {
    auto& journal = journals_[shard];
    if (!plan_->wants_more(shard)) return;
    const auto from = std::max<std::uint64_t>(plan_->place(shard).index(), 1);
    std::vector<feed_step> steps;
    auto index = from;
    for (; index < journal.size() && steps.size() < page; ++index)
      if (!journal[index].empty()) steps.push_back(event_at(shard, index, journal[index]));
    if (steps.empty()) steps.push_back(nothing_until(shard, index));
    plan_->take(shard, std::move(steps));
  }

  void publish() {
    while (auto next = plan_->next(now_)) {
      const auto shard = next->event.at.shard();
      const auto lost = !calm_ && once_in(30);
      if (away_ || lost) {
        if (!away_ && once_in(2)) store(next->event);  // the answer was lost
        flights_.emplace_back(next->number, kind::away);
        continue;
      }
      if (!calm_ && once_in(50)) {
        flights_.emplace_back(next->number, kind::refused);
        continue;
      }
      const bool fresh = store(next->event);
      if (before_[shard].erase(next->event.at.index()) != 0) ++repeated_[shard];
      EXPECT_LE(repeated_[shard], plan_limits{}.window_max + page) << shard;
      flights_.emplace_back(next->number, fresh ? kind::stored : kind::duplicate);
    }
  }

  /// False: it was there.
  bool store(const feed_event& event) {
    const auto shard = event.at.shard();
    if (!stored_[shard].insert(event.at.index()).second) return false;
    auto& last = last_[std::to_string(shard) + event.subject];
    EXPECT_LT(last, event.at.index());
    const auto& journal = journals_[shard];
    for (auto between = last + 1; between < event.at.index(); ++between)
      EXPECT_NE(journal[between], event.subject) << "left out";
    last = event.at.index();
    return true;
  }

  void end_some() {
    std::shuffle(flights_.begin(), flights_.end(), random_);
    for (auto n = flights_.size(); n > 0; --n) {
      if (!calm_ && once_in(3)) continue;
      plan_->ended(flights_.back().first, flights_.back().second, now_, random_());
      flights_.pop_back();
    }
  }

  void commit(std::uint32_t shard) {
    auto& open = open_[shard];
    if (open) {
      if (once_in(2)) return;
      plan_->committed(shard);
      open = false;
    }
    if (const auto progress = plan_->progress(shard, now_)) {
      auto index = std::max<std::uint64_t>(sinks_[shard].place().index(), 1);
      *sinks_[shard].mutable_place() = progress->place();
      for (; index < progress->place().index(); ++index)
        EXPECT_TRUE(journals_[shard][index].empty() || stored_[shard].contains(index)) << "not there";
      open = true;
    }
  }

  /// The publisher, or its node; perhaps for one shard alone.
  void die() {
    if (once_in(2)) {
      const auto shard = static_cast<std::uint32_t>(random_() % shards);
      plan_->end(shard);
      open_[shard] = false;
      begin(shard);
      return;
    }
    plan_.emplace(plan_limits{});
    flights_.clear();
    for (std::uint32_t shard = 0; shard < shards; ++shard) {
      open_[shard] = false;
      begin(shard);
    }
  }

  std::mt19937_64 random_;
  nanoseconds now_ = 1s;
  bool away_ = false;
  bool calm_ = false;
  std::optional<publish_plan> plan_{plan_limits{}};
  std::map<std::uint32_t, pb::Sink> sinks_;
  std::map<std::uint32_t, bool> open_;
  std::map<std::uint32_t, std::vector<std::string>> journals_{{0, {""}}, {1, {""}}, {2, {""}}};  // from 1 on
  std::map<std::uint32_t, std::set<std::uint64_t>> stored_;
  std::map<std::uint32_t, std::size_t> repeated_;
  std::map<std::uint32_t, std::set<std::uint64_t>> before_;  // stored when this life began
  std::map<std::string, std::uint64_t> last_;
  std::vector<std::pair<std::uint64_t, kind>> flights_;
};

TEST(nats_lives, lose_nothing_and_keep_the_order_of_subjects) {
  const auto seeds = tests::seeds(60);
  for (std::uint64_t seed = 1; seed <= seeds && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    nats_life{seed}.run();
  }
}

}  // namespace
}  // namespace souk::nats
