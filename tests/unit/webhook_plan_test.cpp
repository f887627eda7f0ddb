#include "actors/webhook/delivery_plan.hpp"
#include "actors/webhook/endpoint.hpp"
#include "tests/seeds.hpp"
#include "tests/unit/decider_life.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace souk::webhook {
namespace {

using namespace std::chrono_literals;
using kind = try_outcome::kind;

const runtime::timestamp start = runtime::from_ms(1'800'000'000'000);

pb::Place place_at(std::uint32_t shard, std::uint64_t index) {
  pb::Place place;
  place.set_shard(shard);
  place.set_index(index);
  return place;
}

/// "evt_s_000012": as real ones, those of a shard sort as they happened.
std::string id_at(std::uint32_t shard, std::uint64_t index) {
  auto digits = std::to_string(index);
  return "evt_" + std::to_string(shard) + "_" + std::string(6 - digits.size(), '0') + digits;
}

feed_step event_at(std::uint32_t shard, std::uint64_t index, std::string subject,
                   std::string type = "order.placed.v1") {
  feed_event event;
  event.at = place_at(shard, index);
  event.id = id_at(shard, index);
  event.type = std::move(type);
  event.subject = std::move(subject);
  event.time_ms = runtime::to_ms(start) + static_cast<std::int64_t>(index);
  event.body = "body of " + event.id;
  return {place_at(shard, index + 1), std::move(event)};
}

pb::Claimed claimed_at(std::uint64_t index) {
  pb::Claimed claimed;
  claimed.mutable_endpoint()->set_id("whe_1");
  *claimed.mutable_endpoint()->add_places() = place_at(0, index);
  return claimed;
}

class webhook_plan : public ::testing::Test {
 protected:
  void read(std::vector<feed_step> steps) { plan_.take(0, std::move(steps)); }
  /// The ids of all tries that can be made now.
  std::vector<std::string> all_next() {
    std::vector<std::string> ids;
    while (auto next = plan_.next(now_))
      ids.push_back(next->id);
    return ids;
  }
  void end(const std::string& id, kind what, milliseconds retry_after = {}) {
    plan_.ended(id, {what, "it answered 500", retry_after}, now_, 0);
  }
  using ids = std::vector<std::string>;

