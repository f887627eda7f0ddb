#include "runtime/shard/shard.hpp"

#include "persistence/memory_storage.hpp"
#include "runtime/cluster/coordinator.hpp"
#include "runtime/replica/replica.hpp"
#include "runtime/storage/writers.hpp"
#include "runtime/supervision/entity_supervisor.hpp"
#include "runtime/testkit/driver.hpp"
#include "tests/actor/tally.hpp"

#include <caf/all.hpp>

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <optional>
#include <random>

namespace souk::runtime::testkit {
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t shard_count = 4;

// What a client hears.
struct inbox_state {
  std::map<std::uint64_t, response>* responses = nullptr;
  std::map<std::uint64_t, index_page>* pages = nullptr;
};

caf::behavior inbox(caf::stateful_actor<inbox_state>* self, std::map<std::uint64_t, response>* responses,
                    std::map<std::uint64_t, index_page>* pages) {
  self->state.responses = responses;
  self->state.pages = pages;
  return {
      [self](const response& response) { (*self->state.responses)[response.correlation] = response; },
      [self](const index_page& page) { (*self->state.pages)[page.correlation] = page; },
  };
}

// The world: answers every call once its switch is on.
struct echo_state {
  const bool* answers = nullptr;
  int* calls = nullptr;
};

caf::behavior echo(caf::stateful_actor<echo_state>* self, const bool* answers, int* calls) {
  self->state.answers = answers;
  self->state.calls = calls;
  return {
      [self](const world_request& call) {
        ++*self->state.calls;
        if (!*self->state.answers) return;
        auto result = std::make_shared<google::protobuf::StringValue>();
        result->set_value("result " + std::to_string(call.number));
        self->send(call.reply_to, world_result{call.caller, call.number, result});
      },
  };
}

// Four shards of tallies over one storage, which outlives them.
class world {
 public:
  explicit world(std::uint64_t seed, runtime::limits limits = {}) : limits_(limits), seed_(seed) {
    kinds_.kinds[tally_decider::id] = std::make_shared<kind_of<tally_decider>>(tally_decider{});
    storage_ = persistence::make_memory_storage();
    boot();
  }

  ~world() { take_down(); }

  void boot() {
    driver_.emplace(seed_++);
    routing_.emplace(shard_count, kinds_);
    auto journal = spawn(journal_writer, storage_.get(), &limits_, &writer_figures_, driver_->time());
    auto state = spawn(state_writer, storage_.get(), &limits_, &writer_figures_);
    auto coordinator = spawn(embedded_coordinator, storage_.get(), std::string{"a/disk"}, shard_count, state);
    auto echoer = spawn(echo, &world_answers, &world_calls);
    inbox_ = spawn(inbox, &responses, &pages);
    for (shard_id id = 0; id < shard_count; ++id) {
      auto supervisor = spawn(supervision::entity_supervisor, supervision::entity_supervisor_spec{});
      replica_options replicating;
      auto& options = replicating.shard;
      options.id = id;
      options.member = "a/disk";
      options.kinds = &kinds_;
      options.storage = storage_.get();
      options.routing = &*routing_;
      options.limits = &limits_;
      options.figures = &figures;
      options.time = driver_->time();
      options.random = driver_->random();
      options.shards_on_node = shard_count;
      options.journal_writer = [journal] { return journal; };
      options.state_writer = [state] { return state; };
      options.coordinator = [coordinator] { return coordinator; };
      options.entity_supervisor = [supervisor] { return supervisor; };
      options.world_worker = [echoer](const std::string&) { return echoer; };
      spawn(replica, replicating);
    }
    driver_->advance(2s);
  }

  void take_down() {
    // What the actors still do while they are taken down never happened.
    storage_->hold_back(true);
    // They hold each other's handles: none would go by itself.
    for (const auto& actor : actors_)
      caf::anon_send_exit(actor, caf::exit_reason::kill);
    actors_.clear();
    inbox_ = nullptr;
    for (shard_id id = 0; id < shard_count; ++id)
      routing_->set(id, nullptr);
    driver_.reset();
    routing_.reset();
    storage_->lose_unsynced();
    storage_->hold_back(false);
  }

