#include "actors/cart/line.hpp"
#include "actors/checkout/checkout.hpp"

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>

/// How a checkout's events change it, and how it is kept.
namespace souk::checkout {
namespace {

constexpr std::string_view line_row_prefix = "l/";

std::string line_row(std::uint32_t line) { return std::string{line_row_prefix} + std::to_string(line); }

// What is kept of a request: all but the cart's lines, which are rows of their own.
void keep_request(const pb::Create& request, pb::Create& kept) {
  kept.set_checkout_id(request.checkout_id());
  kept.set_cart_id(request.cart_id());
  kept.set_cart_key(request.cart_key());
  kept.set_cart_version(request.cart_version());
  kept.set_email(request.email());
  kept.set_shipping_address_json(request.shipping_address_json());
  if (request.has_expected_total()) *kept.mutable_expected_total() = request.expected_total();
  if (request.has_payment()) *kept.mutable_payment() = request.payment();
  if (request.has_buyer()) *kept.mutable_buyer() = request.buyer();
  kept.mutable_cart()->set_currency(request.cart().currency());
  kept.mutable_cart()->set_customer_id(request.cart().customer_id());
}

}  // namespace

void checkout_decider::evolve(state& state, const event& event, runtime::timestamp,
                              std::uint64_t version) const {
  auto& row = state.row;
  row.set_version(version);
  state.row_changed = true;
  const auto be = [&](std::string_view status) { row.set_status(std::string{status}); };
  switch (event.of_case()) {
    case pb::Event::kOpened: {
      const auto& opened = event.opened();
      be(status::opening);
      keep_request(opened.request(), *row.mutable_request());
      row.set_owner(opened.owner());
      row.set_expires_at_ms(opened.expires_at_ms());
      row.set_claim("pending");
      if (opened.request().buyer().checkouts_max() > 0) row.set_buyer_claim("pending");
      *row.add_waiters() = opened.waiter();
      const auto& lines = opened.request().cart().lines();
      row.set_lines(static_cast<std::uint32_t>(lines.size()));
      row.set_lines_pending(row.lines());
      state.lines.resize(row.lines());
      for (std::uint32_t i = 0; i < row.lines(); ++i) {
        auto& line = state.lines[i];
        *line.mutable_line() = lines[static_cast<int>(i)];
        *line.mutable_cart_price() = line.line().unit_price();
        line.set_hold_id(opened.hold_ids(static_cast<int>(i)));
        line.set_status("pending");
        state.lines_changed.insert(i);
      }
      return;
    }
    case pb::Event::kCartTaken:
      row.set_claim("taken");
      return;
    case pb::Event::kCartRefused:
      row.set_claim("refused");
      *row.mutable_claim_answer() = event.cart_refused().answer();
      return;
    case pb::Event::kBuyerCounted:
      row.set_buyer_claim("counted");
      return;
    case pb::Event::kBuyerRefused:
      row.set_buyer_claim("refused");
      return;
    case pb::Event::kLineHeld: {
      const auto& held = event.line_held();
      auto& line = state.lines.at(held.line());
      *line.mutable_line()->mutable_unit_price() = held.price();
      if (!held.title().empty()) line.mutable_line()->set_title(held.title());
      line.mutable_line()->set_total(held.total());
      line.set_status("held");
      row.set_lines_pending(row.lines_pending() - 1);
      state.lines_changed.insert(held.line());
      return;
    }
    case pb::Event::kLineRefused: {
      const auto& refused = event.line_refused();
      auto& line = state.lines.at(refused.line());
      line.set_status("refused");
      line.set_code(refused.code());
      line.set_available(refused.available());
      row.set_lines_pending(row.lines_pending() - 1);
      row.set_lines_refused(row.lines_refused() + 1);
      state.lines_changed.insert(refused.line());
      return;
    }
    case pb::Event::kQuoted:
      be(status::ready);
      *row.mutable_totals() = event.quoted().totals();
      if (!row.request().has_payment()) row.clear_waiters();
      return;
    case pb::Event::kFailed:
      be(status::failed);
      *row.mutable_failure() = event.failed();
      row.clear_waiters();
      return;
    case pb::Event::kPaymentStarted:
      be(status::completing);
      row.set_attempts(event.payment_started().attempt());
      row.set_payment_key(event.payment_started().payment_key());
      row.set_payment_id(event.payment_started().payment_id());
      row.set_payment_status("pending");
      row.clear_payment_code();
      return;
    case pb::Event::kPaymentWaits:
      be(status::requires_action);
      row.set_payment_status("requires_action");
      row.set_expires_at_ms(event.payment_waits().expires_at_ms());
      row.clear_waiters();
      return;
    case pb::Event::kPaymentFailed:
      be(status::ready);
      row.set_payment_status(event.payment_failed().status());
      row.set_payment_code(event.payment_failed().code());
      row.clear_aborting();
      row.clear_waiters();
      return;
    case pb::Event::kCompleted:
      be(status::completed);
      row.set_order_id(event.completed().order_id());
      if (!row.payment_id().empty()) row.set_payment_status("charged");
      row.clear_aborting();
      row.clear_waiters();
      return;
    case pb::Event::kCanceled:
      be(status::canceled);
      row.clear_waiters();
      return;
    case pb::Event::kExpired:
      be(status::expired);
      row.clear_waiters();
      return;
    case pb::Event::kWaiting:
      *row.add_waiters() = event.waiting().waiter();
      return;
    case pb::Event::kAborting:
      row.set_aborting(event.aborting().because());
      return;
    case pb::Event::OF_NOT_SET:
      break;
  }
  throw runtime::undecodable("a checkout event without content");
}

void checkout_decider::load_row(state& state, std::string_view row, std::string_view value) const {
  if (row.empty()) {
    state.row = *runtime::parse_as<pb::StateRow>(value);
    if (state.row.lines() > cart::lines_max)
      throw runtime::undecodable("a checkout of " + std::to_string(state.row.lines()) + " lines");
    state.lines.resize(std::max<std::size_t>(state.lines.size(), state.row.lines()));
    return;
  }
  std::uint32_t line = 0;
  const auto* end = row.data() + row.size();
  if (!row.starts_with(line_row_prefix) ||
      std::from_chars(row.data() + line_row_prefix.size(), end, line).ptr != end || line >= cart::lines_max)
    throw runtime::undecodable("a checkout has no row " + std::string{row});
  if (line >= state.lines.size()) state.lines.resize(line + 1);
  state.lines[line] = *runtime::parse_as<pb::LineRow>(value);
}

void checkout_decider::save_rows(state& state, runtime::row_sink& sink) const {
  if (state.row_changed) sink.put("", state.row.SerializeAsString());
  for (const auto line : state.lines_changed)
    sink.put(line_row(line), state.lines[line].SerializeAsString());
  state.row_changed = false;
  state.lines_changed.clear();
}

}  // namespace souk::checkout
