#include "runtime/shard/state_digest.hpp"
#include "tests/actor/replicated_nodes.hpp"
#include "tests/seeds.hpp"

#include <random>

/// Members of shards under faults drawn from a seed: nothing that was answered is lost or done twice, no read
/// is older than what was answered before it was asked, and when all is well again all disks agree.
namespace souk::runtime::testkit {
namespace {

using namespace std::chrono_literals;

constexpr int keys_count = 6;
constexpr int rounds = 120;

runtime::limits busy_limits() {
  limits limits;
  limits.journal_kept_records = 20;
  limits.events_kept_records = 0;
  limits.flush_interval = 700ms;
  limits.entities_active_max = 6;
  return limits;
}
replication::limits small_pieces() {
  replication::limits limits;
  limits.snapshot_chunk_bytes = 500;
  limits.return_after = 2s;
  return limits;
}

class chaos {
 public:
  explicit chaos(std::uint64_t seed) : random_(seed), nodes_(seed, busy_limits(), small_pieces()) {}

  void run() {
    ASSERT_TRUE(nodes_.all_serve());
    for (int round = 0; round < rounds; ++round) {
      for (auto commands = draw(4); commands > 0; --commands)
        ask_something();
      if (draw(4) == 0) break_something();
      for (auto steps = draw(60); steps > 0; --steps)
        nodes_.driver.step();
      if (draw(2) == 0) nodes_.driver.advance(std::chrono::milliseconds{draw(40)});
      if (draw(8) == 0) nodes_.driver.advance(std::chrono::milliseconds{draw(1500)});
      check_reads();
    }
    heal();
    nodes_.driver.advance(20s);
    check_reads();
    check_end();
  }

 private:
  struct addition {
    std::string key;
    std::int64_t number = 0;
    std::uint64_t correlation = 0;
  };

  std::uint64_t draw(std::uint64_t below) { return random_() % below; }
  std::string any_node() { return std::string(1, static_cast<char>('a' + draw(3))); }
  static command_id id_of(std::size_t n) {
    command_id id{};
    id[0] = static_cast<std::uint8_t>(n);
    id[1] = static_cast<std::uint8_t>(n >> 8);
    id[2] = 1;
    return id;
  }

  void ask_something() {
    note_answers();
    const auto node = any_node();
    if (!nodes_.at(node).up) return;
    const auto key = "k" + std::to_string(draw(keys_count));
    switch (draw(5)) {
      case 0:
        // A counter that only grows: who reads it late must see what was answered before.
        if (const auto correlation = nodes_.send(node, key + "c", "read"))
          reads_[correlation] = counted_[key];
        break;
      case 1:
        if (const auto correlation = nodes_.send(node, key + "c", "add 1")) counts_[correlation] = key;
        break;
      case 2:
        nodes_.send(node, key, "give k" + std::to_string(draw(keys_count)) + " " + std::to_string(draw(9)));
        break;
      default: {
        addition made{key, static_cast<std::int64_t>(1 + draw(50)), 0};
        if (draw(4) == 0) made.number *= -20;  // mostly refused, which is kept as an answer
        made.correlation =
            nodes_.send(node, key, "add " + std::to_string(made.number), id_of(additions_.size()));
        additions_.push_back(made);
      }
    }
  }

  void note_answers() {
    for (auto count = counts_.begin(); count != counts_.end();) {
      const auto answer = nodes_.responses.find(count->first);
      if (answer == nodes_.responses.end()) {
        ++count;
        continue;
      }
      if (answer->second.outcome == outcome::answered)
        counted_[count->second] = std::max(counted_[count->second], std::stol(answer->second.answer.body));
      count = counts_.erase(count);
    }
  }

  void check_reads() {
    for (auto read = reads_.begin(); read != reads_.end();) {
      const auto answer = nodes_.responses.find(read->first);
      if (answer == nodes_.responses.end()) {
        ++read;
        continue;
      }
      if (answer->second.outcome == outcome::answered) {
        EXPECT_GE(std::stol(answer->second.answer.body), read->second) << "a stale read";
      }
      read = reads_.erase(read);
    }
  }