  // kill -9: all actors are gone; the storage keeps what was written.
  void crash() {
    take_down();
    boot();
  }

  std::uint64_t send(const std::string& key, const std::string& text,
                     std::optional<command_id> idempotent = std::nullopt) {
    request request;
    request.to = {"main", tally_decider::id, key};
    auto command = std::make_shared<google::protobuf::StringValue>();
    command->set_value(text);
    request.command = command;
    request.correlation = ++correlation_;
    if (idempotent) {
      request.id = *idempotent;
      request.fingerprint = fingerprint{};
      auto digest = std::hash<std::string>{}(text);
      std::memcpy(request.fingerprint->data(), &digest, sizeof digest);
    } else {
      driver_->random()->fill(request.id);
    }
    request.reply_to = inbox_;
    caf::anon_send(routing_->shard(routing_->shard_of(request.to)), request);
    return correlation_;
  }

  response ask(const std::string& key, const std::string& text,
               std::optional<command_id> idempotent = std::nullopt) {
    auto correlation = send(key, text, idempotent);
    driver_->settle();
    EXPECT_TRUE(responses.contains(correlation)) << text;
    return responses[correlation];
  }

  std::string read(const std::string& key) { return ask(key, "read").answer.body; }

  index_page list(shard_id shard) {
    index_query query;
    query.index = "tallies";
    query.limit = 100;
    query.correlation = ++correlation_;
    query.reply_to = inbox_;
    caf::anon_send(routing_->shard(shard), query);
    driver_->settle();
    return pages[correlation_];
  }

  // A page of what is committed in a shard's journal.
  index_page events(shard_id shard, journal_place place, std::uint32_t limit = 100) {
    if (place.kinds.empty()) place.kinds = {tally_decider::id};
    index_query query;
    query.limit = limit;
    query.journal = std::move(place);
    query.correlation = ++correlation_;
    query.reply_to = inbox_;
    caf::anon_send(routing_->shard(shard), query);
    driver_->settle();
    EXPECT_TRUE(pages[correlation_].journal.has_value());
    return pages[correlation_];
  }

  std::uint64_t commits() const { return writer_figures_.commits; }

  testkit::driver& drive() { return *driver_; }
  persistence::memory_storage& storage() { return *storage_; }
  routing_table& routing() { return *routing_; }

  std::map<std::uint64_t, response> responses;
  std::map<std::uint64_t, index_page> pages;
  bool world_answers = true;
  int world_calls = 0;
  shard_figures figures;

 private:
  template <class... Arguments>
  caf::actor spawn(Arguments&&... arguments) {
    return actors_.emplace_back(driver_->system().spawn(std::forward<Arguments>(arguments)...));
  }

