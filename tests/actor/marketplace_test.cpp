#include "actors/gateway/gateway.hpp"
#include "actors/kinds.hpp"
#include "actors/marketplace/customer.hpp"
#include "actors/marketplace/desk.hpp"
#include "actors/marketplace/market.hpp"
#include "runtime/testkit/driver.hpp"
#include "tests/actor/scripted_shard.hpp"

#include <caf/actor_system.hpp>
#include <caf/send.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace souk::marketplace {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

/// Keeps the answer that it was given.
class kept_answer : public gateway::responder {
 public:
  void respond(gateway::http_response response) override {
    ++answers;
    given = std::move(response);
  }
  int status() const { return given ? given->status : 0; }

  int answers = 0;
  std::optional<gateway::http_response> given;
};

/// A desk between requests and scripted shards, in virtual time.
class marketplace_desk : public ::testing::Test {
 protected:
  marketplace_desk() {
    kinds_.kinds[kinds::market] = std::make_shared<runtime::kind_of<market_decider>>(market_decider{});
    kinds_.kinds[kinds::marketplace_customer] =
        std::make_shared<runtime::kind_of<customer_decider>>(customer_decider{});
    routing_ = std::make_shared<runtime::routing_table>(std::uint16_t{4}, kinds_);
    serve(start_shard());
    config_.routing = routing_;
    config_.clock = driver_.time();
    config_.random = driver_.random();
  }
  ~marketplace_desk() override {
    if (desk_) caf::anon_send_exit(desk_, caf::exit_reason::kill);
    for (const auto& shard : started_)
      caf::anon_send_exit(shard, caf::exit_reason::kill);
    routing_.reset();
    driver_.settle();
  }

  caf::actor start_shard() {
    started_.push_back(driver_.system().spawn(souk::testing::scripted_shard, script_));
    return started_.back();
  }
  void serve(const caf::actor& shard) {
    for (runtime::shard_id i = 0; i < routing_->shard_count(); ++i)
      routing_->set(i, shard);
  }
  void stop_serving() {
    for (runtime::shard_id i = 0; i < routing_->shard_count(); ++i)
      routing_->remove(i, started_.back());
  }

  std::shared_ptr<kept_answer> send(std::string method, std::string path) {
    if (!desk_) desk_ = driver_.system().spawn(desk, config_);
    auto kept = std::make_shared<kept_answer>();
    auto request = std::make_shared<gateway::http_request>();
    request->method = std::move(method);
    request->path = std::move(path);
    caf::anon_send(desk_, gateway::exchange{request, kept});
    driver_.settle();
    return kept;
  }
  void answer_with(runtime::outcome outcome, int status, std::string body) {
    script_->answer = [=](const runtime::request&) {
      return std::optional{runtime::response{.outcome = outcome, .answer = {.status = status, .body = body}}};
    };
  }

  runtime::testkit::driver driver_{1};
  runtime::entity_catalogue kinds_;
  std::shared_ptr<runtime::routing_table> routing_;
  std::shared_ptr<souk::testing::shard_script> script_ = std::make_shared<souk::testing::shard_script>();
  std::vector<caf::actor> started_;
  desk_config config_;
  caf::actor desk_;
};

TEST_F(marketplace_desk, answers_what_the_entity_answers) {
  answer_with(runtime::outcome::answered, 202, R"({"packages":3})");
  const auto kept = send("PATCH", "/shipment/1");
  EXPECT_EQ(kept->status(), 202);
  EXPECT_EQ(kept->given->body, R"({"packages":3})");
  ASSERT_EQ(script_->requests.size(), 1u);
  EXPECT_FALSE(script_->requests[0].read_only);
  EXPECT_EQ(send("PATCH", "/nowhere")->status(), 404);
  EXPECT_EQ(script_->requests.size(), 1u);
}

TEST_F(marketplace_desk, makes_one_text_of_what_two_entities_say) {
  script_->answer = [](const runtime::request& request) {
    const bool market = request.to.kind == kinds::market;
    return std::optional{
        runtime::response{.answer = {.status = 200, .body = market ? ",\"b\":2}" : "{\"a\":1"}}};
  };
  EXPECT_EQ(send("GET", "/customer/7")->given.value().body, R"({"a":1,"b":2})");
  answer_with(runtime::outcome::answered, 404, "{}");
  EXPECT_EQ(send("GET", "/customer/8")->status(), 404);
  EXPECT_EQ(script_->requests.size(), 3u) << "after a refusal nobody else is asked";
}

TEST_F(marketplace_desk, says_of_each_outcome_whether_a_repeat_can_help) {
  const std::pair<runtime::outcome, int> cases[] = {
      {runtime::outcome::replayed, 200},    {runtime::outcome::overloaded, 503},
      {runtime::outcome::unavailable, 503}, {runtime::outcome::full, 503},
      {runtime::outcome::unknown, 503},     {runtime::outcome::failed, 500},
      {runtime::outcome::quarantined, 500}, {runtime::outcome::not_understood, 503}};
  for (const auto& [outcome, status] : cases) {
    answer_with(outcome, 200, "{}");
    const auto kept = send("GET", "/cart/1");
    EXPECT_EQ(kept->status(), status) << static_cast<int>(outcome);
    const bool comes_again =
        ::testing::Matches(::testing::Contains(::testing::Pair("Retry-After", "1")))(kept->given->fields);
    EXPECT_EQ(comes_again, status == 503);
  }
}

TEST_F(marketplace_desk, answers_once_where_nobody_answers) {
  const auto silent = send("PATCH", "/shipment/1");
  EXPECT_EQ(silent->answers, 0);
  driver_.advance(config_.request_deadline + config_.tick);
  EXPECT_EQ(silent->answers, 1);
  EXPECT_EQ(silent->status(), 503);
  auto late = script_->requests.at(0);
  caf::anon_send(desk_, runtime::response{.correlation = late.correlation});
  driver_.settle();
  EXPECT_EQ(silent->answers, 1);
}

TEST_F(marketplace_desk, answers_at_once_where_the_shard_is_gone) {
  const auto lost = send("PATCH", "/shipment/1");
  stop_serving();
  driver_.advance(config_.tick * 2);
  EXPECT_EQ(lost->status(), 503);
  EXPECT_THAT(lost->given->body, HasSubstr("may or may not"));
  const auto refused = send("PATCH", "/shipment/1");
  EXPECT_EQ(refused->status(), 503);
  EXPECT_THAT(refused->given->body, HasSubstr("nothing was done"));
}

TEST_F(marketplace_desk, refuses_more_than_it_can_keep) {
  config_.calls_max = 2;
  send("PATCH", "/shipment/1");
  send("PATCH", "/shipment/2");
  EXPECT_EQ(send("PATCH", "/shipment/3")->status(), 503);
}

}  // namespace
}  // namespace souk::marketplace
