#include "actors/product/product.hpp"

#include "actors/json/etag.hpp"
#include "actors/json/problem.hpp"
#include "actors/product/product_json.hpp"
#include "actors/product/product_rules.hpp"
#include "actors/sku/sku.hpp"
#include "actors/stock/stock.hpp"
#include "actors/values/id.hpp"
#include "runtime/entity/kind.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <utility>
#include <vector>

namespace souk::product {
namespace {

using runtime::context;
using runtime::decision;
using runtime::to_ms;

constexpr std::uint32_t schema = 1;

pb::Event new_event() {
  pb::Event event;
  event.set_schema(schema);
  return event;
}

bool has_sku(const pb::Product& product, const std::string& sku) {
  return std::any_of(product.variants().begin(), product.variants().end(),
                     [&](const auto& variant) { return variant.sku() == sku; });
}

// --- reads -------------------------------------------------------------------------------------------

runtime::answer answer_of(const std::shared_ptr<const pb::Product>& product) {
  runtime::answer answer;
  answer.body = product_json(*product);
  answer.etag = json::etag_of(product->version());
  answer.value = product;
  return answer;
}

json::problem not_found(const context& context) {
  return {"not_found", "There is no product " + context.self.key + "."};
}

decision read(const product_state& state, const pb::Read& command, const context& context) {
  if (!state.published) return json::refuse(not_found(context), context);
  decision decision;
  const std::string etag = json::etag_of(state.published->version());
  if (json::none_match_names(command.if_none_match(), etag)) {
    runtime::answer unchanged;
    unchanged.status = 304;
    unchanged.etag = etag;
    unchanged.value = state.published;
    decision.reply = std::move(unchanged);
  } else {
    decision.reply = answer_of(state.published);
  }
  return decision;
}

// --- effects -----------------------------------------------------------------------------------------

void send_claims(decision& decision, const pb::Proposed& proposed, const context& context) {
  for (const std::string& sku : proposed.claiming()) {
    sku::pb::Command command;
    command.mutable_claim()->set_product_key(context.self.key);
    command.mutable_claim()->set_attempt(proposed.attempt());
    decision.send(sku::address_of(context.self.tenant, sku), std::move(command));
  }
}

// Also for claims that are not answered yet: a sku gets them in this order, and gives back nothing older.
void send_give_backs(decision& decision, const pb::Proposed& proposed, const std::string& taken,
                     const context& context) {
  for (const std::string& sku : proposed.claiming()) {
    if (sku == taken) continue;
    sku::pb::Command command;
    command.mutable_give_back()->set_product_key(context.self.key);
    command.mutable_give_back()->set_attempt(proposed.attempt());
    decision.send(sku::address_of(context.self.tenant, sku), std::move(command));
  }
}

void send_offers(decision& decision, const pb::Proposed& proposed, std::uint64_t version,
                 const context& context) {
  const pb::Product& product = proposed.product();
  stock::pb::Command command;
  stock::pb::Offer& offer = *command.mutable_offer();
  offer.set_product_key(context.self.key);
  offer.set_product_version(version);
  offer.set_attempt(proposed.attempt());
  offer.set_for_sale(product.status() == "active");
  for (const auto& variant : product.variants()) {
    offer.set_title(variant_title(product, variant));
    *offer.mutable_price() = variant.price();
    decision.send(stock::address_of(context.self.tenant, variant.sku()), command);
  }
  offer.set_for_sale(false);
  offer.clear_title();
  offer.clear_price();
  for (const std::string& sku : proposed.withdrawing())
    decision.send(stock::address_of(context.self.tenant, sku), command);
}

// --- the end of a proposal ---------------------------------------------------------------------------

void answer_late(decision& decision, const pb::Proposed& proposed, runtime::answer answer) {
  runtime::late_answer late;
  if (proposed.command_id().size() != late.to.size()) throw std::logic_error("a command id of another size");
  std::memcpy(late.to.data(), proposed.command_id().data(), late.to.size());
  late.answer = std::move(answer);
  decision.late_answers.push_back(std::move(late));
}

json::problem taken_problem(const pb::Product& product, const std::string& sku) {
  json::problem problem{"sku_taken", "The sku " + sku + " belongs to another product."};
  for (int i = 0; i < product.variants_size(); ++i) {
    if (product.variants(i).sku() == sku)
      problem.errors.push_back({"/variants/" + std::to_string(i) + "/sku", "sku_taken", problem.detail});
  }
  return problem;
}

json::problem given_up_problem() {
  return {"internal_error", "The product could not be published; nothing of it took effect."};
}

// Ends the proposal without effect. `taken` empty: it is given up.
void fail(decision& decision, const proposal& proposal, const std::string& taken, const std::string& owner,
          const context& context) {
  const pb::Proposed& proposed = *proposal.content;
  auto event = new_event();
  event.mutable_refused()->set_sku(taken);
  event.mutable_refused()->set_owner(owner);
  decision.emit(std::move(event));
  // Once offers are out, the skus stay the product's: its next proposal withdraws them.
  if (!proposal.unclaimed.empty()) send_give_backs(decision, proposed, taken, context);
  answer_late(decision, proposed,
              json::to_answer(taken.empty() ? given_up_problem() : taken_problem(proposed.product(), taken),
                              proposed.request_id()));
}

// The last offer was acknowledged. The product's version is the entity's after this event.
void publish(decision& decision, const product_state& state, const context& context) {
  const pb::Proposed& proposed = *state.proposal->content;
  auto product = std::make_shared<pb::Product>(proposed.product());
  product->set_version(context.version + decision.events.size() + 1);
  auto event = new_event();
  *event.mutable_published()->mutable_product() = *product;
  decision.emit(std::move(event));

  runtime::answer answer = answer_of(product);
  if (!state.published) {
    answer.status = 201;
    answer.location = "/v1/products/" + product->id();
  }
  answer_late(decision, proposed, std::move(answer));
}

// --- proposals ---------------------------------------------------------------------------------------

json::problem under_way(const context& context) {
  json::problem problem{"invalid_state",
                        "Another change of the product " + context.self.key + " is under way."};
  problem.retryable = true;
  return problem;
}

bool is_under_way(const product_state& state, const context& context) {
  if (!state.proposal) return false;
  const auto since = runtime::from_ms(state.proposal->content->product().updated_at_ms());
  return context.now < since + proposal_patience;
}

pb::Product normalized(const pb::Product& given, const product_state& state, const context& context) {
  pb::Product product = given;
  if (state.published) product.set_id(state.published->id());  // whatever time part the client wrote
  if (product.status().empty()) product.set_status("active");
  if (product.attributes_json().empty()) product.set_attributes_json("{}");
  for (auto& variant : *product.mutable_variants()) {
    if (variant.options_json().empty()) variant.set_options_json("{}");
  }
  const std::int64_t now_ms = to_ms(context.now);
  product.set_created_at_ms(state.published ? state.published->created_at_ms() : now_ms);
  product.set_updated_at_ms(now_ms);
  product.clear_version();
  return product;
}

// Skus that are sold now, or were about to be, and are in the new product no more.
std::set<std::string> withdrawn_skus(const product_state& state, const pb::Product& product) {
  std::set<std::string> gone;
  const auto collect = [&](const pb::Product& old) {
    for (const auto& variant : old.variants()) {
      if (!has_sku(product, variant.sku())) gone.insert(variant.sku());
    }
  };
  if (state.published) collect(*state.published);
  if (state.proposal && state.proposal->unclaimed.empty()) {
    collect(state.proposal->content->product());
    for (const std::string& sku : state.proposal->content->withdrawing()) {
      if (!has_sku(product, sku)) gone.insert(sku);
    }
  }
  return gone;
}

decision propose(const product_state& state, const pb::Product& given, const context& context) {
  if (address_of(context.self.tenant, given.id()).key != context.self.key)
    throw std::invalid_argument("a product of another id");
  pb::Proposed proposed;
  *proposed.mutable_product() = normalized(given, state, context);
  const pb::Product& product = proposed.product();
  if (auto errors = check_product(product); !errors.empty()) {
    json::problem problem{"validation_failed", errors.front().pointer + ": " + errors.front().detail};
    problem.errors = std::move(errors);
    return json::refuse(problem, context);
  }

  decision decision;
  if (state.proposal) fail(decision, *state.proposal, {}, {}, context);
  const std::uint64_t version = context.version + decision.events.size() + 1;
  for (const auto& variant : product.variants()) {
    if (!state.published || !has_sku(*state.published, variant.sku())) proposed.add_claiming(variant.sku());
  }
  for (const std::string& sku : withdrawn_skus(state, product))
    proposed.add_withdrawing(sku);
  proposed.set_command_id(context.command.data(), context.command.size());
  proposed.set_request_id(std::string{context.request_id});
  proposed.set_attempt(std::to_string(version));
  if (proposed.claiming().empty())
    send_offers(decision, proposed, version, context);
  else
    send_claims(decision, proposed, context);
  auto event = new_event();
  *event.mutable_proposed() = std::move(proposed);
  decision.emit(std::move(event));
  decision.parked = true;
  return decision;
}

decision create(const product_state& state, const pb::Create& command, const context& context) {
  if (state.published)
    return json::refuse({"invalid_state", "The product " + context.self.key + " exists."}, context);
  if (is_under_way(state, context)) return json::refuse(under_way(context), context);
  return propose(state, command.product(), context);
}

decision replace(const product_state& state, const pb::Replace& command, const context& context) {
  if (!state.published) return json::refuse(not_found(context), context);
  const std::uint64_t version = state.published->version();
  if (command.if_match().empty()) {
    json::problem problem{"precondition_required", "Say by If-Match which version is to be replaced."};
    problem.current_version = version;
    return json::refuse(problem, context);
  }
  if (!json::match_allows(command.if_match(), version)) {
    json::problem problem{"precondition_failed", "The product's version is " + std::to_string(version) + "."};
    problem.current_version = version;
    return json::refuse(problem, context);
  }
  if (is_under_way(state, context)) return json::refuse(under_way(context), context);
  return propose(state, command.product(), context);
}

decision hear_sku(const product_state& state, const pb::SkuClaimed& command, const context& context) {
  decision decision;
  if (!state.proposal || command.attempt() != state.proposal->content->attempt() ||
      !state.proposal->unclaimed.contains(command.sku()))
    return decision;
  if (!command.ok()) {
    fail(decision, *state.proposal, command.sku(), command.owner(), context);
    return decision;
  }
  auto event = new_event();
  event.mutable_claim_settled()->set_sku(command.sku());
  event.mutable_claim_settled()->set_ok(true);
  decision.emit(std::move(event));
  if (state.proposal->unclaimed.size() == 1)
    send_offers(decision, *state.proposal->content, state.proposal->version, context);
  return decision;
}

decision hear_stock(const product_state& state, const std::string& sku, const std::string& attempt,
                    const context& context) {
  decision decision;
  if (!state.proposal || attempt != state.proposal->content->attempt() ||
      !state.proposal->unoffered.contains(sku))
    return decision;
  auto event = new_event();
  event.mutable_offer_settled()->set_sku(sku);
  decision.emit(std::move(event));
  if (state.proposal->unoffered.size() == 1) publish(decision, state, context);
  return decision;
}

// --- evolve and rows ---------------------------------------------------------------------------------

proposal& open_proposal(product_state& state) {
  if (!state.proposal) throw std::logic_error("no proposal is under way");
  return *state.proposal;
}

void apply_proposed(product_state& state, const pb::Proposed& event, std::uint64_t version) {
  proposal& proposal = state.proposal.emplace();
  proposal.content = std::make_shared<pb::Proposed>(event);
  proposal.version = version;
  proposal.unclaimed.insert(event.claiming().begin(), event.claiming().end());
  for (const auto& variant : event.product().variants())
    proposal.unoffered.insert(variant.sku());
  proposal.unoffered.insert(event.withdrawing().begin(), event.withdrawing().end());
}

}  // namespace

runtime::address address_of(std::string_view tenant, std::string_view product_id) {
  return {std::string{tenant}, kinds::product,
          std::string{values::part_of("prd_", product_id).value_or(product_id)}};
}

std::string variant_title(const pb::Product& product, const pb::Variant& variant) {
  if (variant.title().empty()) return product.title();
  return product.title() + ", " + variant.title();
}

runtime::decision product_decider::decide(const state& state, const command& command,
                                          const runtime::context& context) const {
  switch (command.of_case()) {
    case pb::Command::kCreate:
      return create(state, command.create(), context);
    case pb::Command::kReplace:
      return replace(state, command.replace(), context);
    case pb::Command::kSkuClaimed:
      return hear_sku(state, command.sku_claimed(), context);
    case pb::Command::kOffered:
      return hear_stock(state, command.offered().sku(), command.offered().attempt(), context);
    case pb::Command::kRead:
      return read(state, command.read(), context);
    case pb::Command::OF_NOT_SET:
      break;
  }
  throw std::invalid_argument("a product command that is not known here");
}

runtime::decision product_decider::on_timer(const state&, std::string_view, const runtime::context&) const {
  return {};
}

runtime::decision product_decider::on_effect_failed(const state& state, const runtime::address& to,
                                                    const google::protobuf::Message& command,
                                                    std::string_view, const runtime::context& context) const {
  decision decision;
  if (!state.proposal) return decision;
  if (to.kind == kinds::sku) {
    const auto& lost = static_cast<const sku::pb::Command&>(command);
    if (lost.has_claim() && lost.claim().attempt() == state.proposal->content->attempt() &&
        state.proposal->unclaimed.contains(to.key))
      fail(decision, *state.proposal, {}, {}, context);
  } else if (to.kind == kinds::stock) {
    const auto& lost = static_cast<const stock::pb::Command&>(command);
    if (lost.has_offer())
      return hear_stock(state, std::string{stock::split_key(to.key).first}, lost.offer().attempt(), context);
  }
  return decision;
}

void product_decider::evolve(state& state, const event& event, runtime::timestamp,
                             std::uint64_t version) const {
  if (event.schema() > schema) throw runtime::undecodable("a product event of a newer schema");
  switch (event.of_case()) {
    case pb::Event::kProposed:
      apply_proposed(state, event.proposed(), version);
      break;
    case pb::Event::kPublished:
      state.published = std::make_shared<pb::Product>(event.published().product());
      state.proposal.reset();
      break;
    case pb::Event::kRefused:
      state.proposal.reset();
      break;
    case pb::Event::kClaimSettled:
      open_proposal(state).unclaimed.erase(event.claim_settled().sku());
      break;
    case pb::Event::kOfferSettled:
      open_proposal(state).unoffered.erase(event.offer_settled().sku());
      break;
    case pb::Event::OF_NOT_SET:
      throw runtime::undecodable("a product event that this build does not know");
  }
  state.dirty = true;
}

void product_decider::load_row(state& state, std::string_view row, std::string_view value) const {
  if (!row.empty()) throw runtime::undecodable("a product row named " + std::string{row});
  const auto loaded = runtime::parse_as<pb::StateRow>(value);
  if (loaded->has_published()) state.published = std::make_shared<pb::Product>(loaded->published());
  if (!loaded->has_proposal()) return;
  proposal& proposal = state.proposal.emplace();
  proposal.content = std::make_shared<pb::Proposed>(loaded->proposal());
  proposal.version = loaded->proposal_version();
  proposal.unclaimed.insert(loaded->unclaimed().begin(), loaded->unclaimed().end());
  proposal.unoffered.insert(loaded->unoffered().begin(), loaded->unoffered().end());
}

void product_decider::save_rows(state& state, runtime::row_sink& sink) const {
  if (!state.dirty) return;
  state.dirty = false;
  pb::StateRow row;
  if (state.published) *row.mutable_published() = *state.published;
  if (state.proposal) {
    *row.mutable_proposal() = *state.proposal->content;
    row.set_proposal_version(state.proposal->version);
    for (const auto& sku : state.proposal->unclaimed)
      row.add_unclaimed(sku);
    for (const auto& sku : state.proposal->unoffered)
      row.add_unoffered(sku);
  }
  sink.put("", row.SerializeAsString());
}

}  // namespace souk::product
