#include "actors/formats.hpp"
#include "actors/kinds.hpp"
#include "actors/nats/publisher.hpp"
#include "actors/nats/sink.hpp"
#include "runtime/shard/journal_rows.hpp"
#include "runtime/testkit/driver.hpp"
#include "tests/actor/scripted_journal.hpp"
#include "tests/actor/scripted_shard.hpp"

#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace souk::nats {
namespace {

using namespace std::chrono_literals;
using kind = publish_result::kind;

/// Answers within the call, or never.
class scripted_link final : public stream_link {
 public:
  void publish(publication publication, result_handler then) override {
    publications.push_back(publication);
    if (const auto what = says(publication)) then({*what, "because"});
  }

  std::function<std::optional<kind>(const publication&)> says = [](const publication&) {
    return kind::stored;
  };
  std::vector<publication> publications;
};

/// A publisher between a shard that has a sink and a journal, and a link.
class nats_publisher : public ::testing::Test {
 protected:
  nats_publisher() {
    kinds_.kinds[kinds::nats_sink] = make_kind();
    routing_ = std::make_shared<runtime::routing_table>(std::uint16_t{1}, kinds_);
    script_->answer = [this](const runtime::request& request) { return decide(request); };
    script_->page = [this](const runtime::index_query& query) {
      EXPECT_TRUE(query.journal->all_tenants);
      return journal_.page(query, driver_.time()->now());
    };
    journal_.of_two_tenants = true;
    shard_ = driver_.system().spawn(souk::testing::scripted_shard, script_);
    routing_->set(0, shard_);
    config_.routing = routing_;
    config_.clock = driver_.time();
    config_.random = driver_.random();
    config_.link = link_;
    config_.figures = std::make_shared<publisher_figures>();
  }
  ~nats_publisher() override {
    stop();
    caf::anon_send_exit(shard_, caf::exit_reason::kill);
    routing_.reset();
    config_ = {};
    driver_.settle();
  }

  runtime::answer tell(const pb::Command& command) {
    const runtime::context context{
        sink_of(0, 1, "SOUK"), driver_.time()->now(), version_, *driver_.random(), {}, "", true, format_};
    auto decision = decider_.decide(state_, command, context);
    for (const auto& event : decision.events)
      decider_.evolve(state_, dynamic_cast<const pb::Event&>(*event), context.now, ++version_);
    return *decision.reply;
  }
  std::optional<runtime::response> decide(const runtime::request& request) {
    EXPECT_EQ(request.to, sink_of(0, 1, "SOUK"));
    if (is_silent_) return std::nullopt;
    runtime::response response;
    response.answer = tell(dynamic_cast<const pb::Command&>(*request.command));
    return response;
  }
  void start() {
    publisher_ = driver_.system().spawn(publisher, config_);
    driver_.settle();
  }
  void stop() {
    if (publisher_) caf::anon_send_exit(publisher_, caf::exit_reason::kill);
    publisher_ = nullptr;
    driver_.settle();
  }
  std::uint64_t tries(kind what) const {
    return config_.figures->tries.at(static_cast<std::size_t>(what)).load();
  }

