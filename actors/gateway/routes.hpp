#pragma once

#include "actors/gateway/admission.hpp"
#include "actors/gateway/call.hpp"
#include "actors/gateway/step.hpp"
#include "actors/keyring/scope.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace souk::gateway {

/// Who may call a route: everybody, who has its scope, or customers besides.
enum class audience : std::uint8_t { everybody, customers, staff };

/// What an Idempotency-Key does on a route.
enum class key_use : std::uint8_t { ignored, allowed, required };

/// What body a route takes.
enum class body_use : std::uint8_t { none, json, optional_json, file };

using handler = step (*)(const call&, const services&);

/// One route: everything that is checked, documented and counted about it is here, as data.
struct route {
  std::string_view method;
  std::string_view path;                       ///< With placeholders: "/v1/carts/{id}/items/{line}".
  std::string_view name;                       ///< Unique, for metrics and the API's description.
  gateway::traffic traffic = traffic::browse;  ///< What limits count it as.
  gateway::audience audience = audience::everybody;
  /// Makes a caller staff here. On everybody's routes staff may do more; without one, staff is like
  /// everybody.
  std::optional<keyring::scope> scope = std::nullopt;
  key_use key = key_use::ignored;
  body_use body = body_use::none;
  bool read_only = true;
  std::vector<std::string_view> parameters;  ///< Query parameters that it knows.
  handler handle = nullptr;
  answer_kind kind = answer_kind::personal;  ///< Of what it answers, unless that is an error.
  bool from_catalogue = false;  ///< Answered from the node's own catalogue: not before that is there.
  bool test_mode_only = false;
  bool streams = false;    ///< Answers with server-sent events, which go on.
  unsigned deadlines = 1;  ///< How many of the gateway's deadlines it may take.
};

/// All routes.
std::span<const route> routes();

struct route_match {
  const gateway::route* route;
  std::vector<std::string_view> arguments;  ///< Still encoded.
};
/// The path exists, not for this method: the methods that it has.
struct wrong_method {
  std::string allow;
};
struct no_route {};

/// Looks a path up; HEAD is served by GET's route. Without `test_mode`, test mode's routes are not there.
std::variant<route_match, wrong_method, no_route> find_route(std::string_view method, std::string_view path,
                                                             bool test_mode = true);

/// The route of a request, or null.
const route* route_of(const http_request& http, bool test_mode);

/// For the listener: whether a request's body is a file, to be spooled.
bool takes_file(std::string_view method, std::string_view path);

}  // namespace souk::gateway
