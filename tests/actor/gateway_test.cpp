#include "actors/gateway/gateway.hpp"

#include "actors/cart/cart.hpp"
#include "actors/checkout/checkout.hpp"
#include "actors/gateway/admission.hpp"
#include "actors/kinds.hpp"
#include "actors/order/order.hpp"
#include "actors/product/product.hpp"
#include "actors/stock/stock.hpp"
#include "runtime/telemetry/log.hpp"
#include "runtime/testkit/driver.hpp"
#include "tests/actor/scripted_shard.hpp"
#include "tests/unit/gateway_bench.hpp"

#include <caf/actor_system.hpp>
#include <caf/send.hpp>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace souk::gateway {
namespace {

using namespace std::chrono_literals;
using testing::id;
using testing::request;

/// Keeps the answer that it was given.
class kept_answer : public responder {
 public:
  void respond(http_response response) override {
    ++answers;
    given = std::move(response);
  }
  std::string field(std::string_view name) const {
    for (const auto& [known, value] : given->fields)
      if (known == name) return value;
    return "";
  }

  int answers = 0;
  std::optional<http_response> given;
};

/// A gateway between requests and scripted shards, in virtual time.
class gateway_actor : public testing::bench {
 protected:
  gateway_actor() {
    kinds_.kinds[kinds::cart] =
        std::make_shared<runtime::kind_of<cart::cart_decider>>(cart::cart_decider{catalogue_});
    kinds_.kinds[kinds::checkout] =
        std::make_shared<runtime::kind_of<checkout::checkout_decider>>(checkout::checkout_decider{});
    kinds_.kinds[kinds::order] =
        std::make_shared<runtime::kind_of<order::order_decider>>(order::order_decider{});
    kinds_.kinds[kinds::stock] =
        std::make_shared<runtime::kind_of<stock::stock_decider>>(stock::stock_decider{});
    kinds_.kinds[kinds::product] =
        std::make_shared<runtime::kind_of<product::product_decider>>(product::product_decider{});
    kinds_.kinds[kinds::keyring] = keyring::make_kind();
    routing_ = std::make_shared<runtime::routing_table>(shard_count, kinds_);
    services_.clock = driver_.time();
    services_.random = driver_.random();
    services_.shard_count = shard_count;
    shard_ = start_shard();
    serve(shard_);
  }
  ~gateway_actor() override {
    if (gateway_) caf::anon_send_exit(gateway_, caf::exit_reason::kill);
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
    for (runtime::shard_id i = 0; i < shard_count; ++i)
      routing_->set(i, shard);
  }

  std::shared_ptr<kept_answer> send(const request& request) {
    if (!gateway_) {
      config_.routing = routing_;
      config_.services = services_;
      gateway_ = driver_.system().spawn(gateway::gateway, config_);
    }
    auto kept = std::make_shared<kept_answer>();
    auto sent = http(request);
    sent->client = client_;
    caf::anon_send(gateway_, exchange{sent, kept, std::nullopt, read_at_});
    driver_.settle();
    return kept;
  }
  void answer_with(runtime::outcome outcome, int status = 200, const std::string& body = "{}") {
    script_->answer = [=](const runtime::request&) {
      runtime::response response;
      response.outcome = outcome;
      response.answer.status = status;
      response.answer.body = body;
      return std::optional{response};
    };
  }
  void stay_silent() { script_->answer = nullptr; }
  static std::string code_of(const kept_answer& kept) {
    if (!kept.given) return "no answer";
    runtime::answer answer;
    answer.status = kept.given->status;
    answer.body = kept.given->body;
    return problem_in(answer);
  }
  static request cart() { return {.path = "/v1/carts/" + id("crt_")}; }
  static request change(bool keyed) {
    request request{.method = "DELETE", .path = "/v1/carts/" + id("crt_") + "/items/ln_1"};
    if (keyed) request.fields.push_back(key());
    return request;
  }

