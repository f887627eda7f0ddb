#include "actors/gateway/tls.hpp"

#include "runtime/links/certificate_folder.hpp"
#include "tests/http/probe_check.hpp"
#include "tests/http/tls_client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace souk::gateway {
namespace {

namespace fs = std::filesystem;
using tests::raw_client;
using tests::tls_client;
using tests::tls_offer;

using session_ptr = std::unique_ptr<SSL_SESSION, void (*)(SSL_SESSION*)>;

std::string get(std::string_view path) { return "GET " + std::string{path} + " HTTP/1.1\r\nHost: a\r\n\r\n"; }

/// A body that goes on: so many large pieces, and no more.
class counted_pieces final : public body_stream {
 public:
  static constexpr int all = 3;
  static constexpr std::size_t piece_bytes = 1 << 20;

  void next(std::unique_ptr<piece_taker> taker) override {
    taker->take(given_++ < all ? std::string(piece_bytes, 'x') + "." : std::string{});
  }

 private:
  int given_ = 0;
};

/// A listener that answers with method, path and body, and a folder with its certificate.
class tls_served : public testing::Test {
 protected:
  tls_served() {
    std::string pattern = (fs::temp_directory_path() / "souk-tls-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder = pattern;
    options.port = 0;
    tls.port = 0;
    tls.main = make("main", {"main.example"});
    tls.reload_interval_ms = 20;
    tls.reloaded = [this](const std::string& problem) {
      const std::lock_guard lock{mutex};
      reloads.push_back(problem);
      changed.notify_all();
    };
  }
  ~tls_served() override {
    server.reset();
    fs::remove_all(folder);
  }

  certificate_files make(const std::string& name, const std::vector<std::string>& hosts) const {
    // Made elsewhere, so that both files change within a look.
    const auto draft = folder / "draft";
    links::make_https_certificate(draft, hosts, true);
    fs::create_directories(folder / name);
    for (const char* file : {"https.key", "https.pem"})
      fs::rename(draft / file, folder / name / file);
    return {folder / name / "https.pem", folder / name / "https.key"};
  }

  void start() {
    server = make_listener(options, tls, [](http_request request, std::unique_ptr<responder> answer) {
      http_response response;
      response.body = request.method + " " + request.path + " " + request.body;
      if (request.path == "/large") response.body = std::string(5 << 20, 'x');
      if (request.path == "/pieces") response.more = std::make_shared<counted_pieces>();
      answer->respond(std::move(response));
    });
  }

  /// Why a client is refused; empty if it is served.
  std::string refusal(const tls_offer& offer) const {
    try {
      tls_client client{server->tls_port(), offer};
      client.send(get("/"));
      return client.read() ? "" : "no answer";
    } catch (const std::runtime_error& error) {
      return error.what();
    }
  }

  /// What came of the first reload after the first `known` ones.
  std::string reload_after(std::size_t known) {
    std::unique_lock lock{mutex};
    const auto there = [&] { return reloads.size() > known; };
    return changed.wait_for(lock, std::chrono::seconds{10}, there) ? reloads[known] : "no reload";
  }
  /// Whether so many new certificates are taken up in time. One may be met half written on the way.
  bool taken_up(std::uint64_t count) {
    std::unique_lock lock{mutex};
    return changed.wait_for(lock, std::chrono::seconds{10}, [&] { return server->tls().reloads == count; });
  }

  fs::path folder;
  listener_options options;
  tls_options tls;
  std::unique_ptr<tls_listener> server;
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> reloads;
};

TEST_F(tls_served, answers_every_probe_as_without_tls) {
  std::mt19937_64 random{1};
  start();
  session_ptr session{nullptr, SSL_SESSION_free};
  for (const auto& probe : tests::load_probes()) {
    tls_client client{server->tls_port(), {.session = session.get()}};
    tests::check(probe, client, [&] { return 1 + random() % 4'000; });
    session.reset(SSL_get1_session(client.native()));
  }
}

TEST_F(tls_served, speaks_1_2_and_1_3_alone) {
  start();
  for (const int version : {TLS1_VERSION, TLS1_1_VERSION})
    EXPECT_NE(refusal({.version_min = version, .version_max = version}), "") << version;
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION})
    EXPECT_EQ(refusal({.version_min = version, .version_max = version}), "") << version;
}

TEST_F(tls_served, takes_of_all_ciphers_those_with_forward_secrecy_and_authenticated_encryption) {
  start();
  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> all{SSL_CTX_new(TLS_client_method()), SSL_CTX_free};
  ASSERT_EQ(SSL_CTX_set_cipher_list(all.get(), "ALL:COMPLEMENTOFALL:@SECLEVEL=0"), 1);
  std::vector<std::string> taken;
  const auto* ciphers = SSL_CTX_get_ciphers(all.get());
  ASSERT_GT(sk_SSL_CIPHER_num(ciphers), 50);
  for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); ++i) {
    const std::string name = SSL_CIPHER_get_name(sk_SSL_CIPHER_value(ciphers, i));
    if (name.starts_with("TLS_")) continue;  // of TLS 1.3
    if (refusal({.version_max = TLS1_2_VERSION, .ciphers = name + ":@SECLEVEL=0"}).empty())
      taken.push_back(name);
  }
  // Its key is on an elliptic curve; with RSA it would be the same three.
  EXPECT_THAT(taken,
              testing::UnorderedElementsAre("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
                                            "ECDHE-ECDSA-CHACHA20-POLY1305"));
}

