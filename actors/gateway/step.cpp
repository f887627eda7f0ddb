#include "actors/gateway/step.hpp"

#include <stdexcept>

namespace souk::gateway {

namespace {

/// A shard that restarts is back well within it; a queue that is full has drained.
constexpr std::int64_t retry_soon_ms = 1'000;
/// A full disk needs an operator.
constexpr std::int64_t retry_full_ms = 30'000;
/// A node is being upgraded.
constexpr std::int64_t retry_upgraded_ms = 30'000;

json::problem wait_and_repeat(std::string code, std::string detail, std::int64_t after_ms) {
  json::problem problem{.code = std::move(code), .detail = std::move(detail)};
  problem.retry_after_ms = after_ms;
  return problem;
}

json::problem unknown_outcome(bool read_only, bool keyed) {
  if (read_only) return wait_and_repeat("overloaded", "The answer did not come in time.", retry_soon_ms);
  json::problem problem{.code = "outcome_unknown",
                        .detail = keyed ? "Whether it was done is not known yet; repeat it with the same key."
                                        : "Whether it was done is not known; look before repeating it."};
  problem.retryable = keyed;
  return problem;
}

}  // namespace

step pass_on(command_question question, header_fields fields) {
  ask ask;
  ask.questions.push_back(std::move(question));
  ask.then = [fields = std::move(fields)](std::vector<reply> replies) -> step {
    reply& first = replies.front();
    bool failed = first.answer.status >= 400;
    return done{std::move(first.answer), first.outcome == runtime::outcome::replayed,
                failed ? header_fields{} : fields};
  };
  return ask;
}

step refuse(const json::problem& problem, std::string_view request_id) {
  return done{json::to_answer(problem, request_id), false, fields_of(problem)};
}

header_fields fields_of(const json::problem& problem) {
  header_fields fields;
  if (problem.retry_after_ms)
    fields.emplace_back("Retry-After", std::to_string((*problem.retry_after_ms + 999) / 1000));
  return fields;
}

json::problem problem_of(runtime::outcome outcome, bool read_only, bool keyed) {
  switch (outcome) {
    case runtime::outcome::in_flight:
      return wait_and_repeat("idempotency_in_flight",
                             "The first request with this Idempotency-Key is still running.", retry_soon_ms);
    case runtime::outcome::key_reused:
      return {.code = "idempotency_key_reused",
              .detail = "This Idempotency-Key came with another body before."};
    case runtime::outcome::overloaded:
      return wait_and_repeat("overloaded", "Too much is waiting there; nothing was done.", retry_soon_ms);
    case runtime::outcome::unavailable:
      return wait_and_repeat("shard_unavailable", "Its shard is not being served now; nothing was done.",
                             retry_soon_ms);
    case runtime::outcome::full:
      return wait_and_repeat("storage_full", "The storage is full; nothing was done.", retry_full_ms);
    case runtime::outcome::failed:
      return {.code = "internal_error", .detail = "It failed while being decided; nothing was done."};
    case runtime::outcome::quarantined: {
      json::problem problem{.code = "internal_error",
                            .detail = "It failed too often and was set aside; nothing was done."};
      problem.retryable = false;
      return problem;
    }
    case runtime::outcome::not_understood:
      return wait_and_repeat(
          "shard_unavailable",
          "The node that serves it is of another version, which does not know this request; "
          "nothing was done.",
          retry_upgraded_ms);
    case runtime::outcome::unknown:
      return unknown_outcome(read_only, keyed);
    case runtime::outcome::answered:
    case runtime::outcome::replayed:
      break;
  }
  throw std::logic_error("an answered request is no problem");
}

json::problem problem_of_deadline(bool read_only, bool keyed) { return unknown_outcome(read_only, keyed); }

}  // namespace souk::gateway
