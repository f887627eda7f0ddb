#include "actors/payment/payment.hpp"

#include "actors/checkout/checkout.pb.h"
#include "actors/checkout/waiter.hpp"
#include "actors/json/problem.hpp"
#include "actors/order/order.pb.h"
#include "actors/payment/payment_json.hpp"
#include "actors/values/id.hpp"
#include "runtime/mutant.hpp"

#include <algorithm>
#include <utility>

namespace souk::payment {
namespace {

constexpr std::string_view retry_timer = "retry";
/// After the checkout or the order set aside what it was told.
constexpr std::string_view report_timer = "report";
constexpr std::chrono::minutes report_interval{10};

constexpr std::string_view charge = "charge";
constexpr std::string_view find = "find";
constexpr std::string_view cancel = "cancel";
constexpr std::string_view authenticate = "authenticate";
constexpr std::string_view refund = "refund";

std::chrono::milliseconds pause_after(std::uint32_t failures) {
  constexpr std::uint32_t doublings_max = 8;  // 200 ms x 2^8 is beyond the longest pause
  const auto pause = payment_decider::pause_min * (1 << std::min(failures, doublings_max));
  return std::min<std::chrono::milliseconds>(pause, payment_decider::pause_max);
}

json::problem problem_of(std::string code, std::string detail, const payment_state& payment) {
  json::problem problem;
  problem.code = std::move(code);
  problem.detail = std::move(detail);
  problem.checkout_id = payment.row.start().checkout_id();
  return problem;
}

}  // namespace

/// A decision being made, and the state as it will be: each event is applied as it is emitted.
class payment_decider::draft {
 public:
  draft(const payment_decider& decider, const payment_state& before, const runtime::context& context)
      : decider_(decider), before_(before), context_(context), next_(before) {}

  template <class Fill>
  void emit(Fill fill) {
    pb::Event event;
    event.set_schema(1);
    fill(event);
    decider_.evolve(next_, event, context_.now, context_.version + decision_.events.size() + 1);
    decision_.emit(std::move(event));
  }

  /// Makes the call that the state says is under way.
  void call() {
    const auto& start = next_.row.start();
    pb::ProviderCall call;
    call.set_operation(next_.row.operation());
    call.set_key(start.payment_id() + (next_.row.operation() == refund ? "/refund" : "/charge"));
    call.set_payment_id(start.payment_id());
    call.set_checkout_id(start.checkout_id());
    call.set_token(start.token());
    *call.mutable_amount() = start.amount();
    decision_.world_calls.push_back(
        {std::string{provider_port}, std::make_shared<const pb::ProviderCall>(std::move(call))});
  }

  void start(const pb::Start& start) {
    emit([&](pb::Event& event) { *event.mutable_intended()->mutable_start() = start; });
    call();
  }
  void retry() {
    emit([](pb::Event& event) { event.mutable_retrying(); });
    decision_.set_timer(std::string{retry_timer}, context_.now + pause_after(next_.row.failures() - 1));
  }
  void ask() {
    emit([](pb::Event& event) { event.mutable_asked(); });
    call();
  }
  void cancel_key() {
    emit([](pb::Event& event) { event.mutable_cancelling(); });
    call();
  }
  void needs_action(const std::string& charge_id) {
    emit([&](pb::Event& event) { event.mutable_needs_action()->set_charge_id(charge_id); });
    report();
    answer_waiters();
  }
  void settle(std::string_view status, const pb::ProviderResult& result) {
    emit([&](pb::Event& event) {
      auto& settled = *event.mutable_settled();
      settled.set_status(std::string{status});
      settled.set_code(result.code());
      settled.set_charge_id(result.charge_id());
    });
    report();
    answer_waiters();
  }
  void start_authentication() {
    emit([&](pb::Event& event) {
      *event.mutable_authenticating()->mutable_waiter() = checkout::waiter_of<pb::Waiter>(context_);
    });
    call();
    decision_.parked = true;
  }
  void park() {
    emit([&](pb::Event& event) {
      *event.mutable_waiting()->mutable_waiter() = checkout::waiter_of<pb::Waiter>(context_);
    });
    decision_.parked = true;
  }
  void start_reversal(const std::string& order_key) {
    emit([&](pb::Event& event) { event.mutable_reversing()->set_order_key(order_key); });
    if (mutated("refund-not-made")) return reversed("refunded");
    call();
  }
  void reversed(const std::string& how) {
    emit([&](pb::Event& event) { event.mutable_reversed()->set_how(how); });
    report();
  }

