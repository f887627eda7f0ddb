#include "actors/webhook/endpoint.hpp"
#include "tests/unit/decider_life.hpp"

#include <gtest/gtest.h>

#include <string>

namespace souk::webhook {
namespace {

class webhook_endpoint : public ::testing::Test {
 protected:
  static pb::Place place(std::uint32_t shard, std::uint64_t index) {
    pb::Place place;
    place.set_shard(shard);
    place.set_index(index);
    return place;
  }
  static pb::Command creation() {
    pb::Command command;
    auto& create = *command.mutable_create();
    create.set_endpoint_id("whe_1");
    create.set_url("https://hooks.example/souk");
    create.set_secret("the secret");
    *create.add_places() = place(0, 10);
    *create.add_places() = place(1, 20);
    return command;
  }
  static pb::Command claim(const std::string& run) {
    pb::Command command;
    command.mutable_claim()->set_run(run);
    return command;
  }
  static pb::Command enabling(bool enabled) {
    pb::Command command;
    command.mutable_change()->set_enabled(enabled);
    return command;
  }
  static pb::Command reading() {
    pb::Command command;
    command.mutable_read();
    return command;
  }
  static int status_of(const runtime::decision& decision) { return decision.reply.value().status; }
  bool shows(const std::string& text) {
    return life_.tell(reading()).reply->body.find(text) != std::string::npos;
  }

