#include "tests/cluster/tokens/token_node.hpp"

#include <gmock/gmock.h>

#include <set>
#include <string>

namespace souk::cluster_test {
namespace {

using tests::token_issuer;
namespace fs = std::filesystem;

using tokens_process = token_node;

TEST_F(tokens_process, opens_to_a_token_what_its_scopes_say_and_verifies_it_once) {
  start();
  const auto token = issuer.token_for("ada", "orders:read", now_s());
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(status_of("/v1/orders", token), 200);
  const auto refused = get(http, "/v1/keys", token);
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(refused.field("WWW-Authenticate"),
            R"(Bearer realm="souk", error="insufficient_scope", scope="keys:admin")");
  EXPECT_EQ(figure("souk_tokens_verified_total"), 1);
  EXPECT_EQ(figure("souk_tokens_remembered"), 1);
  EXPECT_EQ(figure("souk_token_keys"), 3);
}

TEST_F(tokens_process, says_of_every_broken_token_the_same) {
  start();
  std::set<std::string> answers;
  double counted = 0;
  for (const auto& [token, fault] : issuer.broken_tokens(now_s())) {
    if (token.find('\n') != std::string::npos) continue;  // no field can hold it
    for (const char* path : {"/v1/orders", "/v1/products"}) {
      const auto answer = get(http, path, token);
      EXPECT_EQ(answer.status, 401) << fault << " " << token.substr(0, 200);
      const auto challenge = answer.field("WWW-Authenticate");
      EXPECT_EQ(challenge, R"(Bearer realm="souk", error="invalid_token")") << fault;
      answers.insert(answer.body);
      counted += fault == "signature" ? 1 : 0;
    }
  }
  EXPECT_EQ(answers.size(), 1u);
  EXPECT_EQ(figure(R"(souk_tokens_refused_total{why="signature"})"), counted);
}

TEST_F(tokens_process, takes_new_keys_up_and_keeps_the_earlier_ones_instead_of_bad_ones) {
  start();
  const token_issuer next;
  const auto old_token = issuer.token_for("ada", "orders:read", now_s());
  const auto new_token = next.token_for("ada", "orders:read", now_s());
  EXPECT_EQ(status_of("/v1/orders", old_token), 200);
  EXPECT_EQ(status_of("/v1/orders", new_token), 401);

  write_keys(R"({"keys":[{"kid":"e","alg":"none"}]})");
  EXPECT_TRUE(comes_to("souk_token_keys_reloads_failed_total", 1));
  EXPECT_THAT(log_text(), ::testing::HasSubstr("jwks.json: /keys/0: kid e: its alg is none of"));
  EXPECT_EQ(status_of("/v1/orders", old_token), 200);

  fs::remove(folder / "jwks.json");
  EXPECT_TRUE(comes_to("souk_token_keys_reloads_failed_total", 2));
  EXPECT_EQ(status_of("/v1/orders", issuer.token_for("eve", "orders:read", now_s())), 200);

  write_keys(next.key_set());
  EXPECT_TRUE(comes_to("souk_token_keys_reloads_total", 1));
  EXPECT_EQ(status_of("/v1/orders", old_token), 401);
  EXPECT_EQ(status_of("/v1/orders", new_token), 200);
  EXPECT_EQ(node.end(SIGTERM), 0);
}

TEST_F(tokens_process, does_not_start_with_bad_keys) {
  write_keys(R"({"keys":[{]})");
  EXPECT_THROW(start(), std::runtime_error);
  EXPECT_THAT(log_text(), ::testing::HasSubstr("cluster.conf:2: auth.jwks: "));
  EXPECT_THAT(log_text(), ::testing::HasSubstr("jwks.json: /keys/0"));
}

}  // namespace
}  // namespace souk::cluster_test
