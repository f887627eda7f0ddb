#include "actors/gateway/gate.hpp"

#include "actors/values/utf8.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <utility>

namespace souk::gateway {

namespace {

constexpr std::size_t method_bytes_max = 32;
/// Room for fields that a request starts with: most clients send no more.
constexpr std::size_t fields_expected = 12;
constexpr std::size_t version_bytes = 8;  // "HTTP/1.1"
/// Empty lines before a request line, which old clients send after a body.
constexpr std::size_t empty_lines_max = 2;
constexpr std::size_t chunk_digits_max = 16;
constexpr std::size_t chunk_extension_bytes_max = 256;
/// A body may come in one chunk for so many bytes of its limit, on average: smaller ones cost more than they
/// carry.
constexpr std::size_t chunk_bytes_mean_min = 64;
constexpr std::size_t trailer_bytes_max = 4 * 1024;
constexpr std::size_t trailer_fields_max = 16;

using char_set = std::array<bool, 256>;

constexpr char_set set_of(std::string_view chars) {
  char_set set{};
  for (const char c : chars)
    set[static_cast<unsigned char>(c)] = true;
  return set;
}

constexpr std::string_view alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

constexpr char_set with(char_set set, std::string_view chars) {
  for (const char c : chars)
    set[static_cast<unsigned char>(c)] = true;
  return set;
}

constexpr char_set field_value_set() {
  char_set set = set_of("\t");
  for (int c = 0x20; c < 0x100; ++c)
    set[static_cast<std::size_t>(c)] = c != 0x7f;
  return set;
}

/// RFC 9110 tchar.
constexpr char_set token_chars = with(set_of(alphanumeric), "!#$%&'*+-.^_`|~");
/// RFC 3986: unreserved, sub-delims, percent-encoding, and what separates.
constexpr char_set target_chars = with(set_of(alphanumeric), "-._~!$&'()*+,;=%:@/?");
/// The same for the registered name of a host, without what separates.
constexpr char_set host_chars = with(set_of(alphanumeric), "-._~!$&'()*+;=");
constexpr char_set field_value_chars = field_value_set();

bool in(const char_set& set, char c) { return set[static_cast<unsigned char>(c)]; }

const char* skip(const char* at, const char* end, const char_set& set) {
  while (at != end && in(set, *at))
    ++at;
  return at;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

bool is_blank(char c) { return c == ' ' || c == '\t'; }

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_blank(text.front()))
    text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back()))
    text.remove_suffix(1);
  return text;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char l = lower(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// Takes the next element of a comma-separated list off `list`.
std::string_view next_element(std::string_view& list) {
  const auto comma = list.find(',');
  const auto element = trim(list.substr(0, comma));
  list = comma == std::string_view::npos ? std::string_view{} : list.substr(comma + 1);
  return element;
}

bool port_holds(std::string_view port) {
  unsigned number = 0;
  if (!all_digits(port) || port.size() > 5) return false;
  std::from_chars(port.data(), port.data() + port.size(), number);
  return number <= 65'535;
}

/// A host, with or without a port: a name, an IPv4 address, or an IPv6 address in brackets.
bool host_holds(std::string_view host) {
  std::string_view name = host;
  std::string_view rest;
  if (host.starts_with('[')) {
    const auto close = host.find(']');
    if (close == std::string_view::npos || close < 3) return false;
    name = host.substr(1, close - 1);
    rest = host.substr(close + 1);
    if (!std::all_of(name.begin(), name.end(),
                     [](char c) { return hex_digit(c) >= 0 || c == ':' || c == '.'; }))
      return false;
  } else {
    const auto colon = host.find(':');
    name = host.substr(0, colon);
    rest = colon == std::string_view::npos ? std::string_view{} : host.substr(colon);
    if (name.empty() || !std::all_of(name.begin(), name.end(), [](char c) { return in(host_chars, c); }))
      return false;
  }
  return rest.empty() || (rest.front() == ':' && port_holds(rest.substr(1)));
}

enum class escapes : std::uint8_t { fine, bad, control, not_utf8 };

/// Appends the decoded text, and says what is wrong with it.
escapes decode(std::string_view encoded, std::string& decoded) {
  for (std::size_t i = 0; i < encoded.size(); ++i) {
    if (encoded[i] != '%') {
      decoded += encoded[i];
      continue;
    }
    const bool whole = i + 2 < encoded.size();
    const int high = whole ? hex_digit(encoded[i + 1]) : -1;
    const int low = whole ? hex_digit(encoded[i + 2]) : -1;
    if (high < 0 || low < 0) return escapes::bad;
    const int byte = high * 16 + low;
    if (byte < 0x20 || byte == 0x7f) return escapes::control;
    decoded += static_cast<char>(byte);
    i += 2;
  }
  return escapes::fine;
}

/// What is wrong with the escapes of a text whose other characters passed; `decoded` is valid if nothing is.
escapes check_escapes(std::string_view encoded, std::string& decoded) {
  if (encoded.find('%') == std::string_view::npos) {
    decoded = encoded;
    return escapes::fine;
  }
  if (const auto found = decode(encoded, decoded); found != escapes::fine) return found;
  return values::is_utf8(decoded) ? escapes::fine : escapes::not_utf8;
}

/// Whether a segment of the decoded path is empty (but the last), "." or "..".
bool has_odd_segment(std::string_view path) {
  path.remove_prefix(1);
  for (;;) {
    const auto slash = path.find('/');
    const auto segment = path.substr(0, slash);
    const bool last = slash == std::string_view::npos;
    if (segment == "." || segment == ".." || (segment.empty() && !last)) return true;
    if (last) return false;
    path.remove_prefix(slash + 1);
  }
}

}  // namespace

