#include "persistence/memory_storage.hpp"
#include "persistence/record.pb.h"
#include "runtime/node/feed_follower.hpp"
#include "runtime/node/feed_source.hpp"
#include "runtime/shard/keys.hpp"
#include "runtime/shard/state.pb.h"
#include "runtime/testkit/driver.hpp"
#include "tests/actor/tally.hpp"

#include <caf/all.hpp>

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <optional>
#include <string>

namespace souk::runtime::testkit {
namespace {

using namespace std::chrono_literals;

constexpr shard_id shard = 0;

/// What the other node's projection makes of it all.
class totals final : public projection {
 public:
  kind_id source() const override { return tally_decider::id; }
  void restore(const address& address, std::uint64_t version, const entity_state& state) override {
    numbers[address.key] = kind_of<tally_decider>::open(state).number;
    versions[address.key] = version;
  }
  void apply(const address& address, std::uint64_t version, const google::protobuf::Message& event) override {
    const auto& text = static_cast<const google::protobuf::StringValue&>(event).value();
    numbers[address.key] += std::stoll(text.substr(text.find(' ')));
    EXPECT_EQ(version, versions[address.key] + 1) << address.key;
    versions[address.key] = version;
  }

  std::map<std::string, std::int64_t> numbers;
  std::map<std::string, std::uint64_t> versions;
};

/// A shard as far as a feed asks it.
caf::behavior fake_shard(caf::event_based_actor* self, const shard_status* status) {
  return {[=](const status_query& query) {
    auto answer = *status;
    answer.correlation = query.correlation;
    self->send(query.reply_to, answer);
  }};
}

/// The coordinator, as far as a follower asks it.
caf::behavior fake_coordinator(caf::event_based_actor* self, const cluster_view* view) {
  return {[=](const subscribe& request) {
    self->send(request.subscriber, view_changed{std::make_shared<const cluster_view>(*view)});
  }};
}

/// Node a serves a shard, node b follows it.
class feed_test : public ::testing::Test {
 protected:
  feed_test() {
    kinds_.kinds[tally_decider::id] = std::make_shared<kind_of<tally_decider>>(tally_decider{});
    view_.shards.push_back({.epoch = 1, .primary = "a"});
    status_ = {.shard = shard, .serving = true, .epoch = 1};
    log_ = std::make_shared<feed_log>(1, limits_);
    tap_ = make_feed_tap(tally_decider::id, log_, [](const address&) { return shard; });
    primary_ = spawn(fake_shard, &status_);
    coordinator_ = spawn(fake_coordinator, &view_);
    feed_source_options source;
    source.log = log_;
    source.storage = storage_.get();
    source.kinds = {tally_decider::id};
    source.shard = [this](shard_id) { return primary_; };
    source.time = driver_.time();
    source.limits = limits_;
    source_ = spawn(feed_source, source);
    feed_follower_options follower;
    follower.node = "b";
    follower.kinds = &kinds_;
    follower.projections = {totals_};
    follower.coordinator = [this] { return coordinator_; };
    follower.link = [this](const std::string&) { return linked_ ? source_ : caf::actor{}; };
    follower.figures = &figures_;
    follower.time = driver_.time();
    follower_ = spawn(feed_follower, follower);
  }
  ~feed_test() override {
    for (auto& actor : actors_)
      caf::anon_send_exit(actor, caf::exit_reason::kill);
    driver_.settle();
    primary_ = coordinator_ = source_ = follower_ = nullptr;
    actors_.clear();
  }

  template <class... Arguments>
  caf::actor spawn(Arguments&&... arguments) {
    actors_.push_back(caf::actor{driver_.system().spawn(std::forward<Arguments>(arguments)...)});
    return actors_.back();
  }

  /// The primary has an event on disk.
  google::protobuf::StringValue append(const std::string& key, int n) {
    google::protobuf::StringValue event;
    event.set_value("added " + std::to_string(n));
    persistence::pb::Record record;
    record.set_schema(1);
    record.set_tenant("main");
    record.set_kind(tally_decider::id);
    record.set_key(key);
    record.set_first_version(++versions_[key]);
    record.add_events(event.SerializeAsString());
    const std::array entry{
        persistence::journal_entry{shard, ++last_, status_.epoch, record.SerializeAsString()}};
    storage_->log().append(entry);
    return event;
  }

  /// The primary commits an event, and shows it its projections.
  void add(const std::string& key, int n) {
    const auto event = append(key, n);
    status_.committed = last_;
    numbers_[key] += n;
    tap_->apply({"main", tally_decider::id, key}, versions_[key], event);
  }

