#include "actors/kinds.hpp"
#include "actors/payment/provider_worker.hpp"
#include "runtime/trace_context.hpp"
#include "tests/manual_clock.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/exit_reason.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/send.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace souk::payment {
namespace {

/// Keeps calls until the test answers them.
class held_provider final : public provider_link {
 public:
  void call(const pb::ProviderCall& call, std::string_view traceparent, result_handler then) override {
    calls.emplace_back(call, std::move(then));
    traces.emplace_back(traceparent);
  }
  void list(list_handler then) override { then("{}"); }

  void answer(std::size_t position, const std::string& status) {
    pb::ProviderResult result;
    result.set_operation(calls.at(position).first.operation());
    result.set_status(status);
    calls.at(position).second(result);
  }

  std::vector<std::pair<pb::ProviderCall, result_handler>> calls;
  std::vector<std::string> traces;
};

using answers = std::vector<std::string>;

caf::behavior collector(caf::event_based_actor*, const std::shared_ptr<answers>& got) {
  return {[got](const runtime::world_result& result) {
    const auto& command = static_cast<const pb::Command&>(*result.command).provider_result();
    got->push_back(result.caller.key + " " + std::to_string(result.number) + " " + command.operation() + " " +
                   command.status());
  }};
}

class payment_worker_calls : public testing::Test {
 protected:
  payment_worker_calls() {
    worker_ = system_.spawn(payment_worker, payment_worker_config{provider_, clock_, timeout, tick,
                                                                  runtime::make_system_random()});
    shard_ = system_.spawn(collector, got_);
    settle();
  }
  ~payment_worker_calls() override {
    for (auto* one : {&worker_, &shard_})
      caf::anon_send_exit(*one, caf::exit_reason::kill);
    settle();
    worker_ = nullptr;
    shard_ = nullptr;
    provider_->calls.clear();
    system_.await_actors_before_shutdown(false);
  }

  static constexpr std::chrono::milliseconds timeout{2'000};
  static constexpr std::chrono::milliseconds tick{50};

  struct config : caf::actor_system_config {
    config() {
      set("scheduler.policy", caf::atom("testing"));
      set("logger.inline-output", true);
    }
  };

  caf::scheduler::test_coordinator& scheduler() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler());
  }
  void settle() {
    while (scheduler().try_run_once())
      continue;
  }
  void pass(std::chrono::milliseconds time) {
    for (; time.count() > 0; time -= tick) {
      clock_->advance(tick);
      scheduler().clock().advance_time(tick);
      settle();
    }
  }
  void request(std::uint64_t number, const std::string& operation, bool from_disk = false,
               const std::string& traceparent = {}) {
    auto call = std::make_shared<pb::ProviderCall>();
    call->set_operation(operation);
    call->set_key("pay_1/charge");
    runtime::world_request request;
    request.port = "payments";
    request.caller = {"main", kinds::payment, "K"};
    request.number = number;
    if (from_disk)
      request.request_bytes = call->SerializeAsString();
    else
      request.request = call;
    request.traceparent = traceparent;
    request.reply_to = shard_;
    caf::anon_send(worker_, std::move(request));
    settle();
  }

  std::shared_ptr<tests::manual_clock> clock_ = std::make_shared<tests::manual_clock>();
  std::shared_ptr<held_provider> provider_ = std::make_shared<held_provider>();
  std::shared_ptr<answers> got_ = std::make_shared<answers>();
  config config_;
  caf::actor_system system_{config_};
  caf::actor worker_;
  caf::actor shard_;
};

TEST_F(payment_worker_calls, a_call_is_a_span_of_the_trace_that_it_is_made_for) {
  request(7, "charge", false, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  request(8, "find");
  ASSERT_EQ(provider_->traces.size(), 2u);
  EXPECT_EQ(runtime::trace_id_of(provider_->traces[0]), "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_NE(runtime::span_id_of(provider_->traces[0]), "00f067aa0ba902b7");
  EXPECT_TRUE(runtime::is_sampled(provider_->traces[0]));
  EXPECT_EQ(provider_->traces[1], "");
}

TEST_F(payment_worker_calls, a_result_goes_to_the_caller_as_its_command) {
  request(7, "charge");
  request(8, "find", true);
  ASSERT_EQ(provider_->calls.size(), 2u);
  EXPECT_EQ(provider_->calls[1].first.key(), "pay_1/charge");
  provider_->answer(1, "not_found");
  provider_->answer(0, "charged");
  settle();
  EXPECT_EQ(*got_, (answers{"K 8 find not_found", "K 7 charge charged"}));
}

TEST_F(payment_worker_calls, silence_ends_after_the_timeout_and_what_comes_later_is_not_passed_on) {
  request(1, "charge");
  pass(timeout / 2);
  request(2, "charge");
  pass(timeout / 2 - tick);
  EXPECT_EQ(*got_, answers{});
  pass(tick);
  EXPECT_EQ(*got_, answers{"K 1 charge no_answer"});
  provider_->answer(0, "charged");
  settle();
  EXPECT_EQ(got_->size(), 1u);
  provider_->answer(1, "charged");
  settle();
  EXPECT_EQ(*got_, (answers{"K 1 charge no_answer", "K 2 charge charged"}));
}

TEST_F(payment_worker_calls, a_worker_without_calls_has_no_ticks) {
  request(1, "charge");
  provider_->answer(0, "charged");
  pass(timeout);
  EXPECT_TRUE(scheduler().clock().schedule().empty());
}

}  // namespace
}  // namespace souk::payment
