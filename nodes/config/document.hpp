#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// The syntax of cluster.conf: the brace form of CAF's configuration files, read by a parser of our own
/// because CAF's keeps no line numbers.
///
///     name { key = "text" other = [1, 2] }      ; a comment runs to the end of its line
///
/// Members end at a line's end or at a comma. Values: "text", 42, true, 250ms, 64MiB, [lists], {maps}.
namespace souk::config {

/// Something wrong in a file, said so that a person can put it right.
struct problem {
  unsigned line = 0;  ///< From 1; 0: it belongs to no line.
  std::string text;
};

/// A number with a unit of time.
struct duration_value {
  std::chrono::nanoseconds time{};
};

/// A number with a unit of size.
struct size_value {
  std::uint64_t bytes = 0;
};

struct member;
struct value;
using list_value = std::vector<value>;
using map_value = std::vector<member>;

/// A value that could not be read; `document::problems` says why.
struct unreadable_value {};

/// One value and the line where it begins.
struct value {
  unsigned line = 0;
  std::variant<unreadable_value, bool, std::int64_t, std::string, duration_value, size_value, list_value,
               map_value>
      data;
};

/// One member of a map, in the file's order. Keys of one map differ.
struct member {
  unsigned line = 0;
  std::string key;
  config::value value;
};

/// A file as it was written. Reading goes on behind a value that makes no sense, and stops where the
/// structure itself breaks; `problems` names both, as they were found: what is never closed comes last.
struct document {
  map_value root;
  std::vector<problem> problems;
};

/// Reads a whole file. Never throws for what is in the text.
document parse_document(std::string_view text);

}  // namespace souk::config
