#include "actors/gateway/conditions.hpp"
#include "actors/gateway/handlers.hpp"
#include "actors/gateway/input.hpp"
#include "actors/kinds.hpp"
#include "actors/stock/stock.hpp"
#include "actors/values/id.hpp"

#include <utility>

namespace souk::gateway {

namespace {

constexpr std::string_view cart_prefix = "crt_";

/// The cart that the path names.
std::optional<runtime::address> cart_of(const call& call) {
  auto part = values::part_of(cart_prefix, call.arguments[0]);
  if (!part) return std::nullopt;
  return address_of(call, kinds::cart, std::string{*part});
}

step change(runtime::address to, std::shared_ptr<const cart::pb::Command> command, bool minimal) {
  header_fields fields;
  if (minimal) fields.emplace_back("Preference-Applied", "return=minimal");
  return pass_on({.to = std::move(to), .command = std::move(command), .keyed = true}, std::move(fields));
}

// A stock that knows of no offer says nothing.
void put_offer(cart::pb::AddItems& add, const std::string& sku, const reply& said) {
  const auto* known = dynamic_cast<const stock::pb::Offer*>(said.answer.value.get());
  if (known == nullptr) return;
  cart::pb::Offer& offer = *add.add_offers();
  offer.set_sku(sku);
  offer.set_title(known->title());
  *offer.mutable_price() = known->price();
  offer.set_for_sale(known->for_sale());
}

/// The cart's node has not heard of some skus: asks their stocks, and then the cart again.
step ask_stocks(const runtime::address& cart, const cart::pb::Command& first, cart::pb::UnknownSkus unknown) {
  ask ask;
  for (const auto& sku : unknown.skus()) {
    auto read = std::make_shared<stock::pb::Command>();
    read->mutable_read_offer();
    ask.questions.push_back(command_question{
        .to = stock::address_of(cart.tenant, sku), .command = std::move(read), .read_only = true});
  }
  ask.then = [cart, first, unknown = std::move(unknown)](const std::vector<reply>& replies) {
    auto again = std::make_shared<cart::pb::Command>(first);
    auto& add = *again->mutable_add_items();
    for (int i = 0; i < unknown.skus_size(); ++i)
      put_offer(add, unknown.skus(i), replies[static_cast<std::size_t>(i)]);
    add.set_stocks_asked(true);
    return change(cart, std::move(again), first.add_items().minimal());
  };
  return ask;
}

step add_to(runtime::address cart, cart::pb::Command command) {
  const auto shared = std::make_shared<const cart::pb::Command>(std::move(command));
  auto first = std::get<ask>(change(cart, shared, shared->add_items().minimal()));
  first.then = [decided = std::move(first.then), cart = std::move(cart),
                shared](std::vector<reply> replies) -> step {
    const auto* unknown = dynamic_cast<const cart::pb::UnknownSkus*>(replies.front().answer.value.get());
    if (unknown != nullptr) return ask_stocks(cart, *shared, *unknown);
    return decided(std::move(replies));
  };
  return first;
}

step put_quantity(const call& call, std::int64_t quantity) {
  auto to = cart_of(call);
  if (!to) return not_found(call, "cart");
  cart::pb::Command command;
  cart::pb::SetQuantity& set = *command.mutable_set_quantity();
  set.set_line_id(call.arguments[1]);
  set.set_quantity(quantity);
  set.set_minimal(call.minimal);
  set.set_if_match(condition_text(call.http->field("if-match").value_or("")));
  return change(*std::move(to), std::make_shared<const cart::pb::Command>(std::move(command)), call.minimal);
}

}  // namespace

step create_cart(const call& call, const services& services) {
  json::input_errors errors;
  cart::pb::Command command;
  *command.mutable_create() = parse_cart(call.body, errors);
  if (auto problem = errors.take()) return refuse(*problem, call.request_id);
  std::string part = new_part(call, services);
  command.mutable_create()->set_cart_id(values::make_id(cart_prefix, call.now, part));
  return change(address_of(call, kinds::cart, std::move(part)),
                std::make_shared<const cart::pb::Command>(std::move(command)), false);
}

step get_cart(const call& call, const services&) {
  auto to = cart_of(call);
  if (!to) return not_found(call, "cart");
  auto command = std::make_shared<cart::pb::Command>();
  command->mutable_read()->set_if_none_match(condition_text(call.if_none_match()));
  return pass_on({.to = *std::move(to), .command = std::move(command), .read_only = true});
}

step add_items(const call& call, const services&) {
  auto to = cart_of(call);
  if (!to) return not_found(call, "cart");
  json::input_errors errors;
  cart::pb::Command command;
  *command.mutable_add_items() = parse_items(call.body, errors);
  if (auto problem = errors.take()) return refuse(*problem, call.request_id);
  if (has_quoted_price(command.add_items()) && !call.staff())
    return refuse_scope(call, "A unit_price of its own takes a key with the scope carts:write.");
  command.mutable_add_items()->set_minimal(call.minimal);
  command.mutable_add_items()->set_if_match(condition_text(call.http->field("if-match").value_or("")));
  return add_to(*std::move(to), std::move(command));
}

step set_quantity(const call& call, const services&) {
  json::input_errors errors;
  std::int64_t quantity = parse_quantity(call.body, errors);
  if (auto problem = errors.take()) return refuse(*problem, call.request_id);
  return put_quantity(call, quantity);
}

step remove_line(const call& call, const services&) { return put_quantity(call, 0); }

}  // namespace souk::gateway
