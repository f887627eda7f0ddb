#include "actors/order/order.hpp"

#include "actors/cart/line.hpp"
#include "actors/checkout/waiter.hpp"
#include "actors/json/etag.hpp"
#include "actors/json/problem.hpp"
#include "actors/json/writer.hpp"
#include "actors/order/order_json.hpp"
#include "actors/payment/payment.pb.h"
#include "actors/stock/stock.hpp"
#include "actors/values/id.hpp"
#include "actors/values/money.hpp"
#include "actors/values/owner.hpp"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <utility>

namespace souk::order {
namespace {

/// After a payment or a stock set aside what a cancelled order asked of it.
constexpr std::string_view resend_timer = "resend";
constexpr std::chrono::minutes resend_interval{10};
constexpr std::uint32_t schema_with_owner = 2;
/// A customer's id as it is, up to here, in an index's name; a longer one by its digest.
constexpr std::size_t customer_id_bytes_max = 128;

json::problem no_such_order() {
  json::problem problem;
  problem.code = "not_found";
  problem.detail = "There is no such order.";
  return problem;
}

bool is_there_for(const runtime::context& client, const order_state& order) {
  return order.exists() && values::is_open_to_client(order.row.order().owner(), client);
}

order_state after(const order_decider& decider, const order_state& state, const runtime::decision& decision,
                  const runtime::context& context) {
  order_state next = state;
  auto version = context.version;
  for (const auto& event : decision.events)
    decider.evolve(next, static_cast<const pb::Event&>(*event), context.now, ++version);
  return next;
}

// Everything that a cancelled order gives back. May be repeated: a payment is reversed once, and units come
// back once per order and line.
void send_back(const order_state& order, runtime::decision& decision, const runtime::context& context) {
  for (const auto& payment : order.row.order().payments()) {
    if (payment.status() != "charged") continue;
    payment::pb::Command command;
    command.mutable_reverse()->set_order_key(context.self.key);
    decision.send({context.self.tenant, kinds::payment, payment.key()}, std::move(command));
  }
  for (const auto& hold : order.row.order().holds()) {
    stock::pb::Command command;
    auto& restock = *command.mutable_restock();
    restock.set_quantity(hold.quantity());
    restock.set_order_id(order.row.order().order_id());
    restock.set_movement_id(values::make_id("mov_", context.now, context.ids.next_part()));
    restock.set_line_id(hold.line_id());
    decision.send(stock::address_of(context.self.tenant, hold.sku(), hold.location()), std::move(command));
  }
}

void answer_waiters(const order_state& before, const order_state& next, runtime::decision& decision) {
  for (const auto& waiter : before.row.waiters())
    decision.late_answers.push_back({checkout::command_of(waiter), to_answer(next)});
}

void index(runtime::decision& decision, std::string name, const order_state& order, std::string_view key) {
  decision.indexes.push_back({std::move(name), order.row.order().order_id(), std::string{key}});
}

}  // namespace

#ifdef SOUK_NEXT_VERSION
/// All that the next version's orders can do more: say of how many units they are, and have it in their
/// events.
namespace next {
namespace {

constexpr std::uint32_t format_with_units = formats::newest + 1;

std::int64_t units_of(const pb::Place& order) {
  std::int64_t units = 0;
  for (const auto& line : order.lines())
    units += line.quantity();
  return units;
}

void say_units(pb::Event& event, const runtime::context& context) {
  if (context.format < format_with_units) return;  // a node of the version before could not read it
  event.set_schema(order_decider::schema);
  event.mutable_placed()->set_units(units_of(event.placed().order()));
}

runtime::decision count_units(const order_state& state, const runtime::context& context) {
  if (!is_there_for(context, state)) return json::refuse(no_such_order(), context);
  const auto said = state.row.units();
  json::writer out;
  out.begin_object().key("units").integer(said != 0 ? said : units_of(state.row.order()));
  out.key("recorded").boolean(said != 0).end_object();
  runtime::decision decision;
  decision.reply.emplace().body = std::move(out).take();
  return decision;
}

}  // namespace
}  // namespace next
#endif

std::string index_of_status(std::string_view status) { return "orders/status/" + std::string{status}; }

namespace {

// One name for each customer, whatever their id is made of.
std::string index_of(const std::string& name, std::string_view customer_id) {
  const bool fits = customer_id.size() <= customer_id_bytes_max &&
                    customer_id.find('\0') == std::string_view::npos && !customer_id.starts_with('#');
  if (fits) return name + std::string{customer_id};
  const auto digest = XXH3_128bits(customer_id.data(), customer_id.size());
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "#%016llx%016llx", static_cast<unsigned long long>(digest.high64),
                static_cast<unsigned long long>(digest.low64));
  return name + text.data();
}

}  // namespace

