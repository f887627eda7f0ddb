#pragma once

#include <boost/json/value.hpp>

#include <string>
#include <string_view>
#include <vector>

/// How commands of `souk` write what they were answered, on standard output.
namespace souk::cli {

/// A text as it is, anything else as JSON.
std::string plain(const boost::json::value& value);

/// JSON on one line, for machines.
void print_line(const boost::json::value& value);

/// "name: value" lines, deeper ones indented; lists of plain values on one line.
void print_readable(const boost::json::value& value, const std::string& indent);

struct column {
  std::string_view name;
  bool number = false;
};

/// A list of objects as a table.
void print_table(const boost::json::value& rows, const std::vector<column>& columns);

}  // namespace souk::cli
