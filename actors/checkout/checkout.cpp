#include "actors/checkout/checkout.hpp"

#include "actors/buyer/buyer.pb.h"
#include "actors/cart/cart.pb.h"
#include "actors/cart/line.hpp"
#include "actors/checkout/checkout_json.hpp"
#include "actors/checkout/waiter.hpp"
#include "actors/formats.hpp"
#include "actors/json/etag.hpp"
#include "actors/json/problem.hpp"
#include "actors/order/order.pb.h"
#include "actors/payment/payment.pb.h"
#include "actors/stock/stock.hpp"
#include "actors/values/id.hpp"
#include "actors/values/money.hpp"
#include "actors/values/owner.hpp"
#include "runtime/mutant.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace souk::checkout {
namespace {

constexpr std::string_view expire_timer = "expire";
/// After one of the last messages of a checkout (sell, release, free, place) was set aside by its receiver.
constexpr std::string_view resend_timer = "resend";
constexpr std::chrono::minutes resend_interval{10};
/// What a stock is told of a hold whose checkout is past its expiry, but busy: ask again after this.
constexpr std::chrono::minutes ask_again_interval{1};
constexpr std::uint32_t schema_with_owner = 2;

json::problem problem_of(std::string code, std::string detail, const checkout_state& checkout) {
  json::problem problem;
  problem.code = std::move(code);
  problem.detail = std::move(detail);
  problem.checkout_id = checkout.row.request().checkout_id();
  problem.order_id = checkout.row.order_id();
  return problem;
}

json::problem invalid(std::string pointer, std::string detail, std::string code = "validation_failed") {
  json::problem problem;
  problem.code = code;
  problem.detail = detail;
  problem.errors.push_back({std::move(pointer), std::move(code), std::move(detail), std::nullopt});
  return problem;
}

json::problem not_found() {
  json::problem problem;
  problem.code = "not_found";
  problem.detail = "There is no such checkout.";
  return problem;
}

bool is_there_for(const runtime::context& client, const checkout_state& checkout) {
  return checkout.exists() && values::is_open_to_client(checkout.row.owner(), client);
}

json::problem expired(const checkout_state& checkout) {
  return problem_of("expired", "The checkout has expired; its stock is released.", checkout);
}

json::problem not_in_this_state(const checkout_state& checkout, std::string detail) {
  auto problem = problem_of("invalid_state", std::move(detail), checkout);
  if (checkout.is(status::opening) || checkout.is(status::completing)) problem.retryable = true;
  return problem;
}

runtime::address stock_of(const pb::LineRow& line, const runtime::context& context) {
  return stock::address_of(context.self.tenant, line.line().sku());
}

std::int64_t total_of(const checkout_state& checkout) { return cart::figure(checkout.row.totals(), "total"); }

// What it held and claimed it has given back as it ended, and then hears late that something of that was held
// or claimed: a message that is repeated may be overtaken by a later one, so what was to end it may have come
// before it. It is ended once more.
bool came_to_nothing(const checkout_state& state) {
  return state.is(status::canceled) || state.is(status::expired) || state.is(status::failed);
}

bool are_claims_answered(const checkout_state& state) {
  return state.row.claim() != "pending" && state.row.buyer_claim() != "pending";
}

bool is_all_answered(const checkout_state& state) {
  return state.row.lines_pending() == 0 && are_claims_answered(state);
}

bool is_past_expiry(const checkout_state& checkout, runtime::timestamp now) {
  return runtime::to_ms(now) >= checkout.row.expires_at_ms();
}

// Why a cart cannot become a checkout, as far as the gateway's snapshot tells.
std::optional<json::problem> why_not_openable(const pb::Create& command, const runtime::context& context) {
  const auto& cart = command.cart();
  json::problem problem;
  problem.code = "invalid_state";
  if (!values::is_open_to_client(cart.owner(), context)) {
    problem.code = "not_found";
    problem.detail = "There is no such cart.";
  } else if (cart.status() == "expired") {
    problem.code = "expired";
    problem.detail = "The cart has expired.";
  } else if (!cart.checkout_id().empty() || !cart.order_id().empty()) {
    problem.detail = cart.order_id().empty() ? "The cart is being checked out." : "The cart is ordered.";
    problem.checkout_id = cart.checkout_id();
    problem.order_id = cart.order_id();
  } else if (cart.version() != command.cart_version()) {
    problem.code = "version_conflict";
    problem.detail = "The cart has another version.";
    problem.current_version = cart.version();
  } else if (cart.lines().empty()) {
    problem.detail = "The cart has no lines.";
  } else if (command.has_expected_total() && command.expected_total().currency() != cart.currency()) {
    return invalid("/expected_total/currency", "The cart is in " + cart.currency() + ".",
                   "currency_mismatch");
  } else {
    return std::nullopt;
  }
  return problem;
}

std::string_view owner_of(const cart::pb::Snapshot& cart, const runtime::context& context) {
  return cart.owner().empty() ? values::owner_of_new(context) : std::string_view{cart.owner()};
}

// A refused claim in the terms of the HTTP contract.
std::pair<std::string, std::string> failure_of_claim(std::string_view refusal) {
  if (refusal == "not_found") return {"not_found", "There is no such cart."};
  if (refusal == "version_conflict") return {"version_conflict", "The cart has another version."};
  if (refusal == "expired") return {"expired", "The cart has expired."};
  if (refusal == "empty") return {"invalid_state", "The cart has no lines."};
  return {"invalid_state", "The cart cannot be checked out."};
}

}  // namespace

