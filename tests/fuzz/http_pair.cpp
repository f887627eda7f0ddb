// The gate beside a parser that others wrote (Joyent's http_parser, which reads more leniently): what the
// gate accepts, the other must read as the same request that ends at the same byte. See docs/testers.md for
// where they may differ.
#include "actors/gateway/gate.hpp"
#include "tests/fuzz/second_parser.hpp"
#include "tests/fuzz/target.hpp"

#include <string>
#include <string_view>

namespace souk::gateway {
namespace {

using souk::fuzz::demand;
using souk::fuzz::second_reading;

std::string target_of(const http_request& request, std::string_view raw) {
  // A target in absolute form names the host as well; what follows it is what the gate took.
  auto text = request.path + (raw.find('?') == std::string_view::npos ? "" : "?" + request.query);
  if (raw.starts_with('/')) return text;
  const auto authority = raw.find("://") + 3;
  const auto end = std::min(raw.find_first_of("/?", authority), raw.size());
  // No path at all stands for "/".
  if (end == raw.size() || raw[end] == '?') text.erase(0, 1);
  return std::string{raw.substr(0, end)} + text;
}

void compare(const http_request& request, const second_reading& other) {
  demand(other.method == request.method, "the method is the same");
  demand(other.target == target_of(request, other.target), "the target is the same");
  demand(other.fields == request.fields, "the fields are the same");
  const bool drops = request.method == "GET" || request.method == "HEAD";
  demand(drops ? request.body.empty() : other.body == request.body, "the body is the same");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto bytes = souk::fuzz::text_of(data, size);
  static const gate_limits limits;
  gate gate{limits};
  while (!bytes.empty()) {
    const auto taken = gate.feed(bytes);
    if (!gate.complete()) break;
    const auto& refused = gate.refused();
    const bool open = gate.keeps_alive() && !(refused && refused->close);
    const bool judged = !refused || open;  // else it is the last, and nobody asks where it ended
    if (judged) {
      const auto other = souk::fuzz::read_as_second(bytes);
      // Methods that are not ours may not be the other's either.
      if (!refused && !other.may_refuse) demand(other.complete, "the other accepts it too: " + other.error);
      if (other.complete) {
        demand(other.end == taken, "the request ends at the same byte");
        if (open && !other.may_differ_on_closing) demand(other.keeps_alive, "the other goes on as well");
      }
      if (!refused && other.complete) compare(gate.take(), other);
    }
    if (!open) break;
    bytes.remove_prefix(taken);
    gate.next();
  }
  return 0;
}

}  // namespace souk::gateway
