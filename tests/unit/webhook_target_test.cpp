#include "actors/webhook/target.hpp"

#include <gtest/gtest.h>

#include <string>

namespace souk::webhook {
namespace {

using values::parse_address;
using values::parse_network;

TEST(webhook_target, only_addresses_of_the_internet_are_public) {
  for (const char* text :
       {"0.0.0.0", "0.1.2.3", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.1",
        "127.255.255.254", "169.254.0.1", "169.254.169.254", "172.16.0.0", "172.31.255.255", "192.0.0.1",
        "192.0.2.1", "192.88.99.1", "192.168.0.1", "192.168.255.255", "198.18.0.1", "198.19.255.255",
        "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
        // of IPv6
        "::", "::1", "::ffff:127.0.0.1", "::ffff:10.1.2.3", "::7f00:1", "fe80::1", "febf::1", "fec0::1",
        "fc00::1", "fd12:3456::1", "ff02::1", "100::1", "64:ff9b::127.0.0.1", "64:ff9b::a00:1",
        "64:ff9b:1::1", "2001::1", "2001:db8::1", "2002:7f00:1::1", "2002:a9fe:a9fe::1", "3fff::1", "5f00::1",
        "4000::1"}) {
    ASSERT_TRUE(parse_address(text)) << text;
    EXPECT_FALSE(is_public(*parse_address(text))) << text;
  }
  for (const char* text :
       {"1.1.1.1",        "8.8.8.8",         "9.255.255.255",  "11.0.0.0",         "100.63.255.255",
        "100.128.0.0",    "126.255.255.255", "128.0.0.1",      "169.253.255.255",  "172.15.255.255",
        "172.32.0.0",     "192.167.255.255", "198.17.255.255", "198.20.0.0",       "223.255.255.255",
        "::ffff:8.8.8.8", "2606:4700::1111", "2a00:1450::1",   "64:ff9b::8.8.8.8", "2002:808:808::1"}) {
    ASSERT_TRUE(parse_address(text)) << text;
    EXPECT_TRUE(is_public(*parse_address(text))) << text;
  }
}

TEST(webhook_target, what_an_operator_allows_may_be_reached_also_without_tls) {
  target_rules rules;
  const auto address = [](const char* text) { return parse_address(text).value(); };
  EXPECT_FALSE(rules.may_reach(address("10.1.2.3"), true));
  EXPECT_TRUE(rules.may_reach(address("8.8.8.8"), true));
  EXPECT_FALSE(rules.may_reach(address("8.8.8.8"), false));
  rules.allowed = {parse_network("10.1.0.0/16").value(), parse_network("::1").value()};
  EXPECT_TRUE(rules.may_reach(address("10.1.2.3"), true));
  EXPECT_TRUE(rules.may_reach(address("10.1.2.3"), false));
  EXPECT_TRUE(rules.may_reach(address("::ffff:10.1.2.3"), false));
  EXPECT_FALSE(rules.may_reach(address("10.2.0.1"), true));
  EXPECT_TRUE(rules.may_reach(address("::1"), false));
  EXPECT_FALSE(rules.may_reach(address("::2"), true));
  EXPECT_FALSE(rules.may_reach(address("127.0.0.1"), true));
}

TEST(webhook_target, networks_are_read_strictly) {
  for (const char* text :
       {"", "10.0.0.0/33", "10.0.0/8", "::/129", "localhost", "10.0.0.0/", "10.0.0.0/8x", "/8", "10.1.2.3/12",
        "10.0.0.1/31", "0.0.0.1/0", "fd00::1/64", "::ffff:10.0.0.1/104", "4000::/1"})
    EXPECT_FALSE(parse_network(text)) << text;
  EXPECT_TRUE(parse_network("10.16.0.0/12")->has(parse_address("10.31.0.0").value()));
  EXPECT_FALSE(parse_network("10.16.0.0/12")->has(parse_address("10.32.0.0").value()));
  EXPECT_TRUE(parse_network("0.0.0.0/0")->has(parse_address("255.1.1.1").value()));
  EXPECT_FALSE(parse_network("0.0.0.0/0")->has(parse_address("::1").value()));
}

TEST(webhook_target, urls_are_taken_apart) {
  const auto plain = parse_target("https://hooks.example.com");
  ASSERT_TRUE(plain);
  EXPECT_TRUE(plain->secure);
  EXPECT_EQ(plain->host, "hooks.example.com");
  EXPECT_EQ(plain->port, 443);
  EXPECT_EQ(plain->path, "/");
  EXPECT_EQ(plain->authority(), "hooks.example.com");
  const auto full = parse_target("http://[::1]:8080/a/b?token=x&y");
  ASSERT_TRUE(full);
  EXPECT_FALSE(full->secure);
  EXPECT_EQ(full->host, "::1");
  EXPECT_EQ(full->port, 8080);
  EXPECT_EQ(full->path, "/a/b?token=x&y");
  EXPECT_EQ(full->authority(), "[::1]:8080");
  EXPECT_EQ(parse_target("https://h?q=1")->path, "/?q=1");
  for (const char* text : {"",
                           "hooks.example.com",
                           "ftp://h/",
                           "https://",
                           "https:///x",
                           "https://h:/",
                           "https://h:0/",
                           "https://h:70000/",
                           "https://user@h/",
                           "https://user:pass@h/",
                           "https://h/#part",
                           "https://h /",
                           "https://h/\r\nX: y",
                           "https://[::1",
                           "https://[1.2.3.4]/",
                           "https://[h]/",
                           "https://h\\@g/",
                           "https://h%2f/",
                           "HTTPS://h/",
                           "//h/"})
    EXPECT_FALSE(parse_target(text)) << text;
  EXPECT_FALSE(parse_target("https://h/" + std::string(url_characters_max, 'x')));
}

}  // namespace
}  // namespace souk::webhook
