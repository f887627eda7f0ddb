#include "actors/json/etag.hpp"

#include <gtest/gtest.h>

namespace souk::json {
namespace {

TEST(etag, a_version_is_its_tag) {
  EXPECT_EQ(etag_of(7), "\"7\"");
  EXPECT_EQ(etag_of(7, 0xc0ffee), "\"7-00c0ffee\"");
}

TEST(etag, if_match_compares_the_version) {
  for (const char* field : {"\"7\"", "\"7-abc\"", "*", "", "\"6\", \"7\"", " \"7\" ,\"8\""})
    EXPECT_TRUE(match_allows(field, 7)) << field;
  for (const char* field : {"\"6\"", "7", "W/\"7\"", "\"77\"", "\"7", "\"", "\"\"", "\"-7\"", "\"x-7\"", ","})
    EXPECT_FALSE(match_allows(field, 7)) << field;
}

TEST(etag, if_none_match_compares_the_whole_tag) {
  for (const char* field : {"\"7-a\"", "*", "W/\"7-a\"", "\"6\", \"7-a\""})
    EXPECT_TRUE(none_match_names(field, "\"7-a\"")) << field;
  for (const char* field : {"", "\"7\"", "7-a", "\"7-b\"", "\"7-a"})
    EXPECT_FALSE(none_match_names(field, "\"7-a\"")) << field;
}

}  // namespace
}  // namespace souk::json
