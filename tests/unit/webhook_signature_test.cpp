#include "actors/gateway/digests.hpp"
#include "actors/webhook/endpoint.hpp"
#include "actors/webhook/signature.hpp"

#include <gtest/gtest.h>

#include <string>

namespace souk::webhook {
namespace {

using gateway::base64;
using namespace std::chrono_literals;

/// "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", decoded.
const std::string secret{
    "\x31\xf2\x90\xf6\xbf\x06\x29\x8a\xab\x4f\x08\xd4\x3c\x3f\x08\x2c\xf6\x48\xa3\x62\xda\x2d\xa4\xb0", 24};

TEST(webhook_signature, is_that_of_the_standards_own_example) {
  EXPECT_EQ(secret_text(secret), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
  EXPECT_EQ(signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1'614'265'330s, R"({"test": 2432232314})"),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

TEST(webhook_signature, covers_id_time_and_body) {
  const auto signed_so = signature(secret, "evt_1", 5s, "{}");
  EXPECT_NE(signature(secret, "evt_2", 5s, "{}"), signed_so);
  EXPECT_NE(signature(secret, "evt_1", 6s, "{}"), signed_so);
  EXPECT_NE(signature(secret, "evt_1", 5s, "{ }"), signed_so);
  EXPECT_NE(signature("another", "evt_1", 5s, "{}"), signed_so);
}

TEST(webhook_signature, is_there_twice_while_a_secret_is_replaced) {
  const auto one = signed_fields("evt_1", 5s, "{}", "new", "");
  ASSERT_EQ(one.size(), 3u);
  EXPECT_EQ(one[0], (std::pair<std::string, std::string>{"webhook-id", "evt_1"}));
  EXPECT_EQ(one[1], (std::pair<std::string, std::string>{"webhook-timestamp", "5"}));
  EXPECT_EQ(one[2].second, signature("new", "evt_1", 5s, "{}"));
  const auto two = signed_fields("evt_1", 5s, "{}", "new", "old");
  EXPECT_EQ(two[2].first, "webhook-signature");
  EXPECT_EQ(two[2].second, signature("new", "evt_1", 5s, "{}") + " " + signature("old", "evt_1", 5s, "{}"));
}

TEST(webhook_signature, base64_is_padded) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("\xff\xfe\xfd"), "//79");
}

}  // namespace
}  // namespace souk::webhook
