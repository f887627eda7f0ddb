#include "actors/keyring/scope.hpp"

#include "actors/keyring/tenant.hpp"

#include <array>

namespace souk::keyring {

namespace {

constexpr std::array<std::string_view, scope_count> names_of_scopes{
    "catalogue:read", "catalogue:write", "inventory:read", "inventory:write", "imports:read",
    "imports:write",  "carts:read",      "carts:write",    "orders:read",     "orders:write",
    "payments:read",  "keys:admin",      "cluster:read",   "cluster:admin",   "events:read",
    "webhooks:read",  "webhooks:write"};

}  // namespace

std::string_view name_of(scope scope) { return names_of_scopes.at(static_cast<std::size_t>(scope)); }

std::optional<scope> scope_of(std::string_view name) {
  for (std::size_t i = 0; i < scope_count; ++i)
    if (names_of_scopes.at(i) == name) return static_cast<scope>(i);
  return std::nullopt;
}

std::vector<std::string_view> scope_set::names() const {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < scope_count; ++i)
    if (has(static_cast<scope>(i))) names.push_back(names_of_scopes.at(i));
  return names;
}

scope_set scopes_in(std::string_view tenant, scope_set scopes) {
  return tenant == first_tenant ? scopes : scopes.without(operators_scopes);
}

}  // namespace souk::keyring
