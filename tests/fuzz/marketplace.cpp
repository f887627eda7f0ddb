// Requests of the Online Marketplace benchmark: each is refused with a sentence, or asks one or two entities
// with commands that can be journalled.
#include "actors/json/reader.hpp"
#include "actors/kinds.hpp"
#include "actors/marketplace/customer.hpp"
#include "actors/marketplace/market.hpp"
#include "actors/marketplace/routes.hpp"
#include "tests/fuzz/target.hpp"

#include <string>
#include <string_view>
#include <variant>

namespace souk::marketplace {
namespace {

using fuzz::demand;

void check(const question& question) {
  demand(question.to.kind == kinds::market || question.to.kind == kinds::marketplace_customer,
         "somebody of the marketplace is asked");
  demand(!question.to.key.empty() && question.to.key.size() <= 10, "who has a name");
  const auto bytes = question.command->SerializeAsString();
  const runtime::kind_of<market_decider> market{market_decider{}};
  const runtime::kind_of<customer_decider> customer{customer_decider{}};
  const auto again =
      question.to.kind == kinds::market ? market.parse_command(bytes) : customer.parse_command(bytes);
  demand(again->SerializeAsString() == bytes, "a command is read as it was written");
}

void check(const runtime::answer& answer) {
  demand(answer.status >= 400 && answer.status < 500, "it is the client's fault");
  json::parse_error error;
  demand(json::parse(answer.body, error).has_value(), "and is said as JSON");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = souk::fuzz::text_of(data, size);
  const auto head = text.substr(0, text.find('\n'));
  gateway::http_request request;
  request.method = head.substr(0, head.find(' '));
  // The gate lets through what begins with a slash and has nothing but visible ASCII.
  for (const char c : head.substr(std::min(head.size(), request.method.size() + 1)))
    if (c > ' ' && c < '\x7f' && c != '?') request.path += c;
  if (!request.path.starts_with('/')) request.path.insert(0, 1, '/');
  request.body = text.substr(std::min(text.size(), head.size() + 1));
  const auto planned = plan_of(request, "main");
  if (const auto* refused = std::get_if<runtime::answer>(&planned)) {
    check(*refused);
    return 0;
  }
  const auto& questions = std::get<plan>(planned);
  demand(!questions.empty() && questions.size() <= 2, "one or two are asked");
  for (const auto& question : questions)
    check(question);
  return 0;
}

}  // namespace souk::marketplace