/// The fields that decide where a request ends, and those that may stand only once.
struct gate::framing {
  struct once {
    unsigned count = 0;
    std::string_view value;

    void add(std::string_view found) {
      ++count;
      value = found;
    }
  };

  once host;
  once length;
  once coding;
  once expectation;
  once content_type;
  once authorization;
  once idempotency_key;
  bool close = false;
  bool keep_alive = false;
};

std::size_t gate::feed(std::string_view bytes) {
  const char* const begin = bytes.data();
  const char* const end = begin + bytes.size();
  const char* at = begin;
  while (at != end && !complete()) {
    if (progress_.state < state::body)
      at = step_head(at, end);
    else
      at = step(at, end);
  }
  return static_cast<std::size_t>(at - begin);
}

void gate::next() {
  progress_ = {};
  request_ = {};
  target_.clear();
  version_.clear();
  authority_.clear();
  refusal_.reset();
}

void gate::fail(std::string_view code, std::string_view detail) {
  refusal_ = gate_refusal{code, detail, true};
  progress_.keeps_alive = false;
  progress_.state = state::complete;
}

void gate::decline(std::string_view code, std::string_view detail) {
  if (!refusal_) refusal_ = gate_refusal{code, detail, false};
}

const char* gate::step_head(const char* at, const char* end) {
  const auto room = limits_.head_bytes_max - progress_.head_bytes;
  if (room == 0) {
    fail("head_too_large", "The head of the request exceeds the limit.");
    return at;
  }
  const auto* const stop = static_cast<std::size_t>(end - at) > room ? at + room : end;
  const auto* const after = step(at, stop);
  progress_.head_bytes += static_cast<std::size_t>(after - at);
  return after;
}

