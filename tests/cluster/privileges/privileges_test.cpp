// A soukd that root starts serves as another user, who can do nothing that root could.
#include "tests/cluster/kill/node_says.hpp"
#include "tests/cluster/kill/process.hpp"
#include "tests/http/raw_client.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace souk::cluster_test {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds patience{60};
constexpr const char* other = "nobody";
constexpr std::string_view only_low_ports = "0000000000000400";  // CAP_NET_BIND_SERVICE

class privileges : public ::testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
    std::string name{"/tmp/souk-privileges-XXXXXX"};
    folder_ = mkdtemp(name.data());
    fs::permissions(folder_, fs::perms::owner_all | fs::perms::others_read | fs::perms::others_exec |
                                 fs::perms::group_read | fs::perms::group_exec);
    // The other user makes what it keeps in a folder of its own.
    fs::create_directory(folder_ / "shop");
    const auto* entry = getpwnam(other);
    ASSERT_NE(entry, nullptr);
    other_ = entry->pw_uid;
  }
  ~privileges() override { fs::remove_all(folder_); }

  void write_settings(const std::string& user) const {
    std::ofstream{folder_ / "shop.conf"}
        << "cluster { shard_count = 2 }\nstorage { map_initial = 2MiB }\nprocess { user = \"" << user
        << "\" }\n";
  }
  std::vector<std::string> command(const std::string& http) const {
    return {SOUKD, "--config", folder_ / "shop.conf", "--data", folder_ / "shop" / "data", "--http",
            http,  "--admin",  "127.0.0.1:0"};
  }
  void start(const std::string& http = "127.0.0.1:0") {
    const auto line =
        node_.start({.command = command(http), .environment = {}, .log = folder_ / "stderr.log"}, patience);
    ready_ = ready_of(line);
  }
  /// Why it did not start, as who started it was told.
  std::string refusal(std::vector<std::string> before = {}) {
    const auto all = command("127.0.0.1:0");
    before.insert(before.end(), all.begin(), all.end());
    EXPECT_THROW(node_.start({.command = before, .environment = {}, .log = folder_ / "stderr.log"}, patience),
                 std::runtime_error);
    return text_of(folder_ / "stderr.log");
  }
  tests::raw_answer get(const char* listener, const std::string& path) {
    tests::raw_client client{port_in(ready_, listener)};
    client.send("GET " + path + " HTTP/1.1\r\nHost: shop\r\n\r\n");
    auto answer = client.read();
    return answer ? *answer : tests::raw_answer{};
  }
  /// What the kernel says of each thread of the process, once for each different answer.
  std::set<std::string> said_of_threads(std::string_view field) const {
    std::set<std::string> said;
    for (const auto& thread : fs::directory_iterator{fmt::format("/proc/{}/task", node_.pid())}) {
      std::istringstream status{text_of(thread.path() / "status")};
      for (std::string line; std::getline(status, line);)
        if (line.starts_with(field)) said.insert(line.substr(field.size() + 2));
    }
    return said;
  }
  std::set<std::string> ids_of_other() const { return {fmt::format("{0}\t{0}\t{0}\t{0}", other_)}; }

  fs::path folder_;
  process node_;
  boost::json::object ready_;
  uid_t other_ = 0;
};

using strings = std::set<std::string>;

TEST_F(privileges, become_those_of_the_user_in_every_thread) {
  write_settings(other);
  start();
  EXPECT_EQ(said_of_threads("Uid"), ids_of_other());
  EXPECT_EQ(said_of_threads("CapEff"), strings{"0000000000000000"});
  EXPECT_EQ(said_of_threads("CapPrm"), strings{"0000000000000000"});
  EXPECT_EQ(said_of_threads("NoNewPrivs"), strings{"1"});
  EXPECT_EQ(said_of_threads("Groups").begin()->find("0 "), std::string::npos);
  EXPECT_EQ(get("http", "/v1/products").status, 200);
  EXPECT_EQ(get("admin", "/metrics").body.find("process_open_fds 0\n"), std::string::npos);
  struct stat data{};
  ASSERT_EQ(stat((folder_ / "shop" / "data" / "admin.key").c_str(), &data), 0);
  EXPECT_EQ(data.st_uid, other_);
  EXPECT_EQ(node_.end(SIGTERM), 0);
  start();  // on what it made
  EXPECT_EQ(get("http", "/v1/products").status, 200);
  EXPECT_EQ(node_.end(SIGTERM), 0);
}

TEST_F(privileges, are_kept_for_ports_under_1024_and_for_nothing_else) {
  write_settings(other);
  start("127.0.0.1:987");
  EXPECT_EQ(said_of_threads("Uid"), ids_of_other());
  EXPECT_EQ(said_of_threads("CapEff"), strings{std::string{only_low_ports}});
  EXPECT_EQ(said_of_threads("CapPrm"), strings{std::string{only_low_ports}});
  EXPECT_EQ(get("http", "/v1/products").status, 200);
  EXPECT_EQ(node_.end(SIGTERM), 0);
}

TEST_F(privileges, of_nobody_known_are_refused) {
  write_settings("mallory-is-not-here");
  EXPECT_NE(refusal().find("there is no user \"mallory-is-not-here\""), std::string::npos);
}

TEST_F(privileges, are_not_taken_by_who_may_not) {
  write_settings("daemon");
  EXPECT_NE(refusal({"/usr/bin/setpriv", "--reuid", other, "--clear-groups"})
                .find("must be started by root or by that user"),
            std::string::npos);
}

TEST_F(privileges, of_a_folder_of_somebody_else_are_not_enough) {
  write_settings(other);
  fs::create_directory(folder_ / "shop" / "data");
  EXPECT_NE(refusal().find((folder_ / "shop" / "data").string()), std::string::npos);
}

}  // namespace
}  // namespace souk::cluster_test
