#include "runtime/shard/state_digest.hpp"

#include "persistence/memory_storage.hpp"
#include "runtime/shard/keys.hpp"
#include "runtime/shard/state.pb.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace souk::runtime {
namespace {

constexpr shard_id shard = 3;
constexpr std::int64_t answers_from_ms = 1'000;

class state_digests : public testing::Test {
 protected:
  using storage = std::unique_ptr<persistence::memory_storage>;

  static std::string header(std::uint64_t applied, std::uint64_t acknowledged) {
    pb::ShardHeader header;
    header.set_applied(applied);
    auto& out = *header.add_out();
    out.set_to_shard(1);
    out.set_next(9);
    out.set_acknowledged(acknowledged);
    return header.SerializeAsString();
  }

  static std::string answer(std::int64_t expires_ms) {
    pb::KeptAnswer kept;
    kept.set_expires_ms(expires_ms);
    return kept.SerializeAsString();
  }

  static void put(const storage& to, const std::string& key, const std::string& value) {
    to->state().write(std::vector<persistence::row_change>{{key, value}});
  }

  static storage made() {
    auto storage = persistence::make_memory_storage();
    put(storage, keys::shard_header(shard), header(7, 2));
    for (int i = 0; i < 100; ++i)
      put(storage, keys::kind_prefix(shard, 1) + std::to_string(i), std::string(100, 'v'));
    put(storage, keys::kind_prefix(shard + 1, 1) + "x", "another shard's");
    return storage;
  }

  static state_digest digest_of(const storage& storage, std::size_t bytes = 1'000) {
    digest_reader reader{shard, storage->state(), answers_from_ms};
    auto progress = reader.next(bytes);
    while (progress == digest_reader::progress::more)
      progress = reader.next(bytes);
    EXPECT_EQ(progress, digest_reader::progress::done);
    return reader.result();
  }

  storage one_ = made();
  storage other_ = made();
};

TEST_F(state_digests, of_the_same_rows_are_the_same_in_whatever_pieces_they_are_read) {
  const auto digest = digest_of(one_);
  EXPECT_EQ(digest.applied, 7u);
  EXPECT_EQ(digest.rows, 101u);
  EXPECT_EQ(digest.digest.size(), 32u);
  for (const std::size_t bytes : {1, 77, 1'000'000})
    EXPECT_EQ(digest_of(other_, bytes).digest, digest.digest) << bytes;
}

TEST_F(state_digests, differ_for_any_row_that_is_changed_missing_or_too_many) {
  const auto digest = digest_of(one_).digest;
  const auto key = keys::kind_prefix(shard, 1) + "50";
  put(other_, key, std::string(99, 'v') + 'w');
  EXPECT_NE(digest_of(other_).digest, digest);
  other_->state().write(std::vector<persistence::row_change>{{key, std::nullopt}});
  EXPECT_NE(digest_of(other_).digest, digest);
  put(other_, key, std::string(100, 'v'));
  EXPECT_EQ(digest_of(other_).digest, digest);
  put(other_, keys::timer(shard, 5, {"main", 1, "x"}, "t"), "");
  EXPECT_NE(digest_of(other_).digest, digest);
}

TEST_F(state_digests, leave_out_what_each_member_keeps_in_its_own_time) {
  const auto digest = digest_of(one_).digest;
  put(other_, keys::shard_header(shard), header(7, 8));
  put(other_, keys::effect(shard, 1, 5), "still unacknowledged");
  put(other_, keys::seen_epoch(shard), "12");
  command_id old{1};
  put(other_, keys::kept_answer(shard, old), answer(answers_from_ms - 1));
  put(other_, keys::answer_end(shard, answers_from_ms - 1, old), "");
  EXPECT_EQ(digest_of(other_).digest, digest);
  command_id young{2};
  put(other_, keys::answer_end(shard, answers_from_ms, young), "");
  const auto with_end = digest_of(other_).digest;
  EXPECT_NE(with_end, digest);
  put(other_, keys::kept_answer(shard, young), answer(answers_from_ms));
  EXPECT_NE(digest_of(other_).digest, with_end);
}

TEST_F(state_digests, are_not_told_of_a_state_that_changed_meanwhile) {
  digest_reader reader{shard, one_->state(), answers_from_ms};
  ASSERT_EQ(reader.next(1'000), digest_reader::progress::more);
  put(one_, keys::shard_header(shard), header(8, 2));
  EXPECT_EQ(reader.next(1'000'000), digest_reader::progress::changed);
}

TEST_F(state_digests, are_not_told_while_a_snapshot_is_installed) {
  put(one_, keys::snapshot_mark(shard), "x");
  digest_reader reader{shard, one_->state(), answers_from_ms};
  EXPECT_EQ(reader.next(1'000'000), digest_reader::progress::changed);
}

}  // namespace
}  // namespace souk::runtime