TEST_F(tls_served, refuses_to_renegotiate_and_never_compresses) {
  start();
  tls_client client{server->tls_port(), {.version_max = TLS1_2_VERSION}};
  EXPECT_EQ(SSL_get_current_compression(client.native()), nullptr);
  SSL_renegotiate(client.native());
  EXPECT_NE(SSL_do_handshake(client.native()), 1);
  EXPECT_EQ(server->tls().handshakes, 1u);
}

TEST_F(tls_served, resumes_sessions_by_their_tickets) {
  start();
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    session_ptr session{nullptr, SSL_SESSION_free};
    for (int i = 0; i < 3; ++i) {
      tls_client client{server->tls_port(), {.version_max = version, .session = session.get()}};
      client.send(get("/x"));
      EXPECT_EQ(client.read()->body, "GET /x ");
      EXPECT_EQ(client.resumed(), i > 0);
      session.reset(SSL_get1_session(client.native()));
    }
  }
  EXPECT_EQ(server->tls().handshakes, 6u);
  EXPECT_EQ(server->tls().resumed, 4u);
}

TEST_F(tls_served, shows_each_host_its_certificate) {
  tls.others = {make("shop", {"shop.example", "www.shop.example"}), make("wild", {"*.wild.example"})};
  start();
  const auto shown_to = [&](const std::string& host) {
    return tls_client{server->tls_port(), {.host = host}}.server_name();
  };
  EXPECT_EQ(shown_to("www.shop.example"), "shop.example");
  EXPECT_EQ(shown_to("a.wild.example"), "*.wild.example");
  EXPECT_EQ(shown_to("main.example"), "main.example");
  EXPECT_EQ(shown_to("other.example"), "main.example");
  EXPECT_EQ(shown_to(""), "main.example");
}

TEST_F(tls_served, speaks_http_1_1_to_those_who_choose) {
  start();
  tls_client client{server->tls_port(), {.alpn = {"h2", "http/1.1"}}};
  const unsigned char* chosen = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(client.native(), &chosen, &size);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(chosen), size), "http/1.1");
  EXPECT_NE(refusal({.alpn = {"h2"}}), "");
}

TEST_F(tls_served, tells_browsers_to_use_nothing_else) {
  start();
  tls_client client{server->tls_port()};
  client.send(get("/"));
  EXPECT_EQ(client.read()->field("Strict-Transport-Security"), "max-age=31536000");
  raw_client plain{server->port()};
  plain.send(get("/"));
  EXPECT_FALSE(plain.read()->field("Strict-Transport-Security").has_value());
}