  testing::decider_life<endpoint_decider> life_{{}, "K"};
};

TEST_F(webhook_endpoint, is_created_once_and_never_shows_its_secret) {
  EXPECT_EQ(status_of(life_.tell(reading())), 404);
  const auto made = life_.tell(creation());
  EXPECT_EQ(status_of(made), 201);
  EXPECT_EQ(made.reply->location, "/v1/webhook_endpoints/whe_1");
  EXPECT_EQ(status_of(life_.tell(creation())), 409);
  const auto shown = life_.tell(reading());
  EXPECT_EQ(shown.reply->body.find("secret"), std::string::npos);
  EXPECT_TRUE(shows(R"("status":"enabled")"));
  life_.expect_replayable();
}

TEST_F(webhook_endpoint, waits_until_all_nodes_know_what_it_is) {
  life_.format = formats::webhooks - 1;
  const auto refused = life_.tell(creation());
  EXPECT_EQ(status_of(refused), 409);
  EXPECT_TRUE(refused.events.empty() && refused.indexes.empty());
}

TEST_F(webhook_endpoint, is_listed_with_what_its_sender_must_know) {
  const auto made = life_.tell(creation());
  ASSERT_EQ(made.indexes.size(), 1u);
  EXPECT_EQ(made.indexes[0].key, "K");
  EXPECT_EQ(made.indexes[0].value, "1");
  EXPECT_EQ(life_.tell(enabling(false)).indexes.at(0).value, "0");
  EXPECT_TRUE(shows(R"("disabled_reason":"by_request")"));
  EXPECT_EQ(life_.tell(enabling(true)).indexes.at(0).value, "3");
  pb::Command remove;
  remove.mutable_remove();
  EXPECT_EQ(life_.tell(remove).indexes.at(0).value, std::nullopt);
  EXPECT_EQ(status_of(life_.tell(reading())), 404);
  EXPECT_EQ(status_of(life_.tell(creation())), 409);
  life_.expect_replayable();
}

TEST_F(webhook_endpoint, takes_progress_of_the_last_claim_alone) {
  life_.tell(creation());
  const auto claimed = life_.tell(claim("one"));
  const auto* value = dynamic_cast<const pb::Claimed*>(claimed.reply->value.get());
  ASSERT_NE(value, nullptr);
  EXPECT_EQ(value->endpoint().secret(), "the secret");
  EXPECT_EQ(value->endpoint().run(), "one");
  pb::Command command;
  auto& progress = *command.mutable_progress();
  progress.set_run("one");
  *progress.add_places() = place(1, 25);
  EXPECT_EQ(status_of(life_.tell(command)), 200);
  life_.tell(claim("two"));
  EXPECT_EQ(status_of(life_.tell(command)), 409);
  progress.set_run("two");
  *progress.mutable_places(0) = place(1, 26);
  EXPECT_EQ(status_of(life_.tell(command)), 200);
  EXPECT_EQ(status_of(life_.tell(command)), 200);  // again, after an answer that was lost
  const auto again = life_.tell(claim("three"));
  const auto& now = dynamic_cast<const pb::Claimed&>(*again.reply->value).endpoint();
  EXPECT_EQ(now.places(0).index(), 10u);
  EXPECT_EQ(now.places(1).index(), 26u);
  life_.expect_replayable();
}

TEST_F(webhook_endpoint, keeps_what_was_not_taken_until_it_is) {
  life_.tell(creation());
  life_.tell(claim("one"));
  pb::Command command;
  command.mutable_progress()->set_run("one");
  auto& parked = *command.mutable_progress()->add_parked();
  parked.set_id("evt_1");
  parked.set_subject("order/1");
  parked.set_body("{}");
  parked.set_attempts(1);
  parked.set_next_try_ms(5);
  command.mutable_progress()->set_failure("it answered 500");
  life_.tell(command);
  EXPECT_TRUE(shows(R"("waiting":1)"));
  EXPECT_TRUE(shows(R"("failure":"it answered 500")"));
  life_.expect_replayable();
  command.mutable_progress()->clear_parked();
  auto& retry = *command.mutable_progress()->add_retries();
  retry.set_id("evt_1");
  retry.set_attempts(10);
  command.mutable_progress()->set_disable("retries_exhausted");
  EXPECT_EQ(life_.tell(command).indexes.at(0).value, "0");
  EXPECT_TRUE(shows(R"("disabled_reason":"retries_exhausted")"));
  life_.expect_replayable();
  life_.tell(enabling(true));  // it is tried anew
  const auto claimed = life_.tell(claim("two"));
  const auto& known = dynamic_cast<const pb::Claimed&>(*claimed.reply->value);
  ASSERT_EQ(known.parked_size(), 1);
  EXPECT_EQ(known.parked(0).attempts(), 0u);
  pb::Command delivered;
  delivered.mutable_progress()->set_run("two");
  delivered.mutable_progress()->add_delivered("evt_1");
  life_.tell(delivered);
  EXPECT_TRUE(shows(R"("waiting":0)"));
  life_.expect_replayable();
}

TEST_F(webhook_endpoint, goes_on_with_the_first_that_is_kept_where_events_were_trimmed) {
  life_.tell(creation());
  life_.tell(claim("one"));
  pb::Command command;
  command.mutable_progress()->set_run("one");
  command.mutable_progress()->add_lost(1);
  command.mutable_progress()->set_disable("events_trimmed");
  command.mutable_progress()->set_failure("which");
  life_.tell(command);
  EXPECT_TRUE(shows(R"("disabled_reason":"events_trimmed")"));
  life_.tell(enabling(true));
  const auto claimed = life_.tell(claim("two"));
  const auto& now = dynamic_cast<const pb::Claimed&>(*claimed.reply->value).endpoint();
  EXPECT_EQ(now.places(0).index(), 10u);
  EXPECT_EQ(now.places(1).index(), 0u);
  life_.expect_replayable();
}

TEST_F(webhook_endpoint, signs_with_two_secrets_while_one_is_replaced) {
  life_.tell(creation());
  pb::Command command;
  command.mutable_rotate()->set_secret("the next");
  command.mutable_rotate()->set_previous_until_ms(1'800'000'000'000);
  const auto rotated = life_.tell(command);
  EXPECT_NE(rotated.reply->body.find(R"("previous_secret_until":"2027-01-15T08:00:00.000Z")"),
            std::string::npos);
  const auto claimed = life_.tell(claim("one"));
  const auto& now = dynamic_cast<const pb::Claimed&>(*claimed.reply->value).endpoint();
  EXPECT_EQ(now.secret(), "the next");
  EXPECT_EQ(now.previous_secret(), "the secret");
  life_.expect_replayable();
}

TEST_F(webhook_endpoint, replays_up_to_where_it_was) {
  life_.tell(creation());
  life_.tell(claim("one"));
  pb::Command command;
  *command.mutable_replay()->add_places() = place(0, 3);
  *command.mutable_replay()->add_places() = place(1, 99);  // what is ahead is not skipped
  EXPECT_EQ(status_of(life_.tell(command)), 202);
  EXPECT_TRUE(shows(R"("replaying":true)"));
  pb::Command progress;
  progress.mutable_progress()->set_run("one");
  EXPECT_EQ(status_of(life_.tell(progress)), 409);  // of places that it left
  const auto claimed = life_.tell(claim("two"));
  const auto& now = dynamic_cast<const pb::Claimed&>(*claimed.reply->value).endpoint();
  EXPECT_EQ(now.places(0).index(), 3u);
  EXPECT_EQ(now.places(1).index(), 20u);
  EXPECT_EQ(now.replay().end(0).index(), 10u);
  // A second one does not forget what the first had not sent yet.
  life_.tell(command);
  life_.tell(claim("three"));
  progress.mutable_progress()->set_run("three");
  *progress.mutable_progress()->add_places() = place(0, 9);
  life_.tell(progress);
  EXPECT_TRUE(shows(R"("replaying":true)"));
  *progress.mutable_progress()->mutable_places(0) = place(0, 10);
  life_.tell(progress);
  EXPECT_TRUE(shows(R"("replaying":false)"));
  life_.expect_replayable();
  life_.tell(enabling(false));
  EXPECT_EQ(status_of(life_.tell(command)), 409);
}

}  // namespace
}  // namespace souk::webhook
