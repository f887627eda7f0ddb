#include "runtime/links/tls_transport.hpp"

#include "tests/cluster/links/certificates.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <fstream>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

namespace souk::links {
namespace {

using namespace std::chrono_literals;
using souk::cluster_test::certificates;
using ::testing::HasSubstr;

/// What happened on connections, for a test to wait for.
class recorder {
 public:
  connection_sink sink() {
    return [this](connection_event event) { take(nullptr, std::move(event)); };
  }
  accept_sink accepts() {
    return [this](const connection_ptr& connection, connection_event event) {
      take(connection, std::move(event));
    };
  }

  /// Whether it comes true in time. `what` is called with nobody else at it.
  bool wait(const std::function<bool()>& what, std::chrono::milliseconds within = 10s) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, within, what);
  }

  std::string name;
  std::vector<std::string> envelopes;
  std::size_t bytes = 0;
  std::string closed;
  connection_ptr accepted;
  /// Called for each `received`, in the transport's thread.
  std::function<void(const connection_event&)> on_received;

 private:
  void take(const connection_ptr& connection, connection_event event) {
    std::lock_guard lock{mutex_};
    if (connection) accepted = connection;
    if (event.what == connection_event::type::opened) name = event.name;
    if (event.what == connection_event::type::closed) closed = event.reason;
    if (event.what == connection_event::type::received) {
      bytes += event.bytes;
      if (on_received)
        on_received(event);
      else
        for (auto& envelope : event.envelopes)
          envelopes.push_back(std::move(envelope));
    }
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
};

class tls_transport_test : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    ours = new certificates{{"a", "b"}};
    theirs = new certificates{{"a", "b"}};
  }
  static void TearDownTestSuite() {
    delete ours;
    delete theirs;
  }

  static std::unique_ptr<tls_transport> start(const std::string& node, const certificates& folder,
                                              const link_limits& limits = {}) {
    return make_tls_transport(
        {.node = node, .listen = "127.0.0.1:0", .files = folder.of(node), .limits = limits});
  }
  static std::string address_of(const tls_transport& transport) {
    return "127.0.0.1:" + std::to_string(transport.port());
  }

  /// a dials b, says hello, is taken up and answered: who is not greeted in time ends the connection.
  void connect(const link_limits& limits = {}) {
    a = start("a", *ours, limits);
    b = start("b", *ours, limits);
    b->accept(heard_b.accepts());
    dialled = a->dial(address_of(*b), heard_a.sink());
    dialled->send("hel", "lo");
    ASSERT_TRUE(heard_b.wait([&] { return heard_b.envelopes.size() == 1; }));
    heard_b.accepted->adopt(heard_b.sink());
    heard_b.accepted->send("", "welcome");
    ASSERT_TRUE(heard_a.wait([&] { return heard_a.envelopes.size() == 1; }));
  }

  static certificates* ours;
  static certificates* theirs;
  recorder heard_a;
  recorder heard_b;
  std::unique_ptr<tls_transport> a;
  std::unique_ptr<tls_transport> b;
  connection_ptr dialled;
};

certificates* tls_transport_test::ours = nullptr;
certificates* tls_transport_test::theirs = nullptr;

TEST_F(tls_transport_test, both_sides_learn_whom_the_other_certificate_names) {
  connect();
  EXPECT_TRUE(heard_a.wait([&] { return heard_a.name == "b"; }));
  EXPECT_EQ(heard_b.name, "a");
  EXPECT_EQ(heard_b.envelopes.at(0), "hello");
  EXPECT_EQ(heard_a.envelopes.at(0), "welcome");
}

TEST_F(tls_transport_test, a_certificate_of_another_ca_is_refused_by_either_side) {
  a = start("a", *theirs);
  b = start("b", *ours);
  b->accept(heard_b.accepts());
  dialled = a->dial(address_of(*b), heard_a.sink());
  dialled->send("", "hello");
  EXPECT_TRUE(heard_a.wait([&] { return !heard_a.closed.empty(); }));
  EXPECT_TRUE(heard_b.wait([&] { return !heard_b.closed.empty(); }));
  EXPECT_THAT(heard_a.closed, HasSubstr("no agreement on TLS"));
  EXPECT_TRUE(heard_b.envelopes.empty());
}