  /// Its state catches up with its journal.
  void flush() {
    std::vector<persistence::row_change> rows;
    for (const auto& [key, number] : numbers_) {
      const auto prefix = keys::entity_prefix(shard, {"main", tally_decider::id, key});
      pb::EntityHeader header;
      header.set_version(versions_[key]);
      rows.push_back({prefix + std::string{keys::entity_header_row}, header.SerializeAsString()});
      rows.push_back({prefix + "number", std::to_string(number)});
    }
    pb::ShardHeader header;
    header.set_applied(status_.committed);
    rows.push_back({keys::shard_header(shard), header.SerializeAsString()});
    storage_->state().write(rows);
  }

  void settle() { driver_.advance(2s); }

  feed_limits limits_{.events_kept_max = 20, .page_bytes = 100};
  driver driver_{1};
  entity_catalogue kinds_;
  std::unique_ptr<persistence::memory_storage> storage_ = persistence::make_memory_storage();
  cluster_view view_;
  shard_status status_;
  std::uint64_t last_ = 0;
  std::shared_ptr<feed_log> log_;
  std::shared_ptr<projection> tap_;
  std::shared_ptr<totals> totals_ = std::make_shared<totals>();
  feed_figures figures_;
  bool linked_ = true;
  std::map<std::string, std::uint64_t> versions_;
  std::map<std::string, std::int64_t> numbers_;
  std::vector<caf::actor> actors_;
  caf::actor primary_, coordinator_, source_, follower_;
};

TEST_F(feed_test, what_is_in_rows_in_records_and_yet_to_come_all_arrives_once) {
  for (int n = 0; n < 10; ++n)
    add("in rows " + std::to_string(n), n);
  flush();
  for (int n = 0; n < 10; ++n)
    add("in records", n);
  settle();
  EXPECT_EQ(totals_->numbers, numbers_);
  EXPECT_EQ(figures_.behind, 0);
  for (int n = 0; n < 10; ++n)
    add("later", n);
  settle();
  EXPECT_EQ(totals_->numbers, numbers_);
  EXPECT_EQ(figures_.beginnings, 1u);
}

TEST_F(feed_test, news_arrive_at_once) {
  settle();
  add("x", 7);
  driver_.settle();
  EXPECT_EQ(totals_->numbers["x"], 7);
}

TEST_F(feed_test, what_is_not_committed_is_not_told) {
  add("x", 1);
  append("x", 2);
  settle();
  EXPECT_EQ(totals_->numbers["x"], 1);
  EXPECT_EQ(figures_.behind, 0);
}

TEST_F(feed_test, who_was_away_for_too_long_begins_with_the_rows) {
  settle();
  linked_ = false;
  primary_ = nullptr;  // also what is asked already is not answered
  settle();
  for (int n = 0; n < 50; ++n)
    add("x", n);
  flush();
  primary_ = actors_.front();
  linked_ = true;
  settle();
  EXPECT_EQ(totals_->numbers, numbers_);
  EXPECT_EQ(figures_.beginnings, 2u);
}

TEST_F(feed_test, another_epoch_begins_with_the_rows) {
  add("x", 1);
  settle();
  add("x", 2);
  status_.epoch = 2;
  view_.shards[0].epoch = 2;
  add("x", 3);
  settle();
  EXPECT_EQ(totals_->numbers, numbers_);
  EXPECT_EQ(figures_.beginnings, 2u);
}

TEST_F(feed_test, a_gap_is_no_guess) {
  add("x", 1);
  settle();
  // An event that the feed never saw, as a restart may leave it.
  auto lost = tap_;
  tap_ =
      make_feed_tap(tally_decider::id, std::make_shared<feed_log>(1), [](const address&) { return shard; });
  add("x", 2);
  tap_ = lost;
  add("x", 3);
  settle();
  EXPECT_EQ(totals_->numbers, numbers_);
  EXPECT_EQ(figures_.beginnings, 2u);
}

TEST_F(feed_test, records_that_were_trimmed_meanwhile_are_in_the_rows) {
  for (int n = 0; n < 10; ++n)
    add("x", n);
  // Rows as they were, records gone: a flush came in between.
  flush();
  storage_->log().trim(shard, 8, 100);
  pb::ShardHeader header;
  header.set_applied(2);
  const std::array stale{persistence::row_change{keys::shard_header(shard), header.SerializeAsString()}};
  storage_->state().write(stale);
  settle();
  EXPECT_GT(figures_.beginnings, 1u);
  EXPECT_EQ(figures_.behind, 1);
  flush();
  settle();
  EXPECT_EQ(totals_->numbers, numbers_);
}

TEST_F(feed_test, a_shard_that_came_here_is_followed_no_more) {
  settle();
  view_.shards[0] = {.epoch = 2, .primary = "b"};
  settle();
  add("x", 1);
  settle();
  EXPECT_TRUE(totals_->numbers.empty());
  EXPECT_EQ(figures_.behind, 0);
}

}  // namespace
}  // namespace souk::runtime::testkit
