#include "tests/api/schema_check.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <regex>
#include <set>
#include <stdexcept>

namespace souk::tests {

namespace {

using json::value;
using findings = std::vector<std::string>;

std::string_view type_of(const value& value) {
  switch (value.type()) {
    case json::type::null:
      return "null";
    case json::type::boolean:
      return "boolean";
    case json::type::integer:
      return "integer";
    case json::type::number:
      return "number";
    case json::type::string:
      return "string";
    case json::type::array:
      return "array";
    case json::type::object:
      return "object";
  }
  return "";
}

bool has_type(const value& of, const value& wanted) {
  if (const auto* several = wanted.as_array())
    return std::any_of(several->begin(), several->end(), [&](const auto& one) { return has_type(of, one); });
  const auto& name = *wanted.as_string();
  return type_of(of) == name || (name == "number" && type_of(of) == "integer");
}

std::size_t letters(const std::string& utf8) {
  return static_cast<std::size_t>(std::count_if(
      utf8.begin(), utf8.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

/// One value against one schema.
class check {
 public:
  check(const value& document, const value& schema, const value& of, std::string at)
      : document_(document), schema_(schema), value_(of), at_(std::move(at)) {}

  findings run() {
    for (const auto& [keyword, what] : *schema_.as_object())
      apply(keyword, what);
    return std::move(found_);
  }

 private:
  void find(const std::string& what) { found_.push_back((at_.empty() ? "/" : at_) + ": " + what); }
  void add(const findings& more) { found_.insert(found_.end(), more.begin(), more.end()); }
  findings below(const value& schema, const value& of, const std::string& at) const {
    return check_schema(document_, schema, of, at);
  }

  void apply(const std::string& keyword, const value& what) {
    static const std::set<std::string> said_only{"description", "examples", "format", "default"};
    if (said_only.contains(keyword)) return;
    static const std::map<std::string, void (check::*)(const value&)> known{
        {"$ref", &check::reference},
        {"type", &check::type},
        {"enum", &check::one_of},
        {"pattern", &check::pattern},
        {"minLength", &check::length},
        {"maxLength", &check::length},
        {"minimum", &check::range},
        {"maximum", &check::range},
        {"items", &check::items},
        {"minItems", &check::count},
        {"maxItems", &check::count},
        {"maxProperties", &check::count},
        {"required", &check::required},
        {"properties", &check::properties},
        {"anyOf", &check::any_of},
        {"allOf", &check::all_of},
        {"additionalProperties", &check::additional}};
    const auto found = known.find(keyword);
    if (found == known.end()) return find("the check does not know " + keyword);
    (this->*found->second)(what);
  }

  void reference(const value& what) { add(below(resolve(document_, *what.as_string()), value_, at_)); }
  void type(const value& what) {
    if (!has_type(value_, what)) find("it is of type " + std::string{type_of(value_)});
  }
  void one_of(const value& what) {
    const auto& all = *what.as_array();
    const auto same = [&](const auto& one) { return json::canonical(one) == json::canonical(value_); };
    if (std::none_of(all.begin(), all.end(), same)) find(json::canonical(value_) + " is not in the list");
  }
  void pattern(const value& what) {
    const auto* text = value_.as_string();
    if (text != nullptr && !std::regex_search(*text, std::regex{*what.as_string()}))
      find(*text + " is not like " + *what.as_string());
  }
  void length(const value&) {
    if (const auto* text = value_.as_string()) within("minLength", "maxLength", letters(*text));
  }
  void range(const value&) {
    if (const auto* number = value_.as_integer()) within("minimum", "maximum", *number);
  }
  void count(const value&) {
    if (const auto* items = value_.as_array()) within("minItems", "maxItems", items->size());
    if (const auto* members = value_.as_object()) within("", "maxProperties", members->size());
  }
  template <class Number>
  void within(std::string_view least, std::string_view most, Number number) {
    const auto n = static_cast<std::int64_t>(number);
    const auto* min = schema_.find(least);
    const auto* max = schema_.find(most);
    if ((min != nullptr && n < *min->as_integer()) || (max != nullptr && n > *max->as_integer()))
      find(std::to_string(n) + " is out of range");
  }
  void items(const value& what) {
    const auto* all = value_.as_array();
    for (std::size_t n = 0; all != nullptr && n < all->size(); ++n)
      add(below(what, (*all)[n], at_ + "/" + std::to_string(n)));
  }
  void required(const value& what) {
    if (value_.as_object() == nullptr) return;
    for (const auto& name : *what.as_array())
      if (value_.find(*name.as_string()) == nullptr) find(*name.as_string() + " is missing");
  }
  void properties(const value& what) {
    const auto* members = value_.as_object();
    if (members == nullptr) return;
    for (const auto& [name, data] : *members) {
      if (const auto* schema = what.find(name)) {
        add(below(*schema, data, at_ + "/" + name));
      } else if (!is_part_ && schema_.find("additionalProperties") == nullptr) {
        find(name + " is not described");
      }
    }
  }
  void additional(const value& what) {
    const auto* members = value_.as_object();
    const auto* named = schema_.find("properties");
    for (std::size_t n = 0; members != nullptr && n < members->size(); ++n) {
      const auto& [name, data] = (*members)[n];
      if (named != nullptr && named->find(name) != nullptr) continue;
      if (what.as_object() != nullptr) {
        add(below(what, data, at_ + "/" + name));
      } else if (!*what.as_boolean()) {
        find(name + " is not allowed");
      }
    }
  }
  void any_of(const value& what) {
    findings nearest;
    bool first = true;
    for (const auto& schema : *what.as_array()) {
      const bool only_required = schema.as_object()->size() == 1 && schema.find("required") != nullptr;
      auto found = only_required ? check{document_, schema, value_, at_}.run() : below(schema, value_, at_);
      if (found.empty()) return;
      if (first || found.size() < nearest.size()) nearest = std::move(found);
      first = false;
    }
    add(nearest);
  }
  // Each part may describe some members; each member is described by some part.
  void all_of(const value& what) {
    std::set<std::string> described;
    for (const auto& part : *what.as_array()) {
      const auto* reference = part.find("$ref");
      const auto& schema = reference == nullptr ? part : resolve(document_, *reference->as_string());
      check one{document_, schema, value_, at_};
      one.is_part_ = true;
      add(one.run());
      if (const auto* members = schema.find("properties"))
        for (const auto& [name, data] : *members->as_object())
          described.insert(name);
    }
    const auto* members = value_.as_object();
    for (std::size_t n = 0; members != nullptr && n < members->size(); ++n)
      if (!described.contains((*members)[n].name)) find((*members)[n].name + " is not described");
  }

  const value& document_;
  const value& schema_;
  const value& value_;
  std::string at_;
  bool is_part_ = false;  // of an allOf
  findings found_;
};

}  // namespace

findings check_schema(const value& document, const value& schema, const value& of, const std::string& at) {
  return check{document, schema, of, at}.run();
}

const value& resolve(const value& document, std::string_view reference) {
  if (!reference.starts_with("#/")) throw std::logic_error("a reference out of the document");
  reference.remove_prefix(2);
  const auto* here = &document;
  while (here != nullptr && !reference.empty()) {
    const auto slash = reference.find('/');
    here = here->find(reference.substr(0, slash));
    reference.remove_prefix(slash == std::string_view::npos ? reference.size() : slash + 1);
  }
  if (here == nullptr) throw std::logic_error("a reference to nothing");
  return *here;
}

}  // namespace souk::tests
