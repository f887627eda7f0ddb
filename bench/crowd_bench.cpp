#include "actors/json/writer.hpp"
#include "bench/scenarios.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace souk::bench {
namespace {

// The head of a request that never ends.
constexpr std::string_view slow_head = "GET /v1/products HTTP/1.1\r\nHost: shop\r\nX-Slow: ";
constexpr std::string_view whole_request = "GET /v1/nothing HTTP/1.1\r\nHost: shop\r\n\r\n";

/// A socket to the server; closed with it.
class plain_socket {
 public:
  explicit plain_socket(const endpoint& server) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(server.port);
    if (inet_pton(AF_INET, server.host.c_str(), &address.sin_addr) != 1)
      throw std::invalid_argument("a crowd needs the IPv4 address of its server");
    if (fd_ < 0 || ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      throw std::runtime_error("a connection of the crowd could not be made");
  }
  plain_socket(plain_socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  plain_socket& operator=(plain_socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~plain_socket() {
    if (fd_ >= 0) ::close(fd_);
  }

  bool send(std::string_view text) {
    return ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
  }
  /// Whether something comes back: takes a whole answer, which comes in one piece.
  bool hears() {
    char answer[4096];
    return ::recv(fd_, answer, sizeof answer, 0) > 0;
  }
  /// Whether the server has not closed it, nor said anything.
  bool is_open() {
    char byte = 0;
    return ::recv(fd_, &byte, 1, MSG_DONTWAIT) < 0;
  }

 private:
  int fd_ = -1;
};

}  // namespace

bool run_crowd(const stage& stage, const crowd_options& options) {
  const endpoint& server = stage.with_key.server;
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(options.seconds);
  std::vector<plain_socket> idle;
  for (int n = 0; n < options.idle; ++n) {
    idle.emplace_back(server);
    if (!idle.back().send(whole_request) || !idle.back().hears())
      throw std::runtime_error("a connection of the crowd was not answered");
  }
  std::vector<plain_socket> slow;
  for (int n = 0; n < options.slow; ++n) {
    slow.emplace_back(server);
    slow.back().send(slow_head);
  }
  int thrown_out = 0;
  while (std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::seconds{1});
    for (auto& one : slow) {
      if (one.is_open() && one.send("x")) continue;
      ++thrown_out;
      one = plain_socket(server);
      one.send(slow_head);
    }
  }
  int still = 0;
  for (auto& one : idle)
    still += one.is_open() ? 1 : 0;
  if (stage.json) {
    json::writer out;
    out.begin_object().key("scenario").string("crowd").key("idle").integer(options.idle);
    out.key("idle_at_the_end").integer(still).key("slow").integer(options.slow);
    out.key("slow_thrown_out").integer(thrown_out).end_object();
    fmt::print("{}\n", std::move(out).take());
  } else {
    fmt::print("{} of {} idle connections are still open; of {} slow ones {} were thrown out\n", still,
               options.idle, options.slow, thrown_out);
  }
  return still == options.idle;
}

}  // namespace souk::bench