  runtime::limits limits_;
  std::uint64_t seed_;
  entity_catalogue kinds_;
  writer_figures writer_figures_;
  std::unique_ptr<persistence::memory_storage> storage_;
  std::optional<testkit::driver> driver_;
  std::optional<routing_table> routing_;
  std::vector<caf::actor> actors_;
  caf::actor inbox_;
  std::uint64_t correlation_ = 0;
};

command_id key_of(std::uint8_t n) {
  command_id id{};
  id[0] = n;
  return id;
}

persistence::pb::Record record_in(const std::pair<std::string, std::string>& row) {
  persistence::pb::Record record;
  EXPECT_TRUE(record.ParseFromString(row.second));
  return record;
}

// What happened to a tally, in the rows of a page: "key version text".
std::vector<std::string> events_in(const index_page& page) {
  std::vector<std::string> found;
  for (const auto& row : page.rows) {
    const auto record = record_in(row);
    auto version = record.first_version();
    for (const auto& event : record.events()) {
      google::protobuf::StringValue text;
      EXPECT_TRUE(text.ParseFromString(event));
      found.push_back(record.key() + " " + std::to_string(version++) + " " + text.value());
    }
  }
  return found;
}

TEST(shard, decides_and_answers) {
  world world{1};
  EXPECT_EQ(world.ask("a", "add 5").answer.body, "5");
  EXPECT_EQ(world.ask("a", "add -6").answer.status, 409);
  EXPECT_EQ(world.read("a"), "5");
}

TEST(shard, a_crash_loses_nothing_that_was_answered) {
  world world{2};
  for (int i = 0; i < 50; ++i)
    world.ask("k" + std::to_string(i), "add " + std::to_string(i));
  world.crash();
  for (int i = 0; i < 50; ++i)
    EXPECT_EQ(world.read("k" + std::to_string(i)), std::to_string(i));
  world.drive().advance(5s);  // the state has caught up
  world.crash();
  for (int i = 0; i < 50; ++i)
    EXPECT_EQ(world.read("k" + std::to_string(i)), std::to_string(i));
}

// More of them than are asked for their rows at a time, and than are let go in a row.
TEST(shard, a_flush_of_many_entities_misses_none) {
  world world{17};
  constexpr int many = 2'000;
  const auto key = [](int i) { return "k" + std::to_string(i); };
  for (int i = 0; i < many; ++i)
    world.send(key(i), "add " + std::to_string(i));
  world.drive().advance(3s);
  for (int i = 0; i < many; i += 2)
    world.send(key(i), "add 1");
  world.drive().advance(20s);
  world.crash();
  for (int i = 0; i < many; ++i)
    ASSERT_EQ(world.read(key(i)), std::to_string(i + (i % 2 == 0 ? 1 : 0)));
}

TEST(shard, effects_arrive_once_across_shards_and_crashes) {
  world world{3};
  for (int i = 0; i < 8; ++i)
    world.ask("k" + std::to_string(i), "add 100");
  for (int round = 0; round < 40; ++round) {
    world.send("k" + std::to_string(round % 8), "give k" + std::to_string((round * 5 + 3) % 8) + " 7");
    if (round % 10 == 9) {
      for (int step = 0; step < round; ++step)
        world.drive().step();
      world.crash();
    }
  }
  world.drive().advance(10s);
  std::int64_t total = 0;
  for (int i = 0; i < 8; ++i)
    total += std::stoll(world.read("k" + std::to_string(i)));
  EXPECT_EQ(total, 800);
}

// What is taken leads to nothing more: it goes to the disk when somebody reads it, or at the next tick.
TEST(shard, what_nobody_waits_for_has_no_commit_of_its_own) {
  world world{16};
  const auto shard_of = [&](const std::string& key) {
    return world.routing().shard_of({"main", tally_decider::id, key});
  };
  std::string other = "b";
  while (shard_of(other) == shard_of("a"))
    other += "b";
  world.ask("a", "add 100");
  auto commits = world.commits();
  const auto give = [&] { world.ask("a", "give " + other + " 7"); };

  give();
  EXPECT_EQ(world.commits(), ++commits);
  EXPECT_EQ(world.read(other), "7");
  EXPECT_EQ(world.commits(), ++commits);

  give();
  EXPECT_EQ(world.commits(), ++commits);
  world.drive().advance(limits{}.tick_interval);
  EXPECT_EQ(world.commits(), ++commits);
  EXPECT_EQ(world.read(other), "14");
  EXPECT_EQ(world.commits(), commits);

  give();
  world.crash();
  EXPECT_EQ(world.read("a"), "79");
  world.drive().advance(2s);
  EXPECT_EQ(world.read(other), "21");
}

TEST(shard, a_keyed_request_gets_its_first_answer_again) {
  world world{4};
  auto first = world.ask("a", "add 5", key_of(1));
  EXPECT_EQ(first.outcome, outcome::answered);
  auto again = world.ask("a", "add 5", key_of(1));
  EXPECT_EQ(again.outcome, outcome::replayed);
  EXPECT_EQ(again.answer.body, "5");
  EXPECT_EQ(world.ask("a", "add 6", key_of(1)).outcome, outcome::key_reused);
  world.crash();
  EXPECT_EQ(world.ask("a", "add 5", key_of(1)).outcome, outcome::replayed);
  EXPECT_EQ(world.read("a"), "5");
  // A refusal that a decision gave is kept too.
  EXPECT_EQ(world.ask("a", "add -9", key_of(2)).answer.status, 409);
  world.ask("a", "add 100");
  EXPECT_EQ(world.ask("a", "add -9", key_of(2)).answer.status, 409);
}

TEST(shard, kept_answers_end_when_their_time_is_over) {
  limits limits;
  limits.answers_kept = 10min;
  world world{5, limits};
  world.ask("a", "add 5", key_of(1));
  world.drive().advance(9min);
  EXPECT_EQ(world.ask("a", "add 5", key_of(1)).outcome, outcome::replayed);
  world.drive().advance(2min);
  EXPECT_EQ(world.ask("a", "add 5", key_of(1)).outcome, outcome::answered);
}

TEST(shard, timers_fire_once_also_after_a_crash) {
  world world{6};
  world.ask("a", "later 5000 3");
  world.ask("b", "later 600000 4");
  world.drive().advance(1s);
  world.crash();
  EXPECT_EQ(world.read("a"), "0");
  world.drive().advance(10s);
  EXPECT_EQ(world.read("a"), "3");
  world.crash();
  EXPECT_EQ(world.read("a"), "3");
  world.drive().advance(11min);
  EXPECT_EQ(world.read("a"), "3");
  EXPECT_EQ(world.read("b"), "4");
}

TEST(shard, a_parked_command_is_answered_when_the_world_answers) {
  world world{7};
  world.world_answers = false;
  auto correlation = world.send("a", "call home", key_of(1));
  world.drive().advance(1s);
  EXPECT_FALSE(world.responses.contains(correlation));
  EXPECT_EQ(world.ask("a", "call home", key_of(1)).outcome, outcome::in_flight);
  EXPECT_EQ(world.world_calls, 1);
  world.crash();
  EXPECT_EQ(world.ask("a", "call home", key_of(1)).outcome, outcome::in_flight);
  EXPECT_GE(world.world_calls, 2);
  world.world_answers = true;
  world.drive().advance(60s);
  auto last = world.ask("a", "call home", key_of(1));
  EXPECT_EQ(last.outcome, outcome::replayed);
  EXPECT_EQ(last.answer.body, "result 1");
}

TEST(shard, an_entity_that_throws_loses_one_message) {
  world world{8};
  world.ask("a", "add 5");
  auto before = world.send("a", "add 1");
  auto bad = world.send("a", "nonsense");
  auto after = world.send("a", "add 1");
  world.drive().advance(100ms);
  EXPECT_EQ(world.responses[before].answer.body, "6");
  EXPECT_EQ(world.responses[bad].outcome, outcome::failed);
  EXPECT_EQ(world.responses[after].answer.body, "7");
  EXPECT_EQ(world.figures.entity_restarts, 1u);
}

TEST(shard, a_poisonous_request_is_set_aside_at_the_third_time) {
  world world{9};
  EXPECT_EQ(world.ask("a", "nonsense", key_of(1)).outcome, outcome::failed);
  EXPECT_EQ(world.ask("a", "nonsense", key_of(1)).outcome, outcome::failed);
  EXPECT_EQ(world.ask("a", "nonsense", key_of(1)).outcome, outcome::quarantined);
  EXPECT_EQ(world.ask("a", "nonsense", key_of(1)).outcome, outcome::quarantined);
  world.crash();
  EXPECT_EQ(world.ask("a", "nonsense", key_of(1)).outcome, outcome::quarantined);
  EXPECT_EQ(world.ask("a", "add 1").answer.body, "1");
}

TEST(shard, a_poisonous_effect_comes_back_to_its_sender) {
  world world{10};
  world.ask("a", "add 10");
  world.ask("b", "throw_on_take");
  world.ask("a", "give b 4");
  world.drive().advance(10s);
  EXPECT_EQ(world.read("a"), "10");
  EXPECT_EQ(world.read("b"), "0");
  EXPECT_EQ(world.figures.quarantined, 1u);
}

TEST(shard, an_index_shows_what_was_committed) {
  world world{11};
  std::map<std::string, std::string> expected;
  for (int i = 0; i < 40; ++i) {
    auto key = "k" + std::to_string(i % 20);
    expected[key] = world.ask(key, "add " + std::to_string(i)).answer.body;
    if (i == 25) world.drive().advance(3s);
  }
  std::map<std::string, std::string> listed;
  for (shard_id shard = 0; shard < shard_count; ++shard) {
    auto rows = world.list(shard).rows;
    listed.insert(rows.begin(), rows.end());
  }
  EXPECT_EQ(listed, expected);
}

TEST(shard, entities_leave_memory_and_come_back) {
  limits limits;
  limits.entities_active_max = 40;
  world world{12, limits};
  for (int i = 0; i < 1000; ++i)
    world.send("k" + std::to_string(i), "add " + std::to_string(i));
  world.drive().advance(5s);
  EXPECT_LE(world.figures.entities_active, 40u);
  for (int i = 0; i < 1000; i += 37)
    EXPECT_EQ(world.read("k" + std::to_string(i)), std::to_string(i));
  world.crash();
  for (int i = 0; i < 1000; i += 41)
    EXPECT_EQ(world.read("k" + std::to_string(i)), std::to_string(i));
}

TEST(shard, a_full_storage_refuses_new_work_and_serves_reads) {
  world world{13};
  world.ask("a", "add 5");
  world.storage().set_nearly_full(true);
  world.drive().advance(3s);
  world.ask("a", "add 0");  // a commit, after which the writer looks
  EXPECT_EQ(world.ask("a", "add 5").outcome, outcome::full);
  world.storage().set_nearly_full(false);
  world.drive().advance(3s);
  EXPECT_EQ(world.ask("a", "add 5").answer.body, "10");
}

TEST(shard, the_same_seed_gives_the_same_trace) {
  auto run = [](std::uint64_t seed) {
    world world{seed};
    for (int i = 0; i < 30; ++i)
      world.send("k" + std::to_string(i % 5), "give k" + std::to_string(i % 3) + " 1");
    world.drive().advance(3s);
    return world.drive().trace_hash();
  };
  EXPECT_EQ(run(99), run(99));
  EXPECT_NE(run(99), run(98));
}

// Random shops of tallies with crashes between any two steps, each checked against the sum of what was
// answered.
TEST(shard, what_was_answered_holds_over_random_crashes) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    limits limits;
    limits.entities_active_max = 8;
    world world{seed, limits};
    std::mt19937_64 random{seed};
    std::map<std::uint8_t, std::pair<std::string, std::int64_t>> asked;  // keyed additions: to whom, how much
    std::map<std::uint8_t, std::string> first_answers;
    std::uint8_t next = 0;
    for (int round = 0; round < 120; ++round) {
      if (random() % 3 != 0 || next == 0) {
        auto key = "k" + std::to_string(random() % 6);
        auto amount = static_cast<std::int64_t>(random() % 50);
        asked[++next] = {key, amount};
        world.send(key, "add " + std::to_string(amount), key_of(next));
      } else {
        auto again = static_cast<std::uint8_t>(1 + random() % next);
        world.send(asked[again].first, "add " + std::to_string(asked[again].second), key_of(again));
      }
      for (auto steps = random() % 30; steps > 0; --steps)
        world.drive().step();
      if (random() % 20 == 0) world.drive().advance(std::chrono::milliseconds{random() % 2000});
      if (random() % 15 == 0) world.crash();
    }
    world.drive().advance(5s);
    std::map<std::string, std::int64_t> sums;
    for (auto& [id, what] : asked) {
      auto answer = world.ask(what.first, "add " + std::to_string(what.second), key_of(id));
      ASSERT_TRUE(answer.outcome == outcome::replayed || answer.outcome == outcome::answered);
      sums[what.first] += what.second;
    }
    for (auto& [key, sum] : sums)
      ASSERT_EQ(world.read(key), std::to_string(sum));
  }
}

