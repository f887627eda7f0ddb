#include "actors/gateway/client_address.hpp"

#include "actors/gateway/proxy_header.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace souk::gateway {
namespace {

address_set set_of(const std::vector<std::string>& texts) {
  address_set made;
  for (const auto& text : texts)
    EXPECT_TRUE(made.add(text)) << text;
  return made;
}

TEST(address_set, has_addresses_and_networks) {
  const auto set = set_of({"10.0.0.0/8", "192.0.2.7", "fd00::/8", "2001:db8::1", "172.16.0.0/12"});
  for (const std::string in : {"10.1.2.3", "::ffff:10.1.2.3", "192.0.2.7", "fd12::1", "2001:db8::1",
                               "172.31.255.255", "fd00::1%eth0"})
    EXPECT_TRUE(set.contains(in)) << in;
  for (const std::string out :
       {"11.0.0.1", "192.0.2.8", "fc00::1", "2001:db8::2", "172.32.0.0", "", "proxy", "10.1.2", "::10.1.2.3"})
    EXPECT_FALSE(set.contains(out)) << out;
}

TEST(address_set, takes_nothing_else) {
  address_set set;
  for (const std::string bad : {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.1/8", "10.0.0.0/-1", "::/129",
                                "fd00::1/8", "10.0.0/8", "localhost", "10.0.0.0/8 ", "10.0.0.0/8/8"})
    EXPECT_FALSE(set.add(bad)) << bad;
  EXPECT_TRUE(set.empty());
  EXPECT_TRUE(set.add("0.0.0.0/0"));
  EXPECT_TRUE(set.contains("8.8.8.8"));
  EXPECT_FALSE(set.contains("2001:db8::1"));
}

std::string client(const std::vector<std::string>& forwarded, const std::string& peer = "10.0.0.1") {
  static const auto trusted = set_of({"10.0.0.0/8", "fd00::/8"});
  std::vector<std::pair<std::string, std::string>> fields{{"x-forwarded-for", "203.0.113.9"}};
  for (const auto& each : forwarded)
    fields.emplace_back("forwarded", each);
  return forwarded_client(fields, peer, trusted);
}

TEST(forwarded, names_the_first_that_is_not_trusted_from_the_end) {
  EXPECT_EQ(client({}), "10.0.0.1");
  EXPECT_EQ(client({"for=192.0.2.60;proto=http;by=203.0.113.43"}), "192.0.2.60");
  EXPECT_EQ(client({"For=\"[2001:db8:cafe::17]:4711\""}), "2001:db8:cafe::17");
  EXPECT_EQ(client({"for=\"192.0.2.43:80\""}), "192.0.2.43");
  EXPECT_EQ(client({"for=198.51.100.7, for=192.0.2.60, for=10.0.0.2"}), "192.0.2.60");
  EXPECT_EQ(client({"for=198.51.100.7", "for=192.0.2.60 , proto=https;for=10.0.0.2"}), "192.0.2.60");
  EXPECT_EQ(client({"for=10.0.0.3, for=10.0.0.2"}), "10.0.0.3");
  EXPECT_EQ(client({",, for=192.0.2.60 ,"}), "192.0.2.60");
  EXPECT_EQ(client({"for=\"192.0.2.\\60\""}), "192.0.2.60");
}

// What a client writes itself stands before what its proxies add.
TEST(forwarded, is_not_believed_from_anybody_else) {
  EXPECT_EQ(client({"for=192.0.2.60"}, "203.0.113.1"), "203.0.113.1");
  EXPECT_EQ(client({"for=10.0.0.9, for=203.0.113.1"}), "203.0.113.1");
  EXPECT_EQ(client({"for=192.0.2.60"}, ""), "");
}

TEST(forwarded, that_names_nobody_ends_with_who_said_so) {
  for (const std::string nobody :
       {"for=unknown", "for=_hidden", "proto=https", "for=\"_hidden:80\"", "for=[::1]", "for=::1",
        "for=\"::1\"", "for=\"[192.0.2.1]\"", "for=\"[2001:db8::1\"", "for=192.0.2", "for=\"192.0.2.1:\"",
        "for=\"192.0.2.1:port\"", "for=\"192.0.2.1:123456\"", "for=\" 192.0.2.1\"",
        "for=\"[2001:db8::1]80\""})
    EXPECT_EQ(client({"for=192.0.2.60, " + nobody}), "10.0.0.1") << nobody;
}

TEST(forwarded, that_is_malformed_anywhere_says_nothing) {
  for (const std::string bad :
       {"for", "for=", "=192.0.2.1", "for=192.0.2.1;", "for=192.0.2.1 for=192.0.2.2", "for=\"192.0.2.1",
        "for=192.0.2.1;for=192.0.2.2", "for =192.0.2.1", "for= 192.0.2.1", "for=192.0.2.1;;proto=http",
        "for=\"192.0.2.1\"x", "for=\"\"", "for=\"a\\"})
    EXPECT_EQ(client({bad + ", for=192.0.2.60"}), "10.0.0.1") << bad;
}

TEST(forwarded, is_followed_back_a_few_hops) {
  std::string many = "for=192.0.2.60";
  for (int i = 0; i < 1'000; ++i)
    many += ", for=10.0.0.2";
  EXPECT_EQ(client({many}), "10.0.0.2");
}

const std::string signature{"\r\n\r\n\0\r\nQUIT\n", 12};
const std::string ipv4{"\xc0\x00\x02\x07\x0a\x00\x00\x01\x12\x34\x01\xbb", 12};

std::string header(unsigned char command, unsigned char family, const std::string& rest) {
  return signature + static_cast<char>(command) + static_cast<char>(family) +
         static_cast<char>(rest.size() >> 8) + static_cast<char>(rest.size() & 0xff) + rest;
}

TEST(proxy_header, names_the_client) {
  const auto bytes = header(0x21, 0x11, ipv4);
  const auto read = read_proxy_header(bytes + "GET / HTTP/1.1\r\n");
  EXPECT_EQ(read.read, proxy_header::state::complete);
  EXPECT_EQ(read.bytes, bytes.size());
  EXPECT_EQ(read.client, "192.0.2.7");
  const std::string v6 =
      std::string{"\x20\x01\x0d\xb8", 4} + std::string(11, '\0') + "\x01" + std::string(20, '\0');
  EXPECT_EQ(read_proxy_header(header(0x21, 0x21, v6)).client, "2001:db8::1");
  EXPECT_EQ(read_proxy_header(header(0x21, 0x11, ipv4 + std::string{"\x03\x00\x01x", 4})).client,
            "192.0.2.7");
}

TEST(proxy_header, names_nobody_where_the_proxy_speaks_for_itself) {
  for (const auto& bytes :
       {header(0x20, 0x00, ""), header(0x20, 0x11, ipv4), header(0x21, 0x00, ""), header(0x20, 0x31, "x")}) {
    const auto read = read_proxy_header(bytes);
    EXPECT_EQ(read.read, proxy_header::state::complete);
    EXPECT_EQ(read.bytes, bytes.size());
    EXPECT_EQ(read.client, "");
  }
}

TEST(proxy_header, is_waited_for_byte_by_byte) {
  const auto whole = header(0x21, 0x11, ipv4);
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_EQ(read_proxy_header(whole.substr(0, size)).read, proxy_header::state::incomplete) << size;
}

TEST(proxy_header, is_nothing_else) {
  for (const auto& bytes :
       {std::string{"GET / HTTP/1.1\r\n"}, std::string{"PROXY TCP4 192.0.2.7 10.0.0.1 4660 443\r\n"},
        std::string{"\r\n\r\n\0\r\nQUIT\r", 12}, std::string{"\x16\x03\x01"}, header(0x11, 0x11, ipv4),
        header(0x22, 0x11, ipv4), header(0x21, 0x12, ipv4), header(0x21, 0x31, ipv4),
        header(0x21, 0x11, ipv4.substr(1)), header(0x21, 0x21, ipv4),
        header(0x21, 0x11, ipv4 + std::string(1'100, 'x'))})
    EXPECT_EQ(read_proxy_header(bytes).read, proxy_header::state::wrong);
}

}  // namespace
}  // namespace souk::gateway
