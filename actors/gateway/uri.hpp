#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace souk::gateway {

/// Percent-decodes one path segment, or a query name or value (there "+" is a space). Nothing for a bad
/// escape, for control characters, and for what is not UTF-8: such text is never worth a look-up.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space = false);

/// A path cut at its slashes, still encoded: "/v1/carts" gives {"v1", "carts"}. Nothing is normalised: an
/// empty or dotted segment stays what it is.
std::vector<std::string_view> split_path(std::string_view path);

/// The decoded parameters of a query, in order.
using query_parameters = std::vector<std::pair<std::string, std::string>>;

/// Nothing where a name or value does not decode.
std::optional<query_parameters> parse_query(std::string_view query);

/// Whether `text` is valid UTF-8 without control characters.
bool is_clean_text(std::string_view text);

/// Percent-encodes everything but unreserved characters, for a Location or a URL of ours.
std::string percent_encode(std::string_view text);

}  // namespace souk::gateway
