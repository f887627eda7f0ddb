#include "actors/buyer/buyer.hpp"

#include "actors/checkout/checkout.pb.h"
#include "actors/formats.hpp"

#include <stdexcept>
#include <utility>

namespace souk::buyer {
namespace {

using runtime::context;
using runtime::decision;

constexpr std::string_view claim_row_prefix = "c/";

pb::Event new_event() {
  pb::Event event;
  event.set_schema(1);
  return event;
}

void send(decision& decision, const context& context, const std::string& checkout_key,
          checkout::pb::Command command) {
  decision.send({context.self.tenant, kinds::checkout, checkout_key}, std::move(command));
}

void ask_overdue(decision& decision, const buyer_state& state, const context& context) {
  const auto overdue_ms = runtime::to_ms(context.now - ask_grace);
  for (const auto& [checkout_key, expires_at_ms] : state.open) {
    if (expires_at_ms > overdue_ms) continue;
    checkout::pb::Command question;
    question.mutable_claim_lives()->set_buyer_key(context.self.key);
    send(decision, context, checkout_key, std::move(question));
    if (decision.effects.size() == asks_max) return;
  }
}

decision claim(const buyer_state& state, const pb::Claim& command, const context& context) {
  if (command.checkout_key().empty() || command.checkouts_max() == 0)
    throw std::invalid_argument("a buyer's place needs a checkout and a limit above 0");
  decision decision;
  // As long as a node of the cluster may not know of buyers, nobody is counted.
  const bool counts = context.format >= formats::hold_limits && !state.open.contains(command.checkout_key());
  const bool full = counts && state.open.size() >= command.checkouts_max();
  if (full) {
    ask_overdue(decision, state, context);
  } else if (counts) {
    auto event = new_event();
    event.mutable_claimed()->set_checkout_key(command.checkout_key());
    event.mutable_claimed()->set_expires_at_ms(command.expires_at_ms());
    decision.emit(std::move(event));
  }
  checkout::pb::Command answer;
  answer.mutable_buyer_claimed()->set_ok(!full);
  send(decision, context, command.checkout_key(), std::move(answer));
  return decision;
}

decision free(const buyer_state& state, const std::string& checkout_key) {
  decision decision;
  if (!state.open.contains(checkout_key)) return decision;
  auto event = new_event();
  event.mutable_freed()->set_checkout_key(checkout_key);
  decision.emit(std::move(event));
  return decision;
}

decision hear_owner(const buyer_state& state, const pb::OwnerSays& command) {
  if (!command.live()) return free(state, command.checkout_key());
  decision decision;
  const auto found = state.open.find(command.checkout_key());
  if (found == state.open.end() || command.expires_at_ms() <= found->second) return decision;
  auto event = new_event();
  event.mutable_extended()->set_checkout_key(command.checkout_key());
  event.mutable_extended()->set_expires_at_ms(command.expires_at_ms());
  decision.emit(std::move(event));
  return decision;
}

std::int64_t& place_of(buyer_state& state, const std::string& checkout_key) {
  const auto found = state.open.find(checkout_key);
  if (found == state.open.end()) throw std::logic_error("a buyer has no such checkout: " + checkout_key);
  return found->second;
}

}  // namespace

decision buyer_decider::decide(const state& state, const command& command, const context& context) const {
  switch (command.of_case()) {
    case pb::Command::kClaim:
      return claim(state, command.claim(), context);
    case pb::Command::kFree:
      return free(state, command.free().checkout_key());
    case pb::Command::kOwnerSays:
      return hear_owner(state, command.owner_says());
    case pb::Command::OF_NOT_SET:
      break;
  }
  throw runtime::undecodable("a buyer's command without content");
}

decision buyer_decider::on_timer(const state&, std::string_view, const context&) const { return {}; }

decision buyer_decider::on_effect_failed(const state&, const runtime::address&,
                                         const google::protobuf::Message&, std::string_view,
                                         const context&) const {
  return {};
}

void buyer_decider::evolve(state& state, const event& event, runtime::timestamp, std::uint64_t) const {
  switch (event.of_case()) {
    case pb::Event::kClaimed: {
      const auto& claimed = event.claimed();
      if (!state.open.emplace(claimed.checkout_key(), claimed.expires_at_ms()).second)
        throw std::logic_error("a checkout is counted twice: " + claimed.checkout_key());
      state.changed.insert(claimed.checkout_key());
      return;
    }
    case pb::Event::kFreed:
      place_of(state, event.freed().checkout_key());
      state.open.erase(event.freed().checkout_key());
      state.changed.insert(event.freed().checkout_key());
      return;
    case pb::Event::kExtended:
      place_of(state, event.extended().checkout_key()) = event.extended().expires_at_ms();
      state.changed.insert(event.extended().checkout_key());
      return;
    case pb::Event::OF_NOT_SET:
      break;
  }
  throw runtime::undecodable("a buyer's event without content");
}

void buyer_decider::load_row(state& state, std::string_view row, std::string_view value) const {
  if (!row.starts_with(claim_row_prefix))
    throw runtime::undecodable("a buyer has no row " + std::string{row});
  state.open.insert_or_assign(std::string{row.substr(claim_row_prefix.size())},
                              runtime::parse_as<pb::ClaimRow>(value)->expires_at_ms());
}

void buyer_decider::save_rows(state& state, runtime::row_sink& sink) const {
  for (const auto& checkout_key : state.changed) {
    const auto name = std::string{claim_row_prefix} + checkout_key;
    const auto found = state.open.find(checkout_key);
    if (found == state.open.end()) {
      sink.erase(name);
      continue;
    }
    pb::ClaimRow row;
    row.set_expires_at_ms(found->second);
    sink.put(name, row.SerializeAsString());
  }
  state.changed.clear();
}

}  // namespace souk::buyer
