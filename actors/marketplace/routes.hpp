#pragma once

#include "actors/gateway/http.hpp"
#include "runtime/entity/decision.hpp"
#include "runtime/types.hpp"

#include <string_view>
#include <variant>
#include <vector>

/// What the benchmark's clients say over HTTP: which entity is asked what. Pure.
namespace souk::marketplace {

/// A command or read for one entity.
struct question {
  runtime::address to;
  runtime::message_ptr command;
  bool read_only = false;
};

/// Asked one after the other; the texts of good answers make one, and the first other answer is the whole.
using plan = std::vector<question>;

/// What a request asks, or the answer that refuses it: 404, 405 (with another method there is something),
/// 400 that names the field.
std::variant<plan, runtime::answer> plan_of(const gateway::http_request& request, std::string_view tenant);

}  // namespace souk::marketplace
