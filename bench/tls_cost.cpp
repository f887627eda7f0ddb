// bench_tls: what TLS costs. Asks a node for the same page with and without it, on connections that are kept
// and on one for each request, with and without resumption, in turn within one run, and prints one line of
// JSON.

#include "bench/http_client.hpp"

#include <CLI/CLI.hpp>
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using clock_type = std::chrono::steady_clock;
using souk::bench::endpoint;

struct options {
  std::string plain;
  std::string tls;
  std::string path = "/v1/products?limit=1";
  std::vector<std::string> ways{"plain_kept", "tls_kept", "plain_new", "tls_new", "tls_resumed"};
  unsigned clients = 8;
  unsigned rounds = 3;
  double seconds = 2;  // of each way in each round
};

struct tally {
  std::uint64_t answered = 0;
  std::uint64_t failed = 0;
  std::uint64_t resumed = 0;
  double seconds = 0;
};

using context_ptr = std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)>;
using session_ptr = std::unique_ptr<SSL_SESSION, void (*)(SSL_SESSION*)>;

/// One connection that waits for what it asked.
class link {
 public:
  link(const endpoint& server, SSL_CTX* tls, SSL_SESSION* session) {
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval patience{10, 0};
    const int on = 1;
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    // Ended at once: else thousands of closed ones take all ports.
    const linger at_once{1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(server.port);
    ::inet_pton(AF_INET, server.host.c_str(), &address.sin_addr);
    good_ = ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    if (tls == nullptr || !good_) return;
    ssl_ = SSL_new(tls);
    SSL_set_fd(ssl_, socket_);
    if (session != nullptr) SSL_set_session(ssl_, session);
    good_ = SSL_connect(ssl_) == 1;
  }
  link(const link&) = delete;
  link& operator=(const link&) = delete;
  ~link() {
    // Else its session would be taken for broken, and not be resumed.
    if (ssl_ != nullptr) SSL_set_shutdown(ssl_, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(ssl_);
    ::close(socket_);
  }

  /// Whether a 200 came.
  bool ask(std::string_view request) {
    if (!good_) return false;
    const auto size = static_cast<int>(request.size());
    const auto sent = ssl_ != nullptr ? SSL_write(ssl_, request.data(), size)
                                      : ::send(socket_, request.data(), request.size(), MSG_NOSIGNAL);
    good_ = sent == size && receive();
    return good_;
  }

  bool resumed() const { return ssl_ != nullptr && SSL_session_reused(ssl_) == 1; }
  session_ptr session() const { return {SSL_get1_session(ssl_), SSL_SESSION_free}; }

 private:
  bool receive() {
    got_.clear();
    std::size_t whole = 0;
    while (whole == 0 || got_.size() < whole) {
      std::array<char, 16'384> piece;
      const auto count = ssl_ != nullptr ? SSL_read(ssl_, piece.data(), static_cast<int>(piece.size()))
                                         : ::recv(socket_, piece.data(), piece.size(), 0);
      if (count <= 0) return false;
      got_.append(piece.data(), static_cast<std::size_t>(count));
      const auto head = got_.find("\r\n\r\n");
      if (whole != 0 || head == std::string::npos) continue;
      const auto length = got_.find("Content-Length: ");
      if (length > head) return false;
      whole = head + 4 + std::strtoul(got_.c_str() + length + 16, nullptr, 10);
    }
    return got_.starts_with("HTTP/1.1 200 ");
  }

  int socket_ = -1;
  SSL* ssl_ = nullptr;
  bool good_ = false;
  std::string got_;
};

/// One client's work until then, in one way.
tally work(const options& options, const std::string& way, clock_type::time_point end) {
  const bool tls = way.starts_with("tls");
  const bool kept = way.ends_with("kept");
  const auto server = souk::bench::parse_url("http://" + (tls ? options.tls : options.plain));
  const auto request = "GET " + options.path + " HTTP/1.1\r\nHost: " + server.authority() + "\r\n\r\n";
  const context_ptr context{tls ? SSL_CTX_new(TLS_client_method()) : nullptr, SSL_CTX_free};
  session_ptr session{nullptr, SSL_SESSION_free};
  std::unique_ptr<link> one;
  tally done;
  while (clock_type::now() < end) {
    if (!one || !kept) {
      one.reset();
      one = std::make_unique<link>(server, context.get(), session.get());
      done.resumed += one->resumed() ? 1 : 0;
    }
    const bool good = one->ask(request);
    ++(good ? done.answered : done.failed);
    if (good && way == "tls_resumed") session = one->session();
    if (!good) one.reset();
  }
  return done;
}

void measure(const options& options, const std::string& way, tally& all) {
  const auto begun = clock_type::now();
  const auto end = begun + std::chrono::duration_cast<clock_type::duration>(
                               std::chrono::duration<double>{options.seconds});
  std::vector<tally> tallies(options.clients);
  std::vector<std::thread> threads;
  threads.reserve(options.clients);
  for (auto& mine : tallies)
    threads.emplace_back([&] { mine = work(options, way, end); });
  for (auto& thread : threads)
    thread.join();
  for (const auto& one : tallies) {
    all.answered += one.answered;
    all.failed += one.failed;
    all.resumed += one.resumed;
  }
  all.seconds += std::chrono::duration<double>{clock_type::now() - begun}.count();
}

void run(const options& options) {
  std::map<std::string, tally> all;
  for (unsigned round = 0; round < options.rounds; ++round)
    for (const auto& way : options.ways)
      measure(options, way, all[way]);
  std::string text;
  for (const auto& [way, done] : all)
    text += fmt::format(R"({}"{}":{{"answered":{},"failed":{},"resumed":{},"per_s":{:.0f}}})",
                        text.empty() ? "" : ",", way, done.answered, done.failed, done.resumed,
                        static_cast<double>(done.answered) / done.seconds);
  fmt::print("{{{}}}\n", text);
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  options options;
  CLI::App app{"bench_tls: what TLS costs"};
  app.add_option("--plain", options.plain, "ADDR:PORT without TLS");
  app.add_option("--tls", options.tls, "ADDR:PORT by TLS")->required();
  app.add_option("--path", options.path);
  app.add_option("--ways", options.ways, "Of plain_kept, tls_kept, plain_new, tls_new, tls_resumed")
      ->delimiter(',');
  app.add_option("--clients", options.clients);
  app.add_option("--rounds", options.rounds, "Each way has a turn in each");
  app.add_option("--seconds", options.seconds, "Of a turn");
  CLI11_PARSE(app, argc, argv);
  try {
    run(options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_tls: {}\n", error.what());
    return 1;
  }
  return 0;
}