/// A decision being made, and the state as it will be: each event is applied as it is emitted.
class checkout_decider::draft {
 public:
  draft(const checkout_decider& decider, const checkout_state& before, const runtime::context& context)
      : decider_(decider), before_(before), context_(context), next_(before) {}

  template <class Fill>
  void emit(Fill fill) {
    pb::Event event;
    event.set_schema(1);
    fill(event);
    decider_.evolve(next_, event, context_.now, context_.version + decision_.events.size() + 1);
    decision_.emit(std::move(event));
  }

  /// Everything that was asked for is answered: what `answer` says to each who waited before this decision.
  template <class Answer>
  void answer_waiters(Answer answer) {
    for (const auto& waiter : before_.row.waiters())
      decision_.late_answers.push_back({command_of(waiter), answer(waiter)});
  }
  void answer_waiters(const json::problem& problem) {
    answer_waiters([&](const pb::Waiter& waiter) { return json::to_answer(problem, waiter.request_id()); });
  }
  /// With the checkout as it is now.
  void answer_waiters() {
    answer_waiters([&](const pb::Waiter& waiter) { return shown_to(waiter); });
  }

  /// The current command waits for the outcome.
  void park(const char* what) {
    emit([&](pb::Event& event) {
      auto& waiter = *event.mutable_waiting()->mutable_waiter();
      waiter = waiter_of<pb::Waiter>(context_);
      waiter.set_what(what);
    });
    decision_.parked = true;
  }

  // Steps of the saga, each with all that it brings about.
  void conclude_opening();
  void fail(std::string code, std::string detail);
  void start_payment(const pb::PaymentMethod& method);
  void payment_failed(const std::string& status, const std::string& code);
  void payment_waits(runtime::timestamp expires_at);
  void complete();
  void cancel();
  void expire();
  void abort_payment(const char* because);

  // Messages that end what the checkout has. All of them may be repeated.
  void release_all();
  void sell_all();
  void end_hold(const pb::LineRow& line, bool sold);
  void end_claim(bool ordered);
  void free_buyer();
  void send_abort();

  void reply(int status) { decision_.reply = to_answer(next_, status); }
  void refuse(const json::problem& problem) {
    decision_.reply = json::to_answer(problem, context_.request_id);
  }

  const checkout_state& next() const { return next_; }
  runtime::decision take() { return std::move(decision_); }

 private:
  runtime::answer shown_to(const pb::Waiter& waiter) const {
    if (waiter.what() == "cancel" && !next_.is(status::canceled))
      return json::to_answer(not_in_this_state(next_, "The checkout was completed first."),
                             waiter.request_id());
    return to_answer(next_, waiter.what() == "create" ? 201 : 200);
  }
  void place_order();

  template <class Command>
  void send(runtime::kind_id kind, std::string key, Command command) {
    decision_.send({context_.self.tenant, kind, std::move(key)}, std::move(command));
  }

  const checkout_decider& decider_;
  const checkout_state& before_;
  const runtime::context& context_;
  checkout_state next_;
  runtime::decision decision_;
};

