#include "actors/cart/cart.pb.h"
#include "actors/checkout/checkout.pb.h"
#include "actors/gateway/handlers.hpp"
#include "actors/gateway/input.hpp"
#include "actors/gateway/views.hpp"
#include "actors/keyring/keyring.pb.h"
#include "actors/kinds.hpp"
#include "actors/order/order.pb.h"
#include "actors/payment/payment.pb.h"
#include "actors/product/product.pb.h"
#include "actors/stock/stock.pb.h"
#include "actors/values/id.hpp"

#include <array>
#include <utility>

namespace souk::gateway {

namespace {

/// A kind of entity that can be made to throw: how its ids begin ("": the id is the key), and a command that
/// would change nothing.
struct crashable {
  std::string_view name;
  runtime::kind_id kind;
  std::string_view prefix;
  runtime::message_ptr (*harmless)();
};

template <class Command>
runtime::message_ptr read_command() {
  auto command = std::make_shared<Command>();
  command->mutable_read();
  return command;
}

runtime::message_ptr list_command() {
  auto command = std::make_shared<keyring::pb::Command>();
  command->mutable_list();
  return command;
}

constexpr std::array crashables = std::to_array<crashable>({
    {"product", kinds::product, "prd_", read_command<product::pb::Command>},
    {"stock", kinds::stock, "", read_command<stock::pb::Command>},
    {"cart", kinds::cart, "crt_", read_command<cart::pb::Command>},
    {"checkout", kinds::checkout, "chk_", read_command<checkout::pb::Command>},
    {"payment", kinds::payment, "pay_", read_command<payment::pb::Command>},
    {"order", kinds::order, "ord_", read_command<order::pb::Command>},
    {"keyring", kinds::keyring, "", list_command},
});

/// 202 if the entity threw as asked.
step crashed(reply reply, const std::string& request_id, bool keyed) {
  if (reply.outcome == runtime::outcome::failed) {
    runtime::answer answer;
    answer.status = 202;
    answer.body = R"({"status":"crashed"})";
    return done{std::move(answer), false, {}};
  }
  if (reply.outcome == runtime::outcome::answered || reply.outcome == runtime::outcome::replayed)
    return done{std::move(reply.answer), false, {}};
  return refuse(problem_of(reply.outcome, false, keyed), request_id);
}

}  // namespace

step list_test_payments(const call& call, const services& services) {
  return show_view(services.test_payments, call.request_id);
}

step authenticate_test_payment(const call& call, const services&) {
  json::input_errors errors;
  parse_nothing(call.body, errors);
  if (auto problem = errors.take()) return refuse(*problem, call.request_id);
  auto part = values::part_of("pay_", call.arguments[0]);
  if (!part) return not_found(call, "payment");
  auto command = std::make_shared<payment::pb::Command>();
  command->mutable_authenticated();
  return pass_on({.to = address_of(call, kinds::payment, std::string{*part}),
                  .command = std::move(command),
                  .keyed = true});
}

step crash_entity(const call& call, const services&) {
  json::input_errors errors;
  crash_target target = parse_crash(call.body, errors);
  if (auto problem = errors.take()) return refuse(*problem, call.request_id);
  const auto* found = std::find_if(crashables.begin(), crashables.end(),
                                   [&](const crashable& candidate) { return candidate.name == target.kind; });
  if (found == crashables.end()) return not_found(call, "kind of entity");
  std::optional<std::string_view> key = target.name;
  if (!found->prefix.empty()) key = values::part_of(found->prefix, target.name);
  if (!key) return not_found(call, "entity");
  ask ask;
  ask.any_outcome = true;
  ask.questions.push_back(command_question{.to = address_of(call, found->kind, std::string{*key}),
                                           .command = found->harmless(),
                                           .keyed = true,
                                           .crash = true});
  ask.then = [request_id = call.request_id, keyed = call.keyed()](std::vector<reply> replies) {
    return crashed(std::move(replies.front()), request_id, keyed);
  };
  return ask;
}

}  // namespace souk::gateway
