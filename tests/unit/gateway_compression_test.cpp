#include "actors/gateway/compression.hpp"
#include "actors/gateway/routes.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

namespace souk::gateway {
namespace {

http_request asking(const std::vector<std::string>& accepted) {
  http_request request;
  request.method = "GET";
  for (const auto& each : accepted)
    request.fields.emplace_back("accept-encoding", each);
  return request;
}

const route* named(std::string_view name) {
  for (const auto& each : routes())
    if (each.name == name) return &each;
  return nullptr;
}

http_response answer_of(std::size_t size, const std::string& type = "application/json") {
  http_response response;
  response.fields.emplace_back("Content-Type", type);
  response.fields.emplace_back("ETag", "\"7\"");
  while (response.body.size() < size)
    response.body += R"({"sku":"TEA-)" + std::to_string(response.body.size()) + R"(","price":450},)";
  response.body.resize(size);
  return response;
}

std::string field_of(const http_response& response, const std::string& name) {
  for (const auto& [known, value] : response.fields)
    if (known == name) return value;
  return "";
}

/// By another implementation than the one that packed it.
std::string unpacked(const std::string& packed) {
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
  std::string out(compressed_bytes_max + 1, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  EXPECT_EQ(stream.avail_in, 0u);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

TEST(compression, is_for_who_asks_for_it) {
  for (const std::string yes : {"gzip", "x-gzip", "GZIP", "gzip, deflate, br", "br;q=1.0, gzip;q=0.8", "*",
                                "gzip;q=0.001", "deflate , gzip ; q=1", "*;q=0.5, identity;q=0", ",gzip,"})
    EXPECT_TRUE(prefers_gzip(asking({yes}))) << yes;
  for (const std::string no : {"", "identity", "br", "gzip;q=0", "gzip;q=0.000", "*;q=0", "gzip;q=0, *",
                               "gzip;q=2", "gzip;q=x", "gzip;q=1.0000", "gzip;q=", "gzip;level=9", "gzipped",
                               "identity, gzip;q=0.5", "gzip;q=0.1;q=1", "deflate;q=1"})
    EXPECT_FALSE(prefers_gzip(asking({no}))) << no;
  EXPECT_FALSE(prefers_gzip(asking({})));
  EXPECT_TRUE(prefers_gzip(asking({"br", "gzip"})));
}

TEST(compression, gives_back_what_was_there) {
  for (const std::size_t size :
       {compressed_bytes_min, std::size_t{5'000}, std::size_t{300'000}, compressed_bytes_max}) {
    auto response = answer_of(size);
    const auto whole = response.body;
    compress(asking({"gzip"}), named("list_products"), response);
    EXPECT_EQ(field_of(response, "Content-Encoding"), "gzip");
    EXPECT_EQ(field_of(response, "Vary"), "Accept-Encoding");
    EXPECT_EQ(field_of(response, "ETag"), "\"7\"");
    EXPECT_LT(response.body.size(), size / 2);
    EXPECT_EQ(unpacked(response.body), whole);
  }
}

TEST(compression, says_that_it_depends_to_who_does_not_ask) {
  auto response = answer_of(5'000);
  compress(asking({}), named("list_products"), response);
  EXPECT_EQ(field_of(response, "Content-Encoding"), "");
  EXPECT_EQ(field_of(response, "Vary"), "Accept-Encoding");
  http_response unchanged;
  unchanged.status = 304;
  compress(asking({"gzip"}), named("list_products"), unchanged);
  EXPECT_EQ(field_of(unchanged, "Vary"), "Accept-Encoding");
  EXPECT_EQ(unchanged.body, "");
}

TEST(compression, leaves_alone_what_is_not_worth_it_and_what_has_secrets) {
  const auto stays = [](const char* route, http_response response) {
    const auto before = response.body;
    compress(asking({"gzip"}), named(route), response);
    return response.body == before && field_of(response, "Content-Encoding").empty() &&
           field_of(response, "Vary").empty();
  };
  EXPECT_TRUE(stays("list_products", answer_of(compressed_bytes_min - 1)));
  EXPECT_TRUE(stays("list_products", answer_of(compressed_bytes_max + 1)));
  EXPECT_TRUE(stays("list_products", answer_of(5'000, "text/event-stream")));
  EXPECT_TRUE(stays("list_products", answer_of(5'000, "application/octet-stream")));
  EXPECT_TRUE(stays("create_key", answer_of(5'000)));
  EXPECT_TRUE(stays("list_keys", answer_of(5'000)));
  EXPECT_TRUE(stays("no such route", answer_of(5'000)));
}

TEST(compression, sends_noise_as_it_is) {
  auto response = answer_of(5'000);
  std::mt19937 random{1};
  for (auto& c : response.body)
    c = static_cast<char>(random());
  const auto before = response.body;
  compress(asking({"gzip"}), named("list_products"), response);
  EXPECT_EQ(response.body, before);
  EXPECT_EQ(field_of(response, "Content-Encoding"), "");
}

}  // namespace
}  // namespace souk::gateway
