#include "actors/gateway/access_tokens.hpp"
#include "actors/gateway/tenant_at_sight.hpp"
#include "tests/token_issuer.hpp"
#include "tests/unit/gateway_bench.hpp"

#include <algorithm>
#include <set>

/// Who may call what: every route of the table with every kind of credential.
namespace souk::gateway {
namespace {

using keyring::scope;
using keyring::scope_set;
using testing::request;

keyring::pb::Grant grant_of(scope_set scopes) {
  keyring::pb::Grant grant;
  for (std::string_view name : scopes.names())
    grant.add_scopes(std::string{name});
  return grant;
}

scope_set all_but(scope left_out) {
  scope_set scopes;
  for (std::string_view name : scope_set::all().names())
    if (auto each = *keyring::scope_of(name); each != left_out) scopes.add(each);
  return scopes;
}

class gateway_access : public testing::bench {
 protected:
  static bool operators(scope scope) { return keyring::operators_scopes.has(scope); }

  /// Makes a key known; returns its secret.
  std::string know(keyring::pb::Grant grant, const std::string& tenant = "main") {
    const std::string number = std::to_string(version_);
    const std::string part = std::string(20 - number.size(), '0') + number;
    keyring::new_key key = keyring::make_key("of a test", std::move(grant), part,
                                             std::string(32, static_cast<char>(version_)), testing::now);
    keyring::pb::Event event;
    event.mutable_added()->set_id(key.add.id());
    event.mutable_added()->set_hash(key.add.hash());
    *event.mutable_added()->mutable_grant() = key.add.grant();
    credentials_->apply({tenant, kinds::keyring, "main"}, ++version_, event);
    last_id_ = key.add.id();
    return key.secret;
  }

  void revoke_last() {
    keyring::pb::Event event;
    event.mutable_revoked()->set_id(last_id_);
    credentials_->apply({"main", kinds::keyring, "main"}, ++version_, event);
  }

  struct outcome {
    std::string code;  ///< "403 insufficient_scope", or "" if it was taken up.
    std::string challenge;
    std::string body;
  };

  /// What becomes of a route's request before its handler sees it. `authorization`: empty for none.
  outcome call(const route& route, const std::string& authorization, const std::string& argument = "one") {
    request request{.method = std::string{route.method}, .path = {}};
    for (std::string_view rest = route.path; !rest.empty();) {
      const auto open = rest.find('{');
      request.path += rest.substr(0, open);
      if (open == std::string_view::npos) break;
      request.path += argument;
      rest.remove_prefix(rest.find('}') + 1);
    }
    request.fields = {{"request-id", "r"}, key(), json()};
    if (!authorization.empty()) request.fields.emplace_back("authorization", authorization);
    if (route.body != body_use::none) request.body = "{}";
    services_.test_mode = true;
    auto taken = take_up(http(request), services_);
    const auto* refused = std::get_if<refusal>(&taken);
    if (refused == nullptr) return {};
    const auto answer = json::to_answer(refused->problem, refused->request_id);
    outcome outcome{problem_in(answer), {}, answer.body};
    for (const auto& [name, value] : refused->fields)
      if (name == "WWW-Authenticate") outcome.challenge += value;
    // It tells nothing of what there is: the request names something else, and the answer is the same.
    if (argument == "one") {
      EXPECT_EQ(call(route, authorization, "two").body, answer.body) << route.name;
    }
    return outcome;
  }

