#include "tests/unit/gateway_bench.hpp"

namespace souk::gateway {
namespace {

using testing::id;
using testing::request;

class gateway_call : public testing::bench {
 protected:
  call taken(const request& request) {
    auto result = take_up(http(request), services_);
    if (auto* refused = std::get_if<refusal>(&result)) {
      ADD_FAILURE() << refused->problem.code << ": " << refused->problem.detail;
      return {};
    }
    return std::get<call>(std::move(result));
  }
  refusal refused(const request& request) {
    auto result = take_up(http(request), services_);
    if (std::holds_alternative<call>(result)) {
      ADD_FAILURE() << "it was taken up";
      return {};
    }
    return std::get<refusal>(std::move(result));
  }
  static bool has_field(const header_fields& fields, std::string_view name, std::string_view value) {
    for (const auto& field : fields)
      if (field.first == name && field.second == value) return true;
    return false;
  }
};

TEST_F(gateway_call, a_request_id_is_echoed_if_it_is_harmless_and_else_made) {
  EXPECT_EQ(taken({.fields = {{"request-id", "abc-1_2.3:4/x+y="}}}).request_id, "abc-1_2.3:4/x+y=");
  for (const std::string& bad :
       {std::string{}, std::string{"a b"}, std::string{"a\"b"}, std::string(129, 'a')}) {
    std::string made = taken({.fields = {{"request-id", bad}}}).request_id;
    EXPECT_TRUE(made.starts_with("req_")) << bad;
  }
  EXPECT_NE(taken({}).request_id, taken({}).request_id);
}

TEST_F(gateway_call, a_traceparent_is_taken_over_only_if_it_is_one) {
  std::string good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  EXPECT_EQ(taken({.fields = {{"traceparent", good}}}).traceparent, good);
  for (std::string bad :
       {std::string{"00-4BF92F3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
        std::string{"00-00000000000000000000000000000000-00f067aa0ba902b7-01"}, good + "0", std::string{"x"}})
    EXPECT_EQ(taken({.fields = {{"traceparent", bad}}}).traceparent, "") << bad;
}

TEST_F(gateway_call, unknown_paths_and_wrong_methods_are_told_apart) {
  for (const char* path :
       {"/", "/v1", "/v1/carts/", "/v1//carts", "/v2/carts", "/v1/carts/x/items/y/z", "/v1/test/crash"})
    EXPECT_EQ(refused({.path = path}).problem.code, "not_found") << path;
  refusal wrong = refused({.method = "PUT", .path = "/v1/carts/x"});
  EXPECT_EQ(wrong.problem.code, "method_not_allowed");
  EXPECT_TRUE(has_field(wrong.fields, "Allow", "GET, HEAD"));
  EXPECT_TRUE(
      has_field(refused({.method = "DELETE", .path = "/v1/products"}).fields, "Allow", "POST, GET, HEAD"));
}

TEST_F(gateway_call, bad_escapes_in_the_path_are_malformed) {
  for (const char* path : {"/v1/carts/%zz", "/v1/carts/%00", "/v1/carts/%0d%0a", "/v1/variants/%c0%af"})
    EXPECT_EQ(refused({.path = path}).problem.code, "malformed_request") << path;
  EXPECT_EQ(taken({.path = "/v1/variants/a%2Fb%20c"}).arguments, std::vector<std::string>{"a/b c"});
}

TEST_F(gateway_call, limits_count_by_address_before_the_key_and_by_key_after_it) {
  admission_options options;
  options.address.fill(2);
  options.credential.fill(1);
  services_.admission = std::make_shared<admission>(options);
  const auto from = [this](const std::string& address, const request& request) {
    auto sent = http(request);
    sent->client = address;
    auto taken = take_up(sent, services_);
    const auto* over = std::get_if<refusal>(&taken);
    return over == nullptr ? std::string{} : over->problem.code;
  };
  const request bad{.path = "/v1/keys", .fields = {{"authorization", "Bearer guessed"}}};
  EXPECT_EQ(from("10.0.0.1", bad), "invalid_token");
  EXPECT_EQ(from("10.0.0.1", bad), "invalid_token");
  EXPECT_EQ(from("10.0.0.1", bad), "rate_limited");
  const request good{.path = "/v1/keys", .fields = {staff()}};
  EXPECT_EQ(from("10.0.0.2", good), "");
  EXPECT_EQ(from("10.0.0.3", good), "rate_limited");
  EXPECT_EQ(from("10.0.0.3", {.path = "/nowhere"}), "not_found");
  EXPECT_EQ(from("10.0.0.3", {.path = "/nowhere"}), "not_found");
  EXPECT_EQ(from("10.0.0.3", {.path = "/nowhere"}), "rate_limited");
  auto within = take_up(http({.path = "/v1/keys"}), services_, keyring::credential{"own"});
  EXPECT_TRUE(std::holds_alternative<call>(within));
}

TEST_F(gateway_call, head_is_served_like_get) {
  EXPECT_EQ(taken({.method = "HEAD"}).route->name, taken({.method = "GET"}).route->name);
}

TEST_F(gateway_call, a_node_that_has_not_heard_of_all_keys_yet_calls_none_invalid) {
  bool coming = true;
  services_.keys_are_coming = [&coming] { return coming; };
  const auto code_with = [this](const std::string& field) {
    return refused({.path = "/v1/keys", .fields = {{"authorization", field}}}).problem.code;
  };
  EXPECT_EQ(code_with("Bearer unheard-of"), "shard_unavailable");
  EXPECT_EQ(code_with("Basic abc"), "invalid_token");
  EXPECT_TRUE(taken({.path = "/v1/keys", .fields = {staff()}}).staff());
  coming = false;
  EXPECT_EQ(code_with("Bearer unheard-of"), "invalid_token");
}

TEST_F(gateway_call, a_node_whose_catalogue_is_not_there_yet_finds_nothing_missing) {
  bool coming = true;
  services_.catalogue_is_coming = [&coming] { return coming; };
  for (const char* path : {"/v1/products", "/v1/variants/T", "/v1/search"})
    EXPECT_EQ(refused({.path = path}).problem.code, "shard_unavailable") << path;
  EXPECT_EQ(taken({.path = "/v1/products/prd_x"}).route->name, "get_product");
  coming = false;
  EXPECT_EQ(taken({.path = "/v1/variants/T"}).route->name, "get_variant");
}

TEST_F(gateway_call, staff_routes_need_a_valid_key_and_others_refuse_an_invalid_one) {
  refusal missing = refused({.path = "/v1/keys"});
  EXPECT_EQ(missing.problem.code, "invalid_token");
  EXPECT_TRUE(has_field(missing.fields, "WWW-Authenticate", R"(Bearer realm="souk")"));
  for (const char* field : {"Bearer wrong", "Bearer", "Bearer ", "Basic abc", ""}) {
    EXPECT_EQ(refused({.path = "/v1/keys", .fields = {{"authorization", field}}}).problem.code,
              "invalid_token");
    EXPECT_EQ(refused({.fields = {{"authorization", field}}}).problem.code, "invalid_token") << field;
  }
  EXPECT_TRUE(taken({.path = "/v1/keys", .fields = {staff()}}).staff());
  EXPECT_TRUE(taken({.path = "/v1/keys", .fields = {{"authorization", "bEARER " + secret_}}}).staff());
  EXPECT_FALSE(taken({}).staff());
  EXPECT_EQ(refused({.path = "/v1/keys", .fields = {staff(), staff()}}).problem.code, "malformed_request");
}

TEST_F(gateway_call, unknown_and_repeated_parameters_are_refused) {
  refusal unknown = refused({.path = "/v1/products", .query = "limit=5&colour=red"});
  EXPECT_EQ(unknown.problem.code, "unknown_field");
  EXPECT_EQ(unknown.problem.errors.at(0).pointer, "?colour");
  EXPECT_EQ(refused({.query = "x=1"}).problem.code, "unknown_field");
  EXPECT_EQ(refused({.path = "/v1/products", .query = "limit=5&limit=5"}).problem.code, "malformed_request");
  EXPECT_EQ(refused({.path = "/v1/products", .query = "limit=%"}).problem.code, "malformed_request");
}

TEST_F(gateway_call, an_idempotency_key_is_one_and_printable) {
  auto with = [&](std::vector<std::pair<std::string, std::string>> keys) {
    request request{.method = "POST", .path = "/v1/carts", .fields = std::move(keys), .body = "{}"};
    request.fields.push_back(json());
    return request;
  };
  EXPECT_TRUE(taken(with({key(std::string(255, 'x'))})).keyed());
  EXPECT_TRUE(taken(with({key("~ !")})).keyed());
  EXPECT_FALSE(taken(with({})).keyed());
  for (const std::string& bad :
       {std::string{}, std::string(256, 'x'), std::string{"a\tb"}, std::string{"\xc3\xa9"}})
    EXPECT_EQ(refused(with({key(bad)})).problem.code, "malformed_request") << bad;
  EXPECT_EQ(refused(with({key(), key()})).problem.code, "malformed_request");
}

TEST_F(gateway_call, some_routes_require_an_idempotency_key) {
  for (std::string path : {std::string{"/v1/checkouts"}, "/v1/checkouts/" + id("chk_") + "/complete",
                           "/v1/orders/" + id("ord_") + "/cancel"}) {
    request request{.method = "POST", .path = path, .fields = {staff(), json()}, .body = "{}"};
    EXPECT_EQ(refused(request).problem.code, "idempotency_key_required") << path;
  }
}

TEST_F(gateway_call, a_repeat_has_the_same_name_and_another_body_another_fingerprint) {
  request first{
      .method = "POST", .path = "/v1/carts", .fields = {key(), json()}, .body = R"({"a":1,"b":[true]})"};
  request repeat = first;
  repeat.body = " { \"b\" : [ true ],\n \"a\" : 1 } ";
  request other = first;
  other.body = R"({"a":2,"b":[true]})";
  request signed_in = first;
  signed_in.fields.push_back(staff());
  EXPECT_EQ(taken(first).id, taken(repeat).id);
  EXPECT_EQ(taken(first).fingerprint, taken(repeat).fingerprint);
  EXPECT_EQ(taken(first).id, taken(other).id);
  EXPECT_NE(taken(first).fingerprint, taken(other).fingerprint);
  EXPECT_NE(taken(first).id, taken(signed_in).id) << "a key belongs to who used it";
  request unkeyed = first;
  unkeyed.fields = {json()};
  EXPECT_NE(taken(unkeyed).id, taken(unkeyed).id);
  EXPECT_FALSE(taken(unkeyed).fingerprint);
}

TEST_F(gateway_call, a_keyed_create_makes_the_same_part_every_time) {
  request keyed{.method = "POST", .path = "/v1/carts", .fields = {key(), json()}, .body = "{}"};
  std::string part = new_part(taken(keyed), services_);
  EXPECT_EQ(part.size(), 20u);
  EXPECT_EQ(part, new_part(taken(keyed), services_));
  keyed.fields = {key("other"), json()};
  EXPECT_NE(part, new_part(taken(keyed), services_));
  keyed.fields = {json()};
  EXPECT_NE(new_part(taken(keyed), services_), new_part(taken(keyed), services_));
}

TEST_F(gateway_call, bodies_are_json_in_utf8_without_encodings) {
  auto with = [](std::vector<std::pair<std::string, std::string>> fields, std::string body) {
    return request{
        .method = "POST", .path = "/v1/carts", .fields = std::move(fields), .body = std::move(body)};
  };
  EXPECT_EQ(refused(with({}, "{}")).problem.code, "unsupported_media_type");
  EXPECT_EQ(refused(with({{"content-type", "text/plain"}}, "{}")).problem.code, "unsupported_media_type");
  EXPECT_EQ(refused(with({{"content-type", "application/json; charset=latin1"}}, "{}")).problem.code,
            "unsupported_media_type");
  EXPECT_EQ(refused(with({json(), {"content-encoding", "gzip"}}, "{}")).problem.code,
            "unsupported_media_type");
  for (const char* bad :
       {"", "{", "{\"a\":1,\"a\":1}", "{} {}", "\xef\xbb\xbf{}", "{\"a\":\"\xff\"}", "{\"a\":NaN}"})
    EXPECT_EQ(refused(with({json()}, bad)).problem.code, "malformed_json") << bad;
  EXPECT_EQ(refused(with({json()}, std::string(40, '[') + std::string(40, ']'))).problem.code,
            "malformed_json");
}

TEST_F(gateway_call, a_body_may_be_absent_where_none_is_needed) {
  request cancel{.method = "POST", .path = "/v1/checkouts/" + id("chk_") + "/cancel"};
  EXPECT_EQ(taken(cancel).route->name, "cancel_checkout");
  cancel.body = "{}";
  EXPECT_EQ(refused(cancel).problem.code, "unsupported_media_type");
}

TEST_F(gateway_call, an_answer_must_be_acceptable) {
  EXPECT_EQ(refused({.fields = {{"accept", "text/html"}}}).problem.code, "not_acceptable");
  taken({.fields = {{"accept", "text/html"}, {"accept", "*/*;q=0.1"}}});
}

TEST_F(gateway_call, a_page_has_limits_and_its_own_cursor) {
  auto page_at = [&](std::string query) {
    return page_of(taken({.path = "/v1/products", .query = std::move(query)}), "products/", services_);
  };
  EXPECT_EQ(std::get<page>(page_at("")).limit, 20u);
  EXPECT_EQ(std::get<page>(page_at("limit=100")).limit, 100u);
  for (const char* bad : {"limit=0", "limit=101", "limit=-1", "limit=x", "limit=", "limit=1.0"})
    EXPECT_EQ(std::get<json::problem>(page_at(bad)).code, "validation_failed") << bad;
  EXPECT_EQ(std::get<json::problem>(page_at("cursor=abc")).code, "invalid_cursor");
}

}  // namespace
}  // namespace souk::gateway
