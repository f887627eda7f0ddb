#pragma once

#include "runtime/entity/decision.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace souk::json {

/// One place of the input that is wrong.
struct problem_error {
  std::string pointer;  ///< RFC 6901 pointer into the body, or "?name" for a query parameter.
  std::string code;
  std::string detail;
  std::optional<std::int64_t> available{};  ///< For insufficient_stock and hold_limit_reached.
};

/// An error answer as RFC 9457 has it. `code` decides status, title and whether a repeat can help: one table,
/// in problem.cpp, with all codes of the HTTP contract and those of HTTP itself.
struct problem {
  std::string code;
  std::string detail{};  ///< One sentence for the developer who reads it.
  std::vector<problem_error> errors{};
  std::optional<std::uint64_t> current_version{};
  std::optional<std::int64_t> available{};
  std::optional<std::int64_t> retry_after_ms{};
  std::string checkout_id{};
  std::string order_id{};
  std::string earliest_cursor{};    ///< Of events: where what is still kept goes on.
  std::optional<bool> retryable{};  ///< Overrides the table.
};

/// The HTTP status of a code. Throws std::logic_error for a code that is not in the table.
int status_of(std::string_view code);

/// The answer: `application/problem+json` with type, title, status, detail, instance (urn:request:<id>),
/// code, request_id, retryable, and what else is set. `instance` and `request_id` are left out if it is
/// empty.
runtime::answer to_answer(const problem& problem, std::string_view request_id);

/// A decision that only refuses.
runtime::decision refuse(const problem& problem, const runtime::context& context);

}  // namespace souk::json