void checkout_decider::draft::conclude_opening() {
  const auto& row = next_.row;
  if (row.claim() == "refused") {
    auto [code, detail] = failure_of_claim(row.claim_answer().refusal());
    return fail(std::move(code), std::move(detail));
  }
  if (row.buyer_claim() == "refused")
    return fail("hold_limit_reached", "So many checkouts are open already: complete or cancel one of them.");
  if (row.lines_refused() > 0) {
    for (const auto* code : {"money_overflow", "currency_mismatch"}) {
      if (std::ranges::any_of(next_.lines, [&](const auto& line) { return line.code() == code; }))
        return fail(code, "A line cannot be sold as it is.");
    }
    if (std::ranges::any_of(next_.lines,
                            [](const auto& line) { return line.code() == "hold_limit_reached"; }))
      return fail("hold_limit_reached", "So much of it is held for one buyer at most; nothing is held.");
    return fail("insufficient_stock", "There is not enough stock for every line; nothing is held.");
  }
  std::int64_t items_base = 0;
  try {
    for (const auto& line : next_.lines)
      items_base = values::add(items_base, line.line().total());
  } catch (const values::money_overflow& e) {
    return fail("money_overflow", e.what());
  }
  auto figures = cart::totals_of(items_base);
  cart::check_totals(figures, items_base);
  const auto total = cart::figure(figures, "total");
  const auto& request = before_.row.request();
  if (request.has_expected_total() && request.expected_total().amount() < total)
    return fail("price_changed",
                "The total is " + std::to_string(total) + " now, more than expected; nothing is held.");
  emit([&](pb::Event& event) { event.mutable_quoted()->mutable_totals()->Swap(&figures); });
  if (!request.has_payment()) return answer_waiters();
  if (total == 0) return complete();
  start_payment(request.payment());
}

void checkout_decider::draft::fail(std::string code, std::string detail) {
  emit([&](pb::Event& event) {
    event.mutable_failed()->set_code(std::move(code));
    event.mutable_failed()->set_detail(std::move(detail));
  });
  decision_.cancel_timer(std::string{expire_timer});
  release_all();
  answer_waiters(failure_of(next_));
}

void checkout_decider::draft::start_payment(const pb::PaymentMethod& method) {
  const auto attempt = next_.row.attempts() + 1;
  const auto key = context_.self.key + "p" + std::to_string(attempt);
  payment::pb::Command command;
  auto& start = *command.mutable_start();
  start.set_payment_id(values::make_id("pay_", context_.now, key));
  start.set_checkout_key(context_.self.key);
  start.set_checkout_id(next_.row.request().checkout_id());
  start.set_provider(method.provider());
  start.set_token(method.token());
  start.mutable_amount()->set_amount(total_of(next_));
  start.mutable_amount()->set_currency(next_.row.request().cart().currency());
  emit([&](pb::Event& event) {
    auto& started = *event.mutable_payment_started();
    started.set_payment_key(key);
    started.set_payment_id(start.payment_id());
    started.set_provider(method.provider());
    started.set_attempt(attempt);
  });
  send(kinds::payment, key, std::move(command));
}

void checkout_decider::draft::payment_failed(const std::string& status, const std::string& code) {
  const auto because = next_.row.aborting();
  emit([&](pb::Event& event) {
    event.mutable_payment_failed()->set_status(status);
    event.mutable_payment_failed()->set_code(code);
  });
  if (because == "cancel") return cancel();
  if (because == "expire") return expire();
  // The timer may have come by while the payment was under way.
  decision_.set_timer(std::string{expire_timer},
                      std::max(context_.now, runtime::from_ms(next_.row.expires_at_ms())));
  answer_waiters(payment_failure_of(next_));
}

void checkout_decider::draft::payment_waits(runtime::timestamp expires_at) {
  emit([&](pb::Event& event) {
    event.mutable_payment_waits()->set_expires_at_ms(runtime::to_ms(expires_at));
  });
  decision_.set_timer(std::string{expire_timer}, expires_at);
  answer_waiters();
}

void checkout_decider::draft::complete() {
  emit([&](pb::Event& event) {
    event.mutable_completed()->set_order_id(values::make_id("ord_", context_.now, context_.self.key));
  });
  decision_.cancel_timer(std::string{expire_timer});
  sell_all();
  answer_waiters();
}

