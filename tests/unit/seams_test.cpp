#include "runtime/seams/seams.hpp"

#include "runtime/crockford.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>
#include <thread>
#include <vector>

namespace souk::runtime {
namespace {

TEST(crockford, encodes_the_first_hundred_bits) {
  std::array<std::uint8_t, 13> bytes{};
  EXPECT_EQ(encode_id_part(bytes), "00000000000000000000");
  bytes.fill(0xff);
  EXPECT_EQ(encode_id_part(bytes), "ZZZZZZZZZZZZZZZZZZZZ");
  bytes[12] = 0xf0;  // the last four bits do not count
  EXPECT_EQ(encode_id_part(bytes), "ZZZZZZZZZZZZZZZZZZZZ");
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::uint8_t>(i * 17 + 1);
  EXPECT_EQ(encode_id_part(bytes), "04926D25ASKQH2CTNEYC");
  EXPECT_THROW(encode_id_part(std::span{bytes}.first(12)), std::invalid_argument);
}

TEST(system_random, id_parts_have_the_shape_and_do_not_repeat) {
  const auto random = make_system_random();
  std::set<std::string> seen;
  for (int i = 0; i < 1'000; ++i) {
    const auto part = random->next_part();
    EXPECT_EQ(part.size(), 20U);
    EXPECT_TRUE(std::ranges::all_of(
        part, [](char c) { return crockford_alphabet.find(c) != std::string_view::npos; }));
    EXPECT_TRUE(seen.insert(part).second);
  }
}

TEST(system_random, threads_do_not_share_numbers) {
  const auto random = make_system_random();
  std::array<std::vector<std::uint64_t>, 2> numbers;
  {
    std::vector<std::jthread> threads;
    for (auto& mine : numbers)
      threads.emplace_back([&random, &mine] {
        for (int i = 0; i < 1'000; ++i)
          mine.push_back(random->next_u64());
      });
  }
  std::set<std::uint64_t> all(numbers[0].begin(), numbers[0].end());
  all.insert(numbers[1].begin(), numbers[1].end());
  EXPECT_EQ(all.size(), 2'000U);
}

TEST(system_random, fills_any_length) {
  const auto random = make_system_random();
  for (std::size_t size : {0U, 1U, 1000U, 1024U, 1025U, 5000U}) {
    std::vector<std::uint8_t> bytes(size);
    random->fill(bytes);
    // Of 1000 random bytes about 4 are zero; untouched memory would be all zero.
    if (size >= 1000) {
      EXPECT_LT(std::ranges::count(bytes, 0), static_cast<std::ptrdiff_t>(size / 20));
    }
  }
}

TEST(system_clock, runs_forward_near_the_present) {
  const auto clock = make_system_clock();
  const auto before = clock->steady();
  EXPECT_GT(to_ms(clock->now()), 1'700'000'000'000);
  EXPECT_GE(clock->steady(), before);
}

}  // namespace
}  // namespace souk::runtime
