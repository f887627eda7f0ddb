#pragma once

#include <string>
#include <string_view>

namespace souk::telemetry {

/// Appends `text` as a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD: the texts of
/// exceptions can hold anything, and one bad byte must not spoil a line or a document.
void append_json_string(std::string& out, std::string_view text);

}  // namespace souk::telemetry
