#include "runtime/types.hpp"

#include <gtest/gtest.h>

#include <unordered_set>

namespace souk::runtime {
namespace {

TEST(types, an_address_reads_as_kind_and_key) {
  EXPECT_EQ(to_string(address{"main", 4, "01ABC"}, "cart"), "cart/01ABC");
}

TEST(types, a_command_id_reads_as_hexadecimal) {
  command_id id{};
  id[0] = 0xab;
  id[15] = 0x01;
  EXPECT_EQ(to_string(id), "ab000000000000000000000000000001");
}

TEST(types, addresses_differ_by_tenant_kind_and_key) {
  std::unordered_set<address> set{{"main", 1, "a"}, {"main", 2, "a"}, {"other", 1, "a"}, {"main", 1, "b"}};
  EXPECT_EQ(set.size(), 4u);
  EXPECT_TRUE(set.contains(address{"main", 2, "a"}));
}

}  // namespace
}  // namespace souk::runtime