  runtime::testkit::driver driver_{1};
  runtime::entity_catalogue kinds_;
  std::shared_ptr<runtime::routing_table> routing_;
  std::shared_ptr<souk::testing::shard_script> script_ = std::make_shared<souk::testing::shard_script>();
  std::shared_ptr<scripted_link> link_ = std::make_shared<scripted_link>();
  sink_decider decider_;
  sink_state state_;
  std::uint64_t version_ = 0;
  std::uint32_t format_ = formats::newest;
  souk::testing::scripted_journal journal_;
  bool is_silent_ = false;
  publisher_config config_;
  caf::actor shard_;
  caf::actor publisher_;
};

TEST_F(nats_publisher, publishes_events_of_all_tenants_once_and_commits) {
  journal_.happen(1'000);
  start();
  driver_.advance(5s);
  ASSERT_EQ(link_->publications.size(), 1'000u);
  EXPECT_EQ(link_->publications[0].subject, "souk.main.order.canceled.v1");
  EXPECT_EQ(link_->publications[1].subject, "souk.other.order.canceled.v1");
  EXPECT_NE(link_->publications[0].body.find(link_->publications[0].id), std::string::npos);
  EXPECT_EQ(state_.row.place().index(), 1'001u);
  EXPECT_EQ(state_.row.published(), 1'000u);
  EXPECT_EQ(tries(kind::stored), 1'000u);
  stop();
  start();
  driver_.advance(5s);
  EXPECT_EQ(link_->publications.size(), 1'000u);
}

TEST_F(nats_publisher, publishes_again_what_was_not_committed_and_no_more) {
  journal_.happen(10);
  start();
  driver_.advance(3s);
  is_silent_ = true;
  journal_.happen(5'000);
  driver_.advance(10s);
  const auto published = link_->publications.size();
  EXPECT_GE(published, 10 + config_.limits.window_max);
  EXPECT_LE(published, 10 + config_.limits.window_max + config_.page_records);
  stop();
  is_silent_ = false;
  start();
  driver_.advance(10s);
  EXPECT_EQ(link_->publications.size(), published + 5'000);
  EXPECT_EQ(link_->publications[10].id, link_->publications[published].id);
  EXPECT_EQ(state_.row.place().index(), 5'011u);
}

TEST_F(nats_publisher, writes_little_while_nothing_happens) {
  start();
  driver_.advance(1h);
  EXPECT_LE(version_, 2u);  // the claim, and where it began
  EXPECT_TRUE(link_->publications.empty());
}

TEST_F(nats_publisher, publishes_nothing_for_shards_that_it_does_not_lead) {
  journal_.happen(1);
  routing_->remove(0, shard_);
  routing_->set_remote(0, shard_);
  start();
  driver_.advance(10s);
  EXPECT_TRUE(link_->publications.empty());
  routing_->set(0, shard_);
  driver_.advance(3s);
  EXPECT_EQ(link_->publications.size(), 1u);
  routing_->remove(0, shard_);
  driver_.advance(2s);
  journal_.happen(1);
  driver_.advance(10s);
  EXPECT_EQ(link_->publications.size(), 1u);
  EXPECT_EQ(config_.figures->shards, 0u);
}

TEST_F(nats_publisher, claims_anew_what_another_publisher_claimed) {
  journal_.happen(1);
  start();
  driver_.advance(3s);
  pb::Command claim;
  claim.mutable_claim()->set_run("another's");
  tell(claim);
  journal_.happen(1);
  driver_.advance(1s);
  EXPECT_EQ(state_.row.place().index(), 2u);  // it may have published, and may not say so
  driver_.advance(5s);                        // it leads the shard, after all
  EXPECT_EQ(state_.row.place().index(), 3u);
}

TEST_F(nats_publisher, gets_over_an_hour_without_nats) {
  journal_.happen(2'000);
  std::size_t taken = 0;
  bool is_up = false;
  link_->says = [&](const publication&) -> std::optional<kind> {
    if (!is_up) return kind::away;
    ++taken;
    return kind::stored;
  };
  start();
  driver_.advance(1h);
  EXPECT_LE(link_->publications.size(), 200u);  // it is not flooded either
  EXPECT_TRUE(config_.figures->away);
  EXPECT_GE(config_.figures->behind_ms, 3'500'000);
  EXPECT_LE(version_, 2u);
  is_up = true;
  driver_.advance(40s);
  EXPECT_EQ(taken, 2'000u);
  EXPECT_FALSE(config_.figures->away);
  EXPECT_EQ(config_.figures->behind_ms, 0);
  EXPECT_EQ(config_.figures->waiting, 0u);
}

TEST_F(nats_publisher, takes_silence_for_absence) {
  journal_.happen(1);
  link_->says = [](const publication&) { return std::nullopt; };
  start();
  driver_.advance(8s);
  EXPECT_EQ(tries(kind::away), 1u);
  link_->says = [](const publication&) { return kind::duplicate; };
  driver_.advance(10s);
  EXPECT_EQ(tries(kind::duplicate), 1u);
  EXPECT_EQ(state_.row.place().index(), 2u);
}

TEST_F(nats_publisher, skips_nothing_that_is_refused) {
  journal_.happen(100);
  std::string victim;
  bool is_mended = false;
  link_->says = [&](const publication& publication) -> std::optional<kind> {
    if (victim.empty()) victim = publication.id;
    return publication.id == victim && !is_mended ? kind::refused : kind::stored;
  };
  start();
  driver_.advance(60s);
  EXPECT_EQ(state_.row.place().index(), 1u);
  EXPECT_EQ(tries(kind::stored), 99u);
  EXPECT_FALSE(config_.figures->away);
  EXPECT_EQ(config_.figures->waiting, 1u);
  is_mended = true;
  driver_.advance(40s);
  EXPECT_EQ(state_.row.place().index(), 101u);
}

TEST_F(nats_publisher, goes_on_behind_what_was_trimmed_and_says_so) {
  journal_.happen(10);
  start();
  driver_.advance(3s);
  stop();
  journal_.happen(50);
  journal_.first = 31;
  start();
  driver_.advance(3s);
  EXPECT_EQ(link_->publications.size(), 10u + 30u);
  EXPECT_EQ(config_.figures->lost_records, 20u);
  EXPECT_EQ(state_.row.lost_records(), 20u);
  EXPECT_EQ(state_.row.place().index(), 61u);
}

TEST_F(nats_publisher, waits_until_the_cluster_writes_its_format) {
  format_ = formats::nats_sinks - 1;
  journal_.happen(1);
  start();
  driver_.advance(1min);
  EXPECT_TRUE(link_->publications.empty());
  EXPECT_EQ(version_, 0u);
  format_ = formats::nats_sinks;
  driver_.advance(3s);
  EXPECT_EQ(link_->publications.size(), 1u);
}

}  // namespace
}  // namespace souk::nats
