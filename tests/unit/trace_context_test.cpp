#include "runtime/trace_context.hpp"

#include "runtime/seams/seams.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace souk::runtime {
namespace {

const std::string good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Draws the same byte for ever.
class constant final : public random_source {
 public:
  explicit constant(std::uint8_t byte) : byte_(byte) {}
  std::string next_part() override { return {}; }
  void fill(std::span<std::uint8_t> bytes) override {
    ++draws;
    std::fill(bytes.begin(), bytes.end(), byte_);
  }
  std::uint64_t next_u64() override { return 0; }

  int draws = 0;

 private:
  std::uint8_t byte_;
};

TEST(trace_context, is_version_00_to_the_letter) {
  EXPECT_TRUE(is_traceparent(good));
  for (const std::string bad : {"", "00", "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                                "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
                                "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
                                "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
                                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
                                "00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01",
                                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g",
                                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more"})
    EXPECT_FALSE(is_traceparent(bad)) << bad;
}

TEST(trace_context, names_its_trace_and_its_span) {
  EXPECT_EQ(trace_id_of(good), "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(span_id_of(good), "00f067aa0ba902b7");
  EXPECT_EQ(trace_id_of(""), "");
  EXPECT_EQ(span_id_of("00-"), "");
}

TEST(trace_context, is_sampled_by_the_lowest_bit_of_its_flags) {
  const auto with = [](const std::string& flags) { return good.substr(0, good.size() - 2) + flags; };
  EXPECT_TRUE(is_sampled(with("01")));
  EXPECT_TRUE(is_sampled(with("ff")));
  EXPECT_TRUE(is_sampled(with("0b")));
  EXPECT_FALSE(is_sampled(with("00")));
  EXPECT_FALSE(is_sampled(with("fe")));
  EXPECT_FALSE(is_sampled(""));
}

TEST(trace_context, a_child_is_another_span_of_the_same_trace) {
  constant random{0xab};
  EXPECT_EQ(child_traceparent(good, random), "00-4bf92f3577b34da6a3ce929d0e0e4736-abababababababab-01");
  EXPECT_EQ(child_traceparent("", random), "");
  EXPECT_EQ(child_traceparent("no trace", random), "");
  EXPECT_EQ(random.draws, 1);
}

TEST(trace_context, a_fresh_one_is_one_whatever_is_drawn) {
  constant zeros{0};
  EXPECT_TRUE(is_traceparent(make_traceparent(zeros, true)));
  EXPECT_TRUE(is_sampled(make_traceparent(zeros, true)));
  EXPECT_FALSE(is_sampled(make_traceparent(zeros, false)));
}

}  // namespace
}  // namespace souk::runtime
