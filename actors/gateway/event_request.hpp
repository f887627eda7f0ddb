#pragma once

#include "actors/gateway/call.hpp"
#include "actors/gateway/event_merge.hpp"

#include <optional>
#include <string_view>
#include <variant>

namespace souk::gateway {

/// What a reader of events asks for.
struct event_request {
  event_positions from;
  event_filter filter;
};

/// Of the call's `types`, and where to go on: nothing: from the earliest; "latest": with what comes next; a
/// cursor. Or the problem with them.
std::variant<event_request, json::problem> event_request_of(const call& call, const services& services,
                                                            std::optional<std::string_view> after);

/// 410, with a cursor from which all goes on that is still kept.
json::problem lost_events(const event_merge& merge, std::string_view secret);

}  // namespace souk::gateway
