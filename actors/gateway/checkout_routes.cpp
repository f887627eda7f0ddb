#include "actors/gateway/conditions.hpp"
#include "actors/gateway/handlers.hpp"
#include "actors/gateway/input.hpp"
#include "actors/kinds.hpp"
#include "actors/values/id.hpp"

#include <utility>

namespace souk::gateway {

namespace {

constexpr std::string_view cart_prefix = "crt_";
constexpr std::string_view checkout_prefix = "chk_";

std::optional<runtime::address> checkout_of(const call& call) {
  auto part = values::part_of(checkout_prefix, call.arguments[0]);
  if (!part) return std::nullopt;
  return address_of(call, kinds::checkout, std::string{*part});
}

step decide(runtime::address to, checkout::pb::Command command) {
  return pass_on({.to = std::move(to),
                  .command = std::make_shared<const checkout::pb::Command>(std::move(command)),
                  .keyed = true});
}

/// A buyer is known to journals by a key that only the cluster's secret makes of a customer's name or of an
/// address.
std::string buyer_key(const call& call, const services& services, std::string_view what,
                      std::string_view name) {
  std::string text{"buyer"};
  for (const auto part : {std::string_view{call.tenant}, what, name})
    text.append(1, '\0').append(part);
  return values::keyed_part(services.secret, text);
}

/// Who opens a checkout and what they may have; nothing: as much as there is.
std::optional<checkout::pb::Buyer> buyer_of(const call& call, const services& services) {
  const auto customer = call.customer();
  const bool is_customer = !customer.empty();
  if (!is_customer && call.credential && !call.credential->publishable) return std::nullopt;
  const auto& limit = is_customer ? services.hold_limits.customer : services.hold_limits.guest;
  const auto name = is_customer ? customer : std::string_view{call.http->client};
  if ((limit.units_per_sku == 0 && limit.checkouts == 0) || name.empty()) return std::nullopt;
  checkout::pb::Buyer buyer;
  buyer.set_key(buyer_key(call, services, is_customer ? "customer" : "address", name));
  buyer.set_units_per_sku_max(limit.units_per_sku);
  buyer.set_checkouts_max(limit.checkouts);
  return buyer;
}

/// The second half of a creation: the cart was read, and goes with the request.
step open_checkout(runtime::address to, checkout::pb::Create create, reply cart) {
  auto* snapshot = dynamic_cast<const cart::pb::Snapshot*>(cart.answer.value.get());
  if (snapshot == nullptr) return done{std::move(cart.answer), false, {}};
  checkout::pb::Command command;
  *command.mutable_create() = std::move(create);
  *command.mutable_create()->mutable_cart() = *snapshot;
  return decide(std::move(to), std::move(command));
}

}  // namespace

step create_checkout(const call& call, const services& services) {
  json::input_errors errors;
  checkout_input input = parse_checkout(call.body, errors);
  if (auto problem = errors.take()) return refuse(*problem, call.request_id);
  if (!input.version_given)
    return refuse({.code = "precondition_required", .detail = "Say which cart_version is checked out."},
                  call.request_id);
  auto cart = values::part_of(cart_prefix, input.create.cart_id());
  if (!cart) return not_found(call, "cart");
  input.create.set_cart_key(std::string{*cart});
  if (auto buyer = buyer_of(call, services)) *input.create.mutable_buyer() = *std::move(buyer);
  std::string part = new_part(call, services);
  input.create.set_checkout_id(values::make_id(checkout_prefix, call.now, part));

  auto read = std::make_shared<cart::pb::Command>();
  read->mutable_read()->set_snapshot(true);
  ask ask;
  ask.questions.push_back(command_question{.to = address_of(call, kinds::cart, input.create.cart_key()),
                                           .command = std::move(read),
                                           .read_only = true});
  ask.then = [to = address_of(call, kinds::checkout, std::move(part)),
              create = std::move(input.create)](std::vector<reply> replies) {
    return open_checkout(to, create, std::move(replies.front()));
  };
  return ask;
}

step get_checkout(const call& call, const services&) {
  auto to = checkout_of(call);
  if (!to) return not_found(call, "checkout");
  auto command = std::make_shared<checkout::pb::Command>();
  command->mutable_read()->set_if_none_match(condition_text(call.if_none_match()));
  return pass_on({.to = *std::move(to), .command = std::move(command), .read_only = true});
}

step complete_checkout(const call& call, const services&) {
  auto to = checkout_of(call);
  if (!to) return not_found(call, "checkout");
  json::input_errors errors;
  checkout::pb::Command command;
  *command.mutable_complete() = parse_complete(call.body, errors);
  if (auto problem = errors.take()) return refuse(*problem, call.request_id);
  return decide(*std::move(to), std::move(command));
}

step cancel_checkout(const call& call, const services&) {
  auto to = checkout_of(call);
  if (!to) return not_found(call, "checkout");
  json::input_errors errors;
  parse_nothing(call.body, errors);
  if (auto problem = errors.take()) return refuse(*problem, call.request_id);
  checkout::pb::Command command;
  command.mutable_cancel();
  return decide(*std::move(to), std::move(command));
}

}  // namespace souk::gateway
