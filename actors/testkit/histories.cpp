#include "actors/testkit/histories.hpp"

namespace souk::testkit {

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
