#pragma once

#include "actors/json/reader.hpp"
#include "tests/cluster/kill/process.hpp"
#include "tests/http/raw_client.hpp"
#include "tests/token_issuer.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace souk::cluster_test {

/// soukd with the keys of an issuer in a file.
class token_node : public ::testing::Test {
 protected:
  token_node() {
    std::string pattern = std::filesystem::temp_directory_path() / "souk-tokens-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder = pattern;
    write_keys(issuer.key_set());
    std::ofstream{folder / "cluster.conf"} << "auth {\n jwks = \"" << (folder / "jwks.json").string()
                                           << "\"\n issuer = \"" << tests::issued.issuer << "\" audience = \""
                                           << tests::issued.audience << "\" reload_interval = 100ms }\n";
  }
  ~token_node() override {
    if (node.running()) node.end(SIGKILL);
    std::filesystem::remove_all(folder);
  }

  void write_keys(const std::string& text) const {
    std::ofstream{folder / "draft"} << text;
    std::filesystem::rename(folder / "draft", folder / "jwks.json");
  }

  void start(const std::vector<std::string>& more = {}) {
    std::vector<std::string> command{SOUKD,         "--config",      folder / "cluster.conf",
                                     "--data",      folder / "data", "--http",
                                     "127.0.0.1:0", "--admin",       "127.0.0.1:0"};
    command.insert(command.end(), more.begin(), more.end());
    const auto line = node.start({.command = std::move(command), .environment = {}, .log = folder / "log"},
                                 std::chrono::seconds{60});
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
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{20};
    while (figure(name) != value) {
      if (std::chrono::steady_clock::now() > until) return false;
      pause.wait_for(std::chrono::milliseconds{20});
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

  tests::token_issuer issuer;
  std::filesystem::path folder;
  process node;
  std::uint16_t http = 0;
  std::uint16_t admin = 0;
};

}  // namespace souk::cluster_test