using texts = std::vector<std::string>;

TEST(shard_events, are_those_of_the_journal_in_its_order) {
  world world{31};
  const auto shard = world.routing().shard_of({"main", tally_decider::id, "a"});
  world.ask("a", "add 5", key_of(1));
  world.ask("a", "add -9");  // refused
  world.ask("a.b", "add 1");
  world.ask("a", "give a.b 2");
  world.drive().advance(1s);
  const auto page = world.events(shard, {});
  EXPECT_EQ(events_in(page), (texts{"a 1 added 5", "a.b 1 added 1", "a 2 added -2", "a.b 2 added 2"}));
  EXPECT_FALSE(page.more);
  EXPECT_FALSE(page.journal->lost);
  EXPECT_EQ(page.journal->first, 1u);
  EXPECT_EQ(page.journal->next, world.storage().log().bounds(shard).last + 1);
}

// Not who was answered what, nor what is sent to others.
TEST(shard_events, show_nothing_else_of_a_record) {
  world world{32};
  const auto shard = world.routing().shard_of({"main", tally_decider::id, "a"});
  world.ask("a", "add 5", key_of(1));
  world.ask("a", "give a.b 2", key_of(2));
  world.drive().advance(1s);
  for (const auto& row : world.events(shard, {}).rows) {
    const auto record = record_in(row);
    EXPECT_EQ(record.key().substr(0, 1), "a");
    EXPECT_GT(record.time_ms(), 0);
    persistence::pb::Record rest = record;
    rest.clear_time_ms();
    rest.clear_tenant();
    rest.clear_kind();
    rest.clear_key();
    rest.clear_first_version();
    rest.clear_events();
    EXPECT_EQ(rest.ByteSizeLong(), 0u) << rest.ShortDebugString();
  }
}

