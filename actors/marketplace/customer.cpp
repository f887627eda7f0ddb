#include "actors/marketplace/customer.hpp"

#include "actors/checkout/waiter.hpp"
#include "actors/marketplace/amount.hpp"
#include "actors/marketplace/lines.hpp"
#include "actors/marketplace/market.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <utility>

namespace souk::marketplace {
namespace {

using runtime::context;
using runtime::decision;

constexpr int not_allowed = 405;  // what the benchmark answers where a cart does not allow it

pb::CustomerEvent new_event() {
  pb::CustomerEvent event;
  event.set_schema(1);
  return event;
}

decision register_customer(const customer_state& state, const pb::Profile& profile) {
  if (state.pending) return refuse(not_allowed, "The cart was sent to be checked out.");
  auto decision = say(201);
  auto event = new_event();
  *event.mutable_registered() = profile;
  decision.emit(std::move(event));
  return decision;
}

bool is_same_product(const pb::Item& a, const pb::Item& b) {
  return a.seller_id() == b.seller_id() && a.product_id() == b.product_id();
}

decision add(const customer_state& state, const pb::Item& item) {
  if (state.pending) return refuse(not_allowed, "The cart was sent to be checked out.");
  const auto same =
      std::ranges::find_if(state.items, [&](const auto& has) { return is_same_product(has, item); });
  if (same == state.items.end() && state.items.size() >= cart_items_max)
    return refuse(not_allowed, "The cart is full.");
  if (same != state.items.end() && same->quantity() + item.quantity() > quantity_max)
    return refuse(not_allowed, "The cart has too many units of this product.");
  auto decision = say(200);
  auto event = new_event();
  *event.mutable_added() = item;
  decision.emit(std::move(event));
  return decision;
}

pb::MarketCommand order_of(const customer_state& state, const pb::Checkout& command, const context& context) {
  pb::MarketCommand order;
  auto& place = *order.mutable_place();
  std::uint32_t customer_id = 0;
  std::from_chars(context.self.key.data(), context.self.key.data() + context.self.key.size(), customer_id);
  place.set_customer_id(customer_id);
  place.set_order_id(state.last_order_id + 1);
  place.set_instance_id(command.instance_id());
  for (const auto& item : state.items) {
    auto& asked = *place.add_items();
    asked = item;
    asked.clear_product_name();
  }
  return order;
}

decision check_out(const customer_state& state, const pb::Checkout& command, const context& context) {
  if (const auto* receipt = state.find(command.instance_id())) {
    decision decision;
    decision.reply = answer_of(context.self.key, *receipt);
    return decision;
  }
  decision decision;
  decision.parked = true;
  auto event = new_event();
  pb::Waiter waiter;
  waiter.set_command_id(std::string{context.command.begin(), context.command.end()});
  if (state.pending) {
    if (state.pending->instance_id() != command.instance_id())
      return refuse(not_allowed, "The cart was sent to be checked out.");
    *event.mutable_waiter_added() = waiter;
    decision.emit(std::move(event));
    return decision;
  }
  if (state.items.empty()) return refuse(not_allowed, "The cart is empty.");
  auto& began = *event.mutable_checkout_began();
  began.set_instance_id(command.instance_id());
  began.set_order_id(state.last_order_id + 1);
  *began.mutable_payment() = command.payment();
  *began.mutable_waiter() = waiter;
  decision.send({context.self.tenant, kinds::market, std::string{market_key}},
                order_of(state, command, context));
  decision.emit(std::move(event));
  return decision;
}

bool has_order(const google::protobuf::RepeatedPtrField<pb::Line>& lines) {
  return std::ranges::any_of(lines, [](const auto& line) { return line.status() == pb::IN_STOCK; });
}

pb::Receipt receipt_of(const customer_state& state,
                       const google::protobuf::RepeatedPtrField<pb::Line>& lines) {
  pb::Receipt receipt;
  const auto& pending = *state.pending;
  receipt.set_instance_id(pending.instance_id());
  if (has_order(lines)) receipt.set_order_id(pending.order_id());
  *receipt.mutable_payment() = pending.payment();
  receipt.set_began_ms(pending.began_ms());
  receipt.mutable_items()->Add(state.items.begin(), state.items.end());
  *receipt.mutable_lines() = lines;
  return receipt;
}

void answer_all(decision& decision, const pb::Pending& pending, const runtime::answer& answer) {
  for (const auto& waiter : pending.waiters())
    decision.late_answers.push_back({checkout::command_of(waiter), answer});
}

decision settle(const customer_state& state, const pb::Settle& command, const context& context) {
  decision decision;
  // One that was given up is none any more.
  if (!state.pending || state.pending->instance_id() != command.instance_id()) return decision;
  auto event = new_event();
  *event.mutable_checkout_ended()->mutable_lines() = command.lines();
  decision.emit(std::move(event));
  answer_all(decision, *state.pending, answer_of(context.self.key, receipt_of(state, command.lines())));
  return decision;
}

decision seal(const customer_state& state) {
  if (state.pending) return refuse(not_allowed, "The cart was sent to be checked out.");
  auto decision = say(200);
  if (state.items.empty()) return decision;
  auto event = new_event();
  event.mutable_sealed();
  decision.emit(std::move(event));
  return decision;
}

decision read(const customer_state& state, const pb::CustomerRead& command, const context& context) {
  const auto& customer = context.self.key;
  switch (command.of_case()) {
    case pb::CustomerRead::kProfile:
      if (!state.profile) return refuse(404, "There is no such customer.");
      return say(200, show_profile(customer, *state.profile));
    case pb::CustomerRead::kCart:
      return say(200, show_cart(customer, state));
    case pb::CustomerRead::kHistory: {
      const auto* receipt = state.find(command.history());
      return receipt == nullptr ? refuse(404, "There is no such checkout, or it is too long ago.")
                                : say(200, show_history(*receipt));
    }
    case pb::CustomerRead::kPayment: {
      const auto found = std::ranges::find_if(
          state.receipts, [&](const auto& receipt) { return receipt.order_id() == command.payment(); });
      return found == state.receipts.end() || command.payment() == 0
                 ? refuse(404, "There is no such order, or it is too long ago.")
                 : say(200, show_payment(customer, *found));
    }
    case pb::CustomerRead::OF_NOT_SET:
      break;
  }
  throw runtime::undecodable("a read of a customer without content");
}

// -- what is decided ---------------------------------------------------------------------------------

// Begins anew: whoever loads customers again has no use for what earlier runs left.
void take_in(customer_state& state, const pb::Profile& profile) {
  state.profile = profile;
  state.profile_changed = state.cart_changed = true;
  state.items.clear();
  state.last_order_id = 0;
  for (; !state.receipts.empty(); state.receipts.pop_front())
    state.receipts_changed.insert(state.first_receipt++);
}

void take_in(customer_state& state, const pb::Item& item) {
  state.cart_changed = true;
  const auto same =
      std::ranges::find_if(state.items, [&](const auto& has) { return is_same_product(has, item); });
  if (same == state.items.end()) {
    state.items.push_back(item);
    return;
  }
  // More of the same, as the shopper sees it now. A voucher is checked when it comes in.
  constexpr auto voucher_max = quantity_max * amount_unit * amount_max;
  if (same->voucher() > voucher_max || item.voucher() > voucher_max || same->voucher() < 0 ||
      item.voucher() < 0)
    throw runtime::undecodable("a voucher of impossible size");
  const auto quantity = same->quantity() + item.quantity();
  const auto voucher = same->voucher() + item.voucher();
  *same = item;
  same->set_quantity(quantity);
  same->set_voucher(voucher);
}

void take_in(customer_state& state, const pb::CheckoutBegan& began, runtime::timestamp at) {
  state.cart_changed = true;
  auto& pending = state.pending.emplace();
  pending.set_instance_id(began.instance_id());
  pending.set_order_id(began.order_id());
  *pending.mutable_payment() = began.payment();
  *pending.add_waiters() = began.waiter();
  pending.set_began_ms(runtime::to_ms(at));
}

pb::Pending& pending_of(customer_state& state) {
  if (!state.pending) throw std::logic_error("a customer has no checkout under way");
  state.cart_changed = true;
  return *state.pending;
}

void take_in(customer_state& state, const pb::CheckoutEnded& ended) {
  pending_of(state);
  auto receipt = receipt_of(state, ended.lines());
  if (receipt.order_id() != 0) state.last_order_id = receipt.order_id();
  state.receipts_changed.insert(state.first_receipt + state.receipts.size());
  state.receipts.push_back(std::move(receipt));
  if (state.receipts.size() > receipts_max) {
    state.receipts_changed.insert(state.first_receipt++);
    state.receipts.pop_front();
  }
  state.pending.reset();
  state.items.clear();
}

void load_cart(customer_state& state, const pb::CartRow& row) {
  state.items.assign(row.items().begin(), row.items().end());
  if (row.has_pending()) state.pending = row.pending();
  state.last_order_id = row.last_order_id();
  state.first_receipt = row.first_receipt();
}

void save_cart(const customer_state& state, runtime::row_sink& sink) {
  pb::CartRow row;
  row.mutable_items()->Add(state.items.begin(), state.items.end());
  if (state.pending) *row.mutable_pending() = *state.pending;
  row.set_last_order_id(state.last_order_id);
  row.set_first_receipt(state.first_receipt);
  sink.put("c", row.SerializeAsString());
}

constexpr std::string_view receipt_prefix = "r/";
constexpr std::size_t receipt_digits = 12;

// So that rows come in the order of their numbers.
std::string receipt_row(std::uint64_t number) {
  auto digits = std::to_string(number);
  return std::string{receipt_prefix} +
         std::string(receipt_digits - std::min(receipt_digits, digits.size()), '0') + digits;
}

void save_receipts(const customer_state& state, runtime::row_sink& sink) {
  for (const auto number : state.receipts_changed) {
    if (number < state.first_receipt)
      sink.erase(receipt_row(number));
    else
      sink.put(receipt_row(number), state.receipts[number - state.first_receipt].SerializeAsString());
  }
}

}  // namespace

const pb::Receipt* customer_state::find(std::string_view instance_id) const {
  const auto found = std::find_if(receipts.rbegin(), receipts.rend(),
                                  [&](const auto& receipt) { return receipt.instance_id() == instance_id; });
  return found == receipts.rend() ? nullptr : &*found;
}

decision customer_decider::decide(const state& state, const command& command, const context& context) const {
  if (command.of_case() == pb::CustomerCommand::kRead) return read(state, command.read(), context);
  if (command.of_case() == pb::CustomerCommand::kSettle) return settle(state, command.settle(), context);
  if (is_too_early(context)) return refuse_too_early();
  switch (command.of_case()) {
    case pb::CustomerCommand::kRegister:
      return register_customer(state, command.register_());
    case pb::CustomerCommand::kAdd:
      return add(state, command.add());
    case pb::CustomerCommand::kCheckout:
      return check_out(state, command.checkout(), context);
    case pb::CustomerCommand::kSeal:
      return seal(state);
    default:
      break;
  }
  throw runtime::undecodable("a customer's command without content");
}

decision customer_decider::on_timer(const state&, std::string_view, const context&) const { return {}; }

decision customer_decider::on_effect_failed(const state& state, const runtime::address&,
                                            const google::protobuf::Message& command, std::string_view,
                                            const context&) const {
  decision decision;
  const auto& place = static_cast<const pb::MarketCommand&>(command).place();
  if (!state.pending || state.pending->instance_id() != place.instance_id()) return decision;
  auto event = new_event();
  event.mutable_checkout_given_up();
  decision.emit(std::move(event));
  answer_all(decision, *state.pending, refused(500, "The order could not be placed; the cart is as it was."));
  return decision;
}

void customer_decider::evolve(state& state, const event& event, runtime::timestamp at, std::uint64_t) const {
  switch (event.of_case()) {
    case pb::CustomerEvent::kRegistered:
      return take_in(state, event.registered());
    case pb::CustomerEvent::kAdded:
      return take_in(state, event.added());
    case pb::CustomerEvent::kCheckoutBegan:
      return take_in(state, event.checkout_began(), at);
    case pb::CustomerEvent::kWaiterAdded:
      *pending_of(state).add_waiters() = event.waiter_added();
      return;
    case pb::CustomerEvent::kCheckoutEnded:
      return take_in(state, event.checkout_ended());
    case pb::CustomerEvent::kCheckoutGivenUp:
      pending_of(state);
      state.pending.reset();
      return;
    case pb::CustomerEvent::kSealed:
      state.items.clear();
      state.cart_changed = true;
      return;
    case pb::CustomerEvent::OF_NOT_SET:
      break;
  }
  throw runtime::undecodable("a customer's event without content");
}

void customer_decider::load_row(state& state, std::string_view row, std::string_view value) const {
  if (row == "p") {
    state.profile = *runtime::parse_as<pb::Profile>(value);
  } else if (row == "c") {
    load_cart(state, *runtime::parse_as<pb::CartRow>(value));
  } else if (row.starts_with(receipt_prefix)) {
    state.receipts.push_back(*runtime::parse_as<pb::Receipt>(value));
  } else {
    throw runtime::undecodable("a customer has no row " + std::string{row});
  }
}

void customer_decider::save_rows(state& state, runtime::row_sink& sink) const {
  if (state.profile_changed) sink.put("p", state.profile->SerializeAsString());
  if (state.cart_changed) save_cart(state, sink);
  save_receipts(state, sink);
  state.profile_changed = state.cart_changed = false;
  state.receipts_changed.clear();
}

}  // namespace souk::marketplace