 private:
  std::uint64_t version_ = 1;
  std::string last_id_;
};

constexpr const char* wrong_credential = R"(Bearer realm="souk", error="invalid_token")";

TEST_F(gateway_access, without_a_credential_only_what_is_open_to_everybody) {
  for (const route& route : routes()) {
    const auto [code, challenge, body] = call(route, "");
    const bool open = route.audience == audience::everybody;
    EXPECT_EQ(code, open ? "" : "401 invalid_token") << route.name;
    EXPECT_EQ(challenge, open ? "" : R"(Bearer realm="souk")") << route.name;
  }
}

TEST_F(gateway_access, a_publishable_key_opens_what_is_open_to_everybody) {
  keyring::pb::Grant grant;
  grant.set_publishable(true);
  const std::string secret = know(grant);
  EXPECT_TRUE(secret.starts_with("pk_"));
  for (const route& route : routes()) {
    const auto [code, challenge, body] = call(route, "Bearer " + secret);
    EXPECT_EQ(code, route.audience == audience::everybody ? "" : "403 insufficient_scope") << route.name;
  }
}

TEST_F(gateway_access, a_key_opens_the_routes_of_its_scopes) {
  for (const route& route : routes()) {
    if (!route.scope) continue;
    EXPECT_EQ(call(route, "Bearer " + know(grant_of({*route.scope}))).code, "") << route.name;
    const auto [code, challenge, body] = call(route, "Bearer " + know(grant_of(all_but(*route.scope))));
    if (route.audience == audience::everybody) {
      EXPECT_EQ(code, "") << route.name;
      continue;
    }
    EXPECT_EQ(code, "403 insufficient_scope") << route.name;
    EXPECT_EQ(challenge, R"(Bearer realm="souk", error="insufficient_scope", scope=")" +
                             std::string{keyring::name_of(*route.scope)} + "\"");
  }
}

TEST_F(gateway_access, staff_of_other_things_is_like_everybody) {
  const auto get = [&](const std::string& secret) {
    auto taken =
        take_up(http({.path = "/v1/products", .fields = {{"authorization", "Bearer " + secret}}}), services_);
    return std::get<gateway::call>(std::move(taken)).staff();
  };
  EXPECT_TRUE(get(know(grant_of({scope::catalogue_read}))));
  EXPECT_FALSE(get(know(grant_of(all_but(scope::catalogue_read)))));
}

TEST_F(gateway_access, credentials_that_are_not_valid_open_nothing_not_even_what_is_open_to_everybody) {
  keyring::pb::Grant expired = keyring::full_grant();
  expired.set_expires_at_ms(runtime::to_ms(testing::now));
  keyring::pb::Grant expiring = keyring::full_grant();
  expiring.set_expires_at_ms(runtime::to_ms(testing::now) + 1);
  const std::string over = know(expired);
  const std::string last_moment = know(expiring);
  const std::string revoked = know(keyring::full_grant());
  revoke_last();
  const std::vector<std::string> broken{"Bearer " + over,
                                        "Bearer " + revoked,
                                        "Bearer sk_",
                                        "Bearer pk_" + secret_.substr(3),
                                        "Bearer " + secret_ + "0",
                                        "Bearer  " + secret_,
                                        "Bearer " + secret_ + ",",
                                        "Basic " + secret_,
                                        secret_,
                                        "Bearer " + std::string(9'000, 'x')};
  for (const route& route : routes()) {
    EXPECT_EQ(call(route, "Bearer " + last_moment).code, "") << route.name;
    std::set<std::string> bodies;
    for (const std::string& field : broken) {
      const auto [code, challenge, body] = call(route, field);
      EXPECT_EQ(code, "401 invalid_token") << route.name << " " << field.substr(0, 80);
      EXPECT_EQ(challenge, wrong_credential) << route.name << " " << field.substr(0, 80);
      bodies.insert(body);
    }
    EXPECT_EQ(bodies.size(), 1u) << "nobody hears what was wrong with it";
  }
}

/// The same with tokens of staff.
class gateway_tokens : public gateway_access {
 protected:
  gateway_tokens() {
    tokens_ = std::make_shared<access_tokens>(tests::issued, tests::issuer().keys());
    services_.tokens = tokens_;
  }

  static std::string token_of(const std::string& scopes, const std::string& subject = "ada") {
    return tests::issuer().token_for(subject, scopes, now_s);
  }
  static std::string token_of(scope_set scopes) {
    std::string listed;
    for (std::string_view name : scopes.names())
      listed.append(listed.empty() ? "" : " ").append(name);
    return token_of(listed);
  }
  static std::string token_in(const std::string& tenant, const std::string& scopes) {
    return tests::issuer().token(
        tests::token_header(),
        tests::token_claims_of(now_s + 300, now_s,
                               R"(,"tenant":")" + tenant + R"(","scope":")" + scopes + "\""));
  }
  gateway::call taken(const std::string& token, const request& like) {
    auto asked = like;
    asked.fields.emplace_back("authorization", "Bearer " + token);
    auto taken = take_up(http(asked), services_);
    if (const auto* refused = std::get_if<refusal>(&taken)) ADD_FAILURE() << refused->problem.code;
    return std::get<gateway::call>(std::move(taken));
  }

  static constexpr std::int64_t now_s = runtime::to_ms(testing::now) / 1'000;
  std::shared_ptr<access_tokens> tokens_;
};

TEST_F(gateway_tokens, a_token_opens_the_routes_of_its_scopes) {
  for (const route& route : routes()) {
    const bool open = route.audience == audience::everybody;
    const std::string of_customers = route.audience != audience::staff ? "" : "403 insufficient_scope";
    EXPECT_EQ(call(route, "Bearer " + token_of(scope_set{})).code, of_customers) << route.name;
    EXPECT_EQ(call(route, "Bearer " + token_of("customer no:such")).code, of_customers) << route.name;
    if (!route.scope) continue;
    const std::string name{keyring::name_of(*route.scope)};
    EXPECT_EQ(call(route, "Bearer " + token_of("no:such " + name)).code, "") << route.name;
    const auto [code, challenge, body] = call(route, "Bearer " + token_of(all_but(*route.scope)));
    EXPECT_EQ(code, open ? "" : "403 insufficient_scope") << route.name;
    EXPECT_EQ(challenge,
              open ? "" : R"(Bearer realm="souk", error="insufficient_scope", scope=")" + name + "\"")
        << route.name;
  }
}

TEST_F(gateway_tokens, are_of_customers_where_they_open_nothing_of_staffs) {
  const auto customer_of = [&](const std::string& scopes) {
    return std::string{taken(token_of(scopes), {.path = "/v1/products"}).customer()};
  };
  EXPECT_EQ(customer_of(""), "ada");
  EXPECT_EQ(customer_of("openid of:others"), "ada");
  EXPECT_EQ(customer_of("orders:read"), "") << "whoever works in the shop buys with another token";
  const auto by_key = take_up(http({.path = "/v1/products", .fields = {staff()}}), services_);
  EXPECT_EQ(std::get<gateway::call>(by_key).customer(), "");
  std::string longest;
  for (int i = 0; i < 64; ++i)
    longest += "\u00e4";
  const auto code_of = [&](const std::string& subject, const std::string& scopes) {
    return problem_of(
        {.path = "/v1/orders", .fields = {{"authorization", "Bearer " + token_of(scopes, subject)}}});
  };
  EXPECT_EQ(taken(token_of("", longest), {.path = "/v1/orders"}).customer(), longest);
  EXPECT_EQ(code_of(longest + "x", ""), "401 invalid_token");
  EXPECT_EQ(taken(token_of("orders:read", longest + "x"), {.path = "/v1/orders"}).customer(), "");
}

TEST_F(gateway_tokens, are_of_the_tenant_that_they_name) {
  EXPECT_EQ(taken(token_of("orders:read"), {.path = "/v1/orders"}).tenant, "main");
  const auto staff = taken(token_in("other", "orders:read cluster:read"), {.path = "/v1/orders"});
  EXPECT_EQ(staff.tenant, "other");
  EXPECT_TRUE(staff.staff());
  EXPECT_EQ(taken(token_in("other", ""), {.path = "/v1/orders"}).customer(), "ada");
  for (const route& route : routes()) {
    if (!route.scope || !operators(*route.scope)) continue;
    EXPECT_EQ(call(route, "Bearer " + token_in("other", std::string{keyring::name_of(*route.scope)})).code,
              "403 insufficient_scope")
        << route.name;
    EXPECT_EQ(call(route, "Bearer " + know(grant_of({*route.scope}), "other")).code, "403 insufficient_scope")
        << route.name;
  }
  const request make{.method = "POST", .path = "/v1/carts", .fields = {key(), json()}, .body = "{}"};
  EXPECT_NE(taken(token_in("other", ""), make).id, taken(token_of(""), make).id);
}

TEST_F(gateway_access, who_runs_the_nodes_and_nobody_else_looks_after_other_tenants_keys) {
  const auto tenant_of = [&](const std::string& secret, const std::string& query) {
    const request asked{
        .path = "/v1/keys", .query = query, .fields = {{"authorization", "Bearer " + secret}}};
    auto taken = take_up(http(asked), services_);
    if (const auto* refused = std::get_if<refusal>(&taken))
      return problem_in(json::to_answer(refused->problem, "r"));
    return std::get<gateway::call>(taken).tenant;
  };
  const auto other = know(keyring::full_grant(), "other");
  EXPECT_EQ(tenant_of(secret_, ""), "main");
  EXPECT_EQ(tenant_of(secret_, "tenant=other"), "other");
  EXPECT_EQ(tenant_of(secret_, "tenant=Other"), "422 validation_failed");
  EXPECT_EQ(tenant_of(secret_, "tenant="), "422 validation_failed");
  EXPECT_EQ(tenant_of(other, ""), "other");
  EXPECT_EQ(tenant_of(other, "tenant=other"), "other");
  EXPECT_EQ(tenant_of(other, "tenant=main"), "403 insufficient_scope");
  EXPECT_EQ(tenant_of(know(grant_of({scope::keys_admin})), "tenant=other"), "403 insufficient_scope");
  const auto make = [&](const std::string& secret, const std::string& body) {
    return handle({.method = "POST",
                   .path = "/v1/keys",
                   .fields = {{"authorization", "Bearer " + secret}, json()},
                   .body = body});
  };
  EXPECT_TRUE(std::holds_alternative<ask>(make(other, R"({"label":"x"})"))) << "all that there is for it";
  EXPECT_EQ(problem_in(answer_in(make(other, R"({"label":"x","scopes":["cluster:read"]})"))),
            "403 insufficient_scope");
}

TEST_F(gateway_access, limits_of_a_tenant_count_whoever_asks_for_it_and_nobody_else) {
  admission_options options;
  options.tenant.fill(2);
  services_.admission = std::make_shared<admission>(options);
  const auto code_of = [&](const std::string& path, const std::string& secret,
                           const std::string& query = "") {
    request asked{.path = path, .query = query};
    if (!secret.empty()) asked.fields.emplace_back("authorization", "Bearer " + secret);
    auto taken = take_up(http(asked), services_);
    const auto* refused = std::get_if<refusal>(&taken);
    return refused == nullptr ? "" : problem_in(json::to_answer(refused->problem, "r"));
  };
  keyring::pb::Grant everybodys;
  everybodys.set_publishable(true);
  const auto other = know(keyring::full_grant(), "other");
  const auto front = know(everybodys, "other");
  // Whose key is not valid, and who asks for what is not there, asks for nobody.
  EXPECT_EQ(code_of("/v1/products", "guessed"), "401 invalid_token");
  EXPECT_EQ(code_of("/v1/nothing", secret_), "404 not_found");
  EXPECT_EQ(code_of("/v1/products", ""), "");
  EXPECT_EQ(code_of("/v1/products", secret_), "");
  EXPECT_EQ(code_of("/v1/products", ""), "429 rate_limited");
  EXPECT_EQ(code_of("/v1/products", other), "");
  EXPECT_EQ(code_of("/v1/products", front), "");
  EXPECT_EQ(code_of("/v1/products", front), "429 rate_limited");
  // Whoever looks after another tenant asks for their own all the same.
  EXPECT_EQ(code_of("/v1/keys", secret_, "tenant=other"), "");
  EXPECT_EQ(code_of("/v1/keys", secret_, "tenant=other"), "");
  EXPECT_EQ(code_of("/v1/keys", secret_, "tenant=other"), "429 rate_limited");
  EXPECT_EQ(code_of("/v1/keys", other), "");
  auto within = take_up(http({.path = "/v1/keys"}), services_, keyring::credential{"own"});
  EXPECT_TRUE(std::holds_alternative<gateway::call>(within));
}

TEST_F(gateway_tokens, tenants_are_told_at_sight_by_what_is_known_and_not_by_what_is_claimed) {
  const auto seen = [&](const std::string& authorization) {
    request asked{.path = "/v1/products"};
    if (!authorization.empty()) asked.fields.emplace_back("authorization", authorization);
    return tenant_at_sight(*http(asked), services_);
  };
  // While there is no other, nobody is looked at.
  for (const std::string& shown : {std::string{}, "Bearer " + secret_, std::string{"Bearer sk_made-up"}})
    EXPECT_EQ(seen(shown), "main") << shown;
  const auto other = know(keyring::full_grant(), "other");
  keyring::pb::Grant expired = keyring::full_grant();
  expired.set_expires_at_ms(runtime::to_ms(testing::now));
  EXPECT_EQ(seen(""), "main");
  EXPECT_EQ(seen("Bearer " + secret_), "main");
  EXPECT_EQ(seen("bearer " + other), "other");
  EXPECT_EQ(seen("Bearer " + know(expired, "other")), strangers);
  const std::vector<std::string> unknown{
      "Bearer " + other + "x", "Bearer ", "Basic " + other,
      "Bearer other",          other,     "Bearer " + std::string(20'000, '.')};
  for (const auto& shown : unknown)
    EXPECT_EQ(seen(shown), strangers) << shown.substr(0, 100);
  // A token that says whose it is says nothing until it was verified.
  const auto token = token_in("other", "");
  EXPECT_EQ(seen("Bearer " + token), strangers);
  (void)taken(token, {.path = "/v1/products"});
  EXPECT_EQ(seen("Bearer " + token), "other");
  auto forged = token;
  forged[forged.size() - 10] ^= 1;
  EXPECT_EQ(seen("Bearer " + forged), strangers);
  tokens_->replace(tests::issuer().keys());
  EXPECT_EQ(seen("Bearer " + token), strangers) << "with other keys it may not be valid any more";
}

TEST_F(gateway_tokens, of_another_tenant_are_enough_to_look_at_sight) {
  const auto token = token_in("other", "");
  const auto asked = http({.path = "/v1/products", .fields = {{"authorization", "Bearer " + token}}});
  EXPECT_EQ(tenant_at_sight(*asked, services_), "main");
  (void)taken(token, {.path = "/v1/products"});
  EXPECT_EQ(tenant_at_sight(*asked, services_), "other");
}

TEST_F(gateway_tokens, of_customers_list_what_is_theirs_and_nothing_else) {
  services_.shard_count = 1;
  const std::pair<std::string, std::string> ada{"authorization", "Bearer " + token_of("")};
  const auto index_of = [&](const std::string& query) {
    return std::get<page_question>(
               ask_of({.path = "/v1/orders", .query = query, .fields = {ada}}).questions.at(0))
        .index;
  };
  EXPECT_EQ(index_of(""), "orders/owner/ada");
  EXPECT_EQ(index_of("customer_id=ada&status=placed"), "orders/owner/ada");
  EXPECT_EQ(problem_of({.path = "/v1/orders", .query = "customer_id=eve", .fields = {ada}}),
            "403 insufficient_scope");
  EXPECT_EQ(problem_of({.path = "/v1/orders", .query = "customer_id=", .fields = {ada}}),
            "403 insufficient_scope");
}

TEST_F(gateway_tokens, whatever_is_wrong_with_a_credential_every_route_says_the_same) {
  keyring::pb::Grant expired = keyring::full_grant();
  expired.set_expires_at_ms(runtime::to_ms(testing::now));
  std::vector<std::string> broken{know(expired), know(keyring::full_grant())};
  revoke_last();
  for (auto& [token, fault] : tests::issuer().broken_tokens(now_s))
    broken.push_back(std::move(token));
  ASSERT_GE(broken.size(), 64u);
  std::set<std::string> answers;
  for (const route& route : routes())
    for (const std::string& secret : broken) {
      const auto [code, challenge, body] = call(route, "Bearer " + secret);
      ASSERT_EQ(code, "401 invalid_token") << route.name << " " << secret.substr(0, 200);
      answers.insert(challenge + " " + body);
    }
  EXPECT_EQ(answers.size(), 1u) << *answers.begin() << "\n" << *answers.rbegin();
  EXPECT_EQ(tokens_->remembered(), 0u);
}

TEST_F(gateway_tokens, a_request_costs_no_signature_once_its_token_is_known) {
  const auto token = token_of("orders:read");
  for (int i = 0; i < 10; ++i)
    EXPECT_TRUE(taken(token, {.path = "/v1/orders"}).staff());
  EXPECT_EQ(tokens_->verified(), 1u);
}

TEST_F(gateway_tokens, tokens_of_one_subject_share_idempotency_keys_and_those_of_others_never) {
  const request make{.method = "POST", .path = "/v1/carts", .fields = {key(), json()}, .body = "{}"};
  const auto first = taken(token_of("carts:write"), make);
  EXPECT_EQ(first.id, taken(token_of("carts:write orders:read"), make).id);
  EXPECT_NE(first.id, taken(token_of("carts:write", "eve"), make).id);
  auto as_key = make;
  as_key.fields.push_back(staff());
  auto by_key = take_up(http(as_key), services_);
  EXPECT_NE(first.id, std::get<gateway::call>(by_key).id);
}

TEST_F(gateway_tokens, are_limited_by_their_subject) {
  admission_options options;
  options.credential.fill(1);
  services_.admission = std::make_shared<admission>(options);
  const auto code_of = [this](const std::string& token) {
    return problem_of({.path = "/v1/keys", .fields = {{"authorization", "Bearer " + token}}});
  };
  EXPECT_EQ(code_of(token_of("orders:read")), "403 insufficient_scope");
  EXPECT_EQ(code_of(token_of("orders:write")), "429 rate_limited");
  EXPECT_EQ(code_of(token_of("orders:read", "eve")), "403 insufficient_scope");
}

TEST_F(gateway_tokens, need_no_keys_that_are_on_their_way) {
  services_.keys_are_coming = [] { return true; };
  const auto code_of = [this](const std::string& secret) {
    return problem_of({.path = "/v1/keys", .fields = {{"authorization", "Bearer " + secret}}});
  };
  EXPECT_EQ(code_of("sk_00"), "503 shard_unavailable");
  EXPECT_EQ(code_of("a.b.c"), "401 invalid_token");
  EXPECT_TRUE(taken(token_of("keys:admin"), {.path = "/v1/keys"}).staff());
}

TEST_F(gateway_tokens, nobody_is_believed_without_an_issuer) {
  services_.tokens = nullptr;
  EXPECT_EQ(
      problem_of({.path = "/v1/orders", .fields = {{"authorization", "Bearer " + token_of("orders:read")}}}),
      "401 invalid_token");
}

TEST_F(gateway_tokens, a_token_makes_no_key_that_opens_more_than_it_does) {
  const auto make = [&](const std::string& scopes, const std::string& body) {
    return handle({.method = "POST",
                   .path = "/v1/keys",
                   .fields = {{"authorization", "Bearer " + token_of(scopes)}, json()},
                   .body = body});
  };
  EXPECT_EQ(problem_in(answer_in(make("keys:admin", R"({"label":"x"})"))), "403 insufficient_scope");
  const auto lent = make("keys:admin orders:read", R"({"label":"x","scopes":["orders:read"]})");
  EXPECT_TRUE(std::holds_alternative<ask>(lent));
}

TEST_F(gateway_access, a_key_makes_no_key_that_opens_more_than_it_does) {
  const auto make = [&](const std::string& secret, const std::string& body) {
    return problem_of({.method = "POST",
                       .path = "/v1/keys",
                       .fields = {{"authorization", "Bearer " + secret}, json()},
                       .body = body});
  };
  const std::string keeper = know(grant_of({scope::keys_admin, scope::orders_read}));
  EXPECT_EQ(make(keeper, R"({"label":"x"})"), "403 insufficient_scope");
  EXPECT_EQ(make(keeper, R"({"label":"x","scopes":["orders:write"]})"), "403 insufficient_scope");
  for (const char* body :
       {R"({"label":"x","scopes":["orders:read"]})", R"({"label":"x","publishable":true})"}) {
    const auto step = handle({.method = "POST",
                              .path = "/v1/keys",
                              .fields = {{"authorization", "Bearer " + keeper}, json()},
                              .body = body});
    EXPECT_TRUE(std::holds_alternative<ask>(step)) << body;
  }
}

}  // namespace
}  // namespace souk::gateway
