#include "actors/webhook/retry_after.hpp"

#include "actors/values/http_date.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace souk::webhook {

using std::chrono::milliseconds;

milliseconds pause_asked_for(std::string_view retry_after, runtime::timestamp now) {
  if (const auto until = values::parse_http_date(retry_after, now))
    return std::clamp(*until - now, milliseconds{}, retry_after_max);
  std::uint64_t seconds = 0;
  const auto* const last = retry_after.data() + retry_after.size();
  const auto [end, error] = std::from_chars(retry_after.data(), last, seconds);
  if (retry_after.empty() || end != last) return {};
  const auto most = std::chrono::duration_cast<std::chrono::seconds>(retry_after_max);
  if (error != std::errc{} || seconds > static_cast<std::uint64_t>(most.count())) return retry_after_max;
  return std::chrono::seconds{seconds};
}

}  // namespace souk::webhook