const char* gate::step(const char* at, const char* end) {
  switch (progress_.state) {
    case state::start:
      return read_start(at);
    case state::start_lf:
      return at + expect(*at, '\n', state::start);
    case state::method:
      return read_method(at, end);
    case state::target:
      return read_target(at, end);
    case state::version:
      return read_version(at, end);
    case state::version_lf:
      return at + expect(*at, '\n', state::field_start);
    case state::field_start:
      return read_field_start(at);
    case state::field_name:
      return read_field_name(at, end);
    case state::field_value:
      return read_field_value(at, end);
    case state::field_lf:
      if (expect(*at, '\n', state::field_start)) end_field();
      return at + 1;
    case state::head_lf:
      if (expect(*at, '\n', state::body)) end_head();
      return at + 1;
    case state::body:
    case state::chunk_data:
      return read_body(at, end);
    case state::chunk_size:
      return read_chunk_size(at);
    case state::chunk_extension:
      return read_chunk_extension(at);
    case state::chunk_size_lf:
      if (expect(*at, '\n', state::chunk_data)) end_chunk_size();
      return at + 1;
    case state::chunk_data_cr:
      return at + expect(*at, '\r', state::chunk_data_lf);
    case state::chunk_data_lf:
      if (expect(*at, '\n', state::chunk_size)) begin_chunk();
      return at + 1;
    case state::trailer_start:
      return read_trailer_start(at);
    case state::trailer_name:
      return read_trailer_name(at);
    case state::trailer_value:
      return read_trailer_value(at);
    case state::trailer_lf:
      return at + expect(*at, '\n', state::trailer_start);
    case state::end_lf:
      return at + expect(*at, '\n', state::complete);
    case state::complete:
      break;
  }
  return at;
}

bool gate::expect(char c, char wanted, state then) {
  if (c == wanted) {
    progress_.state = then;
    return true;
  }
  malformed("A line must end with CR LF, and chunk data too.");
  return false;
}

const char* gate::read_start(const char* at) {
  if (*at != '\r') {
    progress_.state = state::method;
    return at;
  }
  if (++progress_.empty_lines > empty_lines_max)
    malformed("There are too many empty lines before the request line.");
  else
    progress_.state = state::start_lf;
  return at + 1;
}

const char* gate::read_method(const char* at, const char* end) {
  const auto* const stop = skip(at, end, token_chars);
  request_.method.append(at, stop);
  if (request_.method.size() > method_bytes_max)
    malformed("The method is too long.");
  else if (stop != end && (*stop != ' ' || request_.method.empty()))
    malformed("The method is not a token.");
  else if (stop != end)
    end_method();
  return stop == end ? stop : stop + 1;
}

void gate::end_method() {
  progress_.state = state::target;
  request_.fields.reserve(fields_expected);
  if (request_.method == "CONNECT") fail("not_implemented", "This is not a proxy.");
  if (request_.method == "PRI") malformed("HTTP/2 is not spoken here.");
}

const char* gate::read_target(const char* at, const char* end) {
  const auto* const stop = skip(at, end, target_chars);
  target_.append(at, stop);
  if (target_.size() > limits_.target_bytes_max)
    fail("uri_too_long", "The request target exceeds the limit.");
  else if (stop != end && *stop != ' ')
    malformed("The request target has a character that must be encoded.");
  else if (stop != end)
    end_target();
  return stop == end ? stop : stop + 1;
}

void gate::end_target() {
  progress_.state = state::version;
  std::string_view target = target_;
  if (!target.starts_with('/') && target != "*") {
    const auto scheme_end = target.find("://");
    const auto scheme = target.substr(0, scheme_end);
    if (scheme_end == std::string_view::npos ||
        !(equal_ignoring_case(scheme, "http") || equal_ignoring_case(scheme, "https")))
      return malformed("The request target must start with a slash.");
    target.remove_prefix(scheme_end + 3);
    const auto authority_end = std::min(target.find_first_of("/?"), target.size());
    authority_ = target.substr(0, authority_end);
    target.remove_prefix(authority_end);
    if (!host_holds(authority_)) return malformed("The request target names no valid host.");
  }
  const auto mark = target.find('?');
  request_.path = target.substr(0, mark);
  if (mark != std::string_view::npos) request_.query = target.substr(mark + 1);
  if (request_.path.empty()) request_.path = "/";
}

const char* gate::read_version(const char* at, const char* end) {
  const auto* const stop = skip(at, end, field_value_chars);
  version_.append(at, std::min(static_cast<std::size_t>(stop - at), version_bytes + 1));
  if (version_.size() > version_bytes)
    malformed("The request line must end with HTTP/1.1.");
  else if (stop != end && *stop != '\r')
    malformed("The request line must end with CR LF.");
  else if (stop != end)
    end_version();
  return stop == end ? stop : stop + 1;
}

