#include "actors/nats/sink.hpp"
#include "runtime/cluster/placement.hpp"
#include "tests/unit/decider_life.hpp"

#include <gtest/gtest.h>

#include <string>

namespace souk::nats {
namespace {

class nats_sink : public ::testing::Test {
 protected:
  static pb::Command claim(const std::string& run) {
    pb::Command command;
    command.mutable_claim()->set_run(run);
    return command;
  }
  static pb::Command progress(const std::string& run, std::uint64_t index, std::uint64_t published,
                              std::uint64_t lost = 0) {
    pb::Command command;
    auto& progress = *command.mutable_progress();
    progress.set_run(run);
    progress.mutable_place()->set_index(index);
    progress.mutable_place()->set_epoch(3);
    progress.set_published(published);
    progress.set_lost_records(lost);
    return command;
  }
  static const pb::Sink& claimed(const runtime::decision& decision) {
    return dynamic_cast<const pb::Sink&>(*decision.reply.value().value);
  }

  testing::decider_life<sink_decider> life_{{}, "SOUK.0"};
};

TEST_F(nats_sink, begins_at_the_first_that_is_kept_and_remembers_how_far_it_is) {
  const auto first = life_.tell(claim("one"));
  EXPECT_EQ(testing::status_of(first), 200);
  EXPECT_FALSE(claimed(first).has_place());
  EXPECT_EQ(testing::status_of(life_.tell(progress("one", 20, 7))), 200);
  EXPECT_EQ(testing::status_of(life_.tell(progress("one", 90, 5, 40))), 200);
  life_.crash();
  const auto second = life_.tell(claim("two"));
  EXPECT_EQ(claimed(second).place().index(), 90u);
  EXPECT_EQ(claimed(second).place().epoch(), 3u);
  EXPECT_EQ(claimed(second).published(), 12u);
  EXPECT_EQ(claimed(second).lost_records(), 40u);
  EXPECT_EQ(claimed(second).run(), "two");
  life_.expect_replayable();
}

TEST_F(nats_sink, takes_progress_of_the_last_claim_alone) {
  for (const auto& unclaimed : {progress("", 5, 1), progress("one", 5, 1), pb::Command{}}) {
    const auto refused = life_.tell(unclaimed);
    EXPECT_EQ(testing::status_of(refused), 409);
    EXPECT_TRUE(refused.events.empty());
  }
  life_.tell(claim("one"));
  life_.tell(claim("two"));
  const auto refused = life_.tell(progress("one", 5, 1));
  EXPECT_EQ(testing::status_of(refused), 409);
  EXPECT_TRUE(refused.events.empty());
  EXPECT_EQ(testing::status_of(life_.tell(progress("two", 5, 1))), 200);
}

TEST_F(nats_sink, waits_until_all_nodes_know_what_it_is) {
  life_.format = formats::nats_sinks - 1;
  const auto refused = life_.tell(claim("one"));
  EXPECT_EQ(testing::status_of(refused), 409);
  EXPECT_TRUE(refused.events.empty());
}

TEST_F(nats_sink, lives_in_the_shard_that_it_is_about) {
  for (const std::uint16_t shards : {1, 16, 1024})
    for (runtime::shard_id shard = 0; shard < shards; shard += 7) {
      const auto sink = sink_of(shard, shards, "SOUK");
      EXPECT_EQ(runtime::shard_of_partition(sink.tenant, sink_decider::partition_of(sink.key), shards),
                shard);
      EXPECT_EQ(sink.kind, kinds::nats_sink);
      EXPECT_EQ(sink.tenant, "main");
      EXPECT_EQ(sink.key, sink_of(shard, shards, "SOUK").key);
      EXPECT_NE(sink.key, sink_of(shard, shards, "OTHER").key);
    }
}

}  // namespace
}  // namespace souk::nats
