#include "actors/formats.hpp"
#include "actors/kinds.hpp"
#include "actors/webhook/endpoint.hpp"
#include "actors/webhook/sender.hpp"
#include "runtime/shard/journal_rows.hpp"
#include "runtime/testkit/driver.hpp"
#include "tests/actor/scripted_journal.hpp"
#include "tests/actor/scripted_shard.hpp"

#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace souk::webhook {
namespace {

using namespace std::chrono_literals;

/// Answers within the call, or never.
class scripted_courier final : public courier {
 public:
  void post(posting posting, result_handler then) override {
    posts.push_back(posting);
    if (const auto result = says(posting)) then(*result);
  }

  std::function<std::optional<post_result>(const posting&)> says = [](const posting&) {
    return post_result{200, {}, {}};
  };
  std::vector<posting> posts;
};

/// A sender between a shard that has one endpoint and a journal, and a courier.
class webhook_sender : public ::testing::Test {
 protected:
  webhook_sender() {
    kinds_.kinds[kinds::webhook] = make_kind();
    routing_ = std::make_shared<runtime::routing_table>(std::uint16_t{1}, kinds_);
    script_->answer = [this](const runtime::request& request) { return decide(request); };
    script_->page = [this](const runtime::index_query& query) {
      return query.journal ? journal_.page(query, driver_.time()->now()) : endpoints();
    };
    shard_ = driver_.system().spawn(souk::testing::scripted_shard, script_);
    routing_->set(0, shard_);
    config_.routing = routing_;
    config_.clock = driver_.time();
    config_.random = driver_.random();
    config_.courier = courier_;
    config_.figures = std::make_shared<sender_figures>();
    pb::Command command;
    auto& create = *command.mutable_create();
    create.set_endpoint_id("whe_1");
    create.set_url("https://hooks.example/");
    create.set_secret("secret");
    create.add_places()->set_index(1);
    tell(command);
  }
  ~webhook_sender() override {
    stop();
    caf::anon_send_exit(shard_, caf::exit_reason::kill);
    routing_.reset();
    config_ = {};
    driver_.settle();
  }

  runtime::answer tell(const pb::Command& command) {
    const runtime::address self{"main", kinds::webhook, "K"};
    const runtime::context context{self, driver_.time()->now(), version_, *driver_.random(), {}, "",
                                   true, formats::newest};
    auto decision = decider_.decide(state_, command, context);
    for (const auto& event : decision.events)
      decider_.evolve(state_, dynamic_cast<const pb::Event&>(*event), context.now, ++version_);
    for (const auto& change : decision.indexes)
      index_ = change.value;
    return *decision.reply;
  }
  std::optional<runtime::response> decide(const runtime::request& request) {
    if (loses_answers_) return std::nullopt;
    runtime::response response;
    response.answer = tell(dynamic_cast<const pb::Command&>(*request.command));
    return response;
  }
  runtime::index_page endpoints() const {
    runtime::index_page page;
    if (index_) page.rows.emplace_back("K", *index_);
    return page;
  }
  void start() {
    sender_ = driver_.system().spawn(sender, config_);
    driver_.settle();
  }
  void stop() {
    if (sender_) caf::anon_send_exit(sender_, caf::exit_reason::kill);
    sender_ = nullptr;
    driver_.settle();
  }

