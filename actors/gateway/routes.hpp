#pragma once

#include "actors/gateway/call.hpp"
#include "actors/gateway/step.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace souk::gateway {

/// Who may call a route.
enum class scope : std::uint8_t { storefront, admin };

/// What an Idempotency-Key does on a route.
enum class key_use : std::uint8_t { ignored, allowed, required };

/// What body a route takes.
enum class body_use : std::uint8_t { none, json, optional_json, file };

using handler = step (*)(const call&, const services&);

/// One route: everything that is checked, documented and counted about it is here, as data.
struct route {
  std::string_view method;
  std::string_view path;  ///< With placeholders: "/v1/carts/{id}/items/{line}".
  std::string_view name;  ///< Unique, for metrics and the API's description.
  gateway::scope scope = scope::storefront;
  key_use key = key_use::ignored;
  body_use body = body_use::none;
  bool read_only = true;
  std::vector<std::string_view> parameters;  ///< Query parameters that it knows.
  handler handle = nullptr;
  bool test_mode_only = false;
  std::chrono::milliseconds time{10'000};  ///< After that the client is told that it is over.
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

/// For the listener: how large a body may be spooled for this request; nothing: not to a file.
std::optional<std::size_t> spool_limit(std::string_view method, std::string_view path);

/// The largest file that an import takes: 256 MiB.
inline constexpr std::size_t import_bytes_max = std::size_t{256} << 20;

}  // namespace souk::gateway
