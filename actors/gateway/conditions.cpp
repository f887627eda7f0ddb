#include "actors/gateway/conditions.hpp"

#include <algorithm>

namespace souk::gateway {

namespace {

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
    text.remove_suffix(1);
  return text;
}

std::string lower(std::string_view text) {
  std::string out{text};
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

/// Takes the next element of a list off `rest`.
std::string_view next_of(std::string_view& rest, char separator) {
  std::size_t end = rest.find(separator);
  std::string_view item = trim(rest.substr(0, end));
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return item;
}

/// Whether a media range's parameters say "q=0", "q=0.0" and the like.
bool is_refused(std::string_view parameters) {
  while (!parameters.empty()) {
    std::string parameter = lower(next_of(parameters, ';'));
    if (parameter.starts_with("q=")) return parameter.find_first_not_of("0.", 2) == std::string::npos;
  }
  return false;
}

}  // namespace

bool accepts_json(std::string_view accept) {
  bool listed = false;
  while (!accept.empty()) {
    std::string_view element = next_of(accept, ',');
    if (element.empty()) continue;
    listed = true;
    std::string range = lower(next_of(element, ';'));
    bool fits = range == "*/*" || range == "*" || range == "application/*" || range == "application/json" ||
                range == "application/problem+json";
    if (fits && !is_refused(element)) return true;
  }
  return !listed;
}

bool prefers_minimal(std::string_view prefer) {
  while (!prefer.empty()) {
    std::string_view preference = next_of(prefer, ',');
    std::string name = lower(next_of(preference, ';'));
    if (name == "return=minimal" || name == "return=\"minimal\"") return true;
  }
  return false;
}

std::optional<std::string> media_type(std::string_view content_type) {
  std::string type = lower(next_of(content_type, ';'));
  while (!content_type.empty()) {
    std::string parameter = lower(next_of(content_type, ';'));
    if (parameter.starts_with("charset=") && parameter != "charset=utf-8" && parameter != "charset=\"utf-8\"")
      return std::nullopt;
  }
  return type;
}

std::string condition_text(std::string_view field) {
  std::string text{field};
  std::replace_if(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) > 0x7e; }, '?');
  return text;
}

}  // namespace souk::gateway
