#include "nodes/souk/printing.hpp"

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

namespace souk::cli {

namespace json = boost::json;

std::string plain(const json::value& value) {
  return value.is_string() ? std::string(value.get_string()) : json::serialize(value);
}

void print_line(const json::value& value) { fmt::print("{}\n", json::serialize(value)); }

namespace {

void print_member(std::string_view name, const json::value& value, const std::string& indent) {
  const bool nested =
      (value.is_object() && !value.get_object().empty()) ||
      (value.is_array() && !value.get_array().empty() && !value.get_array().front().is_string());
  if (!nested) {
    fmt::print("{}{}: {}\n", indent, name, plain(value));
    return;
  }
  fmt::print("{}{}:\n", indent, name);
  print_readable(value, indent + "  ");
}

}  // namespace

void print_readable(const json::value& value, const std::string& indent) {
  if (value.is_object()) {
    for (const auto& [name, inner] : value.get_object())
      print_member(name, inner, indent);
  } else if (value.is_array()) {
    for (const json::value& element : value.get_array()) {
      fmt::print("{}-\n", indent);
      print_readable(element, indent + "  ");
    }
  } else {
    fmt::print("{}{}\n", indent, plain(value));
  }
}

void print_table(const json::value& rows, const std::vector<column>& columns) {
  if (!rows.is_array()) return;
  std::vector<std::vector<std::string>> cells;
  std::vector<std::size_t> widths;
  widths.reserve(columns.size());
  for (const column& column : columns)
    widths.push_back(column.name.size());
  for (const json::value& row : rows.get_array()) {
    std::vector<std::string>& line = cells.emplace_back();
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const json::value* found = row.is_object() ? row.get_object().if_contains(columns[i].name) : nullptr;
      line.push_back(found == nullptr ? "" : plain(*found));
      widths[i] = std::max(widths[i], line.back().size());
    }
  }
  const auto print_row = [&](const auto& text_of) {
    std::string text;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      text += columns[i].number ? fmt::format("{:>{}}  ", text_of(i), widths[i])
                                : fmt::format("{:<{}}  ", text_of(i), widths[i]);
    }
    fmt::print("{}\n", std::string_view(text).substr(0, text.find_last_not_of(' ') + 1));
  };
  print_row([&](std::size_t i) { return columns[i].name; });
  for (const auto& line : cells)
    print_row([&](std::size_t i) -> std::string_view { return line[i]; });
}

}  // namespace souk::cli
