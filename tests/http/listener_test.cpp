#include "actors/gateway/http.hpp"
#include "tests/http/probe_check.hpp"
#include "tests/http/raw_client.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <mutex>
#include <random>
#include <sstream>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace souk::gateway {
namespace {

using tests::raw_client;

http_response echo(const http_request& request) {
  http_response response;
  response.fields.emplace_back("Content-Type", "text/plain");
  response.body = request.method + " " + request.path + " " + request.body;
  return response;
}

/// Keeps requests until they are told to be answered.
class holder {
 public:
  request_handler handler() {
    return [this](http_request request, std::unique_ptr<responder> answer) {
      const std::lock_guard lock{mutex_};
      held_.emplace_back(std::move(request), std::move(answer));
      changed_.notify_all();
    };
  }

  using held = std::pair<http_request, std::unique_ptr<responder>>;

  /// The first `count` requests, as soon as they are there.
  std::vector<held> take(std::size_t count) {
    std::unique_lock lock{mutex_};
    EXPECT_TRUE(changed_.wait_for(lock, std::chrono::seconds{10}, [&] { return held_.size() >= count; }));
    return std::exchange(held_, {});
  }

  std::size_t size() {
    const std::lock_guard lock{mutex_};
    return held_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<held> held_;
};

std::unique_ptr<listener> start(request_handler handler, listener_options options = {}) {
  options.port = 0;
  return make_listener(options, std::move(handler));
}

std::unique_ptr<listener> start_echo(const listener_options& options = {}) {
  return start(
      [](http_request request, std::unique_ptr<responder> answer) { answer->respond(echo(request)); },
      options);
}

std::string get(std::string_view path) { return "GET " + std::string{path} + " HTTP/1.1\r\nHost: a\r\n\r\n"; }

std::string post(std::string_view path, std::string_view body) {
  return "POST " + std::string{path} +
         " HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string{body};
}

TEST(listener, answers_every_probe_as_the_table_says_however_it_is_cut) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random{seed};
  const auto server = start_echo();
  for (const auto& probe : tests::load_probes()) {
    const auto check = [&](const std::function<std::size_t()>& cut) {
      raw_client client{server->port()};
      tests::check(probe, client, cut);
    };
    check([&] { return probe.bytes.size(); });
    check([&] { return 1 + random() % 400; });
    if (probe.bytes.size() < 400) check([] { return 1; });
  }
}

TEST(listener, answers_come_in_the_order_of_the_requests) {
  holder held;
  const auto server = start(held.handler());
  raw_client client{server->port()};
  std::string requests;
  for (int i = 0; i < 10; ++i)
    requests += post("/" + std::to_string(i), "body");
  client.send(requests);
  auto all = held.take(10);
  std::thread worker{[&] {
    for (auto i = all.size(); i-- > 0;)
      all[i].second->respond(echo(all[i].first));
  }};
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(client.read()->body, "POST /" + std::to_string(i) + " body");
  worker.join();
}

TEST(listener, a_client_is_not_read_beyond_the_depth_of_the_pipeline) {
  holder held;
  listener_options options;
  options.pipeline_max = 4;
  const auto server = start(held.handler(), options);
  raw_client client{server->port()};
  std::string requests;
  for (int i = 0; i < 10; ++i)
    requests += get("/" + std::to_string(i));
  client.send(requests);
  int answered = 0;
  while (answered < 10) {
    const auto all = held.take(std::min(4, 10 - answered));
    // A request of another connection, sent later, is here: what could have come has come.
    raw_client other{server->port()};
    other.send(get("/other"));
    held.take(1).front().second->respond({});
    ASSERT_TRUE(other.read().has_value());
    EXPECT_EQ(held.size(), 0u);
    ASSERT_LE(all.size(), 4u);
    for (const auto& [request, answer] : all) {
      answer->respond(echo(request));
      EXPECT_EQ(client.read()->body, "GET /" + std::to_string(answered++) + " ");
    }
  }
}

TEST(listener, a_client_that_does_not_read_is_not_read_either) {
  std::atomic<int> handled = 0;
  constexpr int asked = 200;
  const auto server = start([&](const http_request&, std::unique_ptr<responder> answer) {
    ++handled;
    http_response response;
    response.body = std::string(1 << 20, 'x');
    answer->respond(std::move(response));
  });
  raw_client client{server->port()};
  for (int i = 0; i < asked; ++i)
    client.send(get("/"));
  raw_client other{server->port()};
  for (int i = 0; i < 20; ++i) {
    other.send(get("/"));
    ASSERT_TRUE(other.read().has_value());
  }
  EXPECT_LT(handled, asked / 2);
  for (int i = 0; i < asked; ++i)
    ASSERT_EQ(client.read()->body.size(), std::size_t{1} << 20);
}

TEST(listener, a_client_that_waits_for_it_is_told_to_go_on) {
  const auto server = start_echo();
  raw_client client{server->port()};
  client.send("POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(client.read()->head, "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("ab");
  EXPECT_EQ(client.read()->body, "POST /x ab");
  client.send("BREW /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(client.read()->status, 501);
  EXPECT_TRUE(client.ends());
}

TEST(listener, go_on_comes_after_the_answers_before_it) {
  holder held;
  const auto server = start(held.handler());
  raw_client client{server->port()};
  client.send(get("/1") + "POST /2 HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  held.take(1).front().second->respond({});
  EXPECT_EQ(client.read()->status, 200);
  EXPECT_EQ(client.read()->status, 100);
}

TEST(listener, head_gets_the_fields_of_get_without_a_body) {
  const auto server = start_echo();
  raw_client client{server->port()};
  client.send("HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n");
  const auto head = client.read(true);
  client.send(get("/x1"));
  const auto whole = client.read();
  EXPECT_EQ(head->field("Content-Length"), "8");
  EXPECT_EQ(head->field("Content-Type"), whole->field("Content-Type"));
  EXPECT_EQ(whole->body, "GET /x1 ");
}

constexpr std::string_view nothing_loaded = "default-src 'none'; frame-ancestors 'none'";

TEST(listener, answers_and_refusals_are_kept_by_nobody_and_load_nothing) {
  const auto server = start_echo();
  raw_client client{server->port()};
  client.send(get("/x") + "BREW /x HTTP/1.1\r\nHost: a\r\n\r\n" + "GET /x HTTP/1.1\r\n\r\n");
  for (const int status : {200, 501, 400}) {
    const auto answer = client.read();
    EXPECT_EQ(answer->status, status);
    EXPECT_EQ(answer->field("X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(answer->field("X-Frame-Options"), "DENY");
    EXPECT_EQ(answer->field("Referrer-Policy"), "no-referrer");
    EXPECT_EQ(answer->field("Cache-Control"), "no-store");
    EXPECT_EQ(answer->field("Content-Security-Policy"), nothing_loaded);
  }
}

TEST(listener, what_all_may_see_may_be_kept_and_a_page_says_itself_what_it_loads) {
  const auto server = start([](http_request request, std::unique_ptr<responder> answer) {
    auto response = echo(request);
    response.kind = request.path == "/page" ? answer_kind::page : answer_kind::catalogue;
    answer->respond(std::move(response));
  });
  raw_client client{server->port()};
  client.send(get("/page") + get("/product"));
  const auto page = client.read();
  EXPECT_EQ(page->field("Cache-Control"), "private, no-cache");
  EXPECT_EQ(page->field("Content-Security-Policy"), std::nullopt);
  const auto product = client.read();
  EXPECT_EQ(product->field("Cache-Control"), "private, no-cache");
  EXPECT_EQ(product->field("Content-Security-Policy"), nothing_loaded);
}

TEST(listener, some_statuses_have_no_body) {
  const auto server = start([](const http_request& request, std::unique_ptr<responder> answer) {
    http_response response;
    response.status = request.path == "/204" ? 204 : 304;
    response.body = "never sent";
    answer->respond(std::move(response));
  });
  raw_client client{server->port()};
  client.send(get("/204") + get("/304") + get("/204"));
  EXPECT_FALSE(client.read()->field("Content-Length").has_value());
  EXPECT_EQ(client.read()->status, 304);
  EXPECT_EQ(client.read()->status, 204);
}

TEST(listener, a_client_that_ends_its_side_still_gets_its_answers) {
  holder held;
  const auto server = start(held.handler());
  raw_client client{server->port()};
  client.send(get("/1") + get("/2"));
  client.end();
  for (auto& [request, answer] : held.take(2))
    answer->respond(echo(request));
  EXPECT_EQ(client.read()->body, "GET /1 ");
  EXPECT_EQ(client.read()->body, "GET /2 ");
  EXPECT_TRUE(client.ends());
}

TEST(listener, an_answer_may_end_the_connection_and_what_follows_is_never_run) {
  holder held;
  const auto server = start(held.handler());
  raw_client client{server->port()};
  client.send(get("/1") + get("/2"));
  auto all = held.take(2);
  http_response last;
  last.close = true;
  all[1].second->respond({});
  all[0].second->respond(std::move(last));
  EXPECT_EQ(client.read()->field("Connection"), "close");
  EXPECT_TRUE(client.ends());
}

TEST(listener, a_request_that_is_dropped_ends_the_connection) {
  holder held;
  const auto server = start(held.handler());
  raw_client client{server->port()};
  client.send(get("/1") + get("/2"));
  auto all = held.take(2);
  all[1].second.reset();
  all[0].second->respond({});
  EXPECT_EQ(client.read()->status, 200);
  EXPECT_TRUE(client.ends());
}

TEST(listener, a_handler_that_throws_ends_only_its_connection) {
  const auto server = start([](http_request request, std::unique_ptr<responder> answer) {
    if (request.path == "/throw") throw std::runtime_error("no");
    answer->respond(echo(request));
  });
  raw_client other{server->port()};
  raw_client client{server->port()};
  client.send(get("/throw"));
  EXPECT_TRUE(client.ends());
  other.send(get("/fine"));
  EXPECT_EQ(other.read()->status, 200);
}

TEST(listener, control_characters_cannot_split_an_answer) {
  const auto server = start([](const http_request&, std::unique_ptr<responder> answer) {
    http_response response;
    response.fields.emplace_back("Location", "/x\r\nSet-Cookie: a=b\0\x7f");
    answer->respond(std::move(response));
  });
  raw_client client{server->port()};
  client.send(get("/"));
  const auto answer = client.read();
  EXPECT_EQ(answer->field("Location"), "/x%0D%0ASet-Cookie: a=b");
  EXPECT_FALSE(answer->field("Set-Cookie").has_value());
}

TEST(listener, a_request_id_is_repeated_in_a_refusal_or_made) {
  const auto server = start_echo();
  raw_client client{server->port()};
  client.send("BREW /x HTTP/1.1\r\nHost: a\r\nRequest-Id: mine\r\n\r\nBREW /x HTTP/1.1\r\nHost: a\r\n\r\n");
  const auto repeated = client.read();
  EXPECT_EQ(repeated->field("Request-Id"), "mine");
  EXPECT_NE(repeated->body.find("\"request_id\":\"mine\""), std::string::npos);
  EXPECT_TRUE(client.read()->field("Request-Id")->starts_with("req-"));
}

TEST(listener, says_what_it_refuses_before_the_handler_sees_it) {
  std::promise<std::pair<http_request, http_response>> refused;
  listener_options options;
  options.body_bytes_max = 10;
  options.on_refusal = [&](const http_request& request, const http_response& response) {
    refused.set_value({request, response});
  };
  const auto server = start_echo(options);
  raw_client client{server->port()};
  client.send(get("/fine") + post("/v1/carts", std::string(11, 'x')));
  EXPECT_EQ(client.read().value_or(tests::raw_answer{}).status, 200);
  const auto answer = client.read();
  const auto [request, response] = refused.get_future().get();  // a second one would throw
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.path, "/v1/carts");
  EXPECT_EQ(request.client, "127.0.0.1");
  EXPECT_EQ(response.status, 413);
  EXPECT_EQ(answer.value_or(tests::raw_answer{}).body, response.body);
}

TEST(listener, a_head_that_does_not_come_is_answered_408) {
  listener_options options;
  options.head_timeout_ms = 100;
  const auto server = start_echo(options);
  raw_client client{server->port()};
  client.send("GET /x HT");
  EXPECT_EQ(client.read()->status, 408);
  EXPECT_TRUE(client.ends());
}

TEST(listener, a_body_that_does_not_come_is_answered_408) {
  listener_options options;
  options.body_timeout_ms = 100;
  const auto server = start_echo(options);
  raw_client client{server->port()};
  client.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_EQ(client.read()->status, 408);
  EXPECT_TRUE(client.ends());
}

TEST(listener, an_idle_connection_is_closed_without_a_word) {
  listener_options options;
  options.idle_timeout_ms = 100;
  const auto server = start_echo(options);
  raw_client fresh{server->port()};
  raw_client used{server->port()};
  used.send(get("/x"));
  EXPECT_EQ(used.read()->status, 200);
  EXPECT_TRUE(used.ends());
  EXPECT_TRUE(fresh.ends());
}

TEST(listener, a_request_that_takes_long_to_answer_is_not_idle) {
  holder held;
  listener_options options;
  options.idle_timeout_ms = 50;
  const auto server = start(held.handler(), options);
  raw_client idle{server->port()};
  raw_client client{server->port()};
  client.send(get("/x"));
  auto all = held.take(1);
  EXPECT_TRUE(idle.ends());
  raw_client later{server->port()};
  EXPECT_TRUE(later.ends());
  all.front().second->respond({});
  EXPECT_EQ(client.read()->status, 200);
}

TEST(listener, at_the_limit_the_oldest_idle_connection_makes_room) {
  holder held;
  listener_options options;
  options.connections_max = 2;
  const auto server = start(held.handler(), options);
  raw_client busy{server->port()};
  busy.send(get("/busy"));
  auto first = held.take(1);
  raw_client idle{server->port()};
  raw_client third{server->port()};
  EXPECT_TRUE(idle.ends());
  third.send(get("/third"));
  auto second = held.take(1);
  raw_client fourth{server->port()};
  EXPECT_EQ(fourth.read()->status, 503);
  EXPECT_TRUE(fourth.ends());
  first.front().second->respond({});
  second.front().second->respond({});
  EXPECT_EQ(busy.read()->status, 200);
  EXPECT_EQ(third.read()->status, 200);
}

TEST(listener, an_address_that_has_its_connections_gets_no_more_and_displaces_nobody) {
  listener_options options;
  options.connections_max = 4;
  options.connections_per_address_max = 2;
  const auto server = start_echo(options);
  auto first = std::make_unique<raw_client>(server->port());
  raw_client second{server->port()};
  auto third = std::make_unique<raw_client>(server->port());
  EXPECT_EQ(third->read()->status, 503);
  EXPECT_TRUE(third->ends());
  second.send(get("/x"));
  EXPECT_EQ(second.read()->status, 200);
  first->send(get("/x"));
  EXPECT_EQ(first->read()->status, 200);
  first.reset();
  third.reset();
  while (server->connections() > 1)
    std::this_thread::yield();
  raw_client next{server->port()};
  next.send(get("/x"));
  EXPECT_EQ(next.read()->status, 200);
}

TEST(listener, says_where_a_request_came_from) {
  holder held;
  const auto server = start(held.handler());
  raw_client client{server->port()};
  client.send(get("/x"));
  auto all = held.take(1);
  EXPECT_EQ(all.front().first.client, "127.0.0.1");
}

TEST(listener, many_connections_of_one_byte_do_not_keep_others_out) {
  const auto server = start_echo();
  std::vector<std::unique_ptr<raw_client>> slow;
  for (int i = 0; i < 300; ++i) {
    slow.push_back(std::make_unique<raw_client>(server->port()));
    slow.back()->send("G");
  }
  raw_client client{server->port()};
  client.send(get("/x"));
  EXPECT_EQ(client.read()->status, 200);
  EXPECT_GE(server->connections(), 301u);
}

TEST(listener, draining_answers_what_runs_and_takes_nothing_new) {
  holder held;
  const auto server = start(held.handler());
  raw_client idle{server->port()};
  raw_client client{server->port()};
  client.send(get("/x"));
  auto all = held.take(1);
  auto drained = std::async(std::launch::async, [&] { server->drain(10'000); });
  EXPECT_TRUE(idle.ends());
  EXPECT_THROW(raw_client{server->port()}, std::system_error);
  EXPECT_EQ(drained.wait_for(std::chrono::seconds{0}), std::future_status::timeout);
  all.front().second->respond({});
  EXPECT_EQ(client.read()->field("Connection"), "close");
  EXPECT_TRUE(client.ends());
  EXPECT_EQ(drained.wait_for(std::chrono::seconds{10}), std::future_status::ready);
}

TEST(listener, draining_ends_after_its_time_whatever_still_runs) {
  holder held;
  const auto server = start(held.handler());
  raw_client client{server->port()};
  client.send(get("/x"));
  const auto all = held.take(1);
  server->drain(50);
}

TEST(listener, an_answer_after_the_listener_is_gone_goes_nowhere) {
  holder held;
  auto server = start(held.handler());
  raw_client client{server->port()};
  client.send(get("/x"));
  const auto all = held.take(1);
  server.reset();
  all.front().second->respond({});
  EXPECT_TRUE(client.ends());
}

TEST(listener, ends_also_when_a_tick_is_due_at_that_moment) {
  // Its thread is held in a handler until it is asked to end and a tick is due as well.
  std::promise<void> held;
  std::promise<void> let_go;
  listener_options options;
  options.idle_timeout_ms = 40;  // ticks come every 10 ms
  auto server = start(
      [&](const http_request& request, std::unique_ptr<responder> answer) {
        held.set_value();
        let_go.get_future().wait();
        answer->respond(echo(request));
      },
      options);
  raw_client client{server->port()};
  client.send(get("/"));
  held.get_future().wait();
  std::promise<void> ended;
  std::thread ending{[&] {
    server.reset();
    ended.set_value();
  }};
  auto end = ended.get_future();
  end.wait_for(std::chrono::milliseconds{100});
  let_go.set_value();
  const bool in_time = end.wait_for(std::chrono::seconds{10}) == std::future_status::ready;
  EXPECT_TRUE(in_time);
  if (!in_time) std::_Exit(1);  // its thread would never be joined
  ending.join();
}

TEST(listener, an_address_that_is_taken_is_named) {
  const auto server = start_echo();
  listener_options options;
  options.port = server->port();
  try {
    make_listener(options, {});
    FAIL();
  } catch (const std::system_error& error) {
    EXPECT_NE(std::string{error.what()}.find("127.0.0.1:" + std::to_string(options.port)), std::string::npos);
  }
}

class spooling : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() /
              ("souk-spool-" + std::to_string(std::random_device{}()) + std::to_string(::getpid()));
    std::filesystem::create_directory(folder_);
    options_.spool_folder = folder_;
    options_.spool_limit = [](std::string_view, std::string_view path) -> std::optional<std::size_t> {
      if (path == "/import") return 8 << 20;
      return std::nullopt;
    };
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator{folder_}, {}));
  }

  std::filesystem::path folder_;
  listener_options options_;
};

TEST_F(spooling, a_large_body_goes_to_a_file) {
  std::mt19937_64 random{1};
  std::string body(3'000'000, ' ');
  for (auto& c : body)
    c = static_cast<char>(random());
  const auto server = start(
      [](http_request request, std::unique_ptr<responder> answer) {
        std::ifstream file{request.spooled, std::ios::binary};
        std::stringstream content;
        content << file.rdbuf();
        std::filesystem::remove(request.spooled);
        http_response response;
        response.body = content.str();
        EXPECT_TRUE(request.body.empty());
        answer->respond(std::move(response));
      },
      options_);
  raw_client client{server->port()};
  for (int i = 0; i < 2; ++i) {
    client.send(post("/import", body));
    EXPECT_TRUE(client.read()->body == body);
  }
  client.send(
      "POST /import HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
  EXPECT_EQ(client.read()->body, "hello");
  client.send(post("/other", body));
  EXPECT_EQ(client.read()->status, 413);
  EXPECT_EQ(files(), 0u);
}

TEST_F(spooling, a_body_that_breaks_off_leaves_no_file) {
  auto server = start_echo(options_);
  raw_client client{server->port()};
  client.send("POST /import HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n80000\r\n" +
              std::string(0x80000, 'x') + "!!");
  EXPECT_EQ(client.read()->status, 400);
  EXPECT_TRUE(client.ends());
  server.reset();
  EXPECT_EQ(files(), 0u);
}

TEST_F(spooling, a_folder_that_cannot_be_written_is_a_503) {
  options_.spool_folder = folder_ / "missing";
  const auto server = start_echo(options_);
  raw_client client{server->port()};
  client.send(post("/import", "x"));
  EXPECT_EQ(client.read()->status, 503);
  EXPECT_TRUE(client.ends());
}

/// A body that goes on: keeps who asked for its next piece.
class kept_stream final : public body_stream {
 public:
  struct shared {
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<std::unique_ptr<piece_taker>> takers;
    int asked = 0;
    bool dropped = false;

    /// Who asked, as soon as somebody has.
    std::unique_ptr<piece_taker> next() {
      std::unique_lock lock{mutex};
      EXPECT_TRUE(changed.wait_for(lock, std::chrono::seconds{10}, [&] { return !takers.empty(); }));
      if (takers.empty()) return nullptr;
      auto taker = std::move(takers.front());
      takers.erase(takers.begin());
      return taker;
    }
    bool is_dropped() {
      std::unique_lock lock{mutex};
      return changed.wait_for(lock, std::chrono::seconds{10}, [&] { return dropped; });
    }
    int asked_so_far() {
      const std::lock_guard lock{mutex};
      return asked;
    }
  };

  explicit kept_stream(std::shared_ptr<shared> all) : all_(std::move(all)) {}
  kept_stream(const kept_stream&) = delete;
  kept_stream& operator=(const kept_stream&) = delete;
  ~kept_stream() override {
    const std::lock_guard lock{all_->mutex};
    all_->dropped = true;
    all_->changed.notify_all();
  }
  void next(std::unique_ptr<piece_taker> taker) override {
    const std::lock_guard lock{all_->mutex};
    ++all_->asked;
    all_->takers.push_back(std::move(taker));
    all_->changed.notify_all();
  }

 private:
  std::shared_ptr<shared> all_;
};

/// A server whose answers go on, but for /echo.
class streaming : public ::testing::Test {
 protected:
  request_handler handler() {
    return [this](http_request request, std::unique_ptr<responder> answer) {
      auto response = echo(request);
      if (request.path != "/echo") {
        response.body = "first ";
        response.more = std::make_shared<kept_stream>(all_);
      }
      answer->respond(std::move(response));
    };
  }
  std::shared_ptr<kept_stream::shared> all_ = std::make_shared<kept_stream::shared>();
};

TEST_F(streaming, pieces_come_as_they_are_given_until_there_are_none) {
  const auto server = start(handler());
  raw_client client{server->port()};
  client.send(get("/stream") + get("/echo"));
  const auto head = client.read_until("\r\n\r\n");
  EXPECT_EQ(head.find("Content-Length"), std::string::npos);
  EXPECT_NE(head.find("Connection: close"), std::string::npos);
  EXPECT_EQ(client.read_until("first "), "first ");
  all_->next()->take("second ");
  EXPECT_EQ(client.read_until("second "), "second ");
  all_->next()->take("third ");
  EXPECT_EQ(client.read_until("third "), "third ");
  all_->next()->take("");
  EXPECT_TRUE(client.ends());  // and what was asked behind it is not answered
  EXPECT_TRUE(all_->is_dropped());
}

TEST_F(streaming, a_taker_that_is_dropped_ends_it) {
  const auto server = start(handler());
  raw_client client{server->port()};
  client.send(get("/stream"));
  client.read_until("first ");
  all_->next().reset();
  EXPECT_TRUE(client.ends());
}

TEST_F(streaming, head_gets_no_piece) {
  const auto server = start(handler());
  raw_client client{server->port()};
  client.send("HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(client.read(true)->status, 200);
  EXPECT_TRUE(client.ends());
  EXPECT_EQ(all_->asked_so_far(), 0);
}

// Nothing is asked for that the client's network has no room for: one piece waits, however large all of it
// is.
TEST_F(streaming, who_does_not_read_is_told_no_more_and_loses_the_connection_in_the_end) {
  listener_options options;
  options.write_timeout_ms = 300;
  const auto server = start(handler(), options);
  raw_client client{server->port()};
  client.send(get("/stream"));
  client.read_until("first ");
  int given = 0;
  constexpr int most = 200;
  for (; given < most; ++given) {
    {
      std::unique_lock lock{all_->mutex};
      const bool asked = all_->changed.wait_for(lock, std::chrono::seconds{10},
                                                [&] { return !all_->takers.empty() || all_->dropped; });
      if (!asked || all_->takers.empty()) break;
    }
    all_->next()->take(std::string(1 << 20, 'x'));
  }
  EXPECT_LT(given, most);
  EXPECT_TRUE(all_->is_dropped());
  EXPECT_EQ(all_->asked_so_far(), given);
}

TEST_F(streaming, who_goes_away_is_noticed_at_once) {
  const auto server = start(handler());
  {
    raw_client client{server->port()};
    client.send(get("/stream"));
    client.read_until("first ");
    all_->next();
  }
  EXPECT_TRUE(all_->is_dropped());
}

TEST_F(streaming, what_else_a_reader_says_is_not_heard) {
  const auto server = start(handler());
  raw_client client{server->port()};
  client.send(get("/stream"));
  client.read_until("first ");
  client.send(get("/echo"));
  all_->next()->take("second ");
  EXPECT_EQ(client.read_until("second "), "second ");
  all_->next()->take("");
  EXPECT_TRUE(client.ends());
}

TEST_F(streaming, a_server_that_ends_does_not_wait_for_it) {
  auto server = start(handler());
  raw_client waiting{server->port()};
  waiting.send(get("/stream"));
  waiting.read_until("first ");
  const auto taker = all_->next();
  const auto begun = std::chrono::steady_clock::now();
  server->drain(20'000);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds{10});
  EXPECT_TRUE(waiting.ends());
  EXPECT_TRUE(all_->is_dropped());
  taker->take("too late");
  server.reset();
}

TEST_F(streaming, others_are_served_beside_it) {
  const auto server = start(handler());
  raw_client client{server->port()};
  client.send(get("/stream"));
  client.read_until("first ");
  raw_client other{server->port()};
  other.send(get("/echo"));
  EXPECT_EQ(other.read()->body, "GET /echo ");
}

/// Tells whom each request is from.
std::unique_ptr<listener> start_telling(listener_options options) {
  return start(
      [](const http_request& request, std::unique_ptr<responder> answer) {
        http_response response;
        response.body = request.client + " " + request.path;
        answer->respond(std::move(response));
      },
      std::move(options));
}

listener_options behind_a_proxy() {
  listener_options options;
  options.proxied.emplace();
  EXPECT_TRUE(options.trusted.add("127.0.0.1"));
  return options;
}

/// A header of version 2 for a client at 192.0.2.N.
std::string proxy_header_of(char n) {
  return std::string{"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02", 19} + n +
         std::string{"\x0a\0\0\x01\x12\x34\x01\xbb", 8};
}

TEST(listener, takes_a_client_s_address_from_the_header_of_a_proxy) {
  const auto server = start_telling(behind_a_proxy());
  for (const std::size_t piece : {1, 5, 1'000}) {
    raw_client client{server->proxied_port()};
    client.send(proxy_header_of(7) + get("/a") + get("/b"), [piece] { return piece; });
    EXPECT_EQ(client.read()->body, "192.0.2.7 /a");
    EXPECT_EQ(client.read()->body, "192.0.2.7 /b");
  }
  // The other entrance knows of no such header.
  raw_client direct{server->port()};
  direct.send(get("/c"));
  EXPECT_EQ(direct.read()->body, "127.0.0.1 /c");
  raw_client confused{server->port()};
  confused.send(proxy_header_of(7) + get("/d"));
  EXPECT_EQ(confused.read()->status, 400);
}

TEST(listener, closes_what_does_not_begin_with_a_proxy_s_header) {
  auto options = behind_a_proxy();
  options.head_timeout_ms = 200;
  const auto server = start_telling(options);
  raw_client plain{server->proxied_port()};
  plain.send(get("/"));
  EXPECT_TRUE(plain.ends());
  raw_client slow{server->proxied_port()};
  slow.send(proxy_header_of(7).substr(0, 20));
  EXPECT_TRUE(slow.ends());
  raw_client mute{server->proxied_port()};
  EXPECT_TRUE(mute.ends());
}

TEST(listener, takes_no_proxy_that_is_not_trusted) {
  auto options = behind_a_proxy();
  options.trusted = {};
  ASSERT_TRUE(options.trusted.add("192.0.2.0/24"));
  const auto server = start_telling(options);
  raw_client client{server->proxied_port()};
  client.send(proxy_header_of(7) + get("/"));
  EXPECT_TRUE(client.ends());
}

TEST(listener, counts_connections_by_the_client_behind_a_proxy) {
  auto options = behind_a_proxy();
  options.connections_per_address_max = 1;
  const auto server = start_telling(options);
  raw_client first{server->proxied_port()};
  first.send(proxy_header_of(7) + get("/1"));
  EXPECT_EQ(first.read()->body, "192.0.2.7 /1");
  raw_client second{server->proxied_port()};
  second.send(proxy_header_of(7) + get("/2"));
  EXPECT_EQ(second.read()->status, 503);
  raw_client other{server->proxied_port()};
  other.send(proxy_header_of(8) + get("/3"));
  EXPECT_EQ(other.read()->body, "192.0.2.8 /3");
}

TEST(listener, believes_forwarded_of_trusted_addresses_alone) {
  const auto forwarded =
      "GET / HTTP/1.1\r\nHost: a\r\nForwarded: for=192.0.2.60\r\nX-Forwarded-For: 192.0.2.61\r\n\r\n";
  auto options = behind_a_proxy();
  const auto server = start_telling(options);
  raw_client trusted{server->port()};
  trusted.send(forwarded);
  EXPECT_EQ(trusted.read()->body, "192.0.2.60 /");
  raw_client behind{server->proxied_port()};
  behind.send(proxy_header_of(7) + forwarded);  // 192.0.2.7 is nobody's proxy
  EXPECT_EQ(behind.read()->body, "192.0.2.7 /");
  const auto plain = start_telling({});
  raw_client client{plain->port()};
  client.send(forwarded);
  EXPECT_EQ(client.read()->body, "127.0.0.1 /");
}

}  // namespace
}  // namespace souk::gateway
