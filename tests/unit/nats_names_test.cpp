#include "actors/nats/names.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace souk::nats {
namespace {

TEST(nats_names, of_streams_and_prefixes_are_what_nats_takes_anywhere) {
  for (const char* good : {"SOUK", "shop-1_events", "a"})
    EXPECT_TRUE(is_stream_name(good)) << good;
  for (const char* bad : {"", "a.b", "a b", "a*", ">", "caf\xc3\xa9"})
    EXPECT_FALSE(is_stream_name(bad)) << bad;
  EXPECT_TRUE(is_stream_name(std::string(32, 'a')));
  EXPECT_FALSE(is_stream_name(std::string(33, 'a')));
  for (const char* good : {"souk", "shop.events", "a.b.c"})
    EXPECT_TRUE(is_prefix(good)) << good;
  for (const char* bad : {"", ".", "a.", ".a", "a..b", "a.*", "a.>", "$JS.API", "a b"})
    EXPECT_FALSE(is_prefix(bad)) << bad;
  EXPECT_FALSE(is_prefix("a." + std::string(32, 'b') + "." + std::string(32, 'c')));
}

TEST(nats_names, of_servers_are_all_by_tls_or_none) {
  using servers = std::vector<std::string>;
  EXPECT_EQ(servers_of("nats://127.0.0.1:4222"), servers{"nats://127.0.0.1:4222"});
  EXPECT_EQ(servers_of("tls://a.example:4222,tls://[::1]:4223"),
            (servers{"tls://a.example:4222", "tls://[::1]:4223"}));
  for (const char* bad : {"", "nats://", "127.0.0.1:4222", "nats://a", "nats://a:0", "nats://a:99999",
                          "nats://u:p@a:4222", "nats://a:4222,tls://b:4222", "nats://a:4222,",
                          "nats://a:4222, nats://b:4222", "http://a:4222", "nats://a:4222/x", "nats://:4222"})
    EXPECT_FALSE(servers_of(bad)) << bad;
  std::string many = "nats://a:1";
  for (int n = 1; n < 16; ++n)
    many += ",nats://a:1";
  EXPECT_TRUE(servers_of(many));
  EXPECT_FALSE(servers_of(many + ",nats://a:1"));
}

}  // namespace
}  // namespace souk::nats