TEST_F(tls_transport_test, nobody_listens) {
  a = start("a", *ours);
  std::string address;
  {
    b = start("b", *ours);
    address = address_of(*b);
    b.reset();
  }
  dialled = a->dial(address, heard_a.sink());
  EXPECT_TRUE(heard_a.wait([&] { return !heard_a.closed.empty(); }));
  EXPECT_THAT(heard_a.closed, HasSubstr("it cannot be reached"));
}

TEST_F(tls_transport_test, an_end_is_heard_by_the_other_side) {
  connect();
  heard_b.accepted->close();
  EXPECT_TRUE(heard_a.wait([&] { return !heard_a.closed.empty(); }));
  dialled->send("", "nobody hears this");
  EXPECT_EQ(heard_b.closed, "");
}

TEST_F(tls_transport_test, last_words_are_heard_before_the_end) {
  connect();
  const std::string words(3u << 20, 'x');
  dialled->send("", words);
  dialled->send("", "goodbye");
  dialled->finish();
  EXPECT_TRUE(heard_b.wait([&] { return !heard_b.closed.empty(); }));
  ASSERT_EQ(heard_b.envelopes.size(), 3u);
  EXPECT_EQ(heard_b.envelopes[1], words);
  EXPECT_EQ(heard_b.envelopes[2], "goodbye");
  EXPECT_EQ(heard_a.closed, "");
}

TEST_F(tls_transport_test, last_words_are_heard_by_a_stranger) {
  a = start("a", *ours);
  b = start("b", *ours);
  b->accept(heard_b.accepts());
  dialled = a->dial(address_of(*b), heard_a.sink());
  dialled->send("", "hello");
  ASSERT_TRUE(heard_b.wait([&] { return heard_b.envelopes.size() == 1; }));
  heard_b.accepted->send("", "go away");
  heard_b.accepted->finish();
  EXPECT_TRUE(heard_a.wait([&] { return !heard_a.closed.empty(); }));
  ASSERT_EQ(heard_a.envelopes.size(), 1u);
  EXPECT_EQ(heard_a.envelopes[0], "go away");
}

TEST_F(tls_transport_test, too_long_an_envelope_ends_the_connection) {
  connect();
  dialled->send("", std::string(envelope_bytes_max, 'x'));
  EXPECT_TRUE(heard_b.wait([&] { return heard_b.envelopes.size() == 2; }));
  heard_b.accepted->consumed(heard_b.bytes);
  dialled->send("", std::string(envelope_bytes_max + 1, 'x'));
  EXPECT_TRUE(heard_b.wait([&] { return !heard_b.closed.empty(); }));
  EXPECT_THAT(heard_b.closed, HasSubstr("too long"));
}

TEST_F(tls_transport_test, a_stranger_may_say_only_hello) {
  a = start("a", *ours);
  b = start("b", *ours);
  b->accept(heard_b.accepts());
  dialled = a->dial(address_of(*b), heard_a.sink());
  dialled->send("", std::string(first_envelope_bytes_max + 1, 'x'));
  EXPECT_TRUE(heard_b.wait([&] { return !heard_b.closed.empty(); }));
  EXPECT_THAT(heard_b.closed, HasSubstr("too long"));
  heard_b.closed.clear();
  auto another = a->dial(address_of(*b), heard_a.sink());
  another->send("", "hello");
  another->send("", "and more");
  EXPECT_TRUE(heard_b.wait([&] { return !heard_b.closed.empty(); }));
  EXPECT_THAT(heard_b.closed, HasSubstr("before it was answered"));
}

/// A client that is no node: a bare socket.
class bare_socket {
 public:
  explicit bare_socket(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    connected = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  }
  ~bare_socket() { ::close(socket_); }
  bare_socket(const bare_socket&) = delete;
  bare_socket& operator=(const bare_socket&) = delete;

  void say(std::string_view what) const { (void)::send(socket_, what.data(), what.size(), MSG_NOSIGNAL); }
  bool connected = false;

