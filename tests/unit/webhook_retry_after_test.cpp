#include "actors/webhook/retry_after.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace souk::webhook {
namespace {

using namespace std::chrono_literals;

TEST(webhook_retry_after, is_seconds_or_a_date_and_a_day_at_most) {
  const auto now = runtime::from_ms(784'111'777'250);  // Sun, 06 Nov 1994 08:49:37.250
  const std::vector<std::pair<std::string, std::chrono::milliseconds>> cases{
      {"120", 120s},
      {"0", 0s},
      {"86400", 24h},
      {"86401", 24h},
      {"99999999999999999999999", 24h},
      {"Sun, 06 Nov 1994 08:51:37 GMT", 119'750ms},
      {"Sunday, 06-Nov-94 08:51:37 GMT", 119'750ms},
      {"Sun Nov  6 08:51:37 1994", 119'750ms},
      {"Sun, 06 Nov 1994 08:49:37 GMT", 0s},
      {"Thu, 01 Jan 1970 00:00:00 GMT", 0s},
      {"Mon, 07 Nov 1994 08:49:37 GMT", 24h - 250ms},
      {"Fri, 31 Dec 9999 23:59:59 GMT", 24h},
      {"", 0s},
      {"-1", 0s},
      {"+1", 0s},
      {"1.5", 0s},
      {"120 ", 0s},
      {"99999999999999999999999x", 0s},
      {"soon", 0s},
  };
  for (const auto& [field, pause] : cases)
    EXPECT_EQ(pause_asked_for(field, now), pause) << field;
}

}  // namespace
}  // namespace souk::webhook