TEST(shard_events, come_in_pages_that_go_on_where_one_ended) {
  world world{33};
  const auto shard = world.routing().shard_of({"main", tally_decider::id, "a"});
  texts all;
  for (int n = 1; n <= 20; ++n) {
    world.ask("a", "add " + std::to_string(n));
    all.push_back("a " + std::to_string(n) + " added " + std::to_string(n));
  }
  journal_place place;
  texts seen;
  for (bool more = true; more;) {
    const auto page = world.events(shard, place, 3);
    EXPECT_LE(page.rows.size(), 3u);
    for (const auto& text : events_in(page))
      seen.push_back(text);
    place.index = page.journal->next;
    place.epoch = page.journal->epoch;
    more = page.more;
  }
  EXPECT_EQ(seen, all);
  world.ask("a", "add 21");
  EXPECT_EQ(events_in(world.events(shard, place)), texts{"a 21 added 21"});
}

TEST(shard_events, begin_at_the_end_for_who_asks_for_what_comes) {
  world world{34};
  const auto shard = world.routing().shard_of({"main", tally_decider::id, "a"});
  world.ask("a", "add 1");
  const auto now = world.events(shard, {.index = journal_place::at_end});
  EXPECT_TRUE(now.rows.empty());
  EXPECT_FALSE(now.journal->lost);
  world.ask("a", "add 2");
  EXPECT_EQ(events_in(world.events(shard, {now.journal->next, now.journal->epoch, {}})),
            texts{"a 2 added 2"});
}

