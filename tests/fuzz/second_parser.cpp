#include "tests/fuzz/second_parser.hpp"

#include <http_parser.h>

#include <algorithm>

namespace souk::fuzz {
namespace {

struct collector {
  second_reading found;
  bool in_head = true;
  bool in_value = false;

  static collector& of(http_parser* parser) { return *static_cast<collector*>(parser->data); }
};

int on_name(http_parser* parser, const char* at, std::size_t size) {
  auto& self = collector::of(parser);
  if (!self.in_head) {
    self.found.may_differ_on_closing = true;  // it takes a trailer's Connection for the head's
    return 0;
  }
  auto& fields = self.found.fields;
  if (fields.empty() || std::exchange(self.in_value, false)) fields.emplace_back();
  fields.back().first.append(at, size);
  return 0;
}

int on_value(http_parser* parser, const char* at, std::size_t size) {
  auto& self = collector::of(parser);
  if (!self.in_head) return 0;
  self.in_value = true;
  self.found.fields.back().second.append(at, size);
  return 0;
}

int on_complete(http_parser* parser) {
  auto& self = collector::of(parser);
  self.found.complete = true;
  self.found.keeps_alive = http_should_keep_alive(parser) != 0;
  http_parser_pause(parser, 1);  // what follows is another request
  return 0;
}

http_parser_settings make_settings() {
  http_parser_settings settings;
  http_parser_settings_init(&settings);
  settings.on_url = [](http_parser* parser, const char* at, std::size_t size) {
    collector::of(parser).found.target.append(at, size);
    return 0;
  };
  settings.on_header_field = on_name;
  settings.on_header_value = on_value;
  settings.on_headers_complete = [](http_parser* parser) {
    collector::of(parser).in_head = false;
    return 0;
  };
  settings.on_body = [](http_parser* parser, const char* at, std::size_t size) {
    collector::of(parser).found.body.append(at, size);
    return 0;
  };
  settings.on_message_complete = on_complete;
  return settings;
}

/// An element of nothing, or a tab between elements: RFC 9110 has readers take both.
bool is_odd_list(std::string_view value) {
  bool empty = true;
  for (const char c : value) {
    if (c == '\t' || (c == ',' && empty)) return true;
    if (c == ',' || c != ' ') empty = c == ',';
  }
  return empty;
}

void normalise(second_reading& found) {
  for (auto& [name, value] : found.fields) {
    for (char& c : name)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    found.may_refuse =
        found.may_refuse || (name.starts_with("transfer-encoding") && name != "transfer-encoding");
    if (name == "proxy-connection" || (name == "connection" && is_odd_list(value)))
      found.may_differ_on_closing = true;
    value.erase(value.find_last_not_of(" \t") + 1);
  }
}

}  // namespace

second_reading read_as_second(std::string_view bytes) {
  static const http_parser_settings settings = make_settings();
  collector collector;
  http_parser parser;
  http_parser_init(&parser, HTTP_REQUEST);
  parser.data = &collector;
  auto& found = collector.found;
  found.end = http_parser_execute(&parser, &settings, bytes.data(), bytes.size());
  const auto error = HTTP_PARSER_ERRNO(&parser);
  if (error != HPE_OK && error != HPE_PAUSED) {
    found.complete = false;
    found.error = http_errno_name(error);
    const bool length = error == HPE_INVALID_CONTENT_LENGTH || error == HPE_UNEXPECTED_CONTENT_LENGTH;
    const bool coding = error == HPE_INVALID_TRANSFER_ENCODING;
    const auto head = bytes.substr(0, bytes.find("\r\n\r\n", bytes.find_first_not_of("\r\n")));
    const bool known = !collector.in_head || head.find('\t') != std::string_view::npos;
    found.may_refuse = known && (length || coding);
  } else if (!found.complete) {
    found.error = "more is to come";
  }
  found.method = http_method_str(static_cast<http_method>(parser.method));
  normalise(found);
  return std::move(found);
}

}  // namespace souk::fuzz
