#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace souk::fuzz {

/// One request as http_parser reads it.
struct second_reading {
  bool complete = false;  ///< To its end, without an error.
  std::string error;
  std::string method;
  std::string target;
  std::vector<std::pair<std::string, std::string>>
      fields;  ///< Of the head. Lower-case names, trimmed values.
  std::string body;
  std::size_t end = 0;  ///< Where the request ends.
  bool keeps_alive = false;
  /// Known differences, see docs/testers.md: it has fields that http_parser refuses without need, or whose
  /// word on the connection's end it reads otherwise.
  bool may_refuse = false;
  bool may_differ_on_closing = false;
};

/// Reads the first request of `bytes`, whatever follows it.
second_reading read_as_second(std::string_view bytes);

}  // namespace souk::fuzz
