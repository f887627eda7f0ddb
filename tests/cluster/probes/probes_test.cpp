// What the shop itself must answer of the table of probes (tests/http/shop_probes.tsv), by a real process,
// however the bytes are cut.
#include "tests/http/probes.hpp"

#include "tests/cluster/kill/node_says.hpp"
#include "tests/cluster/kill/process.hpp"
#include "tests/http/raw_client.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace souk::cluster_test {
namespace {

namespace fs = std::filesystem;
using tests::raw_answer;
using tests::raw_client;

constexpr std::chrono::seconds patience{60};
constexpr std::string_view next_request = "GET /v1/products HTTP/1.1\r\nHost: shop\r\n\r\n";

struct shop_probe {
  std::string row;
  std::string name;
  int status = 0;
  std::string code;
  std::string method;
  std::string target;
  std::vector<std::string> fields;
  std::string body;
};

std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> parts;
  std::istringstream in{text};
  for (std::string part; std::getline(in, part, at);)
    parts.push_back(part);
  return parts;
}

shop_probe parse_line(const std::string& line) {
  const auto columns = split(line, '\t');
  if (columns.size() != 5 && columns.size() != 6) throw std::runtime_error("malformed probe: " + line);
  shop_probe probe;
  probe.row = columns[0];
  probe.name = columns[1];
  std::istringstream{columns[2]} >> probe.status >> probe.code;
  std::istringstream{columns[3]} >> probe.method >> probe.target;
  if (columns[4] != "-")
    for (const auto& field : split(tests::probe_bytes(columns[4]), '|'))
      probe.fields.push_back(field == "json" ? "Content-Type: application/json" : field);
  if (columns.size() == 6) probe.body = tests::probe_bytes(columns[5]);
  return probe;
}

std::vector<shop_probe> load_shop_probes() {
  std::ifstream file{"tests/http/shop_probes.tsv"};
  std::vector<shop_probe> probes;
  for (std::string line; std::getline(file, line);)
    if (!line.empty() && line.front() != '#') probes.push_back(parse_line(line));
  return probes;
}

/// Small, and started once for all.
class shop : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    std::string name{"/tmp/souk-probes-XXXXXX"};
    folder = mkdtemp(name.data());
    std::ofstream{folder / "shop.conf"} << "cluster { shard_count = 1 }\nstorage { map_initial = 2MiB }\n";
    node = new process;
    const auto line =
        node->start({.command = {SOUKD, "--config", folder / "shop.conf", "--data", folder / "data", "--http",
                                 "127.0.0.1:0", "--admin", "127.0.0.1:0"},
                     .environment = {},
                     .log = folder / "stderr.log"},
                    patience);
    port = port_in(ready_of(line), "http");
    raw_client client{port};
    client.send(
        "POST /v1/carts HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nContent-Length: "
        "18\r\n\r\n"
        R"({"currency":"EUR"})");
    const auto made = client.read();
    ASSERT_TRUE(made && made->status == 201);
    cart = boost::json::parse(made->body).at("id").as_string();
  }
  static void TearDownTestSuite() {
    EXPECT_EQ(node->end(SIGTERM), 0);
    delete node;
    fs::remove_all(folder);
  }

  static std::string bytes_of(const shop_probe& probe) {
    auto target = probe.target;
    if (const auto at = target.find("{cart}"); at != std::string::npos) target.replace(at, 6, cart);
    auto bytes = fmt::format("{} {} HTTP/1.1\r\nHost: shop\r\n", probe.method, target);
    for (const auto& field : probe.fields)
      bytes += field + "\r\n";
    if (!probe.body.empty()) bytes += fmt::format("Content-Length: {}\r\n", probe.body.size());
    return bytes + "\r\n" + probe.body;
  }

  /// The answer has what the table wants, and the connection is in step for another request.
  static void check(const shop_probe& probe, const std::function<std::size_t()>& cut) {
    SCOPED_TRACE(probe.row + " " + probe.name);
    const bool head_only = probe.method == "HEAD";
    raw_client client{port};
    client.send(bytes_of(probe), cut);
    const auto answer = client.read(head_only);
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->status, probe.status) << answer->body;
    EXPECT_EQ(answer->field("Split"), std::nullopt);
    EXPECT_EQ(answer->field("Allow").has_value(), probe.status == 405);
    if (head_only || probe.status == 304) {
      EXPECT_EQ(answer->body, "");
    } else {
      EXPECT_EQ(answer->field("Content-Type"), "application/problem+json");
      const auto problem = boost::json::parse(answer->body);
      EXPECT_EQ(problem.at("code").as_string(), probe.code) << answer->body;
    }
    client.send(next_request);
    const auto after = client.read();
    ASSERT_TRUE(after.has_value());
    EXPECT_EQ(after->status, 200);
    EXPECT_EQ(boost::json::parse(after->body).at("data").as_array().size(), 0u);
  }

  static fs::path folder;
  static process* node;
  static std::uint16_t port;
  static std::string cart;
};

fs::path shop::folder;
process* shop::node = nullptr;
std::uint16_t shop::port = 0;
std::string shop::cart;

TEST_F(shop, answers_every_probe_as_the_table_says_however_it_is_cut) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random{seed};
  const auto probes = load_shop_probes();
  ASSERT_GT(probes.size(), 30u);
  for (const auto& probe : probes) {
    check(probe, [] { return 1'000'000; });
    check(probe, [] { return 1; });
    for (int round = 0; round < 3; ++round)
      check(probe, [&] { return 1 + random() % 60; });
  }
}

TEST_F(shop, takes_a_request_cut_in_two_at_any_byte) {
  const auto bytes = "GET /v1/carts/" + cart + " HTTP/1.1\r\nHost: shop\r\nAccept: application/json\r\n\r\n";
  for (std::size_t at = 1; at < bytes.size(); ++at) {
    raw_client client{port};
    bool first = true;
    client.send(bytes, [&] { return std::exchange(first, false) ? at : bytes.size(); });
    const auto answer = client.read();
    ASSERT_TRUE(answer.has_value()) << at;
    EXPECT_EQ(answer->status, 200) << at;
  }
}

TEST_F(shop, a_cart_that_was_probed_is_as_it_was) {
  raw_client client{port};
  client.send("GET /v1/carts/" + cart + " HTTP/1.1\r\nHost: shop\r\n\r\n");
  const auto seen = boost::json::parse(client.read()->body);
  EXPECT_EQ(seen.at("version").as_int64(), 1);
  EXPECT_EQ(seen.at("status").as_string(), "open");
}

}  // namespace
}  // namespace souk::cluster_test
