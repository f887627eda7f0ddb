#include "actors/gateway/event_merge.hpp"

#include "actors/json/reader.hpp"
#include "actors/kinds.hpp"
#include "actors/order/order.pb.h"
#include "runtime/shard/journal_rows.hpp"
#include "tests/seeds.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace souk::gateway {
namespace {

struct written {
  std::int64_t time_ms = 0;
  std::string key;                   // of the order
  std::vector<std::string> reasons;  // one event each; none: a record without events
  std::uint64_t epoch = 1;
};

// Orders that are cancelled again and again, in the journal of one shard, read as a shard reads it.
class journal {
 public:
  void add(written one) {
    first_versions_.push_back(versions_[one.key] + 1);
    versions_[one.key] += one.reasons.size();
    records_.push_back(std::move(one));
  }
  void trim(std::uint64_t first) { first_ = first; }
  const std::vector<written>& records() const { return records_; }

  reply page(const page_question& question) const {
    const auto& place = question.journal.value();
    auto next = place.index == 0 ? first_ : place.index;
    if (place.index == runtime::journal_place::at_end) next = records_.size() + 1;
    reply reply;
    auto& extent = reply.journal.emplace();
    extent.first = first_;
    extent.lost = next < first_ || next > records_.size() + 1 ||
                  (place.epoch != 0 && next > first_ && epoch_of(next - 1) != place.epoch);
    if (extent.lost) next = first_;
    for (; !extent.lost && next <= records_.size() && reply.rows.size() < question.limit; ++next)
      if (!records_[next - 1].reasons.empty()) reply.rows.push_back(row_of(next));
    extent.next = next;
    extent.epoch = epoch_of(next - 1);
    reply.more = !extent.lost && next <= records_.size();
    return reply;
  }

 private:
  std::uint64_t epoch_of(std::uint64_t index) const { return index == 0 ? 0 : records_[index - 1].epoch; }

  std::pair<std::string, std::string> row_of(std::uint64_t index) const {
    const auto& one = records_[index - 1];
    persistence::pb::Record record;
    record.set_tenant("main");
    record.set_kind(kinds::order);
    record.set_key(one.key);
    record.set_time_ms(one.time_ms);
    record.set_first_version(first_versions_[index - 1]);
    for (const auto& reason : one.reasons) {
      order::pb::Event event;
      event.mutable_canceled()->set_reason(reason);
      if (reason == "waits") event.mutable_waiting();
      record.add_events(event.SerializeAsString());
    }
    return {runtime::to_bytes({index, one.epoch, epoch_of(index - 1)}), record.SerializeAsString()};
  }

  std::vector<written> records_;
  std::vector<std::uint64_t> first_versions_;
  std::map<std::string, std::uint64_t> versions_;
  std::uint64_t first_ = 1;
};

struct seen_event {
  std::string subject;
  std::int64_t sequence = 0;
  std::string reason;
  std::string id;
  std::string time;