 private:
  int socket_;
};

TEST_F(tls_transport_test, who_speaks_no_tls_or_nothing_at_all_is_dropped) {
  link_limits limits;
  limits.handshake_timeout = 100ms;
  b = start("b", *ours, limits);
  b->accept(heard_b.accepts());
  const bare_socket plain{b->port()};
  ASSERT_TRUE(plain.connected);
  plain.say("GET / HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(heard_b.wait([&] { return !heard_b.closed.empty(); }));
  EXPECT_THAT(heard_b.closed, HasSubstr("no agreement on TLS"));
  heard_b.closed.clear();
  const bare_socket mute{b->port()};
  EXPECT_TRUE(heard_b.wait([&] { return !heard_b.closed.empty(); }));
  EXPECT_EQ(heard_b.closed, "no handshake in time");
}

TEST_F(tls_transport_test, who_listens_but_never_answers_does_not_hold_up_the_others) {
  link_limits limits;
  limits.handshake_timeout = 300ms;
  const int deaf = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(deaf, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(::listen(deaf, 1), 0);
  socklen_t size = sizeof(address);
  ::getsockname(deaf, reinterpret_cast<sockaddr*>(&address), &size);

  a = start("a", *ours, limits);
  recorder waiting;
  auto held = a->dial("127.0.0.1:" + std::to_string(ntohs(address.sin_port)), waiting.sink());
  b = start("b", *ours);
  b->accept(heard_b.accepts());
  dialled = a->dial(address_of(*b), heard_a.sink());
  EXPECT_TRUE(heard_a.wait([&] { return heard_a.name == "b"; }));
  EXPECT_EQ(waiting.closed, "");
  EXPECT_TRUE(waiting.wait([&] { return waiting.closed == "no handshake in time"; }));
  ::close(deaf);
}

TEST_F(tls_transport_test, a_node_starts_only_with_a_whole_and_fitting_set_of_files) {
  const auto whole = ours->of("a");
  auto why = [](const tls_files& files) -> std::string {
    try {
      (void)make_tls_transport({.node = "a", .listen = "127.0.0.1:0", .files = files, .limits = {}});
      return "none";
    } catch (const bad_certificate& error) {
      return error.what();
    }
  };
  EXPECT_EQ(why(whole), "none");
  auto files = whole;
  files.certificate.clear();
  EXPECT_THAT(why(files), HasSubstr("no certificate is set"));
  files = whole;
  files.key.clear();
  EXPECT_THAT(why(files), HasSubstr("no key is set"));
  files = whole;
  files.ca.clear();
  EXPECT_THAT(why(files), HasSubstr("no CA is set"));
  files = whole;
  files.key = ours->of("b").key;
  EXPECT_THAT(why(files), HasSubstr("does not belong to certificate"));
  files.key = "/nowhere/a.key";
  EXPECT_THAT(why(files), HasSubstr("/nowhere/a.key"));
  files = whole;
  files.ca = theirs->of("a").ca;
  EXPECT_THAT(why(files), HasSubstr("is not good under CA"));
  EXPECT_THAT(why(ours->of("b")), HasSubstr("is for b, not for node a"));
}

TEST_F(tls_transport_test, the_end_of_a_certificate_is_known) {
  const auto left = expiry_of(ours->of("a")) - std::chrono::system_clock::now();
  EXPECT_NEAR(static_cast<double>(std::chrono::floor<std::chrono::hours>(left).count()), 825.0 * 24, 2);
}

TEST_F(tls_transport_test, renewed_certificates_are_used_without_a_restart) {
  const certificates changing{{"a", "b"}};
  a = start("a", changing);
  b = start("b", changing);
  b->accept(heard_b.accepts());
  // Under a new CA both are strangers to what they were: only reading again lets them meet.
  std::filesystem::remove(changing.folder() / "ca.key");
  changing.make({"a", "b"}, true);
  dialled = a->dial(address_of(*b), heard_a.sink());
  EXPECT_TRUE(heard_a.wait([&] { return heard_a.name == "b"; }));
  auto plainly_wrong = [&] {
    std::ofstream{changing.of("a").certificate} << "nothing";
    return a->dial(address_of(*b), heard_a.sink());
  };
  heard_a.name.clear();
  auto another = plainly_wrong();
  EXPECT_TRUE(heard_a.wait([&] { return heard_a.name == "b"; })) << heard_a.closed;
}

TEST_F(tls_transport_test, a_hundred_megabytes_pass_in_order_and_in_little_memory) {
  constexpr std::size_t envelope_bytes = 100'000;
  constexpr std::size_t envelopes = 1'000;
  constexpr std::size_t queue_bytes = 4u << 20;
  link_limits limits;
  limits.receive_window_bytes = 1u << 20;
  connect(limits);

  std::size_t arrived = 0;
  std::size_t unconsumed = 0;
  std::size_t unconsumed_most = 0;
  bool in_order = true;
  // Taken in by another thread, slower than it comes.
  heard_b.on_received = [&](const connection_event& event) {
    for (const auto& envelope : event.envelopes) {
      in_order = in_order && envelope.size() == envelope_bytes &&
                 envelope.starts_with(std::to_string(arrived) + "/");
      ++arrived;
    }
    unconsumed += event.bytes;
    unconsumed_most = std::max(unconsumed_most, unconsumed);
  };
  std::thread consumer{[&] {
    std::size_t taken = 0;
    while (taken < envelopes * envelope_bytes) {
      std::size_t now = 0;
      if (!heard_b.wait([&] {
            // Nothing is taken before the window is full, or all is there.
            const bool ready =
                unconsumed > limits.receive_window_bytes || (arrived == envelopes && unconsumed > 0);
            if (ready) now = std::exchange(unconsumed, 0);
            return ready;
          }))
        return;
      taken += now;
      heard_b.accepted->consumed(now);
    }
  }};
  std::size_t queued_most = 0;
  for (std::size_t n = 0; n < envelopes; ++n) {
    while (dialled->queued_bytes() > queue_bytes)
      std::this_thread::yield();
    std::string content = std::to_string(n) + "/";
    content.resize(envelope_bytes, 'x');
    dialled->send("", content);
    queued_most = std::max(queued_most, dialled->queued_bytes());
  }
  consumer.join();
  EXPECT_EQ(arrived, envelopes);
  EXPECT_TRUE(in_order);
  EXPECT_LE(unconsumed_most, limits.receive_window_bytes + 2 * envelope_bytes);
  EXPECT_LE(queued_most, queue_bytes + 2 * envelope_bytes);
}

TEST_F(tls_transport_test, without_files_nodes_meet_on_trust_where_that_is_allowed) {
  const auto trusting = [](const std::string& node) {
    return make_tls_transport(
        {.node = node, .listen = "127.0.0.1:0", .files = {}, .limits = {}, .insecure = true});
  };
  a = trusting("a");
  b = trusting("b");
  b->accept(heard_b.accepts());
  dialled = a->dial(address_of(*b), heard_a.sink());
  EXPECT_TRUE(heard_a.wait([&] { return heard_a.name == "b"; })) << heard_a.closed;
}

TEST_F(tls_transport_test, once_stopped_it_calls_nobody_and_ignores_what_is_asked) {
  connect();
  b->stop();
  EXPECT_TRUE(heard_a.wait([&] { return !heard_a.closed.empty(); }));
  a->stop();
  heard_a.closed.clear();
  dialled = a->dial(address_of(*b), heard_a.sink());
  dialled->send("", "into the void");
  EXPECT_FALSE(heard_a.wait([&] { return !heard_a.closed.empty(); }, 50ms));
}

TEST_F(tls_transport_test, its_end_ends_all_connections_and_leaves_their_handles_harmless) {
  connect();
  b.reset();
  EXPECT_TRUE(heard_a.wait([&] { return !heard_a.closed.empty(); }));
  heard_b.accepted->send("", "into the void");
  heard_b.accepted->consumed(0);
  heard_b.accepted->close();
  a.reset();
  dialled->send("", "into the void");
  dialled->finish();
}

}  // namespace
}  // namespace souk::links