void gate::end_version() {
  const auto digit = [&](std::size_t i) { return version_[i] >= '0' && version_[i] <= '9'; };
  if (version_.size() != version_bytes || !version_.starts_with("HTTP/") || !digit(5) || version_[6] != '.' ||
      !digit(7))
    return malformed("The request line must end with HTTP/1.1.");
  if (version_[5] != '1' || version_[7] > '1')
    return fail("http_version_not_supported", "HTTP/1.1 and HTTP/1.0 are spoken here.");
  progress_.minor_version = version_[7] - '0';
  progress_.state = state::version_lf;
}

const char* gate::read_field_start(const char* at) {
  if (*at == '\r') {
    progress_.state = state::head_lf;
    return at + 1;
  }
  if (is_blank(*at)) {
    malformed("A field may not be folded over lines.");
  } else if (request_.fields.size() >= limits_.head_fields_max) {
    fail("head_too_large", "The request has too many fields.");
  } else {
    request_.fields.emplace_back();
    progress_.state = state::field_name;
  }
  return at;
}

const char* gate::read_field_name(const char* at, const char* end) {
  auto& name = request_.fields.back().first;
  const auto* const stop = skip(at, end, token_chars);
  name.append(at, stop);
  if (stop == end) return stop;
  if (*stop != ':' || name.empty())
    malformed("A field must be a name, a colon directly after it, and a value.");
  else
    progress_.state = state::field_value;
  return stop + 1;
}

const char* gate::read_field_value(const char* at, const char* end) {
  const auto* const stop = skip(at, end, field_value_chars);
  request_.fields.back().second.append(at, stop);
  if (stop == end) return stop;
  if (*stop == '\r')
    progress_.state = state::field_lf;
  else
    malformed("A field has a control character in its value.");
  return stop + 1;
}

void gate::end_field() {
  auto& [name, value] = request_.fields.back();
  std::transform(name.begin(), name.end(), name.begin(), lower);
  const auto trimmed = trim(value);
  if (trimmed.size() == value.size()) return;
  const auto begin = static_cast<std::size_t>(trimmed.data() - value.data());
  value.erase(begin + trimmed.size());
  value.erase(0, begin);
}

gate::framing gate::find_framing() const {
  framing found;
  for (const auto& [name, value] : request_.fields) {
    if (name == "host") found.host.add(value);
    if (name == "content-length") found.length.add(value);
    if (name == "transfer-encoding") found.coding.add(value);
    if (name == "expect") found.expectation.add(value);
    if (name == "content-type") found.content_type.add(value);
    if (name == "authorization") found.authorization.add(value);
    if (name == "idempotency-key") found.idempotency_key.add(value);
    if (name != "connection") continue;
    for (std::string_view list = value; !list.empty();) {
      const auto option = next_element(list);
      found.close = found.close || equal_ignoring_case(option, "close");
      found.keep_alive = found.keep_alive || equal_ignoring_case(option, "keep-alive");
    }
  }
  return found;
}

void gate::end_head() {
  const auto found = find_framing();
  progress_.keeps_alive = is_http_1_0() ? found.keep_alive && !found.close : !found.close;
  if (!check_host(found)) return;
  check_method();
  check_path();
  check_repeats(found);
  if (found.coding.count > 0 ? !check_coding(found) : !check_length(found)) return;
  const bool chunked = found.coding.count > 0;
  const bool has_body = chunked || progress_.left > 0;
  check_expectation(found, has_body);
  if (complete()) return;
  progress_.drops_body = refusal_.has_value() || request_.method == "GET" || request_.method == "HEAD";
  progress_.spools = progress_.spools && !progress_.drops_body;
  if (chunked) {
    progress_.state = state::chunk_size;
    begin_chunk();
  } else {
    progress_.state = has_body ? state::body : state::complete;
  }
}

bool gate::check_host(const framing& found) {
  const auto& host = found.host;
  if (host.count > 1 || (host.count == 0 && !is_http_1_0()))
    malformed("There must be one Host.");
  else if (host.count == 1 && !host_holds(host.value))
    malformed("Host must be a name or an address, with or without a port.");
  else if (!authority_.empty() && host.count == 1 && !equal_ignoring_case(authority_, host.value))
    malformed("Host and the request target name different hosts.");
  return !complete();
}