std::string index_of_customer(std::string_view customer_id) {
  return index_of("orders/customer/", customer_id);
}

std::string index_of_owner(std::string_view customer) { return index_of("orders/owner/", customer); }

std::string number_of(std::string_view order_id) {
  // The time's last eight characters pass 34 years; four of the secret part tell apart orders of one
  // millisecond and leave it 80 bits.
  constexpr std::size_t prefix = 4;
  constexpr std::size_t time_dropped = values::id_time_length - 8;
  return std::string{order_id.substr(prefix + time_dropped, 8)} + "-" +
         std::string{order_id.substr(prefix + values::id_time_length, 4)};
}

int order_state::payments_charged() const {
  return static_cast<int>(std::ranges::count_if(
      row.order().payments(), [](const auto& payment) { return payment.status() == "charged"; }));
}

std::string_view order_decider::partition_of(std::string_view key) { return values::partition_of_part(key); }

runtime::decision order_decider::decide(const state& state, const command& command,
                                        const runtime::context& context) const {
  switch (command.of_case()) {
    case pb::Command::kPlace:
      return place(state, command.place(), context);
    case pb::Command::kCancel:
      return cancel(state, command.cancel(), context);
    case pb::Command::kPaymentReversed:
      return payment_reversed(state, command.payment_reversed(), context);
    case pb::Command::kRead:
      return read(state, command.read(), context);
#ifdef SOUK_NEXT_VERSION
    case pb::Command::kCountUnits:
      return next::count_units(state, context);
#endif
    case pb::Command::OF_NOT_SET:
      break;
  }
  throw runtime::undecodable("an order command without content");
}

runtime::decision order_decider::place(const state& state, const pb::Place& command,
                                       const runtime::context& context) const {
  runtime::decision decision;
  if (state.exists()) return decision;  // one order per checkout
  std::int64_t items_base = 0;
  for (const auto& line : command.lines())
    items_base = values::add(items_base, line.total());
  cart::check_totals(command.totals(), items_base);
  pb::Event event;
  event.set_schema(command.owner().empty() ? 1 : schema_with_owner);
  *event.mutable_placed()->mutable_order() = command;
#ifdef SOUK_NEXT_VERSION
  next::say_units(event, context);
#endif
  decision.emit(std::move(event));
  const auto add_to = [&](std::string name) {
    decision.indexes.push_back({std::move(name), command.order_id(), context.self.key});
  };
  add_to(std::string{index_of_all});
  add_to(index_of_status(status::placed));
  if (!command.customer_id().empty()) add_to(index_of_customer(command.customer_id()));
  if (!command.owner().empty()) add_to(index_of_owner(command.owner()));
  return decision;
}

runtime::decision order_decider::cancel(const state& state, const pb::Cancel& command,
                                        const runtime::context& context) const {
  if (!is_there_for(context, state)) return json::refuse(no_such_order(), context);
  runtime::decision decision;
  const bool waits = state.payments_charged() > 0;
  pb::Event event;
  event.set_schema(1);
  if (state.is(status::placed)) {
    event.mutable_canceled()->set_reason(command.reason());
    if (waits) *event.mutable_canceled()->mutable_waiter() = checkout::waiter_of<pb::Waiter>(context);
    decision.emit(std::move(event));
    decision.indexes.push_back({index_of_status(status::placed), state.row.order().order_id(), std::nullopt});
    index(decision, index_of_status(status::canceled), state, context.self.key);
    send_back(state, decision, context);
  } else if (waits) {
    *event.mutable_waiting()->mutable_waiter() = checkout::waiter_of<pb::Waiter>(context);
    decision.emit(std::move(event));
  }
  if (waits) {
    decision.parked = true;
  } else {
    decision.reply = to_answer(after(*this, state, decision, context));
  }
  return decision;
}