void checkout_decider::draft::cancel() {
  emit([](pb::Event& event) { event.mutable_canceled(); });
  decision_.cancel_timer(std::string{expire_timer});
  release_all();
  answer_waiters([&](const pb::Waiter& waiter) {
    if (waiter.what() == "cancel") return to_answer(next_, 200);
    return json::to_answer(not_in_this_state(next_, "The checkout is canceled."), waiter.request_id());
  });
}

void checkout_decider::draft::expire() {
  emit([](pb::Event& event) { event.mutable_expired(); });
  decision_.cancel_timer(std::string{expire_timer});
  release_all();
  answer_waiters(expired(next_));
}

void checkout_decider::draft::abort_payment(const char* because) {
  emit([&](pb::Event& event) { event.mutable_aborting()->set_because(because); });
  send_abort();
}

void checkout_decider::draft::send_abort() {
  payment::pb::Command command;
  command.mutable_abort();
  send(kinds::payment, next_.row.payment_key(), std::move(command));
}

void checkout_decider::draft::release_all() {
  for (const auto& line : next_.lines) {
    if (line.status() != "refused") end_hold(line, false);
  }
  if (next_.row.claim() != "refused") end_claim(false);
  free_buyer();
}

void checkout_decider::draft::sell_all() {
  if (!mutated("order-not-placed")) place_order();
  end_claim(true);
  free_buyer();
  for (const auto& line : next_.lines)
    end_hold(line, true);
}

void checkout_decider::draft::end_hold(const pb::LineRow& line, bool sold) {
  stock::pb::Command command;
  auto& end = sold ? *command.mutable_sell() : *command.mutable_release();
  end.set_hold_id(line.hold_id());
  if (sold) end.set_order_id(next_.row.order_id());
  decision_.send(stock_of(line, context_), std::move(command));
}

void checkout_decider::draft::end_claim(bool ordered) {
  cart::pb::Command command;
  auto& end = ordered ? *command.mutable_ordered() : *command.mutable_free();
  end.set_checkout_key(context_.self.key);
  if (ordered) end.set_order_id(next_.row.order_id());
  send(kinds::cart, next_.row.request().cart_key(), std::move(command));
}

void checkout_decider::draft::free_buyer() {
  const auto& row = next_.row;
  if (row.buyer_claim().empty() || row.buyer_claim() == "refused") return;
  buyer::pb::Command command;
  command.mutable_free()->set_checkout_key(context_.self.key);
  send(kinds::buyer, row.request().buyer().key(), std::move(command));
}

void checkout_decider::draft::place_order() {
  const auto& row = next_.row;
  const auto& request = row.request();
  order::pb::Command command;
  auto& place = *command.mutable_place();
  place.set_order_id(row.order_id());
  place.set_checkout_id(request.checkout_id());
  place.set_cart_id(request.cart_id());
  place.set_customer_id(request.cart().customer_id());
  place.set_owner(row.owner());
  place.set_currency(request.cart().currency());
  place.set_email(request.email());
  place.set_shipping_address_json(request.shipping_address_json());
  *place.mutable_totals() = row.totals();
  std::int64_t items_base = 0;
  for (const auto& line : next_.lines) {
    items_base = values::add(items_base, line.line().total());
    *place.add_lines() = line.line();
    auto& hold = *place.add_holds();
    hold.set_id(line.hold_id());
    hold.set_sku(line.line().sku());
    hold.set_location(std::string{stock::default_location});
    hold.set_quantity(line.line().quantity());
    hold.set_line_id(line.line().id());
  }
  cart::check_totals(place.totals(), items_base);
  if (row.payment_status() == "charged") {
    auto& payment = *place.add_payments();
    payment.set_id(row.payment_id());
    payment.set_key(row.payment_key());
    payment.set_status("charged");
    payment.mutable_amount()->set_amount(total_of(next_));
    payment.mutable_amount()->set_currency(request.cart().currency());
  }
  send(kinds::order, context_.self.key, std::move(command));
}

checkout_decider::checkout_decider(checkout_options options) : options_(std::move(options)) {}

std::string_view checkout_decider::partition_of(std::string_view key) {
  return values::partition_of_part(key);
}

