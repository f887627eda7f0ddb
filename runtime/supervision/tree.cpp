#include "runtime/supervision/tree.hpp"

#include "runtime/telemetry/json_text.hpp"

#include <string_view>

namespace souk::supervision {

namespace {

void append_text(std::string& out, std::string_view key, std::string_view text) {
  out += '"';
  out += key;
  out += "\":";
  telemetry::append_json_string(out, text);
  out += ',';
}

void append(std::string& out, const tree_node& node) {
  out += '{';
  append_text(out, "name", node.name);
  append_text(out, "kind", node.kind);
  append_text(out, "state", node.state);
  out += "\"restarts\":" + std::to_string(node.restarts) + ',';
  if (!node.last_error.empty()) append_text(out, "last_error", node.last_error);
  if (node.entities)
    out += "\"entities\":{\"live\":" + std::to_string(node.entities->live) +
           ",\"restarts\":" + std::to_string(node.entities->restarts) + "},";
  out += "\"children\":[";
  for (const auto& child : node.children) {
    if (&child != &node.children.front()) out += ',';
    append(out, child);
  }
  out += "]}";
}

}  // namespace

std::string to_json(const tree_node& node) {
  std::string out;
  append(out, node);
  return out;
}

}  // namespace souk::supervision
