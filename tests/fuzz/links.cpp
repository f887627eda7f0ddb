// What nodes send each other: any bytes are an envelope, one that is not understood, or garbage; and what was
// understood is understood in the same way when it is sent on.
#include "actors/shop/shop.hpp"
#include "runtime/links/codec.hpp"
#include "runtime/links/limits.hpp"
#include "tests/fuzz/target.hpp"

#include <google/protobuf/stubs/logging.h>

#include <string>
#include <variant>
#include <vector>

namespace souk::links {
namespace {

using souk::fuzz::demand;

std::vector<std::string> content_of(const arrival& got) {
  return std::visit(
      [&](const auto& payload) -> std::vector<std::string> {
        using type = std::decay_t<decltype(payload)>;
        if constexpr (std::is_same_v<type, souk::runtime::stream_batch>)
          return contents(payload);
        else if constexpr (std::is_same_v<type, souk::runtime::request>)
          return {content(got.shard, got.correlation, payload, got.deadline)};
        else
          return {content(got.shard, got.correlation, payload)};
      },
      got.payload);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto kinds = [] {
    google::protobuf::SetLogHandler(nullptr);  // it has something to say of almost everything here
    return souk::shop::make_shop().entities;
  }();
  const auto got = decode(souk::fuzz::text_of(data, size), kinds);
  if (const auto* strange = std::get_if<not_understood>(&got))
    demand(!strange->reason.empty(), "it is said why");
  const auto* whole = std::get_if<arrival>(&got);
  if (whole == nullptr) return 0;
  demand(whole->stamp.version > 0, "an envelope has a version");
  for (const auto& sent : content_of(*whole)) {
    const auto again = decode(stamped(whole->stamp) + sent, kinds);
    const auto* same = std::get_if<arrival>(&again);
    demand(same != nullptr, "what was understood is understood when it is sent on");
    demand(same->payload.index() == whole->payload.index(), "it is of the same kind");
    const auto sent_again = content_of(*same);
    demand(sent_again.size() == 1 && sent_again.front() == sent, "and the same");
  }
  return 0;
}

}  // namespace souk::links