runtime::decision checkout_decider::decide(const state& state, const command& command,
                                           const runtime::context& context) const {
  switch (command.of_case()) {
    case pb::Command::kCreate:
      return create(state, command.create(), context);
    case pb::Command::kComplete:
      return complete(state, command.complete(), context);
    case pb::Command::kCancel:
      return cancel(state, context);
    case pb::Command::kRead:
      return read(state, command.read(), context);
    case pb::Command::kCartClaimed:
      return cart_claimed(state, command.cart_claimed(), context);
    case pb::Command::kHeld:
      return held(state, command.held(), context);
    case pb::Command::kPaymentResult:
      return payment_result(state, command.payment_result(), context);
    case pb::Command::kHoldLives:
      return hold_lives(state, command.hold_lives(), context);
    case pb::Command::kBuyerClaimed:
      return buyer_claimed(state, command.buyer_claimed().ok(), context);
    case pb::Command::kClaimLives:
      return claim_lives(state, command.claim_lives(), context);
    case pb::Command::OF_NOT_SET:
      break;
  }
  throw runtime::undecodable("a checkout command without content");
}

runtime::decision checkout_decider::create(const state& state, const pb::Create& command,
                                           const runtime::context& context) const {
  if (state.exists()) return create_again(state, command, context);
  if (const auto problem = why_not_openable(command, context)) return json::refuse(*problem, context);
  if (command.has_payment() && !options_.providers.contains(command.payment().provider()))
    return json::refuse(invalid("/payment/provider", "There is no such payment provider."), context);
  return open(command, context);
}

// The same Idempotency-Key after its first answer was forgotten: there is still only one checkout.
runtime::decision checkout_decider::create_again(const state& state, const pb::Create& command,
                                                 const runtime::context& context) const {
  if (!is_there_for(context, state)) return json::refuse(not_found(), context);
  const auto& first = state.row.request();
  if (first.cart_id() != command.cart_id() || first.cart_version() != command.cart_version())
    return json::refuse(problem_of("idempotency_key_reused", "The key was used with another request.", state),
                        context);
  if (state.is(status::failed)) return json::refuse(failure_of(state), context);
  if (state.is(status::expired)) return json::refuse(expired(state), context);
  draft draft{*this, state, context};
  if (state.is(status::opening) || state.is(status::completing)) {
    draft.park("create");
  } else {
    draft.reply(201);
  }
  return draft.take();
}

runtime::decision checkout_decider::open(const pb::Create& command, const runtime::context& context) const {
  const auto expires_at = context.now + options_.hold_ttl;
  const auto& lines = command.cart().lines();
  runtime::decision decision;
  pb::Event event;
  event.set_schema(1);
  auto& opened = *event.mutable_opened();
  *opened.mutable_request() = command;
  if (const auto owner = owner_of(command.cart(), context); !owner.empty()) {
    event.set_schema(schema_with_owner);
    opened.set_owner(std::string{owner});
    opened.mutable_request()->mutable_cart()->set_customer_id(opened.owner());
  }
  // As long as a node of the cluster may not know of buyers, nobody is counted.
  if (opened.request().has_buyer() && context.format >= formats::hold_limits) {
    event.set_schema(schema);
  } else {
    opened.mutable_request()->clear_buyer();
  }
  const auto& buyer = opened.request().buyer();
  opened.set_expires_at_ms(runtime::to_ms(expires_at));
  *opened.mutable_waiter() = waiter_of<pb::Waiter>(context);
  opened.mutable_waiter()->set_what("create");

  cart::pb::Command to_cart;
  auto& claim = *to_cart.mutable_claim();
  claim.set_checkout_key(context.self.key);
  claim.set_checkout_id(command.checkout_id());
  claim.set_cart_version(command.cart_version());
  decision.send({context.self.tenant, kinds::cart, command.cart_key()}, std::move(to_cart));
  if (buyer.checkouts_max() > 0) {
    buyer::pb::Command to_buyer;
    auto& place = *to_buyer.mutable_claim();
    place.set_checkout_key(context.self.key);
    place.set_expires_at_ms(runtime::to_ms(expires_at));
    place.set_checkouts_max(buyer.checkouts_max());
    decision.send({context.self.tenant, kinds::buyer, buyer.key()}, std::move(to_buyer));
  }
  for (int i = 0; i < lines.size(); ++i) {
    stock::pb::Command to_stock;
    auto& hold = *to_stock.mutable_hold();
    hold.set_hold_id(values::make_id("hld_", context.now, context.ids.next_part()));
    hold.set_quantity(lines[i].quantity());
    hold.set_expires_at_ms(runtime::to_ms(expires_at));
    hold.set_checkout_key(context.self.key);
    hold.set_checkout_id(command.checkout_id());
    hold.set_line(static_cast<std::uint32_t>(i));
    hold.set_quoted(lines[i].quoted());
    if (buyer.units_per_sku_max() > 0) {
      hold.set_buyer_key(buyer.key());
      hold.set_buyer_units_max(buyer.units_per_sku_max());
    }
    opened.add_hold_ids(hold.hold_id());
    decision.send(stock::address_of(context.self.tenant, lines[i].sku()), std::move(to_stock));
  }
  decision.emit(std::move(event));
  decision.set_timer(std::string{expire_timer}, expires_at);
  decision.parked = true;
  return decision;
}

