#include "tests/cluster/kill/process.hpp"
#include "tests/cluster/links/certificates.hpp"
#include "tests/cluster/links/tls_node.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <optional>

namespace souk::links {
namespace {

using namespace std::chrono_literals;
using cluster_test::certificates;
using cluster_test::process;
using cluster_test::tls_node;
using ::testing::HasSubstr;

/// Node a here, node b in a process of its own.
class links_process_test : public ::testing::Test {
 protected:
  void start_b(const certificates& files, std::uint64_t incarnation, const std::string& cluster = "souk") {
    port = b.start({.command = {LINKED_PROCESS, "b", "127.0.0.1:" + port, files.folder().string(), cluster,
                                "a", "127.0.0.1:1", std::to_string(incarnation)},
                    .environment = {},
                    .log = files.folder() / "b.log"},
                   20s);
  }
  void start_a() {
    a.emplace("a", "127.0.0.1:0", ours.of("a"), "souk", links::remote_node{"b", "127.0.0.1:" + port}, 1);
  }

  /// Asks b, and answers how that ended.
  std::optional<runtime::response> answer_of_b() {
    const auto correlation = ++asked;
    a->ask("b", correlation);
    std::optional<runtime::response> found;
    a->heard.wait([&] {
      for (const auto& response : a->heard.responses)
        if (response.correlation == correlation) found = response;
      return found.has_value();
    });
    return found;
  }

  std::string why_not() {
    std::string why;
    // The board tells when a link could not even be made; that is no change.
    const auto until = std::chrono::steady_clock::now() + 10s;
    while (why.empty() && std::chrono::steady_clock::now() < until)
      a->heard.wait([&] { return !(why = a->board.lines()["b"].last_loss).empty(); }, 10ms);
    return why;
  }

  std::size_t memory_of_b() const {
    std::ifstream status{"/proc/" + std::to_string(b.pid()) + "/status"};
    std::string word;
    std::size_t kilobytes = 0;
    while (status >> word)
      if (word == "VmHWM:") status >> kilobytes;
    return kilobytes * 1024;
  }

  certificates ours{{"a", "b"}};
  process b;
  std::string port = "0";
  std::optional<tls_node> a;
  std::uint64_t asked = 0;
};

TEST_F(links_process_test, two_processes_answer_each_other) {
  start_b(ours, 7);
  start_a();
  ASSERT_TRUE(a->link_is(true));
  EXPECT_EQ(a->heard.changes.back().incarnation, 7u);
  const auto answer = answer_of_b();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->outcome, runtime::outcome::answered);
  EXPECT_EQ(answer->answer.body, "1");
}

TEST_F(links_process_test, a_killed_process_is_noticed_at_once_and_known_anew_when_it_is_back) {
  start_b(ours, 7);
  start_a();
  ASSERT_TRUE(a->link_is(true));
  b.end(SIGKILL);
  EXPECT_TRUE(a->link_is(false, 500ms));
  EXPECT_EQ(answer_of_b()->outcome, runtime::outcome::unavailable);
  start_b(ours, 8);
  ASSERT_TRUE(a->link_is(true));
  EXPECT_EQ(a->heard.changes.back().incarnation, 8u);
  EXPECT_EQ(answer_of_b()->outcome, runtime::outcome::answered);
}

TEST_F(links_process_test, a_stopped_process_is_noticed_by_its_silence) {
  start_b(ours, 7);
  start_a();
  ASSERT_TRUE(a->link_is(true));
  ::kill(b.pid(), SIGSTOP);
  a->ask("b", 99);
  const auto stopped = std::chrono::steady_clock::now();
  ASSERT_TRUE(a->link_is(false, 5s));
  const auto noticed = std::chrono::steady_clock::now() - stopped;
  EXPECT_GT(noticed, 700ms);
  EXPECT_LT(noticed, 2s);
  EXPECT_THAT(a->heard.changes.back().reason, HasSubstr("silent"));
  EXPECT_TRUE(a->heard.wait([&] { return !a->heard.responses.empty(); }));
  EXPECT_EQ(a->heard.responses.back().outcome, runtime::outcome::unknown);
  ::kill(b.pid(), SIGCONT);
  ASSERT_TRUE(a->link_is(true));
  EXPECT_EQ(answer_of_b()->outcome, runtime::outcome::answered);
}

TEST_F(links_process_test, a_node_of_another_cluster_is_refused) {
  start_b(ours, 7, "other");
  start_a();
  EXPECT_THAT(why_not(), HasSubstr("cluster souk is not cluster other"));
  EXPECT_TRUE(a->heard.changes.empty());
}

TEST_F(links_process_test, a_node_with_certificates_of_another_ca_is_refused) {
  const certificates theirs{{"a", "b"}};
  start_b(theirs, 7);
  start_a();
  EXPECT_THAT(why_not(), HasSubstr("no agreement on TLS"));
  EXPECT_TRUE(a->heard.changes.empty());
}

TEST_F(links_process_test, a_hundred_megabytes_of_effects_pass_in_order_and_in_little_memory) {
  constexpr std::uint64_t batches = 1'000;
  constexpr std::uint64_t items_in_batch = 100;
  constexpr std::uint64_t under_way_most = 50;  // batches
  start_b(ours, 7);
  start_a();
  ASSERT_TRUE(a->link_is(true));
  const auto before = memory_of_b();
  const auto command = cluster_test::text(std::string(1'000, 'x'));
  std::uint64_t number = 0;
  for (std::uint64_t n = 0; n < batches; ++n) {
    ASSERT_TRUE(a->heard.wait([&] { return number < a->heard.watermark + under_way_most * items_in_batch; }));
    runtime::stream_batch batch{1, 0, {}};
    for (std::uint64_t i = 0; i < items_in_batch; ++i) {
      runtime::stream_batch::item item;
      item.number = ++number;
      item.to = item.sender = {"main", runtime::testkit::tally_decider::id, "key"};
      item.command = command;
      batch.items.push_back(std::move(item));
    }
    caf::anon_send(a->board.shard("b", 0), std::move(batch));
  }
  EXPECT_TRUE(a->heard.wait([&] { return a->heard.watermark == batches * items_in_batch; }));
  EXPECT_EQ(a->heard.changes.size(), 1u);
  EXPECT_LT(memory_of_b() - before, 64u << 20);
}

}  // namespace
}  // namespace souk::links
