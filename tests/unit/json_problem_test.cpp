#include "actors/json/problem.hpp"

#include <gtest/gtest.h>

#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace souk::json {
namespace {

TEST(problem, every_code_of_the_contract_has_its_status) {
  const std::map<int, std::vector<std::string>> contract = {
      {400, {"malformed_json", "unknown_field", "invalid_cursor", "idempotency_key_required"}},
      {401, {"invalid_token"}},
      {402, {"payment_declined", "authentication_required"}},
      {403, {"insufficient_scope"}},
      {404, {"not_found"}},
      {405, {"method_not_allowed"}},
      {406, {"not_acceptable"}},
      {409,
       {"version_conflict", "invalid_state", "insufficient_stock", "price_changed", "idempotency_in_flight"}},
      {410, {"expired"}},
      {412, {"precondition_failed"}},
      {413, {"too_large"}},
      {415, {"unsupported_media_type"}},
      {422,
       {"validation_failed", "sku_taken", "idempotency_key_reused", "currency_mismatch", "money_overflow",
        "coupon_not_applicable"}},
      {428, {"precondition_required"}},
      {429, {"rate_limited"}},
      {500, {"internal_error"}},
      {503, {"overloaded", "shard_unavailable", "storage_full"}},
      {504, {"outcome_unknown"}},
  };
  for (const auto& [status, codes] : contract) {
    for (const auto& code : codes) {
      EXPECT_EQ(status_of(code), status) << code;
      EXPECT_EQ(to_answer({.code = code, .detail = "x"}, "r").status, status) << code;
    }
  }
  EXPECT_THROW(status_of("no_such_code"), std::logic_error);
}

TEST(problem, what_may_pass_on_a_repeat_says_so) {
  const auto retryable = [](const char* code) {
    return to_answer({.code = code}, "r").body.find(R"("retryable":true)") != std::string::npos;
  };
  for (const char* code : {"idempotency_in_flight", "rate_limited", "internal_error", "overloaded",
                           "shard_unavailable", "storage_full", "outcome_unknown"})
    EXPECT_TRUE(retryable(code)) << code;
  for (const char* code : {"malformed_json", "not_found", "version_conflict", "insufficient_stock", "expired",
                           "precondition_failed", "payment_declined", "validation_failed"})
    EXPECT_FALSE(retryable(code)) << code;
}

TEST(problem, a_plain_problem_has_the_members_of_rfc_9457) {
  const auto answer = to_answer({.code = "not_found", .detail = "There is no cart \"x\"."}, "req-1");
  EXPECT_EQ(answer.body,
            R"({"type":"urn:souk:problem:not_found","title":"There is nothing here","status":404,)"
            R"("detail":"There is no cart \"x\".","instance":"urn:request:req-1","code":"not_found",)"
            R"("request_id":"req-1","retryable":false})");
  EXPECT_TRUE(answer.content_type.empty());
}

TEST(problem, what_helps_is_said_too) {
  problem full{.code = "insufficient_stock", .detail = "d"};
  full.errors = {{"/lines/0", "insufficient_stock", "only 3", 3}, {"/lines/1", "not_for_sale", "gone", {}}};
  full.current_version = 7;
  full.available = 3;
  full.retry_after_ms = 250;
  full.checkout_id = "chk_1";
  full.order_id = "ord_1";
  full.retryable = true;
  EXPECT_EQ(
      to_answer(full, "").body,
      R"({"type":"urn:souk:problem:insufficient_stock","title":"There is not enough stock","status":409,)"
      R"("detail":"d","code":"insufficient_stock","retryable":true,"errors":[)"
      R"({"pointer":"/lines/0","code":"insufficient_stock","detail":"only 3","available":3},)"
      R"({"pointer":"/lines/1","code":"not_for_sale","detail":"gone"}],"current_version":7,"available":3,)"
      R"("retry_after_ms":250,"checkout_id":"chk_1","order_id":"ord_1"})");
}

TEST(problem, a_refusal_only_replies) {
  class no_ids : public runtime::id_source {
    std::string next_part() override { return {}; }
  } ids;
  const runtime::address self{"main", 1, "k"};
  const runtime::context context{self, runtime::timestamp{}, 0, ids, {}, "req-9"};
  const auto decision = refuse({.code = "expired", .detail = "d"}, context);
  ASSERT_TRUE(decision.reply);
  EXPECT_EQ(decision.reply->status, 410);
  EXPECT_NE(decision.reply->body.find("req-9"), std::string::npos);
  EXPECT_TRUE(decision.events.empty());
  EXPECT_TRUE(decision.effects.empty());
}

}  // namespace
}  // namespace souk::json
