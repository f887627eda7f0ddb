#include "tests/api/drawn_values.hpp"

#include "tests/api/schema_check.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

namespace souk::tests {

namespace {

using json::value;

/// Longer lists are seldom of another kind; each costs the shop's time.
constexpr std::size_t items_most = 4;
constexpr std::size_t text_most = 5'000;

const std::vector<std::string>& odd_letters() {
  static const std::vector<std::string> all{"ß",      "é", "日",     "🛒", "\u202e", "\u0301", "\u200b",
                                            "\u00a0", "Ω", "\uffff", " ",  "'",      "\"",     "\\",
                                            "<",      ";", "%",      "\t", "/",      "\x7f"};
  return all;
}

std::int64_t bound(const value& schema, std::string_view name, std::int64_t otherwise) {
  const auto* found = schema.find(name);
  return found == nullptr ? otherwise : *found->as_integer();
}

/// A text like a pattern that is made of letters and classes with a count alone, as all of the document are.
class like_pattern {
 public:
  like_pattern(std::string_view pattern, dice& dice) : rest_(pattern), dice_(dice) {}

  std::string draw() {
    if (rest_.starts_with('^')) rest_.remove_prefix(1);
    while (!rest_.empty() && rest_ != "$") {
      const auto letters = take_letters();
      const auto [least, most] = take_count();
      for (auto n = least + dice_.below(most - least + 1); n > 0; --n)
        drawn_ += letters[dice_.below(letters.size())];
    }
    // Where it is open, what follows may be anything.
    if (rest_.empty()) drawn_ += draw_text(1, 30, 20, dice_);
    return drawn_;
  }

 private:
  std::string take_letters() {
    if (rest_.front() != '[') {
      const auto letter = rest_.substr(0, 1);
      rest_.remove_prefix(1);
      return std::string{letter};
    }
    std::string letters;
    for (rest_.remove_prefix(1); rest_.front() != ']'; rest_.remove_prefix(1)) {
      if (rest_.size() > 2 && rest_[1] == '-' && rest_[2] != ']') {
        for (char c = rest_[0]; c <= rest_[2]; ++c)
          letters += c;
        rest_.remove_prefix(2);
      } else {
        letters += rest_.front();
      }
    }
    rest_.remove_prefix(1);
    return letters;
  }

  std::pair<std::size_t, std::size_t> take_count() {
    if (rest_.starts_with('+')) {
      rest_.remove_prefix(1);
      return {1, dice_.percent(10) ? 40 : 6};
    }
    if (!rest_.starts_with('{')) return {1, 1};
    const auto end = rest_.find('}');
    const std::string count{rest_.substr(1, end - 1)};
    rest_.remove_prefix(end + 1);
    const auto comma = count.find(',');
    const auto least = std::stoul(count);
    return {least, comma == std::string::npos ? least : std::stoul(count.substr(comma + 1))};
  }

  std::string_view rest_;
  dice& dice_;
  std::string drawn_;
};

/// One value for one schema.
class drawing {
 public:
  drawing(const value& document, const known_values& known, dice& dice)
      : document_(document), known_(known), dice_(dice), plain_(dice.percent(60)) {}

  value of(const value& schema, std::string_view name) {
    if (const auto* reference = schema.find("$ref"))
      return of(resolve(document_, *reference->as_string()), name);
    if (const auto* parts = schema.find("allOf")) return of(parts->as_array()->front(), name);
    if (const auto* all = schema.find("enum")) return dice_.pick(*all->as_array());
    if (schema.find("properties") != nullptr) return object(schema);
    if (const auto* ways = schema.find("anyOf")) return of(dice_.pick(*ways->as_array()), name);
    const auto* type = schema.find("type");
    if (type == nullptr) return value{some_text(0, 20)};
    if (const auto* several = type->as_array())
      return of_type(*dice_.pick(*several).as_string(), schema, name);
    return of_type(*type->as_string(), schema, name);
  }

