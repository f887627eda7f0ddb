#include "tests/api/known_values.hpp"

#include <algorithm>
#include <iterator>

namespace souk::tests {

namespace {

/// Of one name; what came first goes first.
constexpr std::size_t kept = 24;

}  // namespace

std::string without_suffix(std::string_view name, std::string_view suffix) {
  if (name.ends_with(suffix)) name.remove_suffix(suffix.size());
  return std::string{name};
}

void known_values::add(const std::string& name, std::string text) {
  if (protected_.contains(text)) return;
  auto& all = texts_[name];
  if (std::find(all.begin(), all.end(), text) != all.end()) return;
  if (all.size() == kept) all.erase(all.begin());
  all.push_back(std::move(text));
}

void known_values::learn(const json::value& answer, const std::string& what) {
  if (const auto* items = answer.as_array())
    for (const auto& item : *items)
      learn(item, what);
  const auto* members = answer.as_object();
  if (members == nullptr) return;
  for (const auto& [name, data] : *members) {
    const auto* text = data.as_string();
    if (text == nullptr) {
      learn(data, name == "data" ? what : without_suffix(name, "s"));
    } else if (name == "id") {
      add(what, *text);
      const auto* lines = answer.find("lines");
      if (lines != nullptr && lines->as_array() != nullptr && !lines->as_array()->empty())
        lines_[*text] = json::text_of(lines->as_array()->back(), "id");
      const auto* version = answer.find("version");
      if (version != nullptr && version->as_integer() != nullptr) versions_[*text] = *version->as_integer();
    } else if (name.ends_with("_id")) {
      add(without_suffix(name, "_id"), *text);
    } else if (name == "sku" || name == "secret") {
      add(name, *text);
    } else if (name == "next_cursor") {
      add(what == "event" ? "after" : "cursor", *text);
    }
  }
}

std::optional<std::string> known_values::any(std::string_view name, dice& dice) const {
  const auto found = texts_.find(without_suffix(name, "_id"));
  if (found == texts_.end()) return std::nullopt;
  const auto& all = found->second;
  return dice.percent(60) ? all.back() : dice.pick(all);
}

std::optional<std::string> known_values::any_id(dice& dice) const {
  if (texts_.empty()) return std::nullopt;
  return dice.pick(std::next(texts_.begin(), static_cast<std::ptrdiff_t>(dice.below(texts_.size())))->second);
}

std::optional<std::int64_t> known_values::version_of(const std::string& id) const {
  const auto found = versions_.find(id);
  return found == versions_.end() ? std::nullopt : std::optional{found->second};
}

std::optional<std::string> known_values::line_of(const std::string& id) const {
  const auto found = lines_.find(id);
  return found == lines_.end() ? std::nullopt : std::optional{found->second};
}

}  // namespace souk::tests
