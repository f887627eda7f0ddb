#include "actors/gateway/http.hpp"

namespace souk::gateway {

std::optional<std::string_view> http_request::field(std::string_view name) const {
  for (const auto& [known, value] : fields)
    if (known == name) return value;
  return std::nullopt;
}

}  // namespace souk::gateway
