#include "actors/gateway/conditions.hpp"
#include "actors/gateway/digests.hpp"
#include "actors/gateway/merge.hpp"
#include "actors/gateway/response.hpp"
#include "actors/gateway/uri.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace souk::gateway {
namespace {

TEST(uri, a_segment_decodes_or_is_refused) {
  EXPECT_EQ(percent_decode("a%20b"), "a b");
  EXPECT_EQ(percent_decode("%C3%A9"), "\xc3\xa9");
  EXPECT_EQ(percent_decode("a+b"), "a+b");
  EXPECT_EQ(percent_decode("a+b", true), "a b");
  for (const char* bad :
       {"%", "%2", "%zz", "%00", "%0d%0a", "%7f", "%c0%af", "%ff", "%ed%a0%80", "%c3", "%f5%80%80%80"})
    EXPECT_FALSE(percent_decode(bad)) << bad;
}

TEST(uri, encoding_and_decoding_are_each_others_reverse) {
  std::string text = "a b/c?d=e&f%g\xc3\xa9~._-";
  EXPECT_EQ(percent_decode(percent_encode(text)), text);
  EXPECT_EQ(percent_encode("a/b"), "a%2Fb");
}

TEST(uri, a_path_is_cut_and_never_normalised) {
  EXPECT_EQ(split_path("/v1/carts"), (std::vector<std::string_view>{"v1", "carts"}));
  EXPECT_EQ(split_path("/v1//x/"), (std::vector<std::string_view>{"v1", "", "x", ""}));
  EXPECT_EQ(split_path("/a/../b"), (std::vector<std::string_view>{"a", "..", "b"}));
  EXPECT_TRUE(split_path("v1").empty());
}

TEST(uri, a_query_is_names_and_values) {
  EXPECT_EQ(parse_query("a=1&b=x%20y&c"), (query_parameters{{"a", "1"}, {"b", "x y"}, {"c", ""}}));
  EXPECT_EQ(parse_query("a=1=2"), (query_parameters{{"a", "1=2"}}));
  EXPECT_EQ(parse_query(""), query_parameters{});
  EXPECT_FALSE(parse_query("a=%"));
}

TEST(digests, base64url_has_one_text_for_each_value) {
  for (std::string text : {"", "f", "fo", "foo", "foob", "\xff\xfe\xfd"}) {
    EXPECT_EQ(parse_base64url(base64url(text)), text);
  }
  EXPECT_EQ(base64url("\xfb\xff"), "-_8");
  EXPECT_FALSE(parse_base64url("-_9")) << "spare bits that are not zero";
  EXPECT_FALSE(parse_base64url("a"));
  EXPECT_FALSE(parse_base64url("ab="));
  EXPECT_FALSE(parse_base64url("a b"));
}

TEST(digests, a_cursor_opens_only_unaltered_and_for_its_list) {
  std::string cursor = seal_cursor("secret", "orders/", "ord_1");
  EXPECT_EQ(open_cursor("secret", "orders/", cursor), "ord_1");
  EXPECT_FALSE(open_cursor("secret", "orders/placed", cursor));
  EXPECT_FALSE(open_cursor("other", "orders/", cursor));
  EXPECT_FALSE(open_cursor("secret", "orders/", ""));
  for (std::size_t i = 0; i < cursor.size(); ++i) {
    std::string altered = cursor;
    altered[i] = altered[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(open_cursor("secret", "orders/", altered)) << i;
  }
}

TEST(digests, each_part_of_a_scope_tells) {
  std::set<runtime::command_id> ids;
  auto add = [&](std::string_view tenant, std::string_view credential, std::string_view method,
                 std::string_view path, std::string_view key) {
    ids.insert(keyed_command_id("secret", idempotency_scope(tenant, credential, method, path, key)));
  };
  add("main", "", "POST", "/v1/carts", "k");
  add("other", "", "POST", "/v1/carts", "k");
  add("main", "key_1", "POST", "/v1/carts", "k");
  add("main", "", "PUT", "/v1/carts", "k");
  add("main", "", "POST", "/v1/cart", "sk");
  add("main", "", "POST", "/v1/carts", "k2");
  EXPECT_EQ(ids.size(), 6u);
  add("main", "", "POST", "/v1/carts", "k");
  EXPECT_EQ(ids.size(), 6u);
  EXPECT_NE(keyed_command_id("secret", "x"), keyed_command_id("other", "x"));
}

TEST(conditions, accept_is_refused_only_when_it_clearly_wants_other_things) {
  for (const char* fits : {"", "*/*", "application/json", "Application/JSON; q=0.5", "text/html, */*;q=0.1",
                           "application/*", "application/problem+json"})
    EXPECT_TRUE(accepts_json(fits)) << fits;
  for (const char* not_fit : {"text/html", "image/png, text/*", "application/json;q=0", "*/*;q=0.000"})
    EXPECT_FALSE(accepts_json(not_fit)) << not_fit;
}

TEST(conditions, a_preference_is_found_among_others) {
  EXPECT_TRUE(prefers_minimal("return=minimal"));
  EXPECT_TRUE(prefers_minimal("respond-async, Return=Minimal; x=1"));
  EXPECT_FALSE(prefers_minimal("return=representation"));
  EXPECT_FALSE(prefers_minimal(""));
}

TEST(conditions, media_types_are_compared_without_parameters) {
  EXPECT_EQ(media_type("application/json"), "application/json");
  EXPECT_EQ(media_type("Application/JSON ; charset=UTF-8"), "application/json");
  EXPECT_EQ(media_type("application/json; charset=\"utf-8\""), "application/json");
  EXPECT_FALSE(media_type("application/json; charset=latin1"));
  EXPECT_EQ(media_type(""), "");
}

TEST(merge, pages_of_shards_become_one_newest_first) {
  std::vector<reply> pages(3);
  pages[0].rows = {{"9", "a"}, {"5", "b"}};
  pages[1].rows = {{"8", "c"}, {"1", "d"}};
  merged_page all = merge_newest_first(pages, 10);
  EXPECT_EQ(all.rows, (std::vector<std::pair<std::string, std::string>>{
                          {"9", "a"}, {"8", "c"}, {"5", "b"}, {"1", "d"}}));
  EXPECT_FALSE(all.more);
  merged_page cut = merge_newest_first(pages, 3);
  EXPECT_EQ(cut.rows.size(), 3u);
  EXPECT_TRUE(cut.more);
  pages[2].more = true;
  EXPECT_TRUE(merge_newest_first(pages, 10).more);
}

TEST(response, an_answer_brings_its_fields) {
  done over;
  over.answer = {.status = 201,
                 .body = "{}",
                 .etag = "\"3\"",
                 .location = "/v1/carts/x",
                 .content_type = "",
                 .value = {}};
  over.replayed = true;
  over.fields = {{"Preference-Applied", "return=minimal"}};
  http_response response = to_response(over, "req_7");
  EXPECT_EQ(response.status, 201);
  EXPECT_EQ(response.body, "{}");
  EXPECT_EQ(response.fields, (header_fields{{"Content-Type", "application/json"},
                                            {"ETag", "\"3\""},
                                            {"Location", "/v1/carts/x"},
                                            {"Idempotent-Replayed", "true"},
                                            {"Preference-Applied", "return=minimal"},
                                            {"Request-Id", "req_7"}}));
}

TEST(response, an_empty_body_has_no_type) {
  done over;
  over.answer.status = 304;
  EXPECT_EQ(to_response(over, "req_7").fields, (header_fields{{"Request-Id", "req_7"}}));
}

TEST(response, an_error_is_a_problem) {
  done over;
  over.answer.status = 409;
  over.answer.body = "{}";
  EXPECT_EQ(to_response(over, "r").fields.front().second, "application/problem+json");
}

}  // namespace
}  // namespace souk::gateway
