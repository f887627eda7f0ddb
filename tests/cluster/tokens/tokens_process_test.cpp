#include "actors/json/reader.hpp"
#include "tests/cluster/kill/process.hpp"
#include "tests/http/raw_client.hpp"
#include "tests/token_issuer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>

/// soukd with the keys of an issuer in a file.
namespace souk::gateway {
namespace {

using namespace std::chrono_literals;
using tests::token_issuer;
namespace fs = std::filesystem;

class tokens_process : public ::testing::Test {
 protected:
  tokens_process() {
    std::string pattern = fs::temp_directory_path() / "souk-tokens-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder = pattern;
    write_keys(issuer.key_set());
    std::ofstream{folder / "cluster.conf"} << "auth {\n jwks = \"" << (folder / "jwks.json").string()
                                           << "\"\n issuer = \"" << tests::issued.issuer << "\" audience = \""
                                           << tests::issued.audience << "\" reload_interval = 100ms }\n";
  }
  ~tokens_process() override {
    if (node.running()) node.end(SIGKILL);
    fs::remove_all(folder);
  }

  void write_keys(const std::string& text) const {
    std::ofstream{folder / "draft"} << text;
    fs::rename(folder / "draft", folder / "jwks.json");
  }

  void start() {
    const auto line =
        node.start({.command = {SOUKD, "--config", folder / "cluster.conf", "--data", folder / "data",
                                "--http", "127.0.0.1:0", "--admin", "127.0.0.1:0"},
                    .environment = {},
                    .log = folder / "log"},
                   60s);
    json::parse_error error;
    const auto ready = json::parse(line.substr(line.find('{')), error);
    if (!ready) throw std::runtime_error("not a ready line: " + line);
    http = port_of(json::text_of(*ready, "http"));
    admin = port_of(json::text_of(*ready, "admin"));
  }

  static std::uint16_t port_of(const std::string& address) {
    return static_cast<std::uint16_t>(std::stoul(address.substr(address.rfind(':') + 1)));
  }

  static tests::raw_answer get(std::uint16_t port, const std::string& path,
                               const std::optional<std::string>& bearer = std::nullopt) {
    tests::raw_client client{port};
    client.send("GET " + path + " HTTP/1.1\r\nHost: shop\r\nRequest-Id: one\r\n" +
                (bearer ? "Authorization: Bearer " + *bearer + "\r\n" : "") + "\r\n");
    return client.read().value_or(tests::raw_answer{});
  }
  int status_of(const std::string& path, const std::string& bearer) const {
    return get(http, path, bearer).status;
  }

  /// A figure of /metrics, or -1.
  double figure(const std::string& name) const {
    const auto text = "\n" + get(admin, "/metrics").body;
    const auto at = text.find("\n" + name + " ");
    return at == std::string::npos ? -1 : std::stod(text.substr(at + name.size() + 2));
  }
  bool comes_to(const std::string& name, double value) const {
    std::promise<void> never;
    const auto pause = never.get_future();
    const auto until = std::chrono::steady_clock::now() + 20s;
    while (figure(name) != value) {
      if (std::chrono::steady_clock::now() > until) return false;
      pause.wait_for(20ms);
    }
    return true;
  }

  std::string log_text() const {
    std::ifstream in{folder / "log"};
    return {std::istreambuf_iterator<char>{in}, {}};
  }

  static std::int64_t now_s() {
    return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now())
        .time_since_epoch()
        .count();
  }

  token_issuer issuer;
  fs::path folder;
  cluster_test::process node;
  std::uint16_t http = 0;
  std::uint16_t admin = 0;
};

TEST_F(tokens_process, opens_to_a_token_what_its_scopes_say_and_verifies_it_once) {
  start();
  const auto token = issuer.token_for("ada", "orders:read", now_s());
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(status_of("/v1/orders", token), 200);
  const auto refused = get(http, "/v1/keys", token);
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(refused.field("WWW-Authenticate"),
            R"(Bearer realm="souk", error="insufficient_scope", scope="keys:admin")");
  EXPECT_EQ(figure("souk_tokens_verified_total"), 1);
  EXPECT_EQ(figure("souk_tokens_remembered"), 1);
  EXPECT_EQ(figure("souk_token_keys"), 3);
}

TEST_F(tokens_process, says_of_every_broken_token_the_same) {
  start();
  std::set<std::string> answers;
  double counted = 0;
  for (const auto& [token, fault] : issuer.broken_tokens(now_s())) {
    if (token.find('\n') != std::string::npos) continue;  // no field can hold it
    for (const char* path : {"/v1/orders", "/v1/products"}) {
      const auto answer = get(http, path, token);
      EXPECT_EQ(answer.status, 401) << fault << " " << token.substr(0, 200);
      const auto challenge = answer.field("WWW-Authenticate");
      EXPECT_EQ(challenge, R"(Bearer realm="souk", error="invalid_token")") << fault;
      answers.insert(answer.body);
      counted += fault == "signature" ? 1 : 0;
    }
  }
  EXPECT_EQ(answers.size(), 1u);
  EXPECT_EQ(figure(R"(souk_tokens_refused_total{why="signature"})"), counted);
}

TEST_F(tokens_process, takes_new_keys_up_and_keeps_the_earlier_ones_instead_of_bad_ones) {
  start();
  const token_issuer next;
  const auto old_token = issuer.token_for("ada", "orders:read", now_s());
  const auto new_token = next.token_for("ada", "orders:read", now_s());
  EXPECT_EQ(status_of("/v1/orders", old_token), 200);
  EXPECT_EQ(status_of("/v1/orders", new_token), 401);

  write_keys(R"({"keys":[{"kid":"e","alg":"none"}]})");
  EXPECT_TRUE(comes_to("souk_token_keys_reloads_failed_total", 1));
  EXPECT_THAT(log_text(), ::testing::HasSubstr("jwks.json: /keys/0: kid e: its alg is none of"));
  EXPECT_EQ(status_of("/v1/orders", old_token), 200);

  fs::remove(folder / "jwks.json");
  EXPECT_TRUE(comes_to("souk_token_keys_reloads_failed_total", 2));
  EXPECT_EQ(status_of("/v1/orders", issuer.token_for("eve", "orders:read", now_s())), 200);

  write_keys(next.key_set());
  EXPECT_TRUE(comes_to("souk_token_keys_reloads_total", 1));
  EXPECT_EQ(status_of("/v1/orders", old_token), 401);
  EXPECT_EQ(status_of("/v1/orders", new_token), 200);
  EXPECT_EQ(node.end(SIGTERM), 0);
}

TEST_F(tokens_process, does_not_start_with_bad_keys) {
  write_keys(R"({"keys":[{]})");
  EXPECT_THROW(start(), std::runtime_error);
  EXPECT_THAT(log_text(), ::testing::HasSubstr("cluster.conf:2: auth.jwks: "));
  EXPECT_THAT(log_text(), ::testing::HasSubstr("jwks.json: /keys/0"));
}

}  // namespace
}  // namespace souk::gateway