runtime::decision checkout_decider::cart_claimed(const state& state, const pb::CartClaimed& answer,
                                                 const runtime::context& context) const {
  if (state.row.claim() != "pending") return {};
  if (came_to_nothing(state) && answer.ok()) {
    draft late{*this, state, context};
    late.end_claim(false);
    return late.take();
  }
  if (!state.is(status::opening)) return {};
  const auto fill = [&](pb::Event& event) {
    if (answer.ok()) {
      event.mutable_cart_taken();
    } else {
      *event.mutable_cart_refused()->mutable_answer() = answer;
    }
  };
  const bool is_last = state.row.lines_pending() == 0 && state.row.buyer_claim() != "pending";
  if (!is_last) {  // nothing is copied
    runtime::decision decision;
    pb::Event event;
    event.set_schema(1);
    fill(event);
    decision.emit(std::move(event));
    return decision;
  }
  draft draft{*this, state, context};
  draft.emit(fill);
  draft.conclude_opening();
  return draft.take();
}

runtime::decision checkout_decider::buyer_claimed(const state& state, bool ok,
                                                  const runtime::context& context) const {
  if (state.row.buyer_claim() != "pending") return {};
  if (came_to_nothing(state) && ok) {
    draft late{*this, state, context};
    late.free_buyer();
    return late.take();
  }
  if (!state.is(status::opening)) return {};
  draft draft{*this, state, context};
  draft.emit([&](pb::Event& event) {
    event.set_schema(schema);
    if (ok) {
      event.mutable_buyer_counted();
    } else {
      event.mutable_buyer_refused();
    }
  });
  if (is_all_answered(draft.next())) draft.conclude_opening();
  return draft.take();
}

runtime::decision checkout_decider::held(const state& state, const pb::Held& answer,
                                         const runtime::context& context) const {
  if (answer.line() >= state.lines.size()) return {};
  const auto& line = state.lines[answer.line()];
  if (line.hold_id() != answer.hold_id() || line.status() != "pending") return {};
  if (came_to_nothing(state) && answer.ok()) {
    draft late{*this, state, context};
    late.end_hold(line, false);
    return late.take();
  }
  if (!state.is(status::opening)) return {};

  const auto& currency = state.row.request().cart().currency();
  const auto& price = line.line().quoted() ? line.line().unit_price() : answer.price();
  pb::Event event;
  event.set_schema(1);
  runtime::decision first;
  const auto refuse_line = [&](std::string code, std::int64_t available) {
    event.mutable_line_refused()->set_line(answer.line());
    event.mutable_line_refused()->set_code(std::move(code));
    event.mutable_line_refused()->set_available(available);
  };
  const auto give_back = [&](std::string code) {
    refuse_line(std::move(code), answer.available());
    stock::pb::Command command;
    command.mutable_release()->set_hold_id(line.hold_id());
    first.send(stock_of(line, context), std::move(command));
  };
  if (!answer.ok()) {
    refuse_line(answer.refusal(), answer.available());
  } else if (price.currency() != currency) {
    give_back("currency_mismatch");
  } else {
    try {
      const auto paid_for = line.line().quantity() - (mutated("total-of-a-unit-less") ? 1 : 0);
      const auto total = values::line_total(price, paid_for);
      auto& held = *event.mutable_line_held();
      held.set_line(answer.line());
      *held.mutable_price() = price;
      if (!line.line().quoted() && answer.title() != line.line().title()) held.set_title(answer.title());
      held.set_total(total);
    } catch (const values::money_overflow&) {
      give_back("money_overflow");
    }
  }
  const bool is_last = state.row.lines_pending() == 1 && are_claims_answered(state);
  if (!is_last) {  // the usual case of a long cart: nothing is copied
    first.emit(std::move(event));
    return first;
  }
  draft draft{*this, state, context};
  draft.emit([&](pb::Event& emitted) { emitted = std::move(event); });
  draft.conclude_opening();
  auto decision = draft.take();
  decision.effects.insert(decision.effects.begin(), std::make_move_iterator(first.effects.begin()),
                          std::make_move_iterator(first.effects.end()));
  return decision;
}

