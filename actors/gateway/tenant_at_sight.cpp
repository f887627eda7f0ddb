#include "actors/gateway/tenant_at_sight.hpp"

#include "actors/gateway/access_tokens.hpp"

#include <optional>

namespace souk::gateway {

std::string tenant_at_sight(const http_request& http, const services& services) {
  const bool several =
      services.credentials->knows_others() || (services.tokens && services.tokens->knows_others());
  const auto shown = several ? http.field("authorization") : std::nullopt;
  if (!shown) return services.tenant;
  const auto bearer = bearer_in(*shown);
  const auto now = services.clock->now();
  const bool as_token = services.tokens != nullptr && is_token(bearer);
  auto tenant =
      as_token ? services.tokens->tenant_of(bearer, now) : services.credentials->tenant_of(bearer, now);
  return std::move(tenant).value_or(std::string{strangers});
}

}  // namespace souk::gateway