void gate::check_method() {
  const std::string_view method = request_.method;
  if (std::find(served_methods.begin(), served_methods.end(), method) != served_methods.end()) return;
  if (method == "TRACE" || method == "OPTIONS")
    decline("method_not_allowed", "The method is not allowed here.");
  else
    decline("not_implemented", "The method is not known here.");
}

void gate::check_path() {
  if (request_.path == "*") return decline("malformed_request", "The request target names no resource.");
  std::string decoded;
  auto found = check_escapes(request_.path, decoded);
  std::string ignored;
  if (found == escapes::fine) found = check_escapes(request_.query, ignored);
  switch (found) {
    case escapes::bad:
      return decline("malformed_request", "The request target has an incomplete escape.");
    case escapes::control:
      return decline("malformed_request", "The request target has an encoded control character.");
    case escapes::not_utf8:
      return decline("malformed_request", "The request target is not encoded UTF-8.");
    case escapes::fine:
      break;
  }
  if (has_odd_segment(decoded)) decline("not_found", "There is nothing under such a path.");
}

void gate::check_repeats(const framing& found) {
  if (found.content_type.count > 1) decline("malformed_request", "Content-Type stands more than once.");
  if (found.authorization.count > 1) decline("malformed_request", "Authorization stands more than once.");
  if (found.idempotency_key.count > 1) decline("malformed_request", "Idempotency-Key stands more than once.");
}

bool gate::check_coding(const framing& found) {
  if (found.length.count > 0 || found.coding.count > 1 || is_http_1_0()) {
    malformed("Transfer-Encoding must stand alone, once, and in HTTP/1.1.");
    return false;
  }
  std::size_t codings = 0;
  std::size_t chunked = 0;
  bool ends_chunked = false;
  bool has_empty = found.coding.value.empty() || found.coding.value.ends_with(',');
  for (std::string_view list = found.coding.value; !list.empty(); ++codings) {
    const auto coding = next_element(list);
    has_empty = has_empty || coding.empty();
    ends_chunked = equal_ignoring_case(coding, "chunked");
    chunked += ends_chunked ? 1 : 0;
  }
  if (has_empty || chunked > 1 || (chunked == 1 && !ends_chunked))
    malformed("The only transfer coding is chunked, applied once.");
  else if (codings != 1 || !ends_chunked)
    fail("not_implemented", "The only transfer coding is chunked.");
  return !complete() && limit_body(0);
}

bool gate::check_length(const framing& found) {
  if (found.length.count == 0) return limit_body(0);
  const auto text = found.length.value;
  std::uint64_t length = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), length);
  const bool padded = text.size() > 1 && text.front() == '0';
  if (found.length.count > 1 || !all_digits(text) || padded || parsed.ec != std::errc{} ||
      length > static_cast<std::uint64_t>(INT64_MAX)) {
    malformed("Content-Length must stand once, as a plain number.");
    return false;
  }
  progress_.left = length;
  return limit_body(length);
}

bool gate::limit_body(std::uint64_t length) {
  progress_.body_bytes_max = limits_.body_bytes_max;
  if (limits_.spool_limit && !refusal_) {
    if (const auto limit = limits_.spool_limit(request_.method, request_.path)) {
      progress_.body_bytes_max = *limit;
      progress_.spools = true;
    }
  }
  if (length > progress_.body_bytes_max) fail("too_large", "The body exceeds the limit.");
  return !complete();
}

void gate::check_expectation(const framing& found, bool has_body) {
  if (found.expectation.count == 0 || is_http_1_0()) return;
  if (found.expectation.count > 1 || !equal_ignoring_case(found.expectation.value, "100-continue"))
    decline("expectation_failed", "The only expectation that can be met is 100-continue.");
  else
    progress_.expects_continue = has_body && !refusal_;
  // Refused before the body: whether it follows is the client's choice, so nothing can follow the answer.
  if (refusal_ && has_body) fail(refusal_->code, refusal_->detail);
}