runtime::decision checkout_decider::complete(const state& state, const pb::Complete& command,
                                             const runtime::context& context) const {
  if (!is_there_for(context, state)) return json::refuse(not_found(), context);
  if (state.is(status::expired)) return json::refuse(expired(state), context);
  if (state.is(status::canceled) || state.is(status::failed))
    return json::refuse(not_in_this_state(state, "The checkout is canceled."), context);
  if (state.is(status::opening))
    return json::refuse(not_in_this_state(state, "The checkout is not ready yet."), context);
  draft draft{*this, state, context};
  if (state.is(status::completed)) {
    draft.reply(200);
  } else if (state.is(status::completing) || !state.row.aborting().empty()) {
    draft.park("complete");
  } else if (state.is(status::requires_action)) {
    draft.refuse(problem_of("authentication_required",
                            "The buyer must authenticate payment " + state.row.payment_id() + " first.",
                            state));
  } else if (is_past_expiry(state, context.now)) {
    draft.expire();
    draft.refuse(expired(state));
  } else if (total_of(state) == 0) {
    draft.complete();
    draft.reply(200);
  } else if (!command.has_payment()) {
    draft.refuse(invalid("/payment", "A payment is needed."));
  } else if (!options_.providers.contains(command.payment().provider())) {
    draft.refuse(invalid("/payment/provider", "There is no such payment provider."));
  } else {
    draft.start_payment(command.payment());
    draft.park("complete");
  }
  return draft.take();
}

runtime::decision checkout_decider::cancel(const state& state, const runtime::context& context) const {
  if (!is_there_for(context, state)) return json::refuse(not_found(), context);
  if (state.is(status::expired)) return json::refuse(expired(state), context);
  if (state.is(status::completed))
    return json::refuse(not_in_this_state(state, "The checkout is completed."), context);
  if (state.is(status::opening) || state.is(status::completing))
    return json::refuse(not_in_this_state(state, "The checkout is completing."), context);
  draft draft{*this, state, context};
  if (state.is(status::canceled) || state.is(status::failed)) {
    draft.reply(200);
  } else if (state.is(status::requires_action)) {
    if (state.row.aborting().empty()) draft.abort_payment("cancel");
    draft.park("cancel");
  } else if (is_past_expiry(state, context.now)) {
    draft.expire();
    draft.refuse(expired(state));
  } else {
    draft.cancel();
    draft.reply(200);
  }
  return draft.take();
}

runtime::decision checkout_decider::payment_result(const state& state, const pb::PaymentResult& result,
                                                   const runtime::context& context) const {
  const bool awaited = result.payment_key() == state.row.payment_key() &&
                       (state.is(status::completing) || state.is(status::requires_action));
  if (!awaited) {
    runtime::decision decision;
    const bool is_orders = state.is(status::completed) && result.payment_key() == state.row.payment_key();
    if (result.status() == "charged" && !is_orders) {
      // No step leads here. If one ever does, money without an order goes back.
      payment::pb::Command command;
      command.mutable_reverse();
      decision.send({context.self.tenant, kinds::payment, result.payment_key()}, std::move(command));
    }
    return decision;
  }
  draft draft{*this, state, context};
  if (result.status() == "charged") {
    draft.complete();
  } else if (result.status() != "requires_action") {
    draft.payment_failed(result.status(), result.code());
  } else if (!state.row.aborting().empty()) {
    draft.send_abort();  // it was busy when the first one came
  } else if (state.is(status::completing)) {
    draft.payment_waits(std::max(runtime::from_ms(state.row.expires_at_ms()),
                                 context.now + options_.authentication_time_min));
  }
  return draft.take();
}