// Records of others, without events or of nobody are come past, so many at a time.
TEST(shard_events, come_past_what_is_not_asked_for) {
  limits limits;
  limits.events_examined_max = 4;
  world world{35, limits};
  const auto shard = world.routing().shard_of({"main", tally_decider::id, "a"});
  for (int n = 0; n < 10; ++n)
    world.ask("a", "add 1");
  const auto page = world.events(shard, {.kinds = {9}});
  EXPECT_TRUE(page.rows.empty());
  EXPECT_TRUE(page.more);
  EXPECT_EQ(page.journal->next, 5u);
}

TEST(shard_events, of_a_page_are_no_more_than_so_many_bytes_but_at_least_one_record) {
  limits limits;
  limits.events_page_bytes_max = 1;
  world world{36, limits};
  const auto shard = world.routing().shard_of({"main", tally_decider::id, "a"});
  world.ask("a", "add 1");
  world.ask("a", "add 2");
  journal_place place;
  texts seen;
  for (int n = 0; n < 10; ++n) {
    const auto page = world.events(shard, place);
    EXPECT_LE(page.rows.size(), 1u);
    for (const auto& text : events_in(page))
      seen.push_back(text);
    place.index = page.journal->next;
  }
  EXPECT_EQ(seen, (texts{"a 1 added 1", "a 2 added 2"}));
}