TEST_F(tls_served, carries_large_bodies_both_ways) {
  start();
  tls_client client{server->tls_port()};
  const std::string body(900'000, 'y');
  const auto post =
      "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  client.send(post + get("/large") + get("/after"));
  EXPECT_TRUE(client.read()->body == "POST /x " + body);
  EXPECT_EQ(client.read()->body.size(), std::size_t{5} << 20);
  EXPECT_EQ(client.read()->body, "GET /after ");
}

TEST_F(tls_served, a_body_that_goes_on_comes_whole_and_ends) {
  start();
  tls_client client{server->tls_port()};
  client.send(get("/pieces"));
  EXPECT_TRUE(client.read_until("GET /pieces ").ends_with("GET /pieces "));
  for (int n = 0; n < counted_pieces::all; ++n)
    EXPECT_EQ(client.read_until(".").size(), counted_pieces::piece_bytes + 1);
  EXPECT_TRUE(client.ends());
}

TEST_F(tls_served, a_client_that_ends_its_side_still_gets_its_answers) {
  start();
  tls_client client{server->tls_port()};
  client.send(get("/1") + get("/2"));
  client.end();
  EXPECT_EQ(client.read()->body, "GET /1 ");
  EXPECT_EQ(client.read()->body, "GET /2 ");
  EXPECT_TRUE(client.ends());
}

TEST_F(tls_served, a_handshake_that_does_not_come_ends_and_keeps_nobody_waiting) {
  tls.handshake_timeout_ms = 200;
  start();
  std::vector<std::unique_ptr<raw_client>> silent;
  for (int i = 0; i < 200; ++i) {
    silent.push_back(std::make_unique<raw_client>(server->tls_port()));
    if (i % 2 == 0) silent.back()->send("\x16\x03\x01\x02");  // a handshake begins
  }
  EXPECT_EQ(refusal({}), "");
  for (const auto& one : silent)
    EXPECT_TRUE(one->ends());
  EXPECT_EQ(server->tls().failed, 200u);
}

TEST_F(tls_served, who_does_not_speak_tls_is_let_go) {
  start();
  raw_client client{server->tls_port()};
  client.send(get("/"));
  EXPECT_FALSE(client.read().has_value());
  EXPECT_EQ(refusal({}), "");
}

TEST_F(tls_served, connections_of_both_kinds_count_together) {
  options.connections_max = 2;
  start();
  tls_client first{server->tls_port()};
  first.send(get("/"));
  EXPECT_TRUE(first.read().has_value());  // idle from now on: a client's handshake ends before the server's
  raw_client second{server->port()};
  second.send(get("/"));
  EXPECT_TRUE(second.read().has_value());
  tls_client third{server->tls_port()};  // the oldest idle one makes room
  EXPECT_TRUE(first.ends());
  EXPECT_EQ(server->connections(), 2u);
}

TEST_F(tls_served, draining_ends_also_what_has_not_shaken_hands) {
  start();
  raw_client silent{server->tls_port()};
  tls_client idle{server->tls_port()};
  server->drain(10'000);
  EXPECT_TRUE(silent.ends());
  EXPECT_TRUE(idle.ends());
  EXPECT_THROW(raw_client{server->tls_port()}, std::system_error);
}

TEST_F(tls_served, new_certificates_are_taken_up_without_dropping_anybody) {
  start();
  std::atomic<bool> over = false;
  std::atomic<int> answered = 0;
  std::atomic<int> failed = 0;
  const auto ask = [&](tls_client& client) {
    client.send(get("/x"));
    const auto answer = client.read();
    ++(answer && answer->status == 200 ? answered : failed);
  };
  std::vector<std::thread> clients;
  for (int i = 0; i < 2; ++i)
    clients.emplace_back([&, keeps = i == 0] {
      try {
        tls_client kept{server->tls_port()};
        while (!over) {
          if (keeps) {
            ask(kept);
            continue;
          }
          tls_client fresh{server->tls_port()};
          ask(fresh);
        }
      } catch (const std::runtime_error&) {
        ++failed;
      }
    });
  for (std::uint64_t round = 1; round <= 5; ++round) {
    const auto before = tls_client{server->tls_port()}.certificate();
    make("main", {"main.example"});
    EXPECT_TRUE(taken_up(round));
    EXPECT_NE(tls_client{server->tls_port()}.certificate(), before);
  }
  over = true;
  for (auto& one : clients)
    one.join();
  EXPECT_EQ(failed, 0);
  EXPECT_GT(answered, 100);
}

TEST_F(tls_served, broken_new_files_keep_the_old_ones_in_use) {
  start();
  const auto before = tls_client{server->tls_port()}.certificate();
  std::ofstream{tls.main.certificate} << "nonsense";
  EXPECT_THAT(reload_after(0), testing::HasSubstr("https.pem"));
  EXPECT_EQ(tls_client{server->tls_port()}.certificate(), before);
  fs::remove(tls.main.certificate);
  EXPECT_THAT(reload_after(1), testing::HasSubstr("https.pem"));
  EXPECT_EQ(tls_client{server->tls_port()}.certificate(), before);
  EXPECT_EQ(server->tls().reloads_failed, 2u);
  make("main", {"main.example"});
  EXPECT_TRUE(taken_up(1));
}

TEST_F(tls_served, files_that_make_no_server_are_named) {
  const auto problem = [&](const certificate_files& files, int years_on = 0) -> std::string {
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    try {
      check({.main = files}, now + std::chrono::years{years_on});
      return "";
    } catch (const bad_tls_files& error) {
      return error.what();
    }
  };
  const auto main = tls.main;
  const auto other = make("other", {"other.example"});
  EXPECT_EQ(problem(main), "");
  EXPECT_THAT(problem({"no.pem", main.key}), testing::HasSubstr("certificate no.pem: "));
  EXPECT_THAT(problem({main.certificate, "no.key"}), testing::HasSubstr("key no.key: "));
  EXPECT_THAT(problem({main.certificate, other.key}), testing::HasSubstr("key " + other.key.string()));
  EXPECT_THAT(problem(main, 3), testing::HasSubstr("has expired"));
  tls.main = {"no.pem", "no.key"};
  EXPECT_THROW(start(), bad_tls_files);
}

}  // namespace
}  // namespace souk::gateway