runtime::decision checkout_decider::hold_lives(const state& state, const pb::HoldLives& question,
                                               const runtime::context& context) const {
  const auto line = std::ranges::find_if(
      state.lines, [&](const auto& candidate) { return candidate.hold_id() == question.hold_id(); });
  const bool is_mine = line != state.lines.end() && line->status() != "refused";
  runtime::decision decision;
  stock::pb::Command command;
  if (is_mine && state.is(status::completed)) {
    command.mutable_sell()->set_hold_id(question.hold_id());
    command.mutable_sell()->set_order_id(state.row.order_id());
  } else {
    auto& says = *command.mutable_owner_says();
    says.set_hold_id(question.hold_id());
    says.set_live(is_mine && state.is_live());
    if (says.live())
      says.set_expires_at_ms(
          std::max(state.row.expires_at_ms(), runtime::to_ms(context.now + ask_again_interval)));
  }
  decision.send({context.self.tenant, kinds::stock, question.stock_key()}, std::move(command));
  return decision;
}

runtime::decision checkout_decider::claim_lives(const state& state, const pb::ClaimLives& question,
                                                const runtime::context& context) const {
  runtime::decision decision;
  buyer::pb::Command command;
  auto& says = *command.mutable_owner_says();
  says.set_checkout_key(context.self.key);
  says.set_live(state.is_live() && state.row.request().buyer().key() == question.buyer_key());
  if (says.live()) says.set_expires_at_ms(state.row.expires_at_ms());
  decision.send({context.self.tenant, kinds::buyer, question.buyer_key()}, std::move(command));
  return decision;
}

runtime::decision checkout_decider::read(const state& state, const pb::Read& command,
                                         const runtime::context& context) const {
  if (!is_there_for(context, state)) return json::refuse(not_found(), context);
  runtime::decision decision;
  decision.reply = to_answer(state, 200);
  if (json::none_match_names(command.if_none_match(), decision.reply->etag)) {
    decision.reply->status = 304;
    decision.reply->body.clear();
  }
  return decision;
}

runtime::decision checkout_decider::expire(const state& state, const runtime::context& context) const {
  draft draft{*this, state, context};
  if (state.is(status::opening) || state.is(status::ready)) {
    draft.expire();
  } else if (state.is(status::requires_action) && state.row.aborting().empty()) {
    draft.abort_payment("expire");
  }
  // While a payment is under way its outcome decides, and sets the timer again where it has to.
  return draft.take();
}

runtime::decision checkout_decider::on_timer(const state& state, std::string_view timer,
                                             const runtime::context& context) const {
  if (timer == expire_timer) return mutated("never-expired") ? runtime::decision{} : expire(state, context);
  draft draft{*this, state, context};
  if (state.is(status::completed)) {
    draft.sell_all();
  } else if (state.exists() && !state.is_live()) {
    draft.release_all();
  } else if (!state.row.aborting().empty()) {
    draft.send_abort();
  }
  return draft.take();
}

runtime::decision checkout_decider::on_effect_failed(const state& state, const runtime::address& to,
                                                     const google::protobuf::Message& command,
                                                     std::string_view,
                                                     const runtime::context& context) const {
  // What asked for something is refused by that; what ends something is sent again.
  if (to.kind == kinds::stock) {
    const auto& sent = static_cast<const stock::pb::Command&>(command);
    if (sent.has_hold()) {
      pb::Held refused;
      refused.set_line(sent.hold().line());
      refused.set_hold_id(sent.hold().hold_id());
      refused.set_refusal("unavailable");
      return held(state, refused, context);
    }
    if (sent.has_owner_says()) return {};  // the stock asks again
  } else if (to.kind == kinds::cart) {
    const auto& sent = static_cast<const cart::pb::Command&>(command);
    if (sent.has_claim()) {
      pb::CartClaimed refused;
      refused.set_refusal("unavailable");
      return cart_claimed(state, refused, context);
    }
  } else if (to.kind == kinds::buyer) {
    const auto& sent = static_cast<const buyer::pb::Command&>(command);
    if (sent.has_claim()) return buyer_claimed(state, true, context);  // nobody is refused for a broken count
    if (sent.has_owner_says()) return {};                              // the buyer asks again
  } else if (to.kind == kinds::payment) {
    const auto& sent = static_cast<const payment::pb::Command&>(command);
    if (sent.has_start()) {
      pb::PaymentResult refused;
      refused.set_payment_key(to.key);
      refused.set_status("failed");
      refused.set_code("unavailable");
      return payment_result(state, refused, context);
    }
  }
  runtime::decision decision;
  decision.set_timer(std::string{resend_timer}, context.now + resend_interval);
  return decision;
}

}  // namespace souk::checkout
