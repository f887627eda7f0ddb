#include "actors/sku/sku.hpp"

#include "actors/product/product.pb.h"
#include "runtime/entity/kind.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace souk::sku {
namespace {

using runtime::context;
using runtime::decision;

constexpr std::uint32_t schema = 1;

decision claim(const sku_state& state, const pb::Claim& command, const context& context) {
  if (command.product_key().empty()) throw std::invalid_argument("a claim needs a product");
  decision decision;
  const bool free = state.product_key.empty();
  if (free) {
    pb::Event event;
    event.set_schema(schema);
    event.mutable_claimed()->set_product_key(command.product_key());
    event.mutable_claimed()->set_attempt(command.attempt());
    decision.emit(std::move(event));
  }
  product::pb::Command answer;
  product::pb::SkuClaimed& claimed = *answer.mutable_sku_claimed();
  claimed.set_sku(context.self.key);
  claimed.set_attempt(command.attempt());
  claimed.set_ok(free || state.product_key == command.product_key());
  if (!claimed.ok()) claimed.set_owner(state.product_key);
  decision.send({context.self.tenant, kinds::product, command.product_key()}, std::move(answer));
  return decision;
}

decision give_back(const sku_state& state, const pb::GiveBack& command) {
  decision decision;
  if (state.product_key.empty() || state.product_key != command.product_key() ||
      state.attempt != command.attempt())
    return decision;
  pb::Event event;
  event.set_schema(schema);
  event.mutable_given_back()->set_product_key(command.product_key());
  event.mutable_given_back()->set_attempt(command.attempt());
  decision.emit(std::move(event));
  return decision;
}

}  // namespace

bool is_sku(std::string_view text) {
  const auto allowed = [](char c) { return c >= ' ' && c <= '~' && c != '@'; };
  return !text.empty() && text.size() <= length_max && text.front() != ' ' && text.back() != ' ' &&
         std::all_of(text.begin(), text.end(), allowed);
}

runtime::address address_of(std::string_view tenant, std::string_view sku) {
  return {std::string{tenant}, kinds::sku, std::string{sku}};
}

runtime::decision sku_decider::decide(const state& state, const command& command,
                                      const runtime::context& context) const {
  switch (command.of_case()) {
    case pb::Command::kClaim:
      return claim(state, command.claim(), context);
    case pb::Command::kGiveBack:
      return give_back(state, command.give_back());
    case pb::Command::OF_NOT_SET:
      break;
  }
  throw std::invalid_argument("a sku command that is not known here");
}

runtime::decision sku_decider::on_timer(const state&, std::string_view, const runtime::context&) const {
  return {};
}

// A product that could not take in an answer gives that proposal up when the next one comes.
runtime::decision sku_decider::on_effect_failed(const state&, const runtime::address&,
                                                const google::protobuf::Message&, std::string_view,
                                                const runtime::context&) const {
  return {};
}

void sku_decider::evolve(state& state, const event& event, runtime::timestamp, std::uint64_t) const {
  if (event.schema() > schema) throw runtime::undecodable("a sku event of a newer schema");
  switch (event.of_case()) {
    case pb::Event::kClaimed:
      state.product_key = event.claimed().product_key();
      state.attempt = event.claimed().attempt();
      break;
    case pb::Event::kGivenBack:
      state.product_key.clear();
      state.attempt.clear();
      break;
    case pb::Event::OF_NOT_SET:
      throw runtime::undecodable("a sku event that this build does not know");
  }
  state.dirty = true;
}

void sku_decider::load_row(state& state, std::string_view row, std::string_view value) const {
  if (!row.empty()) throw runtime::undecodable("a sku row named " + std::string{row});
  const auto loaded = runtime::parse_as<pb::StateRow>(value);
  state.product_key = loaded->product_key();
  state.attempt = loaded->attempt();
}

void sku_decider::save_rows(state& state, runtime::row_sink& sink) const {
  if (!state.dirty) return;
  state.dirty = false;
  pb::StateRow row;
  row.set_product_key(state.product_key);
  row.set_attempt(state.attempt);
  sink.put("", row.SerializeAsString());
}

}  // namespace souk::sku