  delivery_plan plan_{claimed_at(1), {}};
  runtime::timestamp now_ = start;
};

TEST_F(webhook_plan, sends_a_subject_in_order_and_others_meanwhile) {
  read({event_at(0, 1, "a"), event_at(0, 2, "a"), event_at(0, 3, "b")});
  EXPECT_EQ(all_next(), (ids{id_at(0, 1), id_at(0, 3)}));
  end(id_at(0, 1), kind::taken);
  EXPECT_EQ(all_next(), (ids{id_at(0, 2)}));
}

TEST_F(webhook_plan, commits_what_is_taken_without_a_gap_before_it) {
  read({event_at(0, 1, "a"), event_at(0, 2, "b"), event_at(0, 3, "c")});
  all_next();
  EXPECT_FALSE(plan_.progress());
  end(id_at(0, 2), kind::taken);
  const auto nothing = plan_.progress();  // 1 is under way
  EXPECT_TRUE(!nothing || nothing->places().empty());
  end(id_at(0, 1), kind::taken);
  const auto progress = plan_.progress();
  ASSERT_TRUE(progress);
  ASSERT_EQ(progress->places_size(), 1);
  EXPECT_EQ(progress->places(0).index(), 3u);
  EXPECT_FALSE(plan_.progress());
}

TEST_F(webhook_plan, parks_what_is_not_taken_and_what_is_behind_it_in_its_subject) {
  read({event_at(0, 1, "a"), event_at(0, 2, "a"), event_at(0, 3, "b")});
  all_next();
  end(id_at(0, 1), kind::failed);
  end(id_at(0, 3), kind::taken);
  const auto progress = plan_.progress();
  ASSERT_TRUE(progress);
  EXPECT_EQ(progress->places(0).index(), 4u);
  ASSERT_EQ(progress->parked_size(), 2);
  EXPECT_EQ(progress->parked(0).id(), id_at(0, 1));
  EXPECT_EQ(progress->parked(0).body(), "body of " + id_at(0, 1));
  EXPECT_EQ(progress->parked(0).attempts(), 1u);
  EXPECT_EQ(progress->parked(1).attempts(), 0u);
  EXPECT_EQ(progress->failure(), "");  // b was taken after it
  EXPECT_EQ(all_next(), ids{});
  now_ += 6s;
  EXPECT_EQ(all_next(), (ids{id_at(0, 1)}));
  end(id_at(0, 1), kind::taken);
  EXPECT_EQ(all_next(), (ids{id_at(0, 2)}));
  end(id_at(0, 2), kind::taken);
  const auto last = plan_.progress();
  ASSERT_TRUE(last);
  EXPECT_EQ(last->delivered_size(), 2);
  EXPECT_EQ(plan_.parked(), 0u);
}

TEST_F(webhook_plan, waits_as_the_schedule_says_and_gives_up_at_its_end) {
  read({event_at(0, 1, "a")});
  for (const auto wait : retry_waits) {
    ASSERT_EQ(all_next(), (ids{id_at(0, 1)}));
    end(id_at(0, 1), kind::failed);
    EXPECT_EQ(plan_.disabled(), "");
    now_ += wait * 8 / 10;
    EXPECT_EQ(all_next(), ids{});
    now_ += wait * 3 / 10;
  }
  ASSERT_EQ(all_next(), (ids{id_at(0, 1)}));
  end(id_at(0, 1), kind::failed);
  EXPECT_EQ(plan_.disabled(), reason::retries_exhausted);
  now_ += 240h;
  EXPECT_EQ(all_next(), ids{});
  EXPECT_FALSE(plan_.wants_more());
  const auto progress = plan_.progress();
  ASSERT_TRUE(progress);
  EXPECT_EQ(progress->disable(), reason::retries_exhausted);
  EXPECT_EQ(progress->parked_size(), 1);
  // About three days in all.
  milliseconds all{};
  for (const auto wait : retry_waits)
    all += wait;
  EXPECT_GT(all, 72h);
  EXPECT_LT(all, 96h);
}

TEST_F(webhook_plan, ends_at_410) {
  read({event_at(0, 1, "a"), event_at(0, 2, "b")});
  all_next();
  end(id_at(0, 1), kind::gone);
  end(id_at(0, 2), kind::taken);
  EXPECT_EQ(plan_.disabled(), reason::gone);
  const auto progress = plan_.progress();
  EXPECT_EQ(progress->disable(), reason::gone);
  EXPECT_EQ(progress->parked_size(), 1);
  EXPECT_EQ(progress->places(0).index(), 3u);
}

TEST_F(webhook_plan, heeds_a_receiver_that_asks_for_a_pause) {
  read({event_at(0, 1, "a"), event_at(0, 2, "b"), event_at(0, 3, "b")});
  all_next();
  end(id_at(0, 1), kind::paused, 10min);
  end(id_at(0, 2), kind::taken);
  now_ += 9min;
  EXPECT_EQ(all_next(), ids{});
  now_ += 2min;
  EXPECT_EQ(all_next(), (ids{id_at(0, 1), id_at(0, 3)}));
}

TEST_F(webhook_plan, asks_again_and_again_in_an_outage_and_catches_up_behind_it) {
  std::vector<feed_step> steps;
  for (std::uint64_t n = 1; n <= 40; ++n)
    steps.push_back(event_at(0, n, "s" + std::to_string(n)));
  read(std::move(steps));
  const auto first = all_next();
  EXPECT_EQ(first.size(), plan_limits{}.in_flight_max);
  for (const auto& id : first)
    end(id, kind::failed);
  EXPECT_TRUE(plan_.in_outage());
  EXPECT_EQ(all_next(), ids{});  // nothing new is tried
  std::size_t tries = 0;
  for (int second = 0; second < 3'600; ++second, now_ += 1s)
    for (const auto& id : all_next()) {
      ++tries;
      end(id, kind::failed);
    }
  EXPECT_GT(tries, 60u);  // once a minute, and what is due
  EXPECT_LT(tries, 150u);
  EXPECT_EQ(plan_.disabled(), "");
  plan_.progress();
  std::set<std::string> taken;
  for (int second = 0; second < 70 && taken.size() < 40; ++second, now_ += 1s)
    while (true) {
      const auto now = all_next();
      if (now.empty()) break;
      for (const auto& id : now) {
        taken.insert(id);
        end(id, kind::taken);
      }
    }
  EXPECT_EQ(taken.size(), 40u);
}

TEST_F(webhook_plan, a_try_out_of_turn_does_not_shorten_the_schedule) {
  delivery_plan plan{claimed_at(1), {.outage_failures = 1}};
  plan.take(0, {event_at(0, 1, "a")});
  std::size_t tries = 0;
  std::int64_t hours = 0;
  for (; plan.disabled().empty() && hours < 200 * 60; ++hours, now_ += 1min)
    while (auto next = plan.next(now_)) {
      ++tries;
      plan.ended(next->id, {kind::failed, "", {}}, now_, tries);
    }
  EXPECT_GT(hours, 65 * 60);  // minutes
  EXPECT_GT(tries, 4'000u);
}

TEST_F(webhook_plan, reads_no_more_when_it_has_no_room) {
  plan_limits limits;
  limits.parked_max = 3;
  limits.unsettled_max = 4;
  delivery_plan plan{claimed_at(1), limits};
  std::uint64_t read = 0;
  for (int round = 0; round < 20 && plan.wants_more(); ++round) {
    ++read;
    plan.take(0, {event_at(0, read, "a")});
    if (auto next = plan.next(now_)) plan.ended(next->id, {kind::failed, "", {}}, now_, 0);
    plan.progress();
  }
  EXPECT_EQ(read, 7u);
  EXPECT_EQ(plan.parked(), 3u);
  EXPECT_EQ(plan.unsettled(), 4u);
}

TEST_F(webhook_plan, passes_over_other_types_and_commits_that_seldom) {
  auto claimed = claimed_at(1);
  claimed.mutable_endpoint()->add_types("order.placed.v1");
  delivery_plan plan{claimed, {}};
  plan.take(0, {event_at(0, 1, "a", "stock.moved.v1")});
  EXPECT_FALSE(plan.next(now_));
  EXPECT_FALSE(plan.progress());
  plan.take(0, {{place_at(0, 2'000), std::nullopt}});
  const auto progress = plan.progress();
  ASSERT_TRUE(progress);
  EXPECT_EQ(progress->places(0).index(), 2'000u);
}

TEST_F(webhook_plan, says_when_events_were_trimmed_before_it_read_them) {
  plan_.lost(0, place_at(0, 500));
  EXPECT_EQ(plan_.disabled(), reason::events_trimmed);
  const auto progress = plan_.progress();
  ASSERT_TRUE(progress);
  EXPECT_EQ(progress->disable(), reason::events_trimmed);
  ASSERT_EQ(progress->lost_size(), 1);
  EXPECT_EQ(progress->lost(0), 0u);
  EXPECT_TRUE(progress->places().empty());
  EXPECT_NE(progress->failure().find("from record 1 to 500"), std::string::npos);
}

TEST_F(webhook_plan, of_a_replay_tells_its_end_also_where_nothing_is_to_be_sent) {
  auto claimed = claimed_at(1);
  auto& replay = *claimed.mutable_endpoint()->mutable_replay();
  *replay.add_end() = place_at(0, 3);
  replay.set_until_ms(1);
  delivery_plan plan{claimed, {}};
  plan.take(0, {event_at(0, 1, "a")});
  EXPECT_FALSE(plan.progress());
  plan.take(0, {event_at(0, 2, "a")});
  EXPECT_EQ(plan.progress()->places(0).index(), 3u);
}

TEST_F(webhook_plan, of_a_replay_sends_what_is_in_its_range_and_all_behind_it) {
  auto claimed = claimed_at(1);
  auto& replay = *claimed.mutable_endpoint()->mutable_replay();
  *replay.add_end() = place_at(0, 8);
  *replay.add_until() = place_at(0, 5);
  replay.set_from_ms(runtime::to_ms(start) + 3);
  delivery_plan plan{claimed, {}};
  for (std::uint64_t n = 1; n <= 10; ++n)
    plan.take(0, {event_at(0, n, "s" + std::to_string(n))});
  std::set<std::string> sent;
  while (auto next = plan.next(now_))
    sent.insert(next->id);
  for (const auto& id : sent)
    if (id < id_at(0, 8)) plan.ended(id, {kind::taken, "", {}}, now_, 0);
  EXPECT_EQ(plan.progress()->places(0).index(), 8u);
  EXPECT_EQ(sent, (std::set<std::string>{id_at(0, 3), id_at(0, 4), id_at(0, 8), id_at(0, 9), id_at(0, 10)}));
}

// -- whole lives -----------------------------------------------------------------------------------------

/// An endpoint with a feed behind it and a receiver in front, whose sender dies now and then: the decider
/// keeps what was committed, all else is gone.
class life {
 public:
  explicit life(std::uint64_t seed) : dice_(seed) {
    pb::Command command;
    auto& create = *command.mutable_create();
    create.set_endpoint_id("whe_1");
    for (std::uint32_t shard = 0; shard < shards; ++shard)
      *create.add_places() = place_at(shard, 1);
    endpoint_.tell(command);
    limits_.in_flight_max = 1 + below(6);
    limits_.parked_max = 1 + below(30);
    limits_.unsettled_max = 2 + below(30);
    limits_.outage_failures = 2 + static_cast<unsigned>(below(10));
    for (std::size_t n = 0; n < 2 + below(6); ++n)
      subjects_.push_back("s" + std::to_string(n));
    claim();
  }

  void run() {
    for (int step = 0; step < 600; ++step)
      act();
    quiet_ = true;
    for (int step = 0; step < 20'000 && !is_done(); ++step) {
      act();
      now_ += 30s;
    }
    EXPECT_TRUE(is_done()) << plan_->disabled() << " " << taken_.size() << " of " << happened();
    endpoint_.expect_replayable();
  }

 private:
  static constexpr std::uint32_t shards = 3;
  struct known {
    std::string subject;
    std::size_t number = 0;
  };

  std::uint64_t below(std::uint64_t end) { return dice_() % end; }
  bool chance(unsigned percent) { return below(100) < percent; }
  std::size_t happened() const { return events_.size(); }
  bool is_done() const {
    return taken_.size() == happened() && plan_->unsettled() == 0 && plan_->parked() == 0 && open_.empty();
  }

  void claim() {
    pb::Command command;
    command.mutable_claim()->set_run("run " + std::to_string(++runs_));
    const auto decision = endpoint_.tell(command);
    const auto& claimed = dynamic_cast<const pb::Claimed&>(*decision.reply->value);
    plan_.emplace(claimed, limits_);
    // What was under way may have come through, and nobody knows.
    for (const auto& id : std::exchange(open_, {}))
      if (!down_ && chance(50)) took(id);
  }

  void took(const std::string& id) {
    const auto& event = events_.at(id);
    taken_.insert(id);
    auto& reached = reached_[event.subject];
    reached = std::max(reached, event.number);
  }

  void happen() {
    const auto subject = below(subjects_.size());
    const auto shard = static_cast<std::uint32_t>(subject % shards);  // a subject lives in one
    auto& feed = feeds_[shard];
    feed.push_back(subjects_[subject]);
    events_[id_at(shard, feed.size())] = {subjects_[subject], ++counts_[subjects_[subject]]};
  }

  void read() {
    const auto shard = static_cast<std::uint32_t>(below(shards));
    if (!plan_->wants_more()) return;
    const auto& feed = feeds_[shard];
    std::vector<feed_step> steps;
    auto index = plan_->place(static_cast<runtime::shard_id>(shard)).index();
    for (auto most = 1 + below(4); most > 0 && index <= feed.size(); --most, ++index)
      steps.push_back(event_at(shard, index, feed[index - 1]));
    plan_->take(static_cast<runtime::shard_id>(shard), std::move(steps));
  }

  void send() {
    const auto next = plan_->next(now_);
    if (!next) return;
    const auto& event = events_.at(next->id);
    EXPECT_EQ(next->body, "body of " + next->id);
    for (const auto& id : open_)
      EXPECT_NE(events_.at(id).subject, event.subject) << "two of one subject are under way";
    // In order: whatever is before it was taken.
    EXPECT_LE(event.number, reached_[event.subject] + 1) << next->id << " before its turn";
    open_.insert(next->id);
  }

  void answer() {
    if (open_.empty()) return;
    const auto at = std::next(open_.begin(), static_cast<std::ptrdiff_t>(below(open_.size())));
    const auto id = *at;
    open_.erase(at);
    const auto& event = events_.at(id);
    const bool poisoned = !quiet_ && event.subject == "s0";
    const bool takes = quiet_ || (!down_ && !poisoned && chance(80));
    if (takes) took(id);
    const auto what = takes ? kind::taken : (chance(20) ? kind::paused : kind::failed);
    plan_->ended(id, {what, "it answered 500", 2s}, now_, dice_());
  }

  void commit() {
    if (!plan_->disabled().empty()) {
      // What an operator would do.
      open_.clear();
      pb::Command enable;
      enable.mutable_change()->set_enabled(true);
      endpoint_.tell(enable);
      return claim();
    }
    auto progress = plan_->progress();
    if (!progress) return;
    pb::Command command;
    *command.mutable_progress() = *std::move(progress);
    command.mutable_progress()->set_run("run " + std::to_string(runs_));
    EXPECT_EQ(endpoint_.tell(command).reply->status, 200);
    if (chance(10)) endpoint_.tell(command);  // put again, for its answer was lost
  }

  void act() {
    now_ += milliseconds{below(2'000)};
    if (!quiet_ && chance(30)) happen();
    if (!quiet_ && chance(3)) down_ = !down_;
    if (!quiet_ && chance(2)) now_ += 10min;
    if (chance(quiet_ ? 0 : 3)) claim();  // the sender died
    read();
    send();
    send();
    answer();
    if (chance(60)) answer();
    if (chance(40)) commit();
  }

  std::mt19937_64 dice_;
  plan_limits limits_;
  testing::decider_life<endpoint_decider> endpoint_{{}, "K"};
  std::optional<delivery_plan> plan_;
  runtime::timestamp now_ = start;
  std::uint64_t runs_ = 0;
  std::vector<std::string> subjects_;
  std::map<std::uint32_t, std::vector<std::string>> feeds_;  // of each shard, the subjects of its records
  std::map<std::string, std::size_t> counts_;
  std::map<std::string, known> events_;
  std::map<std::string, std::size_t> reached_;
  std::set<std::string> taken_;
  std::set<std::string> open_;
  bool down_ = false;
  bool quiet_ = false;
};

TEST(webhook_lives, have_no_gap_and_no_reorder_within_a_subject) {
  for (std::uint64_t seed = 1; seed <= tests::seeds(300); ++seed) {
    SCOPED_TRACE(seed);
    life{seed}.run();
    if (::testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace souk::webhook