  bool operator==(const seen_event&) const = default;
};

seen_event read_event(const std::string& text) {
  json::parse_error error;
  const auto event = json::parse(text, error);
  EXPECT_TRUE(event) << text;
  const auto& data = *event->find("data");
  return {json::text_of(*event, "subject"), *event->find("sequence")->as_integer(),
          data.find("reason") == nullptr ? "" : json::text_of(data, "reason"), json::text_of(*event, "id"),
          json::text_of(*event, "time")};
}

// Reads up to `count` events, asking for so many records at a time; moves `at` behind them.
std::vector<seen_event> read_some(const std::vector<journal>& shards, event_positions& at, std::size_t count,
                                  std::uint32_t limit, const event_filter& filter = {}) {
  event_merge merge{at, filter};
  std::vector<seen_event> seen;
  while (seen.size() < count && merge.more()) {
    for (const auto shard : merge.wanting())
      EXPECT_TRUE(merge.take(shard, shards[shard].page(merge.question_for(shard, limit))));
    while (seen.size() < count) {
      const auto event = merge.next();
      if (!event) break;
      seen.push_back(read_event(*event));
    }
  }
  at = merge.positions();
  return seen;
}

std::vector<std::string> reasons_in(const std::vector<seen_event>& events) {
  std::vector<std::string> reasons;
  for (const auto& event : events)
    reasons.push_back(event.reason);
  return reasons;
}

using texts = std::vector<std::string>;

TEST(event_merge, tells_of_all_shards_by_time_and_then_by_shard) {
  std::vector<journal> shards(2);
  shards[0].add({10, "a", {"1"}});
  shards[0].add({30, "a", {"4"}});
  shards[1].add({10, "b", {"2"}});
  shards[1].add({20, "b", {"3"}});
  auto at = earliest_positions(2);
  EXPECT_EQ(reasons_in(read_some(shards, at, 100, 100)), (texts{"1", "2", "3", "4"}));
}

TEST(event_merge, keeps_a_shards_own_order_whatever_its_clock_said) {
  std::vector<journal> shards(1);
  shards[0].add({50, "a", {"1"}});
  shards[0].add({20, "b", {"2"}});
  auto at = earliest_positions(1);
  EXPECT_EQ(reasons_in(read_some(shards, at, 100, 100)), (texts{"1", "2"}));
}

TEST(event_merge, waits_for_a_shard_that_may_have_something_older) {
  std::vector<journal> shards(2);
  for (int n = 0; n < 3; ++n)
    shards[0].add({n, "a", {"early " + std::to_string(n)}});
  shards[1].add({100, "b", {"late"}});
  event_merge merge{earliest_positions(2), {}};
  for (const auto shard : merge.wanting())
    merge.take(shard, shards[shard].page(merge.question_for(shard, 1)));
  ASSERT_TRUE(merge.next());
  EXPECT_FALSE(merge.next());  // "late" is there, but shard 0 has more
  EXPECT_TRUE(merge.more());
  EXPECT_EQ(merge.wanting(), std::vector<runtime::shard_id>{0});
}

TEST(event_merge, goes_on_in_the_middle_of_a_record) {
  std::vector<journal> shards(1);
  shards[0].add({10, "a", {"1", "2", "3"}});
  auto at = earliest_positions(1);
  EXPECT_EQ(reasons_in(read_some(shards, at, 2, 10)), (texts{"1", "2"}));
  EXPECT_EQ(at[0].events, 2u);
  const auto rest = read_some(shards, at, 10, 10);
  EXPECT_EQ(reasons_in(rest), texts{"3"});
  EXPECT_EQ(rest[0].sequence, 3);
  EXPECT_EQ(at[0], (event_position{2, 1, 0}));
}

TEST(event_merge, comes_to_later_events_from_the_end_of_what_was_there) {
  std::vector<journal> shards(2);
  shards[0].add({10, "a", {"old"}});
  auto at = latest_positions(2);
  EXPECT_TRUE(read_some(shards, at, 10, 10).empty());
  shards[1].add({5, "b", {"new, by an earlier clock"}});
  shards[0].add({20, "a", {"new"}});
  EXPECT_EQ(reasons_in(read_some(shards, at, 10, 10)), (texts{"new, by an earlier clock", "new"}));
  EXPECT_TRUE(read_some(shards, at, 10, 10).empty());
}

TEST(event_merge, leaves_out_other_types_and_comes_past_them) {
  std::vector<journal> shards(1);
  shards[0].add({10, "a", {"1", "waits", "2"}});
  shards[0].add({20, "a", {"waits"}});
  auto filter = std::get<event_filter>(parse_types("order.canceled.v1"));
  EXPECT_EQ(filter.kinds(), std::vector<runtime::kind_id>{kinds::order});
  auto at = earliest_positions(1);
  EXPECT_EQ(reasons_in(read_some(shards, at, 10, 10, filter)), (texts{"1", "2"}));
  EXPECT_EQ(at[0].index, 3u);
}

TEST(event_merge, names_types_that_there_are_not) {
  EXPECT_EQ(std::get<event_filter>(parse_types("order.placed.v1,stock.moved.v1")).types.size(), 2u);
  EXPECT_EQ(std::get<no_such_type>(parse_types("order.placed.v1,order.lost.v1")).name, "order.lost.v1");
  EXPECT_EQ(std::get<no_such_type>(parse_types("order.placed.v1,")).name, "");
  EXPECT_EQ(std::get<no_such_type>(parse_types("")).name, "");
}

TEST(event_merge, says_what_it_lost_and_where_the_rest_begins) {
  std::vector<journal> shards(2);
  for (int n = 0; n < 5; ++n) {
    shards[0].add({n, "a", {"a" + std::to_string(n)}});
    shards[1].add({n, "b", {"b" + std::to_string(n)}});
  }
  auto at = earliest_positions(2);
  read_some(shards, at, 3, 10);
  shards[0].trim(4);
  event_merge merge{at, {}};
  EXPECT_FALSE(merge.take(0, shards[0].page(merge.question_for(0, 10))));
  EXPECT_TRUE(merge.take(1, shards[1].page(merge.question_for(1, 10))));
  EXPECT_EQ(merge.lost(), std::vector<runtime::shard_id>{0});
  at = merge.positions();
  EXPECT_EQ(reasons_in(read_some(shards, at, 100, 10)), (texts{"b1", "b2", "a3", "b3", "a4", "b4"}));
}

TEST(event_merge, notices_a_place_in_a_history_that_was_given_up) {
  std::vector<journal> shards(1);
  shards[0].add({10, "a", {"1"}, 1});
  shards[0].add({20, "a", {"2"}, 1});
  auto at = earliest_positions(1);
  read_some(shards, at, 10, 10);
  std::vector<journal> other(1);  // its second record was decided by another primary
  other[0].add({10, "a", {"1"}, 1});
  other[0].add({21, "a", {"other"}, 2});
  event_merge merge{at, {}};
  EXPECT_FALSE(merge.take(0, other[0].page(merge.question_for(0, 10))));
}

TEST(event_merge, stops_at_an_event_that_no_table_knows) {
  reply page;
  page.journal = runtime::journal_extent{1, 2, 1, false};
  persistence::pb::Record record;
  record.set_kind(kinds::order);
  record.add_events("\x82\x08");
  page.rows.emplace_back(runtime::to_bytes({1, 1, 0}), record.SerializeAsString());
  event_merge merge{earliest_positions(1), {}};
  merge.take(0, page);
  EXPECT_THROW(merge.next(), unknown_event);
}

TEST(event_merge, refuses_rows_that_are_none) {
  reply page;
  page.journal = runtime::journal_extent{1, 2, 1, false};
  page.rows.emplace_back("no key", "");
  event_merge merge{earliest_positions(1), {}};
  EXPECT_THROW(merge.take(0, page), std::runtime_error);
}

// However it is read - so many at a time, interrupted, with records that come meanwhile - nothing is repeated
// or left out, each shard's own order is kept, and no subject's sequence has a gap.
TEST(event_merge, reads_the_same_in_any_pieces) {
  for (std::uint64_t seed = 1; seed <= tests::seeds(200); ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random{seed};
    const auto below = [&random](std::uint64_t bound) { return random() % bound; };
    std::vector<journal> shards(1 + below(4));
    std::int64_t time = 0;
    texts all;
    const auto write = [&](std::size_t count) {
      for (std::size_t n = 0; n < count; ++n) {
        const auto shard = below(shards.size());
        written one{time += static_cast<std::int64_t>(below(3)),
                    "s" + std::to_string(shard) + "k" + std::to_string(below(3)),
                    {}};
        for (auto events = below(4); events > 0; --events)
          one.reasons.push_back(std::to_string(all.size())), all.push_back(one.reasons.back());
        shards[shard].add(one);
      }
    };
    write(below(60));
    auto at = earliest_positions(static_cast<std::uint16_t>(shards.size()));
    std::vector<seen_event> seen;
    for (int round = 0; round < 30; ++round) {
      const auto some = read_some(shards, at, 1 + below(9), static_cast<std::uint32_t>(1 + below(5)));
      seen.insert(seen.end(), some.begin(), some.end());
      if (round < 10) write(below(6));
      at = *open_positions("secret", static_cast<std::uint16_t>(shards.size()), seal_positions("secret", at));
    }
    const auto rest = read_some(shards, at, 10'000, 7);
    seen.insert(seen.end(), rest.begin(), rest.end());

    auto reasons = reasons_in(seen);
    std::sort(reasons.begin(), reasons.end());
    std::sort(all.begin(), all.end());
    EXPECT_EQ(reasons, all);
    std::map<std::string, std::int64_t> last;
    std::map<std::string, std::string> last_id;  // by shard
    for (const auto& event : seen) {
      EXPECT_EQ(event.sequence, ++last[event.subject]) << event.subject;
      auto& before = last_id[event.id.substr(0, 6)];
      EXPECT_LT(before, event.id);
      before = event.id;
    }
  }
}

}  // namespace
}  // namespace souk::gateway
