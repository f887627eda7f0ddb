#pragma once

#include "nodes/config/config.hpp"
#include "nodes/config/document.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace souk::config {

/// Takes the settings out of one map of a document, each with its type and range, and collects whatever is
/// wrong. A setting that is absent leaves its target as it is.
class map_reader {
 public:
  /// `path` names the map in messages ("http", "nodes[2]"; empty for the file itself). Both references must
  /// outlive the reader.
  map_reader(const map_value& map, std::string path, std::vector<problem>& problems);

  /// A whole number from `least` to `most`.
  template <class Integer>
  void number(std::string_view key, Integer& target, std::int64_t least, std::int64_t most) {
    static_assert(std::is_unsigned_v<Integer>);
    std::int64_t read = 0;
    if (read_number(key, read, least, most)) target = static_cast<Integer>(read);
  }

  /// A time with its unit, from `least` to `most`, in whole milliseconds.
  void time(std::string_view key, milliseconds& target, milliseconds least, milliseconds most);

  /// A size, with its unit or in bytes, from `least` to `most`.
  void size(std::string_view key, std::uint64_t& target, std::uint64_t least, std::uint64_t most);

  /// Any text.
  void text(std::string_view key, std::string& target);

  /// true or false.
  void flag(std::string_view key, bool& target);

  /// A list of texts.
  void texts(std::string_view key, std::vector<std::string>& target);

  /// A list of texts, each an address or a network (`values::parse_network`).
  void networks(std::string_view key, std::vector<std::string>& target);

  /// A text that is one of `choices`.
  void choice(std::string_view key, std::string& target, std::initializer_list<std::string_view> choices);

  /// A name: 1 to `length_max` of a-z, 0-9, "-" and "_".
  void name(std::string_view key, std::string& target, std::size_t length_max);

  /// An address with a port.
  void address(std::string_view key, endpoint& target);

  /// A nested map: `read` gets a reader for it.
  template <class Read>
  void section(std::string_view key, Read read) {
    const member* found = find(key);
    const auto* map = as<map_value>(found, "a section in braces");
    if (map == nullptr) return;
    map_reader inner{*map, path_to(key), problems_};
    read(inner);
    inner.refuse_unknown();
  }

  /// A list of maps: `read` gets a reader for each. Returns how many the file lists, or nothing if the
  /// list is absent.
  template <class Read>
  std::optional<std::size_t> sections(std::string_view key, Read read) {
    const member* found = find(key);
    const auto* list = as<list_value>(found, "a list of sections in braces");
    if (list == nullptr) return std::nullopt;
    for (std::size_t i = 0; i < list->size(); ++i) {
      const std::string path = path_to(key) + "[" + std::to_string(i + 1) + "]";
      const auto* map = std::get_if<map_value>(&(*list)[i].data);
      if (map == nullptr) {
        complain((*list)[i].line, path + " must be a section in braces");
        continue;
      }
      map_reader inner{*map, path, problems_};
      read(inner);
      inner.refuse_unknown();
    }
    return list->size();
  }

  /// The line of a setting, 0 if it is absent.
  unsigned line_of(std::string_view key) const;

  /// Reports something that is wrong beyond one setting's type and range.
  void complain(unsigned line, std::string text) { problems_.push_back({line, std::move(text)}); }

  /// Reports all keys that nobody asked for. To be called last.
  void refuse_unknown();

 private:
  const member* find(std::string_view key);
  std::string path_to(std::string_view key) const;
  bool read_number(std::string_view key, std::int64_t& target, std::int64_t least, std::int64_t most);
  void wrong_type(const member& found, std::string_view wanted);
  std::string nearest_key(std::string_view key) const;

  template <class Type>
  const Type* as(const member* found, std::string_view wanted) {
    if (found == nullptr || std::holds_alternative<unreadable_value>(found->value.data)) return nullptr;
    const Type* typed = std::get_if<Type>(&found->value.data);
    if (typed == nullptr) wrong_type(*found, wanted);
    return typed;
  }

  const map_value& map_;
  std::string path_;
  std::vector<problem>& problems_;
  std::vector<std::string_view> known_;
};

}  // namespace souk::config
