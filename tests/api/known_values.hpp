#pragma once

#include "actors/json/reader.hpp"
#include "tests/api/dice.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace souk::tests {

/// "cart" of "carts" and "s"; a name that ends in another way as it is.
std::string without_suffix(std::string_view name, std::string_view suffix);

/// What a client has learned from earlier answers, so that it can ask for what is there.
class known_values {
 public:
  /// Ids, skus, cursors and secrets of a good answer. `what`: what its own ids are of, such as "cart".
  void learn(const json::value& answer, const std::string& what);
  void add(const std::string& name, std::string text);
  /// It is never given out.
  void protect(const std::string& text) { protected_.insert(text); }

  /// One of that name, rather a late one; nothing if none is known. "cart_id" is "cart".
  std::optional<std::string> any(std::string_view name, dice& dice) const;
  /// An id of whatever.
  std::optional<std::string> any_id(dice& dice) const;
  std::optional<std::int64_t> version_of(const std::string& id) const;
  /// A line of what has this id.
  std::optional<std::string> line_of(const std::string& id) const;

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> texts_;
  std::map<std::string, std::int64_t> versions_;
  std::map<std::string, std::string> lines_;
  std::set<std::string> protected_;
};

}  // namespace souk::tests
