#include "actors/webhook/courier.hpp"

#include "actors/gateway/http.hpp"
#include "actors/gateway/tls.hpp"
#include "runtime/links/certificate_folder.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace souk::webhook {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using namespace std::chrono_literals;
using boost::system::error_code;
using tcp = asio::ip::tcp;
using values::parse_network;

/// Takes one connection after the other and does to each what a test says, after it read the request.
class rude_server {
 public:
  using manners = std::function<void(tcp::socket& socket)>;

  explicit rude_server(manners manners)
      : acceptor_(io_, tcp::endpoint{asio::ip::address_v4::loopback(), 0}), manners_(std::move(manners)) {
    thread_ = std::thread([this] { serve(); });
  }
  ~rude_server() {
    ending_ = true;
    error_code ignored;
    asio::io_context io;
    tcp::socket last{io};
    last.connect(acceptor_.local_endpoint(), ignored);  // so that it wakes
    thread_.join();
  }
  rude_server(const rude_server&) = delete;
  rude_server& operator=(const rude_server&) = delete;

  std::string url() const {
    return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) + "/";
  }
  int connections() const { return connections_; }

 private:
  void serve() {
    while (true) {
      tcp::socket socket{io_};
      error_code ec;
      acceptor_.accept(socket, ec);
      if (ec || ending_) return;
      ++connections_;
      asio::streambuf head;
      asio::read_until(socket, head, "\r\n\r\n", ec);
      manners_(socket);
    }
  }

  asio::io_context io_;
  tcp::acceptor acceptor_;
  manners manners_;
  std::atomic<bool> ending_{false};
  std::atomic<int> connections_{0};
  std::thread thread_;
};

rude_server::manners says(std::string text) {
  return [text = std::move(text)](tcp::socket& socket) {
    error_code ignored;
    asio::write(socket, asio::buffer(text), ignored);
  };
}

/// Until the other side has enough of it.
rude_server::manners says_for_ever(std::string first, std::string again) {
  return [first = std::move(first), again = std::move(again)](tcp::socket& socket) {
    error_code ec;
    asio::write(socket, asio::buffer(first), ec);
    while (!ec)
      asio::write(socket, asio::buffer(again), ec);
  };
}

/// Nothing, until the other side closes.
void stays_silent(tcp::socket& socket) {
  error_code ec;
  char letter = 0;
  while (!ec)
    socket.read_some(asio::buffer(&letter, 1), ec);
}

class http_courier : public ::testing::Test {
 protected:
  http_courier() { options_.rules.allowed = {parse_network("127.0.0.0/8").value()}; }

  post_result post(const std::string& url) {
    if (!courier_) courier_ = make_http_courier(options_, runtime::make_system_clock());
    std::promise<post_result> said;
    auto result = said.get_future();
    courier_->post({url, {{"webhook-id", "evt_1"}}, R"({"id":"evt_1"})"},
                   [&said](post_result result) { said.set_value(std::move(result)); });
    return result.get();
  }

  http_courier_options options_;
  std::unique_ptr<courier> courier_;
};

