#pragma once

#include "actors/values/sha256.hpp"
#include "runtime/types.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace souk::gateway {

using values::digest;
using values::hmac_sha256;
using values::sha256;

/// Base64 with padding.
std::string base64(std::string_view bytes);
std::string base64(const digest& bytes);

/// Base64url without padding, and back (nothing for text that is not exactly such an encoding).
std::string base64url(std::string_view bytes);
std::string base64url(const digest& bytes);
std::optional<std::string> parse_base64url(std::string_view text);

/// What an Idempotency-Key belongs to: the same key under another tenant, credential, method or path is
/// another. The parts are joined so that no two scopes read alike.
std::string idempotency_scope(std::string_view tenant, std::string_view credential_id,
                              std::string_view method, std::string_view path, std::string_view key);

/// The name that every repeat of a keyed request bears.
runtime::command_id keyed_command_id(std::string_view secret, std::string_view scope);

/// The digest of a body's meaning, given its canonical JSON.
runtime::fingerprint fingerprint_of(std::string_view canonical_body);

/// An opaque position in a list: `key`, sealed with the secret for one `list` (its route and filters), so
/// that an altered one, or one of another list, is noticed.
std::string seal_cursor(std::string_view secret, std::string_view list, std::string_view key);
/// The key of a cursor made by `seal_cursor` for the same list, or nothing.
std::optional<std::string> open_cursor(std::string_view secret, std::string_view list,
                                       std::string_view cursor);

}  // namespace souk::gateway
