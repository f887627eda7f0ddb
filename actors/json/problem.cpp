#include "actors/json/problem.hpp"

#include "actors/json/writer.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

namespace souk::json {
namespace {

struct problem_kind {
  std::string_view code;
  int status;
  std::string_view title;
  bool retryable;  // the same request, sent again a little later, may go through
};

constexpr std::array kinds = std::to_array<problem_kind>({
    {"malformed_request", 400, "The request is not well-formed HTTP", false},
    {"malformed_json", 400, "The body is not well-formed JSON", false},
    {"unknown_field", 400, "The request has a field that is not known here", false},
    {"invalid_cursor", 400, "The cursor is not one that this list gave", false},
    {"idempotency_key_required", 400, "This request needs an Idempotency-Key", false},
    {"invalid_token", 401, "The credential is missing or not valid", false},
    {"payment_declined", 402, "The payment was declined", false},
    {"authentication_required", 402, "The buyer must authenticate the payment", false},
    {"insufficient_scope", 403, "The credential does not allow this", false},
    {"not_found", 404, "There is nothing here", false},
    {"method_not_allowed", 405, "The method is not allowed here", false},
    {"not_acceptable", 406, "The answer cannot be given in an accepted form", false},
    {"request_timeout", 408, "The request did not arrive in time", true},
    {"version_conflict", 409, "The version is not the current one", false},
    {"invalid_state", 409, "The current state does not allow this", false},
    {"insufficient_stock", 409, "There is not enough stock", false},
    {"hold_limit_reached", 409, "One buyer holds no more than this", false},
    {"price_changed", 409, "The price has changed", false},
    {"idempotency_in_flight", 409, "The first request with this key is still running", true},
    {"expired", 410, "It has expired", false},
    {"precondition_failed", 412, "The version is not the one in If-Match", false},
    {"too_large", 413, "The body is too large", false},
    {"uri_too_long", 414, "The request target is too long", false},
    {"unsupported_media_type", 415, "The body's media type is not supported here", false},
    {"expectation_failed", 417, "The expectation cannot be met", false},
    {"validation_failed", 422, "A value is missing or not allowed", false},
    {"sku_taken", 422, "The sku belongs to another product", false},
    {"idempotency_key_reused", 422, "The key was used with another request", false},
    {"currency_mismatch", 422, "The currencies differ", false},
    {"money_overflow", 422, "The amount is beyond the range", false},
    {"coupon_not_applicable", 422, "The coupon does not apply", false},
    {"precondition_required", 428, "This request needs If-Match or a version", false},
    {"rate_limited", 429, "Too many requests", true},
    {"head_too_large", 431, "The request head is too large", false},
    {"internal_error", 500, "Something went wrong here", true},
    {"not_implemented", 501, "The request asks for what is not implemented", false},
    {"overloaded", 503, "Too much is going on here", true},
    {"shard_unavailable", 503, "The data is not being served at the moment", true},
    {"storage_full", 503, "The storage is full", true},
    {"outcome_unknown", 504, "The outcome is not known yet", true},
    {"http_version_not_supported", 505, "The HTTP version is not supported", false},
});

const problem_kind& kind_of_code(std::string_view code) {
  const auto* found =
      std::find_if(kinds.begin(), kinds.end(), [&](const auto& kind) { return kind.code == code; });
  if (found == kinds.end()) throw std::logic_error("no such problem code: " + std::string{code});
  return *found;
}

void write_errors(writer& out, const std::vector<problem_error>& errors) {
  out.key("errors").begin_array();
  for (const auto& error : errors) {
    out.begin_object();
    out.key("pointer").string(error.pointer);
    out.key("code").string(error.code);
    out.key("detail").string(error.detail);
    if (error.available) out.key("available").integer(*error.available);
    out.end_object();
  }
  out.end_array();
}

void write_extras(writer& out, const problem& problem) {
  if (!problem.errors.empty()) write_errors(out, problem.errors);
  if (problem.current_version)
    out.key("current_version").integer(static_cast<std::int64_t>(*problem.current_version));
  if (problem.available) out.key("available").integer(*problem.available);
  if (problem.retry_after_ms) out.key("retry_after_ms").integer(*problem.retry_after_ms);
  if (!problem.checkout_id.empty()) out.key("checkout_id").string(problem.checkout_id);
  if (!problem.order_id.empty()) out.key("order_id").string(problem.order_id);
  if (!problem.earliest_cursor.empty()) out.key("earliest_cursor").string(problem.earliest_cursor);
}

}  // namespace

int status_of(std::string_view code) { return kind_of_code(code).status; }

runtime::answer to_answer(const problem& problem, std::string_view request_id) {
  const problem_kind& kind = kind_of_code(problem.code);
  writer out;
  out.reserve(512);
  out.begin_object();
  out.key("type").string("urn:souk:problem:" + problem.code);
  out.key("title").string(kind.title);
  out.key("status").integer(kind.status);
  if (!problem.detail.empty()) out.key("detail").string(problem.detail);
  if (!request_id.empty()) out.key("instance").string("urn:request:" + std::string{request_id});
  out.key("code").string(problem.code);
  if (!request_id.empty()) out.key("request_id").string(request_id);
  out.key("retryable").boolean(problem.retryable.value_or(kind.retryable));
  write_extras(out, problem);
  out.end_object();

  runtime::answer answer;
  answer.status = kind.status;
  answer.body = std::move(out).take();
  return answer;
}

runtime::decision refuse(const problem& problem, const runtime::context& context) {
  runtime::decision decision;
  decision.reply = to_answer(problem, context.request_id);
  return decision;
}

}  // namespace souk::json