 private:
  value of_type(const std::string& type, const value& schema, std::string_view name) {
    if (type == "string") return value{text(schema, name)};
    if (type == "integer") return value{integer(schema)};
    if (type == "number") return value{json::number{dice_.percent(50) ? "1.5" : "-0.25e3"}};
    if (type == "boolean") return value{dice_.percent(50)};
    if (type == "array") return list(schema, name);
    if (type == "object") return map(schema);
    if (type == "null") return value{};
    throw std::logic_error("nothing is drawn of type " + type);
  }

  std::string text(const value& schema, std::string_view name) {
    const auto* examples = schema.find("examples");
    const auto example = [&] { return *dice_.pick(*examples->as_array()).as_string(); };
    if (examples != nullptr && dice_.percent(plain_ ? 50 : 10)) return example();
    if (dice_.percent(75))
      if (auto known = known_.any(name, dice_)) return *std::move(known);
    if (examples != nullptr && dice_.percent(plain_ ? 95 : 50)) return example();
    if (schema.find("format") != nullptr)
      return dice_.percent(50) ? "2031-01-01T00:00:00Z" : "1999-12-31T23:59:60.5+05:30";
    if (const auto* pattern = schema.find("pattern"))
      return like_pattern{*pattern->as_string(), dice_}.draw();
    const auto least = static_cast<std::size_t>(bound(schema, "minLength", 0));
    const auto most = static_cast<std::size_t>(bound(schema, "maxLength", text_most));
    if (dice_.percent(plain_ ? 1 : 6)) return some_text(most, most);
    return some_text(least, std::min(most, least + 12));
  }

  std::string some_text(std::size_t least, std::size_t most) {
    return draw_text(least, most, plain_ ? 0 : 40, dice_);
  }

  std::int64_t integer(const value& schema) {
    const auto least = bound(schema, "minimum", -json::integer_max);
    const auto most = bound(schema, "maximum", json::integer_max);
    if (dice_.percent(70))
      return std::clamp<std::int64_t>(static_cast<std::int64_t>(dice_.below(20)), least, most);
    if (dice_.percent(30)) return least;
    if (dice_.percent(40)) return most;
    return least + static_cast<std::int64_t>(dice_.below(static_cast<std::size_t>(most - least) + 1));
  }

  value list(const value& schema, std::string_view name) {
    const auto least = static_cast<std::size_t>(bound(schema, "minItems", 0));
    const auto most = static_cast<std::size_t>(bound(schema, "maxItems", items_most));
    auto wanted = least + dice_.below(std::min(most, items_most) - least + 1);
    if (dice_.percent(1)) wanted = most;
    value::array items;
    for (std::size_t n = 0; n < wanted; ++n)
      items.push_back(of(*schema.find("items"), name));
    return value{std::move(items)};
  }

  // Members with names of the client's own.
  value map(const value& schema) {
    const auto* each = schema.find("additionalProperties");
    const auto most = static_cast<std::size_t>(bound(schema, "maxProperties", items_most));
    value::object members;
    for (auto wanted = dice_.below(std::min(most, items_most) + 1); wanted > 0; --wanted) {
      auto name = some_text(1, 12);
      if (std::any_of(members.begin(), members.end(), [&](const auto& one) { return one.name == name; }))
        continue;
      auto data = each != nullptr && each->as_object() != nullptr ? of(*each, {}) : value{some_text(0, 12)};
      members.push_back({std::move(name), std::move(data)});
    }
    return value{std::move(members)};
  }

  value object(const value& schema) {
    if (const auto* examples = schema.find("examples"); examples != nullptr && dice_.percent(40))
      return dice_.pick(*examples->as_array());
    std::vector<std::string_view> needed = names(schema.find("required"));
    if (const auto* ways = schema.find("anyOf"))
      for (const auto name : names(dice_.pick(*ways->as_array()).find("required")))
        needed.push_back(name);
    value::object members;
    for (const auto& [name, what] : *schema.find("properties")->as_object()) {
      const bool is_needed = std::find(needed.begin(), needed.end(), name) != needed.end();
      if (!is_needed && !dice_.percent(schema.find("anyOf") != nullptr ? 5 : 40)) continue;
      // What has a price is new; the sku of something else would be refused.
      const bool is_new = name == "sku" && schema.find("properties")->find("price") != nullptr;
      members.push_back({name, is_new && dice_.percent(80) ? value{"SKU-" + std::to_string(dice_.next())}
                                                           : of(what, name)});
    }
    for (auto at = members.size(); at > 1; --at)
      std::swap(members[at - 1], members[dice_.below(at)]);
    return value{std::move(members)};
  }