  static constexpr std::uint16_t shard_count = 4;
  runtime::testkit::driver driver_{1};
  runtime::entity_catalogue kinds_;
  std::shared_ptr<runtime::routing_table> routing_;
  std::shared_ptr<souk::testing::shard_script> script_ = std::make_shared<souk::testing::shard_script>();
  std::vector<caf::actor> started_;
  caf::actor shard_;
  gateway_config config_;
  std::string client_;
  std::optional<std::chrono::nanoseconds> read_at_;  ///< Of the requests that are sent next.
  caf::actor gateway_;
};

TEST_F(gateway_actor, a_client_learns_its_limit_and_is_refused_over_it) {
  answer_with(runtime::outcome::answered);
  admission_options options;
  options.address.fill(1);
  services_.admission = std::make_shared<admission>(options);
  client_ = "10.0.0.1";
  auto first = send(cart());
  EXPECT_EQ(first->given->status, 200);
  EXPECT_EQ(first->field("RateLimit-Policy"), R"("address-cart";q=1;w=10)");
  EXPECT_EQ(first->field("RateLimit"), R"("address-cart";r=0;t=10)");
  auto second = send(cart());
  EXPECT_EQ(code_of(*second), "429 rate_limited");
  EXPECT_EQ(second->field("Retry-After"), "10");
  EXPECT_EQ(second->field("RateLimit"), R"("address-cart";r=0;t=10)");
  EXPECT_EQ(script_->requests.size(), 1u);
}

TEST_F(gateway_actor, an_answer_goes_back_as_it_is) {
  answer_with(runtime::outcome::answered, 200, R"({"id":"crt_1"})");
  request read = cart();
  read.fields.emplace_back("request-id", "r-1");
  read.fields.emplace_back("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  auto kept = send(read);
  ASSERT_EQ(kept->answers, 1);
  EXPECT_EQ(kept->given->body, R"({"id":"crt_1"})");
  EXPECT_EQ(kept->field("Request-Id"), "r-1");
  EXPECT_EQ(script_->requests.at(0).request_id, "r-1");
  EXPECT_EQ(script_->requests.at(0).traceparent, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  EXPECT_TRUE(script_->requests.at(0).read_only);
  EXPECT_FALSE(script_->requests.at(0).fingerprint);
}

TEST_F(gateway_actor, only_what_all_may_see_may_be_kept) {
  answer_with(runtime::outcome::answered, 200);
  EXPECT_EQ(send(cart())->given->kind, answer_kind::personal);
  const request product{.path = "/v1/products/p-1"};
  EXPECT_EQ(send(product)->given->kind, answer_kind::catalogue);
  EXPECT_EQ(send({.path = "/docs"})->given->kind, answer_kind::page);
  answer_with(runtime::outcome::answered, 404);
  EXPECT_EQ(send(product)->given->kind, answer_kind::personal);
}

TEST_F(gateway_actor, what_is_refused_at_the_door_asks_nobody) {
  EXPECT_EQ(code_of(*send({.path = "/v1/nothing"})), "404 not_found");
  EXPECT_EQ(code_of(*send({.path = "/v1/keys"})), "401 invalid_token");
  EXPECT_TRUE(script_->requests.empty());
}

TEST_F(gateway_actor, a_key_travels_with_the_command_and_a_repeat_says_so) {
  answer_with(runtime::outcome::replayed);
  auto kept = send(change(true));
  EXPECT_EQ(kept->field("Idempotent-Replayed"), "true");
  ASSERT_TRUE(script_->requests.at(0).fingerprint);
  send(change(true));
  EXPECT_EQ(script_->requests.at(0).id, script_->requests.at(1).id);
  send(change(false));
  EXPECT_FALSE(script_->requests.at(2).fingerprint);
  EXPECT_NE(script_->requests.at(2).id, script_->requests.at(1).id);
}

TEST_F(gateway_actor, each_outcome_is_a_problem_of_its_own) {
  struct row {
    runtime::outcome outcome;
    std::string read;
    std::string command;
    std::string retry_after;
  };
  for (const row& row : std::vector<row>{
           {runtime::outcome::in_flight, "409 idempotency_in_flight", "409 idempotency_in_flight", "1"},
           {runtime::outcome::key_reused, "422 idempotency_key_reused", "422 idempotency_key_reused", ""},
           {runtime::outcome::overloaded, "503 overloaded", "503 overloaded", "1"},
           {runtime::outcome::full, "503 storage_full", "503 storage_full", "30"},
           {runtime::outcome::not_understood, "503 shard_unavailable", "503 shard_unavailable", "30"},
           {runtime::outcome::failed, "500 internal_error", "500 internal_error", ""},
           {runtime::outcome::quarantined, "500 internal_error", "500 internal_error", ""}}) {
    answer_with(row.outcome);
    EXPECT_EQ(code_of(*send(cart())), row.read);
    auto kept = send(change(true));
    EXPECT_EQ(code_of(*kept), row.command);
    EXPECT_EQ(kept->field("Retry-After"), row.retry_after) << row.command;
  }
}

TEST_F(gateway_actor, an_unknown_outcome_may_be_repeated_only_with_a_key) {
  answer_with(runtime::outcome::unknown);
  auto keyed = send(change(true));
  driver_.advance(10'100ms);
  EXPECT_NE(keyed->given->body.find(R"("retryable":true)"), std::string::npos);
  EXPECT_NE(send(change(false))->given->body.find(R"("retryable":false)"), std::string::npos);
}

TEST_F(gateway_actor, an_outcome_that_was_lost_with_a_link_is_asked_for_under_its_name) {
  answer_with(runtime::outcome::unknown);
  auto read = send(cart());
  auto keyed = send(change(true));
  auto plain = send(change(false));
  EXPECT_EQ(code_of(*plain), "504 outcome_unknown");
  EXPECT_EQ(keyed->answers, 0);
  const auto id = script_->requests.at(1).id;
  answer_with(runtime::outcome::replayed);
  driver_.advance(100ms);
  EXPECT_EQ(read->given.value_or(http_response{}).status, 200);
  EXPECT_EQ(keyed->given.value_or(http_response{}).status, 200);
  EXPECT_EQ(keyed->field("Idempotent-Replayed"), "") << "the client sent it once";
  EXPECT_EQ(script_->requests.back().id, id);
}

TEST_F(gateway_actor, who_does_not_serve_does_not_know_what_was_done_before) {
  for (const auto no_news :
       {runtime::outcome::unavailable, runtime::outcome::overloaded, runtime::outcome::full}) {
    answer_with(runtime::outcome::unknown);
    auto keyed = send(change(true));
    answer_with(no_news);
    driver_.advance(9s);
    EXPECT_EQ(keyed->answers, 0);
    driver_.advance(1'100ms);
    EXPECT_EQ(code_of(*keyed), "504 outcome_unknown");
  }
}

TEST_F(gateway_actor, a_shard_is_told_until_when_it_is_waited_for) {
  stay_silent();
  send(cart());
  EXPECT_EQ(script_->requests.at(0).deadline, driver_.time()->steady() + 10s);
}

TEST_F(gateway_actor, a_silent_shard_is_given_up_at_the_deadline_and_never_answers_twice) {
  stay_silent();
  auto read = send(cart());
  auto keyed = send(change(true));
  driver_.advance(9s);
  EXPECT_EQ(read->answers, 0);
  driver_.advance(1'100ms);
  EXPECT_EQ(code_of(*read), "503 overloaded");
  EXPECT_EQ(code_of(*keyed), "504 outcome_unknown");
  runtime::response late;
  late.correlation = script_->requests.at(0).correlation;
  late.answer.body = "late";
  caf::anon_send(gateway_, late);
  driver_.settle();
  EXPECT_EQ(read->answers, 1);
  EXPECT_EQ(keyed->answers, 1);
}

TEST_F(gateway_actor, a_call_waits_a_while_for_a_shard_that_nobody_serves) {
  answer_with(runtime::outcome::answered);
  serve(nullptr);
  auto kept = send(change(false));
  driver_.advance(1s);
  EXPECT_EQ(kept->answers, 0);
  serve(shard_);
  driver_.advance(100ms);
  EXPECT_EQ(kept->given.value_or(http_response{}).status, 200);
}

TEST_F(gateway_actor, a_shard_that_stays_away_is_said_to_be) {
  serve(nullptr);
  auto kept = send(change(false));
  driver_.advance(2'200ms);
  EXPECT_EQ(code_of(*kept), "503 shard_unavailable");
  EXPECT_EQ(kept->field("Retry-After"), "1");
}

TEST_F(gateway_actor, a_shard_that_does_not_serve_yet_is_asked_again) {
  answer_with(runtime::outcome::unavailable);
  auto kept = send(change(false));
  driver_.advance(500ms);
  EXPECT_EQ(kept->answers, 0);
  answer_with(runtime::outcome::answered);
  driver_.advance(100ms);
  EXPECT_EQ(kept->given.value_or(http_response{}).status, 200);
  answer_with(runtime::outcome::unavailable);
  auto second = send(change(false));
  driver_.advance(2'200ms);
  EXPECT_EQ(code_of(*second), "503 shard_unavailable");
}

TEST_F(gateway_actor, a_lost_read_or_keyed_command_is_put_to_the_next_shard) {
  stay_silent();
  auto read = send(cart());
  auto keyed = send(change(true));
  auto plain = send(change(false));
  answer_with(runtime::outcome::replayed);
  serve(start_shard());
  driver_.advance(100ms);
  EXPECT_EQ(read->given.value_or(http_response{}).status, 200);
  EXPECT_EQ(keyed->given.value_or(http_response{}).status, 200);
  EXPECT_EQ(keyed->field("Idempotent-Replayed"), "") << "the client sent it once";
  EXPECT_EQ(code_of(*plain), "504 outcome_unknown");
  EXPECT_EQ(script_->requests.at(1).id, script_->requests.at(4).id);
}

TEST_F(gateway_actor, a_node_that_hands_a_shard_over_may_still_answer) {
  serve(nullptr);
  for (runtime::shard_id i = 0; i < shard_count; ++i)
    routing_->set_remote(i, shard_);
  stay_silent();
  auto plain = send(change(false));
  for (runtime::shard_id i = 0; i < shard_count; ++i)
    routing_->set_remote(i, start_shard());
  driver_.advance(1s);
  EXPECT_EQ(plain->answers, 0);
  runtime::response last;
  last.correlation = script_->requests.at(0).correlation;
  last.answer.status = 200;
  last.answer.body = "{}";
  caf::anon_send(gateway_, last);
  driver_.settle();
  EXPECT_EQ(plain->given.value_or(http_response{}).status, 200);
}

TEST_F(gateway_actor, its_own_repeat_waits_for_the_first_that_still_runs) {
  stay_silent();
  auto keyed = send(change(true));
  answer_with(runtime::outcome::in_flight);
  serve(start_shard());
  driver_.advance(500ms);
  EXPECT_EQ(keyed->answers, 0) << "in flight is not the client's affair";
  answer_with(runtime::outcome::replayed, 201);
  driver_.advance(100ms);
  EXPECT_EQ(keyed->given.value_or(http_response{}).status, 201);
}

TEST_F(gateway_actor, a_checkout_asks_the_cart_first) {
  script_->answer = [](const runtime::request& request) {
    runtime::response response;
    if (request.to.kind == kinds::cart) {
      response.answer.value = std::make_shared<cart::pb::Snapshot>();
    } else {
      response.answer.status = 201;
      response.answer.body = R"({"id":"chk_1"})";
    }
    return std::optional{response};
  };
  request create{.method = "POST",
                 .path = "/v1/checkouts",
                 .fields = {key(), json()},
                 .body = R"({"cart_id":")" + id("crt_") + R"(","cart_version":1})"};
  EXPECT_EQ(send(create)->given.value_or(http_response{}).status, 201);
  ASSERT_EQ(script_->requests.size(), 2u);
  EXPECT_FALSE(script_->requests[0].fingerprint);
  EXPECT_TRUE(script_->requests[1].fingerprint);
}

TEST_F(gateway_actor, an_audit_asks_with_a_bounded_window) {
  std::size_t waiting = 0;
  std::size_t most = 0;
  std::vector<runtime::request> held;
  script_->page = [](const runtime::index_query& query) {
    runtime::index_page page;
    if (!query.after.empty()) return page;
    for (int i = 0; i < 200; ++i)
      page.rows.emplace_back("sku" + std::to_string(1000 + i), "");
    return page;
  };
  script_->answer = [&](const runtime::request& request) -> std::optional<runtime::response> {
    if (request.to.kind == kinds::keyring) return std::nullopt;  // that the key is used
    held.push_back(request);
    most = std::max(most, ++waiting);
    return std::nullopt;
  };
  auto kept = send({.path = "/v1/inventory/audit", .fields = {staff()}});
  while (!held.empty()) {
    auto figures = std::make_shared<stock::pb::AuditFigures>();
    figures->set_balanced(true);
    runtime::response response;
    response.answer.value = figures;
    response.correlation = held.front().correlation;
    held.erase(held.begin());
    --waiting;
    caf::anon_send(gateway_, response);
    driver_.settle();
  }
  ASSERT_EQ(kept->answers, 1);
  EXPECT_EQ(most, 64u);
  EXPECT_NE(kept->given->body.find(R"("skus":800)"), std::string::npos) << kept->given->body;
}

TEST_F(gateway_actor, the_keyring_is_told_of_a_key_in_use_once_and_nobody_waits_for_it) {
  script_->answer = [](const runtime::request& request) -> std::optional<runtime::response> {
    if (request.to.kind == kinds::keyring) return std::nullopt;
    return runtime::response{};
  };
  const request shown{.method = "GET", .path = cart().path, .fields = {staff()}};
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(send(shown)->answers, 1);
  std::vector<std::string> told;
  for (const auto& asked : script_->requests)
    if (asked.to.kind == kinds::keyring)
      told.push_back(dynamic_cast<const keyring::pb::Command&>(*asked.command).use().id());
  EXPECT_EQ(told, std::vector<std::string>{credentials_->find(secret_, testing::now)->id});
  // What the keyring says belongs to no call.
  runtime::response late;
  late.correlation = script_->requests.at(0).correlation;
  caf::anon_send(gateway_, late);
  driver_.settle();
}

TEST_F(gateway_actor, more_calls_than_it_may_have_are_refused) {
  config_.calls_max = 2;
  stay_silent();
  send(cart());
  send(cart());
  auto third = send(cart());
  EXPECT_EQ(code_of(*third), "503 overloaded");
  EXPECT_NE(third->field("Request-Id"), "");
}

TEST_F(gateway_actor, requests_are_counted_by_their_route_and_never_by_what_they_ask_for) {
  telemetry::registry registry;
  config_.metrics = std::make_shared<telemetry::http_metrics>(registry, route_names());
  answer_with(runtime::outcome::answered);
  send(cart());
  send({.path = "/v1/somewhere/planted"});
  send({.path = "/v1/carts/planted", .query = "planted=1"});
  send({.path = "/v1/orders", .fields = {{"authorization", "Bearer planted"}}});
  const auto text = registry.render();
  const auto shows = [&](const std::string& line) { return text.find(line) != std::string::npos; };
  EXPECT_TRUE(shows(R"(souk_http_requests_total{route="get_cart",status="200"} 1)")) << text;
  EXPECT_TRUE(shows(R"(souk_http_requests_total{route="none",status="404"} 1)")) << text;
  EXPECT_TRUE(shows(R"(souk_http_requests_total{route="list_orders",status="401"} 1)")) << text;
  EXPECT_TRUE(shows(R"(souk_http_request_seconds_count{route="get_cart"} 2)")) << text;
  EXPECT_FALSE(shows("planted")) << text;
}

TEST_F(gateway_actor, what_a_request_waited_is_part_of_what_it_took) {
  telemetry::registry registry;
  config_.metrics = std::make_shared<telemetry::http_metrics>(registry, route_names());
  answer_with(runtime::outcome::answered);
  send(cart());  // nobody says when it was read
  read_at_ = driver_.time()->steady() - 30ms;
  send(cart());
  const auto text = registry.render();
  const auto shows = [&](const std::string& line) { return text.find(line) != std::string::npos; };
  EXPECT_TRUE(shows("souk_http_queue_seconds_count 1\n")) << text;
  EXPECT_TRUE(shows("souk_http_queue_seconds_sum 0.03\n")) << text;
  EXPECT_TRUE(shows(R"(souk_http_request_seconds_sum{route="get_cart"} 0.03)")) << text;
}

/// The lines that its requests leave in the access log.
class gateway_access : public gateway_actor {
 protected:
  gateway_access() {
    telemetry::access_log_options options;
    options.file = file_;
    config_.access = std::make_shared<telemetry::access_log>(options);
    services_.traces = true;
    answer_with(runtime::outcome::answered, 200, "{\"a\":1}");
  }
  ~gateway_access() override { std::filesystem::remove_all(folder_); }

  /// Ends the gateway, and the log with it.
  std::vector<boost::json::object> lines() {
    caf::anon_send_exit(std::exchange(gateway_, nullptr), caf::exit_reason::kill);
    driver_.settle();
    EXPECT_EQ(config_.access.use_count(), 1);
    config_.access.reset();
    std::vector<boost::json::object> lines;
    std::ifstream in{file_};
    for (std::string line; std::getline(in, line);) {
      EXPECT_EQ(line.find("planted"), std::string::npos) << line;
      lines.push_back(boost::json::parse(line).as_object());
    }
    return lines;
  }

  static std::string make_folder() {
    std::string made = std::filesystem::temp_directory_path() / "souk-access-XXXXXX";
    return ::mkdtemp(made.data());
  }
  const std::filesystem::path folder_ = make_folder();
  const std::filesystem::path file_ = folder_ / "access.log";
};

TEST_F(gateway_access, a_line_says_who_asked_for_what_and_how_it_went) {
  read_at_ = driver_.time()->steady() - 30ms;
  client_ = "192.0.2.7";
  request staff_read = cart();
  staff_read.fields = {{"request-id", "mine"},
                       {"traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
                       staff()};
  const auto shard = routing_->shard_of({"main", kinds::cart, id("crt_")});
  send(staff_read);
  const auto line = lines().at(0);
  EXPECT_EQ(line.at("request_id"), "mine");
  EXPECT_EQ(line.at("trace_id"), "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(line.at("tenant"), "main");
  EXPECT_TRUE(std::string{line.at("credential").as_string()}.starts_with("key_")) << line;
  EXPECT_EQ(line.at("route"), "get_cart");
  EXPECT_EQ(line.at("method"), "GET");
  EXPECT_EQ(line.at("status"), 200);
  EXPECT_EQ(line.at("bytes"), 7);
  EXPECT_EQ(line.at("duration_us"), 30'000);
  EXPECT_EQ(line.at("queue_us"), 30'000);
  EXPECT_EQ(line.at("shard"), shard);
  EXPECT_EQ(line.at("client"), "192.0.2.7");
  EXPECT_EQ(std::string{line.at("time").as_string()}.size(), 24u) << line;
  EXPECT_EQ(boost::json::serialize(line).find(secret_), std::string::npos);
}

TEST_F(gateway_access, a_request_without_a_trace_gets_one_that_goes_with_it) {
  request plain = cart();
  plain.fields = {{"traceparent", "00-planted"}};
  send(plain);
  const auto passed_on = script_->requests.at(0).traceparent;
  const auto line = lines().at(0);
  EXPECT_TRUE(std::regex_match(passed_on, std::regex{"00-[0-9a-f]{32}-[0-9a-f]{16}-00"})) << passed_on;
  EXPECT_EQ(std::string{line.at("trace_id").as_string()}, passed_on.substr(3, 32));
  EXPECT_FALSE(line.contains("credential"));
  EXPECT_FALSE(line.contains("queue_us")) << "nobody said when it was read";
}

TEST_F(gateway_access, refused_requests_have_lines_without_what_they_brought) {
  config_.calls_max = 1;
  send({.path = "/v1/somewhere/planted"});
  send({.path = "/v1/carts/planted", .query = "planted=1"});
  send({.path = "/v1/orders", .fields = {{"authorization", "Bearer planted"}}});
  send({.method = "PLANTED", .path = "/v1/orders"});
  stay_silent();
  send(cart());  // is under way
  auto more = cart();
  more.fields = {{"request-id", "one-too-many"}};
  send(more);
  const auto all = lines();
  ASSERT_EQ(all.size(), 5u);
  EXPECT_EQ(all[0].at("route"), "none");
  EXPECT_EQ(all[0].at("status"), 404);
  EXPECT_EQ(all[1].at("route"), "get_cart");
  EXPECT_EQ(all[1].at("status"), 400);
  EXPECT_EQ(all[2].at("route"), "list_orders");
  EXPECT_EQ(all[2].at("status"), 401);
  EXPECT_FALSE(all[2].contains("credential"));
  EXPECT_EQ(all[3].at("status"), 405);
  EXPECT_FALSE(all[3].contains("method"));
  EXPECT_EQ(all[4].at("request_id"), "one-too-many");
  EXPECT_EQ(all[4].at("status"), 503);
  EXPECT_EQ(all[4].at("route"), "get_cart");
  EXPECT_FALSE(all[4].contains("duration_us"));
  for (const auto& line : all)
    EXPECT_EQ(line.at("trace_id").as_string().size(), 32u);
}

TEST_F(gateway_access, what_the_node_asks_itself_has_no_line) {
  const auto key = credentials_->find(secret_, testing::now);
  send(cart());
  auto kept = std::make_shared<kept_answer>();
  caf::anon_send(gateway_, exchange{http(cart()), kept, key, std::nullopt});
  driver_.settle();
  EXPECT_EQ(kept->answers, 1);
  EXPECT_EQ(lines().size(), 1u);
}

TEST_F(gateway_actor, a_view_is_shown_when_it_comes) {
  std::function<void(std::string)> shown;
  services_.tree = [&](std::function<void(std::string)> callback) { shown = std::move(callback); };
  auto kept = send({.path = "/v1/admin/tree", .fields = {staff()}});
  EXPECT_EQ(kept->answers, 0);
  shown(R"({"name":"node"})");
  driver_.settle();
  EXPECT_EQ(kept->given.value_or(http_response{}).body, R"({"name":"node"})");
}

/// Says in its failure what it was asked.
class failing_catalogue : public testing::listed_catalogue {
 public:
  std::vector<catalogue::product_ptr> search(std::string_view, std::string_view query, std::string_view,
                                             std::size_t) const override {
    throw std::runtime_error("nothing like " + std::string{query});
  }
};

TEST_F(gateway_actor, a_handler_that_fails_is_named_without_its_text) {
  services_.catalogue = std::make_shared<failing_catalogue>();
  std::ostringstream told;
  log::start(log::level::trace, log::format::json, &told);
  const auto kept = send({.path = "/v1/search", .query = "q=planted", .fields = {{"request-id", "mine"}}});
  log::stop();
  EXPECT_EQ(code_of(*kept), "500 internal_error");
  EXPECT_NE(told.str().find(R"("route":"search_products","request_id":"mine","error":"std::runtime_error")"),
            std::string::npos)
      << told.str();
  EXPECT_EQ(told.str().find("planted"), std::string::npos) << told.str();
}

TEST_F(gateway_actor, a_message_that_nobody_handles_is_named_without_what_it_holds) {
  send(cart());
  std::ostringstream told;
  log::start(log::level::trace, log::format::json, &told);
  caf::anon_send(gateway_, std::string{"planted"}, 7);
  driver_.settle();
  log::stop();
  EXPECT_NE(told.str().find("nobody handles this message"), std::string::npos) << told.str();
  EXPECT_EQ(told.str().find("planted"), std::string::npos) << told.str();
}

TEST_F(gateway_actor, a_crash_is_answered_when_it_happened) {
  services_.test_mode = true;
  answer_with(runtime::outcome::failed);
  request crash{.method = "POST",
                .path = "/v1/test/crash",
                .fields = {json()},
                .body = R"({"entity":"cart/)" + id("crt_") + "\"}"};
  EXPECT_EQ(send(crash)->given.value_or(http_response{}).status, 202);
  EXPECT_TRUE(script_->requests.at(0).crash);
}

}  // namespace
}  // namespace souk::gateway
