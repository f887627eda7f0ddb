#include "actors/values/id.hpp"

#include <gtest/gtest.h>

#include <array>
#include <stdexcept>
#include <string>

namespace souk::values {
namespace {

using runtime::from_ms;

constexpr std::string_view part = "0123456789ABCDEFGHJK";

TEST(id, an_id_gives_back_its_part) {
  const std::string id = make_id("crt_", from_ms(1'795'600'800'000), part);
  EXPECT_EQ(id.size(), 4 + id_time_length + id_part_length);
  EXPECT_EQ(part_of("crt_", id), part);
}

TEST(id, a_payment_keeps_its_suffix_and_shares_the_partition) {
  const std::string key = std::string{part} + "p12";
  const std::string id = make_id("pay_", from_ms(1), key);
  EXPECT_EQ(part_of("pay_", id), key);
  EXPECT_EQ(partition_of_part(key), part);
  EXPECT_EQ(partition_of_part(part), part);
}

TEST(id, ids_sort_by_creation) {
  std::string before = make_id("ord_", from_ms(0), "ZZZZZZZZZZZZZZZZZZZZ");
  for (std::int64_t ms : {1LL, 31LL, 32LL, 33LL, 1'000'000LL, 1'795'600'800'000LL, 253'402'300'799'999LL}) {
    std::string id = make_id("ord_", from_ms(ms), "00000000000000000000");
    EXPECT_LT(before, id) << ms;
    before = make_id("ord_", from_ms(ms), "ZZZZZZZZZZZZZZZZZZZZ");
  }
}

TEST(id, what_is_no_id_of_that_prefix_is_refused) {
  const std::string good = make_id("crt_", from_ms(5), part);
  const std::string texts[] = {"",
                               "crt_",
                               good.substr(0, good.size() - 1),
                               good + "A",
                               good + "p",
                               good + "p0",
                               good + "p01",
                               good + "p12345",
                               good + "P1",
                               good + " ",
                               "chk_" + good.substr(4),
                               "crt-" + good.substr(4),
                               "crt_" + std::string(29, '0') + "I",
                               "crt_" + std::string(29, '0') + "L",
                               "crt_" + std::string(29, '0') + "O",
                               "crt_" + std::string(29, '0') + "U",
                               "crt_" + std::string(29, '0') + "a",
                               "crt_a" + std::string(29, '0'),
                               "crt_" + std::string(29, '0') + std::string(1, '\0')};
  for (const auto& text : texts)
    EXPECT_FALSE(part_of("crt_", text)) << text;
  EXPECT_TRUE(part_of("crt_", "crt_" + std::string(30, 'Z')));
}

TEST(id, a_part_is_the_first_100_bits_in_base32) {
  EXPECT_EQ(encode_part(std::array<std::uint8_t, 13>{}), std::string(20, '0'));
  std::array<std::uint8_t, 13> ones{};
  ones.fill(0xff);
  EXPECT_EQ(encode_part(ones), std::string(20, 'Z'));
  std::array<std::uint8_t, 13> last{};
  last[12] = 0x1f;  // bit 99 is the highest of the last four that count
  EXPECT_EQ(encode_part(last), "00000000000000000001");
  const std::array<std::uint8_t, 14> mixed{0x00, 0x44, 0x32, 0x14, 0xc7, 0x42, 0x54,
                                           0xb6, 0x35, 0xcf, 0x84, 0x65, 0x3a, 0xff};
  EXPECT_EQ(encode_part(mixed), "0123456789ABCDEFGHJK");
  EXPECT_THROW(encode_part(std::array<std::uint8_t, 12>{}), std::invalid_argument);
}

TEST(id, a_keyed_part_is_the_hmac_of_its_text) {
  // HMAC-SHA256, RFC 4231 test case 2, begins with 5bdcc146bf60754e6a042426089575c7.
  const std::array<std::uint8_t, 13> digest{0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75,
                                            0x4e, 0x6a, 0x04, 0x24, 0x26, 0x08};
  EXPECT_EQ(keyed_part("Jefe", "what do ya want for nothing?"), encode_part(digest));
  EXPECT_NE(keyed_part("Jefe", "a"), keyed_part("Jefe", "b"));
  EXPECT_NE(keyed_part("Jefe", "a"), keyed_part("jefe", "a"));
  EXPECT_EQ(keyed_part("", "").size(), id_part_length);
}

struct time_case {
  std::int64_t ms;
  const char* text;
};

TEST(time_text, times_are_rfc_3339_with_milliseconds) {
  for (const auto& c :
       {time_case{0, "1970-01-01T00:00:00.000Z"}, time_case{1, "1970-01-01T00:00:00.001Z"},
        time_case{-1, "1969-12-31T23:59:59.999Z"}, time_case{951'782'400'000, "2000-02-29T00:00:00.000Z"},
        time_case{1'795'600'800'120, "2026-11-25T10:00:00.120Z"},
        time_case{253'402'300'799'999, "9999-12-31T23:59:59.999Z"}}) {
    EXPECT_EQ(format_time(from_ms(c.ms)), c.text);
    EXPECT_EQ(parse_time(c.text), from_ms(c.ms)) << c.text;
  }
  EXPECT_EQ(parse_time("2026-11-25T10:00:00Z"), from_ms(1'795'600'800'000));
}

TEST(time_text, what_is_no_such_time_is_refused) {
  for (const char* text : {"",
                           "2026-11-25",
                           "2026-11-25T10:00:00",
                           "2026-11-25T10:00:00+00:00",
                           "2026-11-25t10:00:00Z",
                           "2026-11-25 10:00:00Z",
                           "2026-13-25T10:00:00Z",
                           "2026-00-25T10:00:00Z",
                           "2026-02-29T10:00:00Z",
                           "2026-11-31T10:00:00Z",
                           "2026-11-25T24:00:00Z",
                           "2026-11-25T10:60:00Z",
                           "2026-11-25T10:00:60Z",
                           "2026-11-25T10:00:00.Z",
                           "2026-11-25T10:00:00.1Z",
                           "2026-11-25T10:00:00.1234Z",
                           "2026-1-25T10:00:00Z",
                           "-026-11-25T10:00:00Z",
                           "2026-11-25T10:00:00.000Z ",
                           "2026-11-25T10:00:00.000z"})
    EXPECT_FALSE(parse_time(text)) << text;
}

}  // namespace
}  // namespace souk::values
