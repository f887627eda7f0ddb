#include "runtime/shard/shard_book.hpp"

#include "persistence/memory_storage.hpp"

#include <gtest/gtest.h>

namespace souk::runtime {
namespace {

namespace rpb = persistence::pb;

class shard_book_test : public testing::Test {
 protected:
  shard_book_test() { book.load(); }

  rpb::Record record_with_effect(shard_id to) {
    rpb::Record record;
    record.set_tenant("main");
    record.set_kind(4);
    record.set_key("cart");
    auto& effect = *record.add_effects();
    effect.set_to_shard(to);
    effect.set_tenant("main");
    effect.set_kind(3);
    effect.set_key("sku");
    effect.set_command("hold");
    book.number(record);
    return record;
  }

  rpb::Record record_that_received(shard_id from, std::uint64_t number) {
    rpb::Record record;
    record.mutable_received()->set_from_shard(from);
    record.mutable_received()->set_number(number);
    return record;
  }

  void apply(const rpb::Record& record) { book.apply(book.last_index() + 1, record, {}, {}); }

  void flush() {
    storage->state().write(*book.begin_flush());
    book.end_flush();
  }

  limits bounds;
  std::unique_ptr<persistence::memory_storage> storage = persistence::make_memory_storage();
  shard_book book{1, storage->state(), bounds};
};

TEST(received_numbers, remember_a_watermark_and_the_few_above) {
  received_numbers numbers;
  for (auto number : {3u, 1u, 5u, 2u})
    numbers.add(number);
  EXPECT_EQ(numbers.watermark(), 3u);
  EXPECT_EQ(numbers.above(), std::set<std::uint64_t>{5});
  EXPECT_TRUE(numbers.contains(2));
  EXPECT_FALSE(numbers.contains(4));
  numbers.add(4);
  EXPECT_EQ(numbers.watermark(), 5u);
  EXPECT_TRUE(numbers.above().empty());
}

TEST_F(shard_book_test, an_effect_to_another_shard_waits_for_the_commit) {
  apply(record_with_effect(2));
  EXPECT_TRUE(book.take_unsent(2).empty());
  std::set<shard_id> owed;
  book.committed(1, owed);
  EXPECT_EQ(book.destinations_waiting(), std::vector<shard_id>{2});
  ASSERT_EQ(book.take_unsent(2).size(), 1u);
  EXPECT_TRUE(book.take_unsent(2).empty()) << "it was sent";
  book.send_again();
  EXPECT_EQ(book.take_unsent(2).size(), 1u);
}

TEST_F(shard_book_test, what_is_acknowledged_in_time_is_not_sent_again) {
  using namespace std::chrono_literals;
  const auto sent_again = [this](std::chrono::milliseconds now) {
    book.send_again_what_rests(now, 100ms);
    return book.take_unsent(2).size();
  };
  apply(record_with_effect(2));
  apply(record_with_effect(2));
  std::set<shard_id> owed;
  book.committed(2, owed);
  EXPECT_EQ(book.take_unsent(2).size(), 2u);
  EXPECT_EQ(sent_again(10ms), 0u) << "it is seen to wait";
  EXPECT_EQ(sent_again(100ms), 0u);
  EXPECT_EQ(sent_again(110ms), 2u);
  EXPECT_EQ(sent_again(150ms), 0u) << "once each time";
  book.acknowledged(2, 1, {});
  EXPECT_EQ(sent_again(210ms), 0u) << "another is the first now";
  EXPECT_EQ(sent_again(310ms), 1u);
  book.acknowledged(2, 2, {});
  EXPECT_EQ(sent_again(900ms), 0u);
}

TEST_F(shard_book_test, an_effect_within_the_shard_does_not_wait) {
  apply(record_with_effect(1));
  EXPECT_EQ(book.take_unsent(1).size(), 1u);
}

TEST_F(shard_book_test, an_acknowledged_effect_is_forgotten_on_disk_too) {
  apply(record_with_effect(2));
  apply(record_with_effect(2));
  flush();
  EXPECT_TRUE(storage->state().get(keys::effect(1, 2, 1)));
  book.acknowledged(2, 1, {});
  EXPECT_EQ(book.effects_outstanding(), 1u);
  flush();
  EXPECT_FALSE(storage->state().get(keys::effect(1, 2, 1)));
  EXPECT_TRUE(storage->state().get(keys::effect(1, 2, 2)));

  shard_book again{1, storage->state(), bounds};
  again.load();
  EXPECT_EQ(again.effects_outstanding(), 1u);
  rpb::Record next;
  next.add_effects()->set_to_shard(2);
  again.number(next);
  EXPECT_EQ(next.effects(0).number(), 3u) << "numbers go on where they were";
}

// Whoever goes on with it after a restart, with nothing but the state's rows, knows for which trace.
TEST_F(shard_book_test, effects_and_calls_keep_the_trace_of_the_record_that_caused_them) {
  auto record = record_with_effect(2);
  record.set_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  auto& call = *record.add_world_calls();
  call.set_port("payments");
  call.set_number(1);
  apply(record);
  flush();
  shard_book again{1, storage->state(), bounds};
  again.load();
  std::set<shard_id> owed;
  again.committed(1, owed);
  const auto effects = again.take_unsent(2);
  ASSERT_EQ(effects.size(), 1u);
  EXPECT_EQ(effects.front()->traceparent, record.traceparent());
  ASSERT_EQ(again.open_calls().size(), 1u);
  EXPECT_EQ(again.open_calls().begin()->second.traceparent, record.traceparent());
}

TEST_F(shard_book_test, an_effect_is_taken_up_once) {
  EXPECT_TRUE(book.take_up(3, 7));
  EXPECT_FALSE(book.take_up(3, 7)) << "it is in work";
  apply(record_that_received(3, 7));
  EXPECT_FALSE(book.take_up(3, 7)) << "it was decided";
  flush();
  shard_book again{1, storage->state(), bounds};
  again.load();
  EXPECT_FALSE(again.take_up(3, 7)) << "also after a restart";
  EXPECT_TRUE(again.take_up(3, 6));
}

TEST_F(shard_book_test, an_acknowledgement_is_owed_when_the_record_is_committed) {
  apply(record_that_received(3, 1));
  EXPECT_EQ(book.received(3).watermark(), 0u);
  std::set<shard_id> owed;
  book.committed(1, owed);
  EXPECT_EQ(owed, std::set<shard_id>{3});
  EXPECT_EQ(book.received(3).watermark(), 1u);
}

TEST_F(shard_book_test, timers_beyond_the_horizon_come_from_the_disk) {
  book.advance_timers(from_ms(1000));
  rpb::Record record;
  record.set_tenant("main");
  record.set_kind(4);
  record.set_key("cart");
  auto& near = *record.add_timers();
  near.set_name("near");
  near.set_due_ms(2'000);
  auto& far = *record.add_timers();
  far.set_name("far");
  far.set_due_ms(10'000'000);
  apply(record);
  flush();
  auto due = book.take_due(from_ms(2'000), 10);
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].name, "near");
  EXPECT_TRUE(book.take_due(from_ms(2'000), 10).empty()) << "it is being fired";
  book.advance_timers(from_ms(10'000'000));
  due = book.take_due(from_ms(10'000'000), 10);
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].name, "far");
}

TEST_F(shard_book_test, a_record_out_of_order_is_refused) {
  EXPECT_THROW(book.apply(2, rpb::Record{}, {}, {}), std::logic_error);
}

TEST_F(shard_book_test, keys_of_one_entity_are_one_range) {
  address address{"main", 4, "01AB"};
  auto range = keys::starting_with(keys::entity_prefix(1, address));
  auto row = range.from + "l/1";
  EXPECT_LT(range.from, row);
  EXPECT_LT(row, range.to);
  auto parsed = keys::parse_entity_row(row);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->address, address);
  EXPECT_EQ(parsed->row, "l/1");
  auto other = keys::entity_prefix(1, {"main", 4, "01ABC"});
  EXPECT_FALSE(other >= range.from && other < range.to) << "a longer key is another entity";
}

}  // namespace
}  // namespace souk::runtime
