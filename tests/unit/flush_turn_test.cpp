#include "runtime/shard/flush_turn.hpp"

#include <gtest/gtest.h>

#include <map>
#include <vector>

namespace souk::runtime {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

constexpr nanoseconds interval = 5s;

// How many of 16 shards flush at each tick of 100 ms, while all have something to write.
std::map<nanoseconds, int> flushes(nanoseconds from, nanoseconds to, std::vector<nanoseconds>& last) {
  std::map<nanoseconds, int> found;
  for (auto now = from; now < to; now += 100ms)
    for (shard_id shard = 0; shard < last.size(); ++shard)
      if (flush_due(shard, last[shard], now, interval)) {
        last[shard] = now;
        ++found[now];
      }
  return found;
}

TEST(flush_turn, each_shard_once_in_an_interval_and_never_two_at_a_time) {
  std::vector<nanoseconds> last(16, 999'900ms);
  const auto found = flushes(1'000s, 1'050s, last);
  int all = 0;
  for (const auto& [at, count] : found) {
    EXPECT_EQ(count, 1) << at.count();
    all += count;
  }
  EXPECT_EQ(all, 16 * 10);
}

TEST(flush_turn, shards_that_had_nothing_to_write_for_long_are_in_step_for_one_time_alone) {
  std::vector<nanoseconds> last(16, 1'000s);
  EXPECT_EQ(flushes(2'003s, 2'003s + 100ms, last).at(2'003s), 16);
  for (const auto& [at, count] : flushes(2'003s + 100ms, 2'050s, last))
    EXPECT_EQ(count, 1) << at.count();
}

TEST(flush_turn, short_intervals_are_kept_too) {
  EXPECT_FALSE(flush_due(3, 0ns, 0ns, 10ms));
  EXPECT_TRUE(flush_due(3, 0ns, 10ms, 10ms));
  EXPECT_FALSE(flush_due(0, 0ns, 9'999us, 10ms));
}

}  // namespace
}  // namespace souk::runtime
