#include "runtime/replication/primary.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <variant>
#include <vector>

namespace souk::replication {
namespace {

using namespace std::chrono_literals;

// Leads alone what begins at record 100: whoever has nothing needs the whole state.
class leader {
 public:
  leader()
      : config_(alone()),
        primary_({.self = "a/1", .config = config_, .journal = trimmed(), .committed = 200}, now_) {}

  static shard_config alone() {
    return {.revision = 1, .epoch = 2, .primary = "a/1", .in_sync = {"a/1"}, .replicas = {"a/1"}};
  }
  static history trimmed() {
    return history::read(100, 200, 1, [](std::uint64_t) { return std::uint64_t{1}; });
  }

  /// Who has nothing, and says so.
  void hear_of_nothing(const member_id& from) {
    primary_.receive(from, appended{.epoch = 2, .result = append_result::mismatch, .number = 1000}, now_);
  }
  void make_replica(const member_id& member) {
    ++config_.revision;
    config_.replicas.push_back(member);
    primary_.config_seen(config_, now_);
  }
  void make_no_replica(const member_id& member) {
    ++config_.revision;
    std::erase(config_.replicas, member);
    primary_.config_seen(config_, now_);
  }
  template <class Action>
  std::size_t takes() {
    const auto actions = primary_.take(now_ += 1s);
    return static_cast<std::size_t>(std::ranges::count_if(
        actions, [](const auto& each) { return std::holds_alternative<Action>(each); }));
  }
  primary& operator*() { return primary_; }
  std::chrono::nanoseconds now() const { return now_; }

 private:
  std::chrono::nanoseconds now_{1s};
  shard_config config_;
  primary primary_;
};

// It would be read for ever, and meanwhile no state be written.
TEST(replication_primary, who_is_no_replica_is_not_sent_the_state) {
  leader leader;
  (*leader).link_up("b/1", leader.now());
  leader.hear_of_nothing("b/1");
  EXPECT_EQ(leader.takes<read_snapshot>(), 0U);
  leader.make_replica("b/1");
  leader.takes<read_snapshot>();
  leader.hear_of_nothing("b/1");
  EXPECT_EQ(leader.takes<read_snapshot>(), 1U);
}

TEST(replication_primary, who_is_a_replica_again_is_sent_the_state_anew) {
  leader leader;
  leader.make_replica("b/1");
  (*leader).link_up("b/1", leader.now());
  leader.takes<read_snapshot>();
  leader.hear_of_nothing("b/1");
  EXPECT_EQ(leader.takes<read_snapshot>(), 1U);
  leader.make_no_replica("b/1");
  EXPECT_EQ(leader.takes<end_snapshot>(), 1U);
  leader.make_replica("b/1");
  leader.takes<read_snapshot>();
  leader.hear_of_nothing("b/1");
  EXPECT_EQ(leader.takes<read_snapshot>(), 1U);
}

}  // namespace
}  // namespace souk::replication
