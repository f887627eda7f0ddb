#include "persistence/checksum.hpp"
#include "tests/unit/persistence_fixtures.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

namespace souk::persistence {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(checksum, crc32c_is_castagnolis) {
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(crc32c("456789", crc32c("123")), 0xe3069283u);
  EXPECT_EQ(hex(crc32c("123456789")), "e3069283");
}

TEST(lmdb_storage, a_reopened_store_holds_what_was_written) {
  const temporary_folder folder;
  {
    const auto store = open_lmdb(options_for(folder.path()));
    append_range(*store, 1, 1, 5, 3);
    ASSERT_EQ(store->log().trim(1, 3, 10), commit_status::done);
    append_range(*store, 2, 1, 2, 4);
    ASSERT_EQ(store->log().trim(2, 3, 10), commit_status::done);
    ASSERT_EQ(write(*store, {{"a", std::string(9000, 'v')}}), commit_status::done);
  }
  const auto store = open_lmdb(options_for(folder.path()));
  EXPECT_THAT(indexes(*store, 1), ElementsAre(3, 4, 5));
  EXPECT_EQ(store->log().bounds(1).last_epoch, 3u);
  EXPECT_EQ(store->log().bounds(2).first, 3u);
  EXPECT_EQ(store->log().bounds(2).last, 2u);
  EXPECT_EQ(store->log().bounds(2).last_epoch, 4u);
  EXPECT_TRUE(store->state().get("a") == std::string(9000, 'v'));
  append_range(*store, 1, 6, 6, 3);
  append_range(*store, 2, 3, 3, 4);
  EXPECT_THAT(indexes(*store, 1, 5), ElementsAre(5, 6));
  EXPECT_THAT(indexes(*store, 2), ElementsAre(3));
}

TEST(lmdb_storage, a_second_opener_is_refused_with_the_first_ones_pid) {
  const temporary_folder folder;
  auto store = open_lmdb(options_for(folder.path()));
  try {
    open_lmdb(options_for(folder.path()));
    FAIL() << "opened twice";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("in use by process " + std::to_string(::getpid())));
  }
  store.reset();
  EXPECT_NE(open_lmdb(options_for(folder.path())), nullptr);
}

}  // namespace
}  // namespace souk::persistence