runtime::decision order_decider::payment_reversed(const state& state, const pb::PaymentReversed& command,
                                                  const runtime::context& context) const {
  runtime::decision decision;
  const auto& payments = state.row.order().payments();
  const auto payment = std::ranges::find_if(
      payments, [&](const auto& candidate) { return candidate.id() == command.payment_id(); });
  if (payment == payments.end() || payment->status() != "charged") return decision;
  pb::Event event;
  event.set_schema(1);
  event.mutable_payment_changed()->set_payment_id(command.payment_id());
  event.mutable_payment_changed()->set_status(command.how());
  decision.emit(std::move(event));
  const auto next = after(*this, state, decision, context);
  if (next.payments_charged() == 0) answer_waiters(state, next, decision);
  return decision;
}

runtime::decision order_decider::read(const state& state, const pb::Read& command,
                                      const runtime::context& context) const {
  if (!is_there_for(context, state)) return json::refuse(no_such_order(), context);
  runtime::decision decision;
  decision.reply = to_answer(state);
  if (json::none_match_names(command.if_none_match(), decision.reply->etag)) {
    decision.reply->status = 304;
    decision.reply->body.clear();
  }
  return decision;
}

runtime::decision order_decider::on_timer(const state& state, std::string_view,
                                          const runtime::context& context) const {
  runtime::decision decision;
  if (state.is(status::canceled)) send_back(state, decision, context);
  return decision;
}

runtime::decision order_decider::on_effect_failed(const state&, const runtime::address&,
                                                  const google::protobuf::Message&, std::string_view,
                                                  const runtime::context& context) const {
  runtime::decision decision;
  decision.set_timer(std::string{resend_timer}, context.now + resend_interval);
  return decision;
}

void order_decider::evolve(state& state, const event& event, runtime::timestamp at,
                           std::uint64_t version) const {
  auto& row = state.row;
  row.set_version(version);
  state.row_changed = true;
  const auto remember = [&](std::string type, const std::string& detail) {
    auto& happened = *row.add_history();
    happened.set_at_ms(runtime::to_ms(at));
    happened.set_type(std::move(type));
    happened.set_detail(detail);
  };
  switch (event.of_case()) {
    case pb::Event::kPlaced:
      *row.mutable_order() = event.placed().order();
      row.set_status(std::string{status::placed});
      row.set_placed_at_ms(runtime::to_ms(at));
#ifdef SOUK_NEXT_VERSION
      row.set_units(event.placed().units());
#endif
      remember("placed", "");
      return;
    case pb::Event::kCanceled:
      row.set_status(std::string{status::canceled});
      if (event.canceled().has_waiter()) *row.add_waiters() = event.canceled().waiter();
      remember("canceled", event.canceled().reason());
      return;
    case pb::Event::kPaymentChanged: {
      const auto& changed = event.payment_changed();
      for (auto& payment : *row.mutable_order()->mutable_payments()) {
        if (payment.id() == changed.payment_id()) payment.set_status(changed.status());
      }
      remember("payment_" + changed.status(), changed.payment_id());
      if (state.payments_charged() == 0) row.clear_waiters();
      return;
    }
    case pb::Event::kWaiting:
      *row.add_waiters() = event.waiting().waiter();
      return;
    case pb::Event::OF_NOT_SET:
      break;
  }
  throw runtime::undecodable("an order event without content");
}

void order_decider::load_row(state& state, std::string_view row, std::string_view value) const {
  if (!row.empty()) throw runtime::undecodable("an order has no row " + std::string{row});
  state.row = *runtime::parse_as<pb::StateRow>(value);
}

void order_decider::save_rows(state& state, runtime::row_sink& sink) const {
  if (state.row_changed) sink.put("", state.row.SerializeAsString());
  state.row_changed = false;
}

}  // namespace souk::order
