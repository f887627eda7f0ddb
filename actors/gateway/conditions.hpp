#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace souk::gateway {

/// Whether an Accept field allows JSON. Lenient: only a list that clearly wants other things refuses it.
bool accepts_json(std::string_view accept);

/// Whether a Prefer field (RFC 7240) asks for `return=minimal`.
bool prefers_minimal(std::string_view prefer);

/// The media type of a Content-Type field, in lower case, without parameters; nothing if its charset is not
/// UTF-8.
std::optional<std::string> media_type(std::string_view content_type);

/// If-Match or If-None-Match as commands carry it, in a text that is UTF-8: bytes beyond ASCII, which a
/// client may put into a tag but which none of ours has, are "?".
std::string condition_text(std::string_view field);

}  // namespace souk::gateway
