#include "actors/gateway/listener_output.hpp"

#include <array>
#include <charconv>
#include <chrono>

namespace souk::gateway {

namespace {

std::string_view reason_of(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 402:
      return "Payment Required";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Content";
    case 428:
      return "Precondition Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "";
  }
}

void append_number(std::string& text, std::size_t number) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  text.append(digits.data(), end);
}

void append_safe(std::string& text, std::string_view value) {
  static constexpr std::string_view hex = "0123456789ABCDEF";
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f)
      text += c;
    else
      text.append({'%', hex[byte >> 4], hex[byte & 15]});
  }
}

/// As lines. JSON that a browser is made to open all the same may load nothing; only a page says what it
/// needs.
std::string_view fields_of(answer_kind kind) {
  switch (kind) {
    case answer_kind::personal:
      return "Cache-Control: no-store\r\n"
             "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n";
    case answer_kind::catalogue:
      return "Cache-Control: private, no-cache\r\n"
             "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n";
    case answer_kind::page:
      break;
  }
  return "Cache-Control: private, no-cache\r\n";
}

bool has_body(int status) { return status >= 200 && status != 204 && status != 304; }

}  // namespace

std::string& output_queue::text() {
  if (pieces_.empty() || last_is_body_) pieces_.emplace_back();
  last_is_body_ = false;
  return pieces_.back();
}

void output_queue::append(std::string body) {
  if (body.size() <= copied_bytes_max) {
    text() += body;
    return;
  }
  pieces_.push_back(std::move(body));
  last_is_body_ = true;
}

std::size_t output_queue::bytes_unsent() const {
  std::size_t bytes = 0;
  for (const auto& piece : pieces_)
    bytes += piece.size();
  return bytes - sent_;
}

void output_queue::consume(std::size_t bytes) {
  sent_ += bytes;
  while (!pieces_.empty() && sent_ >= pieces_.front().size()) {
    sent_ -= pieces_.front().size();
    if (pieces_.size() == 1 && pieces_.front().capacity() <= kept_bytes_max) {
      pieces_.front().clear();
      last_is_body_ = false;
      return;
    }
    pieces_.pop_front();
  }
  if (pieces_.empty()) last_is_body_ = false;
}

void append_answer(output_queue& out, http_response response, const answer_frame& frame) {
  auto& text = out.text();
  text += "HTTP/1.1 ";
  append_number(text, static_cast<std::size_t>(response.status));
  text.append(" ").append(reason_of(response.status)).append("\r\n");
  text += frame.common_fields;
  text += fields_of(response.kind);
  for (const auto& [name, value] : response.fields) {
    append_safe(text, name);
    text += ": ";
    append_safe(text, value);
    text += "\r\n";
  }
  if (has_body(response.status) && !response.more) {
    text += "Content-Length: ";
    append_number(text, response.body.size());
    text += "\r\n";
  }
  if (frame.close)
    text += "Connection: close\r\n";
  else if (frame.http_1_0)
    text += "Connection: keep-alive\r\n";
  text += "\r\n";
  if (has_body(response.status) && !frame.head_only) out.append(std::move(response.body));
}

}  // namespace souk::gateway
