#pragma once

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

/// Entity tags as the HTTP contract makes them: the version of a body, and a digest where the body shows what
/// belongs to others.
namespace souk::json {

/// `"7"`
inline std::string etag_of(std::uint64_t version) { return '"' + std::to_string(version) + '"'; }

/// `"7-00c0ffee"`
inline std::string etag_of(std::uint64_t version, std::uint32_t digest) {
  char text[16];
  const int length = std::snprintf(text, sizeof text, "-%08x\"", digest);
  return '"' + std::to_string(version).append(text, static_cast<std::size_t>(length));
}

namespace detail {

/// Takes the next entity tag of a list such as `"a", W/"b"` off the front of `list`: what stands between its
/// quotes. False at the end, or where the list is not well-formed.
inline bool next_tag(std::string_view& list, std::string_view& opaque, bool& weak) {
  const auto start = list.find_first_not_of(" \t,");
  if (start == std::string_view::npos) return false;
  list.remove_prefix(start);
  weak = list.starts_with("W/");
  if (weak) list.remove_prefix(2);
  if (!list.starts_with('"')) return false;
  const auto end = list.find('"', 1);
  if (end == std::string_view::npos) return false;
  opaque = list.substr(1, end - 1);
  list.remove_prefix(end + 1);
  return true;
}

}  // namespace detail

/// Whether an If-None-Match names `etag`, compared weakly: then a read is answered 304. An empty field names
/// nothing.
inline bool none_match_names(std::string_view field, std::string_view etag) {
  if (field == "*") return true;
  std::string_view opaque;
  bool weak = false;
  while (detail::next_tag(field, opaque, weak)) {
    if (etag.size() == opaque.size() + 2 && etag.substr(1, opaque.size()) == opaque) return true;
  }
  return false;
}

/// Whether an If-Match allows a change of what has this version. Only the version counts, not the digest:
/// what belongs to others does not stand in the way. An empty field allows everything.
inline bool match_allows(std::string_view field, std::uint64_t version) {
  if (field.empty() || field == "*") return true;
  std::string_view opaque;
  bool weak = false;
  while (detail::next_tag(field, opaque, weak)) {
    std::uint64_t named = 0;
    const auto [end, error] = std::from_chars(opaque.data(), opaque.data() + opaque.size(), named);
    const bool whole = end == opaque.data() + opaque.size() || *end == '-';
    if (!weak && error == std::errc{} && whole && named == version) return true;
  }
  return false;
}

}  // namespace souk::json