TEST(shard_events, go_on_with_the_same_place_after_a_crash) {
  world world{37};
  const auto shard = world.routing().shard_of({"main", tally_decider::id, "a"});
  for (int n = 0; n < 5; ++n)
    world.ask("a", "add 1");
  const auto before = world.events(shard, {}, 3);
  world.crash();
  world.ask("a", "add 7");
  const auto after = world.events(shard, {before.journal->next, before.journal->epoch, {}});
  EXPECT_FALSE(after.journal->lost);
  auto seen = events_in(before);
  for (const auto& text : events_in(after))
    seen.push_back(text);
  EXPECT_EQ(seen, (texts{"a 1 added 1", "a 2 added 1", "a 3 added 1", "a 4 added 1", "a 5 added 1",
                         "a 6 added 7"}));
}

TEST(shard_events, are_kept_as_many_as_are_wanted_and_the_rest_is_lost) {
  limits limits;
  limits.events_kept_records = 10;
  limits.flush_interval = 500ms;
  world world{38, limits};
  const auto shard = world.routing().shard_of({"main", tally_decider::id, "a"});
  for (int n = 0; n < 40; ++n) {
    world.ask("a", "add 1");
    world.drive().advance(200ms);
  }
  world.drive().advance(5s);
  const auto bounds = world.storage().log().bounds(shard);
  EXPECT_GE(bounds.last - bounds.first + 1, 10u);
  EXPECT_LE(bounds.last - bounds.first + 1, 20u);  // they go once a second
  const auto lost = world.events(shard, {.index = 5, .epoch = 1});
  EXPECT_TRUE(lost.journal->lost);
  EXPECT_TRUE(lost.rows.empty());
  EXPECT_EQ(lost.journal->next, bounds.first);
  const auto kept = world.events(shard, {lost.journal->next, lost.journal->epoch, {}});
  EXPECT_FALSE(kept.journal->lost);
  EXPECT_EQ(events_in(kept).size(), events_in(world.events(shard, {})).size());
}

TEST(shard_events, go_when_the_storage_is_nearly_full) {
  limits limits;
  limits.flush_interval = 500ms;
  world world{39, limits};
  const auto shard = world.routing().shard_of({"main", tally_decider::id, "a"});
  for (int n = 0; n < 40; ++n) {
    world.ask("a", "add 1");
    world.drive().advance(100ms);
  }
  world.drive().advance(3s);
  EXPECT_EQ(world.storage().log().bounds(shard).first, 1u);
  world.storage().set_nearly_full(true);
  world.send("a", "add 1");
  world.drive().advance(3s);
  EXPECT_GT(world.storage().log().bounds(shard).first, 30u);
}

TEST(shard_events, of_another_history_are_not_taken_for_the_next) {
  world world{40};
  const auto shard = world.routing().shard_of({"main", tally_decider::id, "a"});
  world.ask("a", "add 1");
  const auto page = world.events(shard, {});
  world.ask("a", "add 1");
  EXPECT_TRUE(world.events(shard, {page.journal->next, page.journal->epoch + 1, {}}).journal->lost);
  EXPECT_TRUE(world.events(shard, {page.journal->next + 100, page.journal->epoch, {}}).journal->lost);
}

}  // namespace
}  // namespace souk::runtime::testkit
