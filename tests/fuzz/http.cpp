// The strict gate before everything that clients send: whatever comes, and however it is cut, it says the
// same, keeps its limits, and lets nothing through that could be read in two ways.
#include "actors/gateway/gate.hpp"
#include "actors/gateway/uri.hpp"
#include "tests/fuzz/target.hpp"

#include <algorithm>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace souk::gateway {
namespace {

using souk::fuzz::demand;

/// Small, so that short inputs come to all of them.
gate_limits small_limits() {
  gate_limits limits;
  limits.head_bytes_max = 1'024;
  limits.head_fields_max = 16;
  limits.target_bytes_max = 256;
  limits.body_bytes_max = 1'024;
  return limits;
}

/// What came of one request, and where it ended if another may follow.
struct outcome {
  http_request request;
  std::string refusal;
  bool keeps_alive = false;
  std::size_t end = 0;

  bool operator==(const outcome& other) const {
    return refusal == other.refusal && keeps_alive == other.keeps_alive && end == other.end &&
           (!refusal.empty() ||
            (request.method == other.request.method && request.path == other.request.path &&
             request.query == other.request.query && request.fields == other.request.fields &&
             request.body == other.request.body));
  }
};

/// Reads as a connection does, in pieces as long as `cut` says, and goes on while it may.
std::vector<outcome> read(std::string_view bytes, const gate_limits& limits,
                          const std::function<std::size_t()>& cut) {
  std::vector<outcome> outcomes;
  gate gate{limits};
  std::string spooled;
  std::size_t at = 0;
  bool open = true;
  while (at < bytes.size() && open) {
    auto piece = bytes.substr(at, std::max<std::size_t>(cut(), 1));
    while (!piece.empty() && open) {
      const auto taken = gate.feed(piece);
      demand(taken <= piece.size(), "it takes no more than there is");
      demand(taken > 0 || gate.complete(), "it takes something, or is complete");
      piece.remove_prefix(taken);
      at += taken;
      demand(gate.body_bytes() <= limits.body_bytes_max, "a body is no longer than its limit");
      if (gate.spools()) spooled += gate.take_body();
      if (!gate.complete()) continue;
      outcome& found = outcomes.emplace_back();
      const auto& refused = gate.refused();
      if (refused) found.refusal = std::string{refused->code} + ": " + std::string{refused->detail};
      found.keeps_alive = gate.keeps_alive() && !(refused && refused->close);
      if (found.keeps_alive) found.end = at;  // else nobody asks
      found.request = gate.take();
      if (!spooled.empty()) found.request.body = std::exchange(spooled, {});
      open = found.keeps_alive;
      gate.next();
    }
  }
  return outcomes;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return c > ' ' && c < 0x7f && std::string_view{"\"(),/:;<=>?@[\\]{}"}.find(c) == std::string_view::npos;
  });
}

void check_fields(const http_request& request) {
  static const std::set<std::string, std::less<>> once{"host",         "content-length", "transfer-encoding",
                                                       "content-type", "authorization",  "idempotency-key"};
  std::set<std::string_view> seen;
  for (const auto& [name, value] : request.fields) {
    demand(is_token(name), "a name is a token");
    demand(std::none_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; }),
           "names are lower case");
    demand(seen.insert(name).second || !once.contains(name), "what may stand once stands once");
    for (const char c : value)
      demand(c == '\t' || (static_cast<unsigned char>(c) >= ' ' && c != 0x7f),
             "a value has no control characters");
    demand(value.empty() ||
               (value.front() != ' ' && value.front() != '\t' && value.back() != ' ' && value.back() != '\t'),
           "a value is trimmed");
  }
  demand(!(seen.contains("content-length") && seen.contains("transfer-encoding")), "there is one length");
}

void check_target(const http_request& request) {
  demand(request.path.starts_with('/'), "a path begins with a slash");
  for (const auto segment : split_path(request.path)) {
    const auto decoded = percent_decode(segment);
    demand(decoded.has_value(), "what passed decodes");
    demand(*decoded != "." && *decoded != "..", "no segment leads elsewhere");
    demand(percent_decode(percent_encode(*decoded)) == decoded, "what is encoded decodes to the same");
  }
  demand(parse_query(request.query).has_value(), "a query that passed decodes");
}

void check(const std::vector<outcome>& outcomes, const gate_limits& limits) {
  static const std::set<std::string, std::less<>> served{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};
  for (const auto& found : outcomes) {
    if (!found.refusal.empty()) continue;
    const auto& request = found.request;
    demand(served.contains(request.method), "a method is one of ours");
    demand(request.fields.size() <= limits.head_fields_max, "there are no more fields than may be");
    demand(request.body.empty() || (request.method != "GET" && request.method != "HEAD"),
           "a GET has no body");
    check_fields(request);
    check_target(request);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = souk::fuzz::text_of(data, size);
  static const gate_limits limits = small_limits();
  const auto whole = read(bytes, limits, [&] { return bytes.size(); });
  check(whole, limits);
  demand(read(bytes, limits, [] { return 1; }) == whole, "byte by byte it is the same");
  auto random = souk::fuzz::number_of(bytes);
  const auto cut = [&] {
    random = random * 6'364'136'223'846'793'005u + 1;
    return (random >> 33) % 40;
  };
  demand(read(bytes, limits, cut) == whole, "however it is cut it is the same");

  static const gate_limits spooling = [] {
    auto spools = small_limits();
    spools.spool_limit = [](std::string_view, std::string_view) { return std::optional<std::size_t>{1'024}; };
    return spools;
  }();
  demand(read(bytes, spooling, cut) == whole, "a body that goes to a file is the same");

  // Whoever calls these has text that did not pass the gate, too.
  if (const auto decoded = percent_decode(bytes)) demand(is_clean_text(*decoded), "what decodes is clean");
  parse_query(bytes);
  return 0;
}

}  // namespace souk::gateway
