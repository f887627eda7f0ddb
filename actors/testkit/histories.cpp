#include "actors/testkit/histories.hpp"

#include <algorithm>

namespace souk::testkit {

namespace {

// What a call does to a cart, or why nothing.
shared_cart::refusal carry_out(shared_cart::state& cart, const shared_cart::call& call) {
  auto& [version, lines] = cart.shown;
  if (call.if_version && *call.if_version != version) return shared_cart::refusal::other_version;
  switch (call.what) {
    case shared_cart::deed::read:
      break;
    case shared_cart::deed::add: {
      auto& line = lines.at(call.which);
      if (line.number == 0) line.number = cart.next_line++;
      line.quantity += call.quantity;
      ++version;
      break;
    }
    case shared_cart::deed::set: {
      const auto line = std::find_if(lines.begin(), lines.end(),
                                     [&](const auto& each) { return each.number == call.line; });
      if (call.line == 0 || line == lines.end()) return shared_cart::refusal::no_such_line;
      if (line->quantity == call.quantity) break;
      line->quantity = call.quantity;
      if (call.quantity == 0) line->number = 0;
      ++version;
      break;
    }
  }
  return shared_cart::refusal::none;
}

std::string text_of(const shared_cart::view& cart) {
  std::string text;
  for (const auto& line : cart.lines)
    text += (text.empty() ? "" : " and ") +
            (line.number == 0 ? std::string{"nothing"}
                              : std::to_string(line.quantity) + " in line " + std::to_string(line.number));
  return text + " in version " + std::to_string(cart.version);
}

std::string text_of(const shared_cart::reply& reply) {
  switch (reply.why) {
    case shared_cart::refusal::no_such_line:
      return "no such line";
    case shared_cart::refusal::other_version:
      return "another version";
    case shared_cart::refusal::none:
      break;
  }
  return text_of(reply.after);
}

std::string deed_of(const shared_cart::call& call) {
  if (call.what == shared_cart::deed::read) return "read";
  const auto quantity = std::to_string(call.quantity);
  auto text = call.what == shared_cart::deed::add
                  ? "add " + quantity + " of goods " + std::to_string(call.which)
                  : "set line " + std::to_string(call.line) + " to " + quantity;
  if (call.if_version) text += " if at version " + std::to_string(*call.if_version);
  return text;
}

}  // namespace

std::optional<cart_line::state> cart_line::apply(const state& state, const call& call) {
  auto after = state;
  if (call.set && *call.set != state.quantity) after = {state.version + 1, *call.set};
  if (call.answer && *call.answer != after) return std::nullopt;
  return after;
}

bool cart_line::may_come(const state& state, const call& call) {
  return !call.answer || call.answer->version >= state.version;
}

std::string cart_line::text(const state& state) {
  return "quantity " + std::to_string(state.quantity) + " in version " + std::to_string(state.version);
}

std::string cart_line::text(const call& call) {
  return (call.set ? "set quantity " + std::to_string(*call.set) : std::string{"read"}) + ": " +
         (call.answer ? text(*call.answer) : std::string{"unknown"});
}

std::optional<shared_cart::state> shared_cart::apply(const state& state, const call& call) {
  auto after = state;
  const auto why = carry_out(after, call);
  if (!call.answer) return after;
  if (call.answer->why != why) return std::nullopt;
  if (why == refusal::none && call.answer->after != after.shown) return std::nullopt;
  return after;
}

bool shared_cart::may_come(const state& state, const call& call) {
  return !call.answer || call.answer->why != refusal::none ||
         call.answer->after.version >= state.shown.version;
}

std::string shared_cart::text(const state& state) { return text_of(state.shown); }

std::string shared_cart::text(const call& call) {
  return deed_of(call) + ": " + (call.answer ? text_of(*call.answer) : std::string{"unknown"});
}

std::optional<stock_level::state> stock_level::apply(const state& state, const call& call) {
  const bool refused = state.on_hand + call.delta.value_or(0) < 0;
  auto after = state;
  if (call.delta && !refused) after = {state.version + 1, state.on_hand + *call.delta};
  if (call.answer && call.answer->refused != refused) return std::nullopt;
  if (call.answer && !refused && call.answer->after != after) return std::nullopt;
  return after;
}

bool stock_level::may_come(const state& state, const call& call) {
  return !call.answer || call.answer->refused || call.answer->after.version >= state.version;
}

std::string stock_level::text(const state& state) {
  return std::to_string(state.on_hand) + " on hand in version " + std::to_string(state.version);
}

std::string stock_level::text(const call& call) {
  std::string said = "unknown";
  if (call.answer) said = call.answer->refused ? std::string{"refused"} : text(call.answer->after);
  return (call.delta ? "adjust by " + std::to_string(*call.delta) : std::string{"read"}) + ": " + said;
}

}  // namespace souk::testkit
