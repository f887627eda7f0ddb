#pragma once

#include "runtime/types.hpp"

#include <optional>
#include <string>
#include <string_view>

/// Dates of HTTP (RFC 9110, section 5.6.7). Pure; any thread.
namespace souk::values {

/// "Wed, 25 Nov 2026 10:00:00 GMT"
std::string format_http_date(runtime::timestamp time);

/// Reads all three formats: "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT" and
/// "Sun Nov  6 08:49:37 1994". A year of two digits is the last that is at most 50 years after `now`. Nothing
/// if it is none of them, or a day or time that there is not; whether the name of the weekday is the right
/// one is not looked at.
std::optional<runtime::timestamp> parse_http_date(std::string_view text, runtime::timestamp now);

}  // namespace souk::values