  /// Tells the checkout, and once the money is back the order.
  void report() {
    const auto& row = next_.row;
    if (next_.is(status::voided) || next_.is(status::refunded)) {
      if (row.order_key().empty()) return;
      order::pb::Command command;
      command.mutable_payment_reversed()->set_payment_id(row.start().payment_id());
      command.mutable_payment_reversed()->set_how(row.status());
      decision_.send({context_.self.tenant, kinds::order, row.order_key()}, std::move(command));
      return;
    }
    checkout::pb::Command command;
    auto& result = *command.mutable_payment_result();
    result.set_payment_key(context_.self.key);
    result.set_payment_id(row.start().payment_id());
    result.set_status(row.status());
    result.set_code(row.code());
    decision_.send({context_.self.tenant, kinds::checkout, row.start().checkout_key()}, std::move(command));
  }

  runtime::decision take() { return std::move(decision_); }

 private:
  void answer_waiters() {
    for (const auto& waiter : before_.row.waiters())
      decision_.late_answers.push_back({checkout::command_of(waiter), to_answer(next_)});
  }

  const payment_decider& decider_;
  const payment_state& before_;
  const runtime::context& context_;
  payment_state next_;
  runtime::decision decision_;
};

std::string_view payment_decider::partition_of(std::string_view key) {
  return values::partition_of_part(key);
}

runtime::decision payment_decider::decide(const state& state, const command& command,
                                          const runtime::context& context) const {
  switch (command.of_case()) {
    case pb::Command::kStart: {
      draft draft{*this, state, context};
      if (!state.exists()) draft.start(command.start());
      return draft.take();
    }
    case pb::Command::kProviderResult:
      return provider_result(state, command.provider_result(), context);
    case pb::Command::kAuthenticated:
      return authenticated(state, context);
    case pb::Command::kReverse:
      return reverse(state, command.reverse(), context);
    case pb::Command::kAbort:
      return abort(state, context);
    case pb::Command::kRead: {
      if (!state.exists())
        return json::refuse(problem_of("not_found", "There is no such payment.", state), context);
      runtime::decision decision;
      decision.reply = to_answer(state);
      return decision;
    }
    case pb::Command::OF_NOT_SET:
      break;
  }
  throw runtime::undecodable("a payment command without content");
}

runtime::decision payment_decider::provider_result(const state& state, const pb::ProviderResult& result,
                                                   const runtime::context& context) const {
  draft draft{*this, state, context};
  const auto& operation = state.row.operation();
  const auto& said = result.status();
  // Of a call that was overtaken by a later one.
  if (operation.empty() || operation != result.operation()) return draft.take();

  if (operation == refund) {
    if (said == status::voided || said == status::refunded) {
      draft.reversed(said);
    } else {
      draft.retry();
    }
    return draft.take();
  }
  if (said == status::charged) {
    draft.settle(status::charged, result);
  } else if (said == status::declined) {
    draft.settle(mutated("declined-sold") ? status::charged : status::declined, result);
  } else if (said == status::requires_action && operation != cancel) {
    draft.needs_action(result.charge_id());
  } else if (operation == charge || operation == authenticate) {
    if (said == "error" && state.row.failures() + 1 < charge_attempts_max) {
      draft.retry();
    } else if (mutated("silence-is-failure")) {
      draft.settle(status::failed, result);
    } else {
      draft.ask();
    }
  } else if (said == "canceled" || said == status::voided || said == status::refunded) {
    draft.settle(status::failed, result);
  } else if (operation == find && said == "not_found") {
    draft.cancel_key();
  } else {
    draft.retry();
  }
  return draft.take();
}

runtime::decision payment_decider::authenticated(const state& state, const runtime::context& context) const {
  if (!state.exists())
    return json::refuse(problem_of("not_found", "There is no such payment.", state), context);
  draft draft{*this, state, context};
  if (state.is(status::requires_action)) {
    draft.start_authentication();
  } else if (state.is(status::pending) && state.row.operation() != charge) {
    draft.park();
  } else if (state.is(status::charged)) {
    auto decision = draft.take();
    decision.reply = to_answer(state);
    return decision;
  } else {
    return json::refuse(problem_of("invalid_state", "The payment does not wait for the buyer.", state),
                        context);
  }
  return draft.take();
}

runtime::decision payment_decider::abort(const state& state, const runtime::context& context) const {
  draft draft{*this, state, context};
  // Pending: the outcome is on its way and will be told. Settled: it was told already, perhaps in passing.
  if (state.is(status::requires_action)) draft.cancel_key();
  return draft.take();
}

runtime::decision payment_decider::reverse(const state& state, const pb::Reverse& command,
                                           const runtime::context& context) const {
  draft draft{*this, state, context};
  if (state.is(status::charged)) {
    draft.start_reversal(command.order_key());
  } else if (state.is(status::voided) || state.is(status::refunded)) {
    draft.report();
  }
  return draft.take();
}

runtime::decision payment_decider::on_timer(const state& state, std::string_view timer,
                                            const runtime::context& context) const {
  draft draft{*this, state, context};
  if (timer == retry_timer && !state.row.operation().empty()) draft.call();
  if (timer == report_timer && state.row.operation().empty() && state.exists()) draft.report();
  return draft.take();
}

runtime::decision payment_decider::on_effect_failed(const state&, const runtime::address&,
                                                    const google::protobuf::Message&, std::string_view,
                                                    const runtime::context& context) const {
  // The outcome is a fact: it is told until it is taken.
  runtime::decision decision;
  decision.set_timer(std::string{report_timer}, context.now + report_interval);
  return decision;
}

void payment_decider::evolve(state& state, const event& event, runtime::timestamp,
                             std::uint64_t version) const {
  auto& row = state.row;
  row.set_version(version);
  state.row_changed = true;
  const auto be = [&](std::string_view status) { row.set_status(std::string{status}); };
  const auto under_way = [&](std::string_view operation) {
    row.set_operation(std::string{operation});
    row.set_failures(0);
  };
  switch (event.of_case()) {
    case pb::Event::kIntended:
      *row.mutable_start() = event.intended().start();
      be(status::pending);
      under_way(charge);
      return;
    case pb::Event::kAsked:
      under_way(find);
      return;
    case pb::Event::kCancelling:
      be(status::pending);
      under_way(cancel);
      return;
    case pb::Event::kSettled:
      be(event.settled().status());
      under_way("");
      row.set_code(event.settled().code());
      row.set_charge_id(event.settled().charge_id());
      row.clear_waiters();
      return;
    case pb::Event::kNeedsAction:
      be(status::requires_action);
      under_way("");
      row.set_charge_id(event.needs_action().charge_id());
      row.clear_waiters();
      return;
    case pb::Event::kReversing:
      be(status::reversing);
      under_way(refund);
      row.set_order_key(event.reversing().order_key());
      return;
    case pb::Event::kReversed:
      be(event.reversed().how());
      under_way("");
      return;
    case pb::Event::kRetrying:
      row.set_failures(row.failures() + 1);
      return;
    case pb::Event::kAuthenticating:
      be(status::pending);
      under_way(authenticate);
      *row.add_waiters() = event.authenticating().waiter();
      return;
    case pb::Event::kWaiting:
      *row.add_waiters() = event.waiting().waiter();
      return;
    case pb::Event::OF_NOT_SET:
      break;
  }
  throw runtime::undecodable("a payment event without content");
}

void payment_decider::load_row(state& state, std::string_view row, std::string_view value) const {
  if (!row.empty()) throw runtime::undecodable("a payment has no row " + std::string{row});
  state.row = *runtime::parse_as<pb::StateRow>(value);
}

void payment_decider::save_rows(state& state, runtime::row_sink& sink) const {
  if (state.row_changed) sink.put("", state.row.SerializeAsString());
  state.row_changed = false;
}

}  // namespace souk::payment
