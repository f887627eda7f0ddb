#pragma once

#include "runtime/crockford.hpp"
#include "runtime/types.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace souk::values {

/// An id is a prefix, 10 characters of time (milliseconds, so that ids sort by creation) and an unguessable
/// part of 20 characters (100 bits), all in Crockford base32: "crt_01JD...". Only the unguessable part
/// addresses the entity. Some parts carry a suffix after the 20 characters: a lower-case letter and a number
/// from 1 to 9999 (payments: "p1" for the first attempt).
inline constexpr std::size_t id_time_length = 10;
using runtime::id_part_length;

/// "crt_" + time + part. `prefix` includes its underscore.
std::string make_id(std::string_view prefix, runtime::timestamp created, std::string_view part);

/// The part that addresses the entity, or nothing if `id` is not an id with this prefix (wrong prefix, length
/// or alphabet; lower case is not accepted).
std::optional<std::string_view> part_of(std::string_view prefix, std::string_view id);

/// The first 20 characters of a part: what entities of one sale have in common, and their partition.
std::string_view partition_of_part(std::string_view part);

/// 20 characters of Crockford base32 from the first 100 bits of at least 13 bytes.
std::string encode_part(std::span<const std::uint8_t> bytes);

/// The unguessable part of a keyed create: HMAC-SHA256(secret, text) cut to 100 bits.
std::string keyed_part(std::string_view secret, std::string_view text);

/// RFC 3339 in UTC with milliseconds: "2026-11-25T10:00:00.000Z". Years 0 to 9999.
std::string format_time(runtime::timestamp time);

/// The reverse; the fraction has three digits or is absent. Nothing if it is not such a time.
std::optional<runtime::timestamp> parse_time(std::string_view text);

}  // namespace souk::values