TEST_F(http_courier, sends_what_it_is_given) {
  std::mutex mutex;
  gateway::http_request got;
  gateway::listener_options options;
  options.port = 0;
  const auto server = gateway::make_listener(
      options, [&](gateway::http_request request, std::unique_ptr<gateway::responder> to) {
        const std::lock_guard lock{mutex};
        got = std::move(request);
        gateway::http_response response;
        response.status = got.path == "/busy" ? 503 : 204;
        if (response.status == 503) response.fields.emplace_back("Retry-After", "120");
        to->respond(std::move(response));
      });
  const auto url = "http://127.0.0.1:" + std::to_string(server->port());
  const auto result = post(url + "/hooks?token=1");
  EXPECT_EQ(result.status, 204) << result.failure;
  {
    const std::lock_guard lock{mutex};
    EXPECT_EQ(got.method, "POST");
    EXPECT_EQ(got.path, "/hooks");
    EXPECT_EQ(got.query, "token=1");
    EXPECT_EQ(got.body, R"({"id":"evt_1"})");
    EXPECT_EQ(got.field("webhook-id"), "evt_1");
    EXPECT_EQ(got.field("content-type"), "application/cloudevents+json");
    EXPECT_EQ(got.field("host"), url.substr(7));
  }
  const auto busy = post(url + "/busy");
  EXPECT_EQ(busy.status, 503);
  EXPECT_EQ(busy.retry_after, "120");
  server->drain(1'000);
}

TEST_F(http_courier, goes_nowhere_else_when_it_is_told_to) {
  rude_server other{says("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")};
  rude_server first{says("HTTP/1.1 302 Found\r\nLocation: " + other.url() + "\r\nContent-Length: 0\r\n\r\n")};
  EXPECT_EQ(post(first.url()).status, 302);
  EXPECT_EQ(other.connections(), 0);
}

TEST_F(http_courier, connects_to_no_address_that_is_not_allowed) {
  rude_server server{says("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")};
  EXPECT_EQ(post(server.url()).status, 200);
  courier_.reset();
  options_.rules.allowed.clear();
  auto by_name = server.url();
  by_name.replace(by_name.find("127.0.0.1"), 9, "localhost");
  auto hidden = server.url();
  hidden.replace(hidden.find("127.0.0.1"), 9, "[::ffff:127.0.0.1]");
  auto odd = server.url();
  odd.replace(odd.find("127.0.0.1"), 9, "2130706433");
  for (const auto& url : {server.url(), by_name, hidden, odd, "https" + server.url().substr(4)}) {
    const auto result = post(url);
    EXPECT_EQ(result.status, 0) << url;
    EXPECT_TRUE(result.failure.find("not allowed") != std::string::npos ||
                result.failure.find("resolved") != std::string::npos)
        << url << ": " << result.failure;
  }
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(http_courier, is_not_kept_by_servers_that_misbehave) {
  options_.timeout = 700ms;
  const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  struct server {
    const char* name;
    rude_server::manners manners;
    int status;
  };
  const std::vector<server> servers{
      {"silent", stays_silent, 0},
      {"closes", [](tcp::socket&) {}, 0},
      {"garbage", says("\x16\x03\x01 nothing of HTTP\r\n\r\n"), 0},
      {"half a head", says("HTTP/1.1 200 OK\r\nContent-"), 0},
      {"an endless head", says_for_ever("HTTP/1.1 200 OK\r\n", "X: " + std::string(1'000, 'x') + "\r\n"), 0},
      {"an endless line", says_for_ever("HTTP/1.1 200 ", std::string(1'000, 'x')), 0},
      {"endless interim answers", says_for_ever("", "HTTP/1.1 100 Continue\r\n\r\n"), 0},
      {"an endless body", says_for_ever(head, "3e8\r\n" + std::string(1'000, 'x') + "\r\n"), 200},
      {"a body that never comes", says("HTTP/1.1 500 No\r\nContent-Length: 1000000000\r\n\r\n"), 500},
      {"an interim answer first", says("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 201 Made\r\n\r\n"), 201},
  };
  for (const auto& [name, manners, status] : servers) {
    rude_server server{manners};
    const auto begun = std::chrono::steady_clock::now();
    const auto result = post(server.url());
    EXPECT_EQ(result.status, status) << name << ": " << result.failure;
    EXPECT_EQ(result.failure.empty(), status != 0) << name;
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 3s) << name;
    courier_.reset();  // closes what is open, or the server would wait
  }
}

TEST_F(http_courier, tells_why_there_is_no_answer) {
  std::string closed;
  {
    rude_server server{stays_silent};
    closed = server.url();
  }
  EXPECT_EQ(post(closed).failure, "it cannot be connected to");
  EXPECT_EQ(post("http://nowhere.invalid/").failure, "its name cannot be resolved");
  EXPECT_EQ(post("nowhere").failure, "its URL cannot be understood");
}

TEST_F(http_courier, does_not_let_one_that_is_silent_hold_up_others) {
  options_.timeout = 5s;
  rude_server silent{stays_silent};
  rude_server good{says("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")};
  courier_ = make_http_courier(options_, runtime::make_system_clock());
  for (int n = 0; n < 20; ++n)
    courier_->post({silent.url(), {}, "{}"}, [](const post_result&) {});
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(post(good.url()).status, 200);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 2s);
  courier_.reset();
}

TEST_F(http_courier, trusts_a_server_by_its_certificate_alone) {
  std::string pattern = (fs::temp_directory_path() / "souk-courier-XXXXXX").string();
  ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
  const fs::path folder = pattern;
  for (const char* name : {"mine", "other"})
    links::make_https_certificate(folder / name, {"localhost"}, true);
  gateway::listener_options options;
  options.port = 0;
  gateway::tls_options tls;
  tls.port = 0;
  tls.main = {folder / "mine" / "https.pem", folder / "mine" / "https.key"};
  const auto server = gateway::make_listener(
      options, tls, [](const gateway::http_request&, std::unique_ptr<gateway::responder> to) {
        to->respond({.status = 200, .fields = {}, .body = {}});
      });
  const auto port = ":" + std::to_string(server->tls_port()) + "/";
  options_.rules.allowed.push_back(parse_network("::1").value());
  options_.ca = folder / "mine" / "https.pem";
  EXPECT_EQ(post("https://localhost" + port).failure, "");
  EXPECT_NE(post("https://127.0.0.2" + port).status, 200);  // its name is another
  courier_.reset();
  options_.ca = folder / "other" / "https.pem";
  EXPECT_EQ(post("https://localhost" + port).failure, "its certificate is not trusted, or it speaks no TLS");
  courier_.reset();
  options_.ca.clear();  // the system's
  EXPECT_NE(post("https://localhost" + port).status, 200);
  server->drain(1'000);
  fs::remove_all(folder);
}

}  // namespace
}  // namespace souk::webhook