  void break_something() {
    const auto node = any_node();
    const auto other = any_node();
    switch (draw(10)) {
      case 0:
      case 1:
        nodes_.at(node).up ? nodes_.kill(node) : nodes_.start(node);
        break;
      case 2:
        if (!nodes_.at(node).up) nodes_.start(node);
        break;
      case 3:
        nodes_.go_mute(node, !nodes_.at(node).paused);
        break;
      case 4:
        if (node != other) nodes_.part(node, other);
        break;
      case 5:
        if (node != other) nodes_.join(node, other);
        break;
      case 6:
        nodes_.model.cut(node, draw(2) == 0);
        break;
      case 7:
        if (nodes_.at(node).up) nodes_.at(node).storage->refuse_writes(static_cast<unsigned>(draw(3)));
        break;
      case 8:
        move_something(node);
        break;
      default:
        empty_disk(node);
    }
  }

  // A disk is lost only while all others have everything: more than that no rule survives.
  void empty_disk(const std::string& node) {
    for (shard_id shard = 0; shard < replicated_nodes::shard_count; ++shard)
      for (const std::string each : {"a", "b", "c"})
        if (!nodes_.record(shard).has_in_sync(nodes_.at(each).member())) return;
    nodes_.kill(node);
    nodes_.replace_disk(node);
    nodes_.start(node);
  }

  void move_something(const std::string& to) {
    const auto shard = static_cast<shard_id>(draw(replicated_nodes::shard_count));
    if (nodes_.at(to).up) nodes_.try_command(operator_command::kind::move, to, shard);
  }

  void heal() {
    for (const std::string node : {"a", "b", "c"}) {
      if (!nodes_.at(node).up) nodes_.start(node);
      nodes_.go_mute(node, false);
      nodes_.model.cut(node, false);
      nodes_.at(node).storage->refuse_writes(0);
    }
    nodes_.join("a", "b");
    nodes_.join("a", "c");
    nodes_.join("b", "c");
  }

  std::string digest(const std::string& node, shard_id shard) {
    digest_reader reader{shard, nodes_.at(node).storage->state(), 0};
    EXPECT_EQ(reader.next(1 << 20), digest_reader::progress::done);
    return reader.result().digest;
  }

  void check_end() {
    ASSERT_TRUE(nodes_.all_serve());
    std::int64_t added = 0;
    for (std::size_t n = 0; n < additions_.size(); ++n) {
      const auto& made = additions_[n];
      const auto first = nodes_.responses.find(made.correlation);
      const bool was_done = first != nodes_.responses.end() && first->second.outcome == outcome::answered;
      const auto answer = nodes_.ask(made.key, "add " + std::to_string(made.number), id_of(n));
      ASSERT_TRUE(answer.outcome == outcome::replayed || answer.outcome == outcome::answered);
      if (was_done) {
        EXPECT_EQ(answer.outcome, outcome::replayed) << "what was answered is lost";
        EXPECT_EQ(answer.answer.body, first->second.answer.body);
      }
      if (answer.answer.status == 200) added += made.number;  // refused where too much was given away
    }
    nodes_.driver.advance(20s);
    std::int64_t found = 0;
    for (int n = 0; n < keys_count; ++n)
      found += std::stol(nodes_.read("k" + std::to_string(n)));
    EXPECT_EQ(found, added);
    note_answers();
    for (const auto& [key, count] : counted_)
      EXPECT_GE(std::stol(nodes_.read(key + "c")), count);
    for (shard_id shard = 0; shard < replicated_nodes::shard_count; ++shard) {
      ASSERT_TRUE(nodes_.runs_until([&] { return nodes_.record(shard).in_sync.size() == 3; }, 60s));
      nodes_.driver.advance(10s);
      EXPECT_EQ(nodes_.difference("a", "b", shard), "");
      EXPECT_EQ(nodes_.difference("a", "c", shard), "");
      EXPECT_EQ(digest("a", shard), digest("b", shard));
      EXPECT_EQ(digest("a", shard), digest("c", shard));
    }
  }

  std::mt19937_64 random_;
  replicated_nodes nodes_;
  std::vector<addition> additions_;
  std::map<std::uint64_t, std::string> counts_;
  std::map<std::string, std::int64_t> counted_;
  std::map<std::uint64_t, std::int64_t> reads_;  // the least that they must see
};

TEST(replica_chaos, nothing_answered_is_lost_or_stale) {
  for (std::uint64_t seed = 1; seed <= tests::seeds(25); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    chaos{seed}.run();
    if (::testing::Test::HasFailure()) break;
  }
}

}  // namespace
}  // namespace souk::runtime::testkit
