#include "actors/payment/provider.hpp"

#include "actors/gateway/http.hpp"
#include "actors/payment/provider_server.hpp"
#include "actors/payment/test_provider.hpp"
#include "tests/http/raw_client.hpp"
#include "tests/manual_clock.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace souk::payment {
namespace {

pb::ProviderCall call_of(std::string_view operation, std::string_view payment,
                         std::string_view token = "tok_ok") {
  pb::ProviderCall call;
  call.set_operation(std::string{operation});
  call.set_key(std::string{payment} + "/charge");
  call.set_payment_id(std::string{payment});
  call.set_checkout_id("chk_of_" + std::string{payment});
  call.set_token(std::string{token});
  call.mutable_amount()->set_amount(1999);
  call.mutable_amount()->set_currency("USD");
  return call;
}

std::string status_of(provider_link& link, const pb::ProviderCall& call) {
  std::promise<std::string> said;
  auto future = said.get_future();
  link.call(call, {}, [&](const pb::ProviderResult& result) {
    EXPECT_EQ(result.operation(), call.operation());
    said.set_value(result.status());
  });
  return future.get();
}

std::string list_of(provider_link& link) {
  std::promise<std::string> said;
  auto future = said.get_future();
  link.list([&](std::string json) { said.set_value(std::move(json)); });
  return future.get();
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

/// Counts syncs, which may be told to fail.
class counting_ledger final : public provider_ledger {
 public:
  struct figures {
    std::atomic<int> appended = 0;
    std::atomic<int> syncs = 0;
    std::atomic<bool> fails = false;
  };

  explicit counting_ledger(std::shared_ptr<figures> figures) : figures_(std::move(figures)) {}
  std::vector<std::string> take_records() override { return {}; }
  void append(std::string_view) override { ++figures_->appended; }
  void sync() override {
    if (figures_->fails)
      throw std::system_error(std::make_error_code(std::errc::io_error), "the disk is gone");
    ++figures_->syncs;
  }

 private:
  std::shared_ptr<figures> figures_;
};

class remote_provider : public testing::Test {
 protected:
  void SetUp() override { serve(0); }

  void serve(std::uint16_t port) {
    gateway::listener_options options;
    options.port = port;
    server_ = make_provider_server(options, std::make_unique<counting_ledger>(figures_), clock_,
                                   [](const std::string& what) { ADD_FAILURE() << what; });
  }
  std::unique_ptr<provider_link> connect(std::chrono::milliseconds timeout = std::chrono::seconds{10},
                                         std::size_t connections = 4,
                                         std::shared_ptr<runtime::clock> time = nullptr) {
    remote_provider_options options;
    options.url = "http://127.0.0.1:" + std::to_string(server_->port());
    options.timeout = timeout;
    options.connections_max = connections;
    return make_remote_provider(options, time ? std::move(time) : clock_);
  }

  std::shared_ptr<runtime::clock> clock_ = runtime::make_system_clock();
  std::shared_ptr<counting_ledger::figures> figures_ = std::make_shared<counting_ledger::figures>();
  std::unique_ptr<provider_server> server_;
};

TEST_F(remote_provider, calls_are_answered_as_the_provider_decides) {
  const auto link = connect();
  EXPECT_EQ(status_of(*link, call_of("find", "p1")), "not_found");
  EXPECT_EQ(status_of(*link, call_of("charge", "p1")), "charged");
  EXPECT_EQ(status_of(*link, call_of("charge", "p2", "tok_declined")), "declined");
  EXPECT_EQ(status_of(*link, call_of("refund", "p1")), "voided");
  EXPECT_TRUE(has(list_of(*link), R"("summary":{"charged":0,"refunded":1,"duplicates":0})"));
}

TEST_F(remote_provider, a_call_carries_its_trace_and_one_without_carries_none) {
  std::promise<std::optional<std::string>> first;
  std::promise<std::optional<std::string>> second;
  int calls = 0;
  gateway::listener_options listening;
  listening.port = 0;
  const auto listener = gateway::make_listener(
      listening, [&](const gateway::http_request& request, std::unique_ptr<gateway::responder> answer) {
        const auto field = request.field("traceparent");
        (calls++ == 0 ? first : second).set_value(field ? std::optional{std::string{*field}} : std::nullopt);
        answer->respond({});
      });
  remote_provider_options options;
  options.url = "http://127.0.0.1:" + std::to_string(listener->port());
  const auto link = make_remote_provider(options, clock_);
  const std::string trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  link->call(call_of("charge", "p1"), trace, [](const pb::ProviderResult&) {});
  EXPECT_EQ(first.get_future().get(), trace);
  link->call(call_of("charge", "p1"), {}, [](const pb::ProviderResult&) {});
  EXPECT_EQ(second.get_future().get(), std::nullopt);
}

TEST_F(remote_provider, many_calls_wait_for_few_connections_and_all_are_answered) {
  const auto link = connect();
  constexpr int count = 500;
  std::atomic<int> charged = 0;
  std::atomic<int> left = count;
  std::promise<void> all;
  for (int i = 0; i < count; ++i)
    link->call(call_of("charge", "p" + std::to_string(i)), {}, [&](const pb::ProviderResult& result) {
      if (result.status() == "charged") ++charged;
      if (--left == 0) all.set_value();
    });
  all.get_future().get();
  EXPECT_EQ(charged, count);
  EXPECT_EQ(figures_->appended, count);
  EXPECT_LE(figures_->syncs, count);
}

TEST_F(remote_provider, silence_is_no_answer_in_time_and_the_connection_is_free_again) {
  const auto link = connect(std::chrono::milliseconds{200}, 1);
  EXPECT_EQ(status_of(*link, call_of("charge", "p1", "tok_timeout")), "no_answer");
  EXPECT_EQ(status_of(*link, call_of("find", "p1")), "charged");
  EXPECT_EQ(status_of(*link, call_of("charge", "p2", "tok_lost")), "no_answer");
  EXPECT_EQ(status_of(*link, call_of("find", "p2")), "not_found");
}

TEST_F(remote_provider, a_call_that_found_no_connection_in_time_is_never_sent) {
  constexpr std::chrono::seconds timeout{10};
  const auto time = std::make_shared<tests::manual_clock>();
  const auto link = connect(timeout, 1, time);
  std::promise<std::string> silent, late;
  const auto keep = [](std::promise<std::string>& said) {
    return [&said](const pb::ProviderResult& result) { said.set_value(result.status()); };
  };
  link->call(call_of("charge", "p1", "tok_timeout"), {}, keep(silent));
  link->call(call_of("charge", "p2"), {}, keep(late));
  time->advance(timeout);
  EXPECT_EQ(silent.get_future().get(), "no_answer");
  EXPECT_EQ(late.get_future().get(), "no_answer");
  EXPECT_EQ(status_of(*link, call_of("find", "p2")), "not_found");
}

TEST_F(remote_provider, a_server_that_is_gone_is_no_answer_and_its_return_is_noticed) {
  const auto link = connect();
  const auto port = server_->port();
  EXPECT_EQ(status_of(*link, call_of("charge", "p1")), "charged");
  server_.reset();
  EXPECT_EQ(status_of(*link, call_of("charge", "p2")), "no_answer");
  EXPECT_EQ(list_of(*link), "");
  serve(port);
  EXPECT_EQ(status_of(*link, call_of("charge", "p3")), "charged");
}

TEST_F(remote_provider, a_restart_between_two_calls_goes_unnoticed) {
  const auto link = connect();
  const auto port = server_->port();
  EXPECT_EQ(status_of(*link, call_of("charge", "p1")), "charged");
  server_.reset();
  serve(port);
  EXPECT_EQ(status_of(*link, call_of("charge", "p2")), "charged");
}

TEST_F(remote_provider, speaks_json_with_people) {
  tests::raw_client client{server_->port()};
  const auto ask = [&](std::string_view type, std::string_view body) {
    client.send("POST /calls HTTP/1.1\r\nHost: a\r\nContent-Type: " + std::string{type} +
                "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string{body});
    return *client.read();
  };
  const std::string call = R"({"operation":"charge","key":"k","payment_id":"p","token":"tok_ok",)"
                           R"("amount":{"amount":"5","currency":"USD"}})";
  EXPECT_TRUE(has(ask("application/json", call).body, R"("status":"charged","charge_id":"ch_1")"));
  EXPECT_EQ(ask("application/json", "{}").status, 422);
  EXPECT_EQ(ask("application/json", "{").status, 422);
  EXPECT_EQ(ask("text/plain", call).status, 415);
  client.send("GET /payments HTTP/1.1\r\nHost: a\r\n\r\nGET /nothing HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(has(client.read()->body, R"("amount":5)"));
  EXPECT_EQ(client.read()->status, 404);
}

TEST(remote_provider_url, must_name_a_host_and_a_port) {
  const auto clock = runtime::make_system_clock();
  for (const auto* url :
       {"", "127.0.0.1:1", "https://a:1", "http://", "http://a:0", "http://a:70000", "http://a:1/x"}) {
    remote_provider_options options;
    options.url = url;
    EXPECT_THROW(make_remote_provider(options, clock), std::invalid_argument) << url;
  }
}

TEST(embedded_provider, answers_after_a_sync_that_many_calls_share) {
  const auto figures = std::make_shared<counting_ledger::figures>();
  const auto link =
      make_embedded_provider(std::make_unique<counting_ledger>(figures), runtime::make_system_clock(),
                             [](const std::string& what) { ADD_FAILURE() << what; });
  constexpr int count = 2'000;
  std::atomic<int> left = count;
  std::promise<void> all;
  for (int i = 0; i < count; ++i)
    link->call(call_of("charge", "p" + std::to_string(i)), {}, [&](const pb::ProviderResult&) {
      EXPECT_GT(figures->syncs, 0);
      if (--left == 0) all.set_value();
    });
  all.get_future().get();
  EXPECT_EQ(figures->appended, count);
  EXPECT_LT(figures->syncs, count);
  EXPECT_TRUE(has(list_of(*link), R"("summary":{"charged":2000,)"));
}

TEST(embedded_provider, answers_nothing_once_its_ledger_failed) {
  const auto figures = std::make_shared<counting_ledger::figures>();
  std::promise<std::string> failure;
  std::atomic<int> answered = 0;
  {
    const auto link =
        make_embedded_provider(std::make_unique<counting_ledger>(figures), runtime::make_system_clock(),
                               [&](const std::string& what) { failure.set_value(what); });
    const auto count = [&](const pb::ProviderResult&) { ++answered; };
    figures->fails = true;
    link->call(call_of("charge", "p1"), {}, count);
    EXPECT_TRUE(has(failure.get_future().get(), "the disk is gone"));
    figures->fails = false;
    link->call(call_of("charge", "p2"), {}, count);
  }
  EXPECT_EQ(answered, 0);
  EXPECT_EQ(figures->appended, 1);
}

TEST(direct_provider, answers_within_the_call) {
  const auto ledger = make_memory_ledger();
  const auto link =
      make_direct_provider(std::make_shared<test_provider>(*ledger), runtime::make_system_clock());
  std::string said;
  link->call(call_of("charge", "p1"), {}, [&](const pb::ProviderResult& result) { said = result.status(); });
  EXPECT_EQ(said, "charged");
  said.clear();
  link->call(call_of("charge", "p2", "tok_lost"), {},
             [&](const pb::ProviderResult& result) { said = result.status(); });
  EXPECT_EQ(said, "");
}

}  // namespace
}  // namespace souk::payment