  runtime::testkit::driver driver_{1};
  runtime::entity_catalogue kinds_;
  std::shared_ptr<runtime::routing_table> routing_;
  std::shared_ptr<souk::testing::shard_script> script_ = std::make_shared<souk::testing::shard_script>();
  std::shared_ptr<scripted_courier> courier_ = std::make_shared<scripted_courier>();
  endpoint_decider decider_;
  endpoint_state state_;
  std::uint64_t version_ = 0;
  std::optional<std::string> index_;
  souk::testing::scripted_journal journal_;
  bool loses_answers_ = false;
  sender_config config_;
  caf::actor shard_;
  caf::actor sender_;
};

TEST_F(webhook_sender, delivers_once_and_commits) {
  journal_.happen(100);
  start();
  driver_.advance(5s);
  EXPECT_EQ(courier_->posts.size(), 100u);
  EXPECT_EQ(state_.row.places(0).index(), 101u);
  EXPECT_EQ(config_.figures->tries[0], 100u);
  stop();
  start();
  driver_.advance(5s);
  EXPECT_EQ(courier_->posts.size(), 100u);
}

TEST_F(webhook_sender, delivers_again_what_was_not_committed) {
  journal_.happen(10);
  start();
  driver_.advance(2s);
  loses_answers_ = true;
  journal_.happen(10);
  driver_.advance(2s);
  EXPECT_EQ(courier_->posts.size(), 20u);
  stop();
  loses_answers_ = false;
  start();
  driver_.advance(2s);
  EXPECT_EQ(courier_->posts.size(), 30u);
  EXPECT_EQ(state_.row.places(0).index(), 21u);
}

TEST_F(webhook_sender, leaves_an_endpoint_to_another_that_claimed_it) {
  journal_.happen(1);
  start();
  driver_.advance(2s);
  pb::Command claim;
  claim.mutable_claim()->set_run("another's");
  tell(claim);
  journal_.happen(1);
  driver_.advance(300ms);
  const auto committed = state_.row.places(0).index();
  EXPECT_EQ(committed, 2u);  // it may have delivered, and may not say so
  driver_.advance(3s);       // it leads the shard, after all: it claims anew
  EXPECT_EQ(state_.row.places(0).index(), 3u);
}

TEST_F(webhook_sender, sends_nothing_for_shards_that_it_does_not_lead) {
  journal_.happen(1);
  routing_->remove(0, shard_);
  routing_->set_remote(0, shard_);
  start();
  driver_.advance(10s);
  EXPECT_TRUE(courier_->posts.empty());
  routing_->set(0, shard_);
  driver_.advance(2s);
  EXPECT_EQ(courier_->posts.size(), 1u);
  routing_->remove(0, shard_);
  journal_.happen(1);
  driver_.advance(10s);
  EXPECT_LE(courier_->posts.size(), 2u);
  EXPECT_EQ(config_.figures->endpoints, 0u);
}

TEST_F(webhook_sender, takes_silence_for_a_failure) {
  journal_.happen(1);
  courier_->says = [](const posting&) { return std::nullopt; };
  start();
  driver_.advance(18s);
  EXPECT_EQ(state_.parked.size(), 1u);
  EXPECT_EQ(state_.row.failure(), "it did not answer in time");
  courier_->says = [](const posting&) { return post_result{200, {}, {}}; };
  driver_.advance(7s);
  EXPECT_TRUE(state_.parked.empty());
}

TEST_F(webhook_sender, tries_for_three_days_across_restarts_and_says_when_it_gives_up) {
  config_.tick = 1s;
  config_.read_interval = 60s;
  journal_.happen(1);
  std::vector<std::chrono::nanoseconds> tried;
  courier_->says = [&](const posting&) {
    tried.push_back(driver_.time()->steady());
    return post_result{500, {}, {}};
  };
  start();
  for (int hours = 0; hours < 90 && state_.row.disabled().empty(); ++hours) {
    driver_.advance(1h);
    if (hours % 7 != 3) continue;
    stop();
    start();
  }
  EXPECT_EQ(state_.row.disabled(), reason::retries_exhausted);
  EXPECT_EQ(index_, "0");
  ASSERT_EQ(tried.size(), retry_waits.size() + 1);
  for (std::size_t n = 0; n < retry_waits.size(); ++n) {
    EXPECT_GE(tried[n + 1] - tried[n], retry_waits[n] * 9 / 10) << n;
    EXPECT_LE(tried[n + 1] - tried[n], retry_waits[n] * 11 / 10 + 3s) << n;
  }
  EXPECT_EQ(config_.figures->disabled, 1u);
  // Nothing of it is forgotten.
  courier_->says = [](const posting&) { return post_result{200, {}, {}}; };
  pb::Command enable;
  enable.mutable_change()->set_enabled(true);
  tell(enable);
  driver_.advance(5s);
  EXPECT_TRUE(state_.parked.empty());
  EXPECT_EQ(courier_->posts.size(), retry_waits.size() + 2);
}

TEST_F(webhook_sender, hears_of_changes_within_seconds) {
  start();
  driver_.advance(2s);
  pb::Command change;
  change.mutable_change()->set_url("https://other.example/");
  tell(change);
  driver_.advance(3s);
  journal_.happen(1);
  driver_.advance(1s);
  ASSERT_EQ(courier_->posts.size(), 1u);
  EXPECT_EQ(courier_->posts[0].url, "https://other.example/");
  pb::Command remove;
  remove.mutable_remove();
  tell(remove);
  driver_.advance(3s);
  journal_.happen(1);
  driver_.advance(3s);
  EXPECT_EQ(courier_->posts.size(), 1u);
}

TEST_F(webhook_sender, disables_an_endpoint_whose_events_were_trimmed) {
  journal_.happen(50);
  journal_.first = 20;
  start();
  driver_.advance(3s);
  EXPECT_TRUE(courier_->posts.empty());
  EXPECT_EQ(state_.row.disabled(), reason::events_trimmed);
  pb::Command enable;
  enable.mutable_change()->set_enabled(true);
  tell(enable);
  driver_.advance(5s);
  EXPECT_EQ(courier_->posts.size(), 31u);
}

}  // namespace
}  // namespace souk::webhook
