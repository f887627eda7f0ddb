#include "actors/values/http_date.hpp"

#include <gtest/gtest.h>

#include <string>

namespace souk::values {
namespace {

using runtime::from_ms;

constexpr auto now = from_ms(1'795'000'000'000);  // 2026-11-18
constexpr auto in_the_rfc = from_ms(784'111'777'000);

TEST(http_date, is_written_as_http_wants_it) {
  EXPECT_EQ(format_http_date(from_ms(0)), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(format_http_date(from_ms(784'111'777'999)), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(format_http_date(from_ms(951'827'696'000)), "Tue, 29 Feb 2000 12:34:56 GMT");
}

TEST(http_date, is_read_in_all_three_formats) {
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT", now), in_the_rfc);
  EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT", now), in_the_rfc);
  EXPECT_EQ(parse_http_date("Sun Nov  6 08:49:37 1994", now), in_the_rfc);
  EXPECT_EQ(parse_http_date("Wed Nov 16 08:49:37 1994", now), in_the_rfc + std::chrono::days{10});
  EXPECT_EQ(parse_http_date("Wednesday, 16-Nov-94 08:49:37 GMT", now), in_the_rfc + std::chrono::days{10});
  EXPECT_EQ(parse_http_date("Tue, 30 Jun 2015 23:59:60 GMT", now),
            parse_http_date("Wed, 01 Jul 2015 00:00:00 GMT", now));
}

TEST(http_date, that_was_written_is_read_again) {
  for (std::int64_t day = -10'000; day < 40'000; ++day) {
    const auto time = from_ms(day * 86'400'000 + day * 7'919 % 86'400 * 1'000);
    ASSERT_EQ(parse_http_date(format_http_date(time), now), time) << day;
  }
}

TEST(http_date, of_two_digits_is_at_most_fifty_years_ahead) {
  const auto year = [](const std::string& text) {
    const auto read = parse_http_date(text, now);
    return read ? format_http_date(*read).substr(7, 9) : "none";
  };
  EXPECT_EQ(year("Sunday, 01-Jan-27 00:00:00 GMT"), " Jan 2027");
  EXPECT_EQ(year("Sunday, 18-Nov-76 00:00:00 GMT"), " Nov 2076");
  EXPECT_EQ(year("Sunday, 19-Nov-76 00:00:00 GMT"), " Nov 1976");
  EXPECT_EQ(year("Sunday, 01-Jan-77 00:00:00 GMT"), " Jan 1977");
  EXPECT_EQ(year("Sunday, 01-Jan-00 00:00:00 GMT"), " Jan 2000");
}

TEST(http_date, is_nothing_else) {
  for (const std::string text : {"",
                                 "120",
                                 "Sun",
                                 "Sun,",
                                 "Sun, 06 Nov 1994 08:49:37",
                                 "Sun, 06 Nov 1994 08:49:37 UTC",
                                 "Sun, 06 Nov 1994 08:49:37 GMT ",
                                 " Sun, 06 Nov 1994 08:49:37 GMT",
                                 "sun, 06 Nov 1994 08:49:37 GMT",
                                 "Sun, 6 Nov 1994 08:49:37 GMT",
                                 "Sun, 06 nov 1994 08:49:37 GMT",
                                 "Sun, 06 Nov 94 08:49:37 GMT",
                                 "Sun, 06-Nov-94 08:49:37 GMT",
                                 "Sunday, 06 Nov 1994 08:49:37 GMT",
                                 "Sund, 06-Nov-94 08:49:37 GMT",
                                 "Sunday, 06-Nov-1994 08:49:37 GMT",
                                 "Sun, 31 Nov 1994 08:49:37 GMT",
                                 "Sun, 00 Nov 1994 08:49:37 GMT",
                                 "Wed, 29 Feb 2023 08:49:37 GMT",
                                 "Sun, 06 Nov 1994 24:00:00 GMT",
                                 "Sun, 06 Nov 1994 08:60:37 GMT",
                                 "Sun, 06 Nov 1994 08:49:61 GMT",
                                 "Sun, 06 Nov 1994 08:49 GMT",
                                 "Sun, 06 Nov +994 08:49:37 GMT",
                                 "Sun, 0x Nov 1994 08:49:37 GMT",
                                 "Sun Nov 6 08:49:37 1994",
                                 "Sun Nov 06 08:49:37 1994 GMT",
                                 "Sun Nov   6 08:49:37 1994",
                                 "Xyz, 06 Nov 1994 08:49:37 GMT"})
    EXPECT_FALSE(parse_http_date(text, now)) << text;
}

}  // namespace
}  // namespace souk::values
