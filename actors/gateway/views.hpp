#pragma once

#include "actors/gateway/step.hpp"

#include <string_view>

namespace souk::gateway {

/// Asks something beyond the entities and answers its JSON as it is; 503 where it cannot be had.
step show_view(const outside_view& view, std::string_view request_id);

}  // namespace souk::gateway