  static std::vector<std::string_view> names(const value* list) {
    std::vector<std::string_view> all;
    for (std::size_t n = 0; list != nullptr && n < list->as_array()->size(); ++n)
      all.emplace_back(*(*list->as_array())[n].as_string());
    return all;
  }

  const value& document_;
  const known_values& known_;
  dice& dice_;
  bool plain_;  // as a good client would write it
};

value nested(std::size_t deep) {
  value inner{std::int64_t{1}};
  for (; deep > 0; --deep) {
    value::array around;
    around.push_back(std::move(inner));
    inner = value{std::move(around)};
  }
  return inner;
}

value something_else(dice& dice) {
  switch (dice.below(12)) {
    case 0:
      return value{};
    case 1:
      return value{true};
    case 2:
      return value{std::int64_t{0}};
    case 3:
      return value{std::int64_t{-1}};
    case 4:
      return value{json::integer_max};
    case 5:
      return value{json::number{dice.pick(std::vector<std::string>{"1.5", "1e400", "-0", "9007199254740993",
                                                                   "18446744073709551616", "1e-7"})}};
    case 6:
      return value{std::string{}};
    case 7:
      return value{draw_text(300, 300, 20, dice)};
    case 8:
      return value{value::array{}};
    case 9:
      return value{value::object{}};
    case 10:
      return nested(20 + dice.below(20));
    default:
      return value{draw_text(1, 12, 20, dice)};
  }
}

// An object with a member too few, too many, twice, or under another name.
void spoil_members(value::object& members, dice& dice) {
  const auto at = members.empty() ? 0 : dice.below(members.size());
  switch (members.empty() ? 0 : dice.below(4)) {
    case 0:
      members.push_back({draw_text(0, 12, 20, dice), something_else(dice)});
      return;
    case 1:
      members.erase(members.begin() + static_cast<std::ptrdiff_t>(at));
      return;
    case 2:
      members.push_back(members[at]);
      return;
    default:
      members[at].name += dice.percent(50) ? "_" : "\xc3\xa9";
  }
}

}  // namespace

std::string draw_text(std::size_t least, std::size_t most, unsigned odd_chance, dice& dice) {
  static constexpr std::string_view plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
  const bool odd = dice.percent(odd_chance);
  std::string text;
  for (auto wanted = least + dice.below(most - least + 1); wanted > 0; --wanted) {
    if (odd && dice.percent(50))
      text += dice.pick(odd_letters());
    else
      text += plain[dice.below(plain.size())];
  }
  return text;
}

value draw_value(const value& document, const value& schema, const known_values& known, dice& dice,
                 std::string_view name) {
  return drawing{document, known, dice}.of(schema, name);
}

void spoil_value(value& value, dice& dice) {
  if (const auto* members = value.as_object()) {
    auto changed = *members;
    if (!changed.empty() && dice.percent(60))
      spoil_value(changed[dice.below(changed.size())].data, dice);
    else
      spoil_members(changed, dice);
    value = json::value{std::move(changed)};
  } else if (const auto* items = value.as_array(); items != nullptr && !items->empty() && dice.percent(70)) {
    auto changed = *items;
    spoil_value(changed[dice.below(changed.size())], dice);
    value = json::value{std::move(changed)};
  } else {
    value = something_else(dice);
  }
}

std::string spoil_text(std::string text, dice& dice) {
  const auto at = text.empty() ? 0 : dice.below(text.size());
  switch (dice.below(8)) {
    case 0:
      return text.substr(0, at);
    case 1:
      return "\xef\xbb\xbf" + text;
    case 2:
      return text + "x";
    case 3:
      return std::string(50, '[') + text + std::string(50, ']');
    case 4:
      return R"({"\ud800":1})";
    case 5:
      return text.insert(at, 1, static_cast<char>(dice.below(256)));
    case 6:
      return "";
    default:
      if (!text.empty()) text[at] = static_cast<char>(dice.below(256));
      return text;
  }
}

}  // namespace souk::tests