const char* gate::read_body(const char* at, const char* end) {
  const auto count = std::min<std::uint64_t>(progress_.left, static_cast<std::uint64_t>(end - at));
  if (!progress_.drops_body) request_.body.append(at, count);
  progress_.body_bytes += count;
  progress_.left -= count;
  if (progress_.left == 0)
    progress_.state = progress_.state == state::body ? state::complete : state::chunk_data_cr;
  return at + count;
}

void gate::begin_chunk() {
  progress_.left = 0;
  progress_.chunk_digits = 0;
  progress_.chunk_extension_bytes = 0;
}

const char* gate::read_chunk_size(const char* at) {
  const int digit = hex_digit(*at);
  if (digit >= 0 && ++progress_.chunk_digits <= chunk_digits_max) {
    progress_.left = progress_.left * 16 + static_cast<unsigned>(digit);
  } else if (digit < 0 && *at == '\r' && progress_.chunk_digits > 0) {
    progress_.state = state::chunk_size_lf;
  } else if (digit < 0 && *at == ';' && progress_.chunk_digits > 0) {
    progress_.state = state::chunk_extension;
    progress_.extension = extension::name_start;
  } else {
    malformed("A chunk must start with its size as 1 to 16 hexadecimal digits.");
  }
  return at + 1;
}

const char* gate::read_chunk_extension(const char* at) {
  const char c = *at;
  auto& place = progress_.extension;
  const bool may_end =
      place == extension::name || place == extension::value || place == extension::quoted_end;
  const bool token = in(token_chars, c);
  if (++progress_.chunk_extension_bytes > chunk_extension_bytes_max)
    malformed("A chunk extension is too long.");
  else if (may_end && c == '\r')
    progress_.state = state::chunk_size_lf;
  else if (may_end && c == ';')
    place = extension::name_start;
  else if (place == extension::name && c == '=')
    place = extension::value_start;
  else if ((place == extension::name_start || place == extension::name) && token)
    place = extension::name;
  else if ((place == extension::value_start || place == extension::value) && token)
    place = extension::value;
  else if (place == extension::value_start && c == '"')
    place = extension::quoted;
  else if (place == extension::quoted && c == '"')
    place = extension::quoted_end;
  else if (place == extension::quoted && c == '\\')
    place = extension::escaped;
  else if ((place == extension::quoted || place == extension::escaped) && in(field_value_chars, c))
    place = extension::quoted;
  else
    malformed("A chunk extension is not well-formed.");
  return at + 1;
}

void gate::end_chunk_size() {
  if (progress_.left == 0) {
    progress_.state = state::trailer_start;
    return;
  }
  const auto chunks_max = std::max<std::size_t>(progress_.body_bytes_max / chunk_bytes_mean_min, 1);
  if (progress_.left > progress_.body_bytes_max - progress_.body_bytes || ++progress_.chunks > chunks_max)
    fail("too_large", "The body exceeds the limit.");
}

const char* gate::read_trailer_start(const char* at) {
  if (*at == '\r') {
    progress_.state = state::end_lf;
    return at + 1;
  }
  if (is_blank(*at))
    malformed("A field may not be folded over lines.");
  else if (++progress_.trailer_fields > trailer_fields_max)
    fail("head_too_large", "The trailer has too many fields.");
  else
    progress_.state = state::trailer_name;
  progress_.name_empty = true;
  return at;
}

const char* gate::read_trailer_name(const char* at) {
  if (++progress_.trailer_bytes > trailer_bytes_max)
    fail("head_too_large", "The trailer exceeds the limit.");
  else if (in(token_chars, *at))
    progress_.name_empty = false;
  else if (*at == ':' && !progress_.name_empty)
    progress_.state = state::trailer_value;
  else
    malformed("A field must be a name, a colon directly after it, and a value.");
  return at + 1;
}

const char* gate::read_trailer_value(const char* at) {
  if (++progress_.trailer_bytes > trailer_bytes_max)
    fail("head_too_large", "The trailer exceeds the limit.");
  else if (*at == '\r')
    progress_.state = state::trailer_lf;
  else if (!in(field_value_chars, *at))
    malformed("A field has a control character in its value.");
  return at + 1;
}

}  // namespace souk::gateway
