#include "actors/stock/stock.hpp"

#include "actors/checkout/checkout.pb.h"
#include "actors/formats.hpp"
#include "actors/json/etag.hpp"
#include "actors/json/problem.hpp"
#include "actors/product/product.pb.h"
#include "actors/stock/stock_json.hpp"
#include "actors/values/id.hpp"
#include "actors/values/sha256.hpp"
#include "runtime/entity/kind.hpp"
#include "runtime/mutant.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>
#include <memory>
#include <stdexcept>

namespace souk::stock {
namespace {

using runtime::context;
using runtime::decision;
using runtime::to_ms;

constexpr std::string_view timer_name = "holds";
constexpr std::string_view hold_row_prefix = "h/";
constexpr std::string_view references_row_prefix = "r/";

constexpr std::int64_t ms_of(std::chrono::milliseconds duration) { return duration.count(); }

pb::Event new_event() {
  pb::Event event;
  event.set_schema(1);
  return event;
}

digest digest_of(std::string_view reason, std::string_view reference, std::string_view line) {
  std::string text{reason};
  text.append(1, '\0').append(reference).append(1, '\0').append(line);
  const auto whole = values::sha256(text);
  digest cut;
  std::copy_n(whole.begin(), cut.size(), cut.begin());
  return cut;
}

// --- what it shows -----------------------------------------------------------------------------------

pb::Level level_of(std::string_view key, const figures& figures, std::uint64_t version) {
  const auto [sku, location] = split_key(key);
  pb::Level level;
  level.set_sku(std::string{sku});
  level.set_location(std::string{location});
  level.set_on_hand(figures.on_hand);
  level.set_reserved(figures.reserved);
  level.set_available(figures.available());
  level.set_version(version);
  return level;
}

decision read(const stock_state& state, const pb::Read& command, const context& context) {
  auto level = std::make_shared<pb::Level>(level_of(context.self.key, state.figures, context.version));
  runtime::answer answer;
  answer.etag = json::etag_of(context.version);
  if (json::none_match_names(command.if_none_match(), answer.etag)) {
    answer.status = 304;
  } else {
    answer.body = level_json(*level);
  }
  answer.value = std::move(level);
  decision decision;
  decision.reply = std::move(answer);
  return decision;
}

decision read_offer(const stock_state& state) {
  decision decision;
  decision.reply.emplace();
  if (state.offer) decision.reply->value = std::make_shared<pb::Offer>(*state.offer);
  return decision;
}

void copy_hold(const std::string& id, const hold& hold, pb::HoldRow& row) {
  row.set_hold_id(id);
  row.set_quantity(hold.quantity);
  row.set_expires_at_ms(hold.expires_at_ms);
  row.set_checkout_key(hold.checkout_key);
  row.set_checkout_id(hold.checkout_id);
}

decision audit(const stock_state& state, const context& context) {
  const auto [sku, location] = split_key(context.self.key);
  const figures& sums = state.figures;
  auto result = std::make_shared<pb::AuditFigures>();
  result->set_sku(std::string{sku});
  result->set_location(std::string{location});
  result->set_received(sums.received);
  result->set_returned(sums.returned);
  result->set_corrected(sums.corrected);
  result->set_written_off(sums.written_off);
  result->set_sold(sums.sold);
  result->set_on_hand(sums.on_hand);
  result->set_reserved(sums.reserved);
  std::int64_t held = 0;
  for (const auto& [ask_at, id] : state.by_ask) {
    const hold& hold = state.holds.at(id);
    copy_hold(id, hold, *result->add_holds());
    held += hold.quantity;
  }
  result->set_balanced(sums.balanced() && held == sums.reserved);
  runtime::answer answer;
  answer.body = audit_json(*result);
  answer.value = std::move(result);
  decision decision;
  decision.reply = std::move(answer);
  return decision;
}

// --- movements ---------------------------------------------------------------------------------------

// The ledger's row of the event that follows.
void list_movement(decision& decision, const context& context, const movement& movement) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string key(16, '0');
  std::uint64_t version = context.version + 1;
  for (std::size_t i = key.size(); i-- > 0; version >>= 4)
    key[i] = digits[version & 15];
  decision.indexes.push_back({movements_index(context.self.key), std::move(key), movement_json(movement)});
}

// A stock that comes to be is listed, so that an audit finds it.
void list_if_new(decision& decision, const context& context) {
  if (context.version == 0)
    decision.indexes.push_back({std::string{stocks_index}, context.self.key, context.self.key});
}

void emit_moved(decision& decision, const context& context, pb::Moved moved, std::int64_t on_hand_after) {
  const auto [sku, location] = split_key(context.self.key);
  list_if_new(decision, context);
  list_movement(decision, context,
                {moved.movement_id(), sku, location, moved.delta(), moved.reason(), moved.reference(),
                 context.now, on_hand_after});
  auto event = new_event();
  *event.mutable_moved() = std::move(moved);
  decision.emit(std::move(event));
}

std::string movement_id_or_new(const std::string& given, const context& context) {
  return given.empty() ? values::make_id("mov_", context.now, context.ids.next_part()) : given;
}

// The figures after a movement, within their range and laws or not.
figures moved(figures sums, std::string_view reason, std::int64_t delta) {
  if (reason == "received") {
    sums.received += delta;
  } else if (reason == "returned") {
    sums.returned += delta;
  } else if (reason == "written_off") {
    sums.written_off -= delta;
  } else if (reason == "correction") {
    sums.corrected += delta;
  } else {
    throw std::logic_error("a movement for the unknown reason " + std::string{reason});
  }
  sums.on_hand += delta;
  return sums;
}

bool in_range(const figures& sums) {
  return sums.received <= units_max && sums.returned <= units_max && sums.written_off <= units_max &&
         sums.corrected <= units_max && sums.corrected >= -units_max && sums.on_hand <= units_max;
}

json::problem invalid(std::string pointer, std::string detail) {
  json::problem problem{"validation_failed", detail};
  problem.errors.push_back({std::move(pointer), "invalid_value", std::move(detail)});
  return problem;
}

std::optional<json::problem> check_shape(const pb::Adjust& command) {
  const std::string& reason = command.reason();
  const bool adds = reason == "received" || reason == "returned";
  const bool removes = reason == "written_off";
  if (!adds && !removes && reason != "correction")
    return invalid("/reason", "The reason must be received, returned, written_off or correction.");
  if (command.delta() > units_max || command.delta() < -units_max)
    return invalid("/delta", "The delta must stay within 2^53-1 units.");
  if (adds && command.delta() <= 0)
    return invalid("/delta", "The delta must be above 0 for the reason " + reason + ".");
  if (removes && command.delta() >= 0)
    return invalid("/delta", "The delta must be below 0 for the reason written_off.");
  if (command.delta() == 0) return invalid("/delta", "The delta must not be 0.");
  if (command.reference().size() > reference_length_max)
    return invalid("/reference", "The reference must be at most 255 bytes long.");
  return std::nullopt;
}

std::optional<json::problem> check_adjust(const stock_state& state, const pb::Adjust& command) {
  if (auto problem = check_shape(command)) return problem;
  if (!command.reference().empty() &&
      state.references.contains(digest_of(command.reason(), command.reference(), "")))
    return json::problem{"invalid_state", "The reference \"" + command.reference() +
                                              "\" was used before for the reason " + command.reason() + "."};
  const figures after = moved(state.figures, command.reason(), command.delta());
  if (!in_range(after))
    return invalid("/delta", "The stock's figures would leave their range of 2^53-1 units.");
  if (after.on_hand >= after.reserved) return std::nullopt;
  json::problem problem{"insufficient_stock", "Only " + std::to_string(state.figures.available()) +
                                                  " of the units on hand are not held."};
  problem.available = state.figures.available();
  return problem;
}

decision adjust(const stock_state& state, const pb::Adjust& command, const context& context) {
  if (auto problem = check_adjust(state, command)) return json::refuse(*problem, context);

  const auto [sku, location] = split_key(context.self.key);
  const figures after = moved(state.figures, command.reason(), command.delta());
  pb::Moved moved;
  moved.set_movement_id(movement_id_or_new(command.movement_id(), context));
  moved.set_delta(command.delta());
  moved.set_reason(command.reason());
  moved.set_reference(command.reference());

  json::writer out;
  out.begin_object();
  write_movement(out, {moved.movement_id(), sku, location, moved.delta(), moved.reason(), moved.reference(),
                       context.now, after.on_hand});
  write_level(out.key("level"), level_of(context.self.key, after, context.version + 1));
  out.end_object();

  decision decision;
  emit_moved(decision, context, std::move(moved), after.on_hand);
  runtime::answer answer;
  answer.status = 201;
  answer.body = std::move(out).take();
  answer.etag = json::etag_of(context.version + 1);
  decision.reply = std::move(answer);
  return decision;
}

decision restock(const stock_state& state, const pb::Restock& command, const context& context) {
  if (command.quantity() <= 0 || command.order_id().empty())
    throw std::invalid_argument("a restock needs an order and a quantity above 0");
  decision decision;
  if (state.references.contains(digest_of("returned", command.order_id(), command.line_id())))
    return decision;
  const figures after = moved(state.figures, "returned", command.quantity());
  if (!in_range(after)) throw std::range_error("a restock beyond the range of stock");
  pb::Moved moved;
  moved.set_movement_id(movement_id_or_new(command.movement_id(), context));
  moved.set_delta(command.quantity() * (mutated("restocked-twice") ? 2 : 1));
  moved.set_reason("returned");
  moved.set_reference(command.order_id());
  moved.set_reference_line(command.line_id());
  emit_moved(decision, context, std::move(moved), after.on_hand);
  return decision;
}

// --- holds -------------------------------------------------------------------------------------------

// Whether a hold that is to be asked about at `ask_at_ms` needs the timer set. While holds are open a timer
// is due no later than the first of them; a timer that was set and is still to come covers what follows it,
// even after its hold ended: it fires early, and looks again. So on the hot path the timer stays as it is.
bool needs_timer(const stock_state& state, std::int64_t ask_at_ms, std::int64_t now_ms) {
  const bool pending = state.timer_due_ms > now_ms && state.timer_due_ms <= ask_at_ms;
  const bool covered = !state.by_ask.empty() && state.by_ask.begin()->first <= ask_at_ms;
  return !pending && !covered;
}

// A time that a record gives may be any number.
std::int64_t first_ask(std::int64_t expires_at_ms, std::int64_t now_ms) {
  constexpr auto latest = std::numeric_limits<std::int64_t>::max() - ms_of(ask_grace);
  return std::min(std::max(expires_at_ms, now_ms), latest) + ms_of(ask_grace);
}

// The answer to a hold, but for whether it is one.
checkout::pb::Held offer_answer(const stock_state& state, const pb::Hold& command) {
  checkout::pb::Held held;
  held.set_line(command.line());
  held.set_hold_id(command.hold_id());
  held.set_available(state.figures.available());
  if (state.offer) {
    *held.mutable_price() = state.offer->price();
    held.set_title(state.offer->title());
    held.set_product_key(state.offer->product_key());
  }
  return held;
}

void send_held(decision& decision, const context& context, const std::string& checkout_key,
               checkout::pb::Held held) {
  checkout::pb::Command answer;
  *answer.mutable_held() = std::move(held);
  decision.send({context.self.tenant, kinds::checkout, checkout_key}, std::move(answer));
}

// For whom a hold counts: for nobody as long as a node of the cluster may not know of buyers.
std::string_view buyer_of(const pb::Hold& command, const context& context) {
  if (context.format < formats::hold_limits || command.buyer_units_max() == 0) return {};
  return command.buyer_key();
}

// What a buyer may still hold; nothing: as much as there is.
std::optional<std::int64_t> units_left(const stock_state& state, const pb::Hold& command,
                                       const context& context) {
  const auto buyer = buyer_of(command, context);
  if (buyer.empty()) return std::nullopt;
  const auto found = state.units_of_buyers.find(std::string{buyer});
  const auto held = found == state.units_of_buyers.end() ? 0 : found->second;
  return std::max<std::int64_t>(command.buyer_units_max() - held, 0);
}

void take_hold(decision& decision, const stock_state& state, const pb::Hold& command,
               const context& context) {
  list_if_new(decision, context);
  const std::int64_t ask_at = first_ask(command.expires_at_ms(), to_ms(context.now));
  if (needs_timer(state, ask_at, to_ms(context.now)))
    decision.set_timer(std::string{timer_name}, runtime::from_ms(ask_at));
  auto event = new_event();
  pb::HoldTaken& taken = *event.mutable_held();
  taken.set_hold_id(command.hold_id());
  taken.set_quantity(command.quantity());
  taken.set_expires_at_ms(command.expires_at_ms());
  taken.set_checkout_key(command.checkout_key());
  taken.set_checkout_id(command.checkout_id());
  if (const auto buyer = buyer_of(command, context); !buyer.empty()) {
    event.set_schema(stock_decider::schema);
    taken.set_buyer_key(std::string{buyer});
  }
  decision.emit(std::move(event));
}

decision hold_units(const stock_state& state, const pb::Hold& command, const context& context) {
  if (command.hold_id().empty() || command.checkout_key().empty() || command.quantity() <= 0)
    throw std::invalid_argument("a hold needs an id, an owner and a quantity above 0");
  decision decision;
  auto held = offer_answer(state, command);
  if (state.holds.contains(command.hold_id())) {
    held.set_ok(true);
  } else if (!command.quoted() && !(state.offer && state.offer->for_sale())) {
    held.set_refusal("not_for_sale");
  } else if (command.quantity() > state.figures.available() + (mutated("oversold-by-one") ? 1 : 0)) {
    held.set_refusal("insufficient_stock");
  } else if (const auto left = units_left(state, command, context); left && command.quantity() > *left) {
    held.set_refusal("hold_limit_reached");
    held.set_available(*left);
  } else {
    held.set_ok(true);
    held.set_available(held.available() - command.quantity());
    take_hold(decision, state, command, context);
  }
  send_held(decision, context, command.checkout_key(), std::move(held));
  return decision;
}

decision end_hold(const stock_state& state, const std::string& hold_id, std::string_view how) {
  decision decision;
  if (!state.holds.contains(hold_id)) return decision;
  auto event = new_event();
  event.mutable_hold_ended()->set_hold_id(hold_id);
  event.mutable_hold_ended()->set_how(std::string{how});
  decision.emit(std::move(event));
  return decision;
}

decision sell(const stock_state& state, const pb::EndHold& command, const context& context) {
  decision decision;
  const auto found = state.holds.find(command.hold_id());
  if (found == state.holds.end()) return decision;
  const auto [sku, location] = split_key(context.self.key);
  const std::int64_t quantity = found->second.quantity;
  auto event = new_event();
  pb::HoldEnded& ended = *event.mutable_hold_ended();
  ended.set_hold_id(command.hold_id());
  ended.set_how("sold");
  ended.set_order_id(command.order_id());
  ended.set_movement_id(movement_id_or_new({}, context));
  list_movement(decision, context,
                {ended.movement_id(), sku, location, -quantity, "sold", command.order_id(), context.now,
                 state.figures.on_hand - quantity});
  decision.emit(std::move(event));
  return decision;
}

decision hear_owner(const stock_state& state, const pb::OwnerSays& command) {
  if (!command.live()) return end_hold(state, command.hold_id(), "expired");
  decision decision;
  const auto found = state.holds.find(command.hold_id());
  if (found == state.holds.end() || command.expires_at_ms() <= found->second.expires_at_ms) return decision;
  auto event = new_event();
  event.mutable_hold_extended()->set_hold_id(command.hold_id());
  event.mutable_hold_extended()->set_expires_at_ms(command.expires_at_ms());
  decision.emit(std::move(event));
  return decision;
}

void ask_owner(decision& decision, const std::string& hold_id, const hold& hold, const context& context) {
  checkout::pb::Command question;
  question.mutable_hold_lives()->set_hold_id(hold_id);
  question.mutable_hold_lives()->set_stock_key(context.self.key);
  decision.send({context.self.tenant, kinds::checkout, hold.checkout_key}, std::move(question));
}

// Of one product the newer version counts. Another product may sell a sku that was given back; what the
// former owner withdraws late is then not its affair.
bool changes_offer(const stock_state& state, const pb::Offer& offer) {
  if (!state.offer) return true;
  if (state.offer->product_key() != offer.product_key()) return offer.for_sale();
  return offer.product_version() >= state.offer->product_version() &&
         state.offer->SerializeAsString() != offer.SerializeAsString();
}

decision offer(const stock_state& state, const pb::Offer& command, const context& context) {
  decision decision;
  pb::Offer kept = command;
  kept.clear_attempt();
  if (changes_offer(state, kept)) {
    list_if_new(decision, context);
    auto event = new_event();
    *event.mutable_offer_changed()->mutable_offer() = std::move(kept);
    decision.emit(std::move(event));
  }
  product::pb::Command answer;
  answer.mutable_offered()->set_sku(std::string{split_key(context.self.key).first});
  answer.mutable_offered()->set_attempt(command.attempt());
  decision.send({context.self.tenant, kinds::product, command.product_key()}, std::move(answer));
  return decision;
}

// --- evolve ------------------------------------------------------------------------------------------

void check_laws(const figures& sums) {
  if (!sums.balanced())
    throw std::logic_error("the laws of stock are broken: on hand " + std::to_string(sums.on_hand) +
                           ", reserved " + std::to_string(sums.reserved));
}

hold& open_hold(stock_state& state, const std::string& hold_id) {
  const auto found = state.holds.find(hold_id);
  if (found == state.holds.end()) throw std::logic_error("no such hold: " + hold_id);
  return found->second;
}

void count_for_buyer(stock_state& state, const hold& hold, bool is_open) {
  if (hold.buyer_key.empty()) return;
  const auto place = state.units_of_buyers.try_emplace(hold.buyer_key).first;
  auto& units = place->second;
  if (hold.quantity <= 0 || hold.quantity > units_max || (is_open && hold.quantity > units_max - units))
    throw runtime::undecodable("a buyer's hold beyond the range of stock");
  units += is_open ? hold.quantity : -hold.quantity;
  if (units == 0) state.units_of_buyers.erase(place);
}

void mark_dirty(stock_state& state, const std::string& hold_id, hold& hold) {
  if (hold.dirty) return;
  hold.dirty = true;
  state.dirty_holds.push_back(hold_id);
}

void ask_at(stock_state& state, const std::string& hold_id, hold& hold, std::int64_t ask_at_ms) {
  state.by_ask.erase({hold.ask_at_ms, hold_id});
  hold.ask_at_ms = ask_at_ms;
  state.by_ask.emplace(ask_at_ms, hold_id);
  mark_dirty(state, hold_id, hold);
}

void apply_moved(stock_state& state, const pb::Moved& event) {
  state.figures = moved(state.figures, event.reason(), event.delta());
  if (!event.reference().empty())
    state.references.add(digest_of(event.reason(), event.reference(), event.reference_line()));
}

void apply_held(stock_state& state, const pb::HoldTaken& event, std::int64_t at_ms) {
  const std::int64_t asked = first_ask(event.expires_at_ms(), at_ms);
  if (needs_timer(state, asked, at_ms)) state.timer_due_ms = asked;
  const auto [place, fresh] = state.holds.try_emplace(event.hold_id());
  if (!fresh) throw std::logic_error("hold taken twice: " + event.hold_id());
  hold& hold = place->second;
  hold.quantity = event.quantity();
  hold.expires_at_ms = event.expires_at_ms();
  hold.checkout_key = event.checkout_key();
  hold.checkout_id = event.checkout_id();
  hold.buyer_key = event.buyer_key();
  count_for_buyer(state, hold, true);
  ask_at(state, event.hold_id(), hold, asked);
  state.figures.reserved += hold.quantity;
}

void apply_ended(stock_state& state, const pb::HoldEnded& event) {
  const hold& hold = open_hold(state, event.hold_id());
  state.figures.reserved -= hold.quantity;
  if (mutated("hold-released-twice"))
    state.figures.reserved -= std::min<std::int64_t>(state.figures.reserved, hold.quantity);
  if (event.how() == "sold") {
    state.figures.on_hand -= hold.quantity;
    state.figures.sold += hold.quantity;
  }
  count_for_buyer(state, hold, false);
  state.by_ask.erase({hold.ask_at_ms, event.hold_id()});
  state.gone_holds.push_back(event.hold_id());
  state.holds.erase(event.hold_id());
}

void apply_extended(stock_state& state, const pb::HoldExtended& event, std::int64_t at_ms) {
  hold& hold = open_hold(state, event.hold_id());
  hold.expires_at_ms = event.expires_at_ms();
  ask_at(state, event.hold_id(), hold, std::max(hold.ask_at_ms, first_ask(event.expires_at_ms(), at_ms)));
}

void apply_asked(stock_state& state, const pb::HoldsAsked& event) {
  for (const std::string& id : event.hold_ids())
    ask_at(state, id, open_hold(state, id), event.ask_again_at_ms());
}

// --- rows --------------------------------------------------------------------------------------------

std::string main_row(const stock_state& state) {
  pb::StateRow row;
  row.set_received(state.figures.received);
  row.set_returned(state.figures.returned);
  row.set_corrected(state.figures.corrected);
  row.set_written_off(state.figures.written_off);
  row.set_sold(state.figures.sold);
  row.set_on_hand(state.figures.on_hand);
  row.set_reserved(state.figures.reserved);
  row.set_version(state.version);
  row.set_references(state.references.size());
  row.set_timer_due_ms(state.timer_due_ms);
  if (state.offer) *row.mutable_offer() = *state.offer;
  return row.SerializeAsString();
}

void load_main_row(stock_state& state, std::string_view value) {
  const auto row = runtime::parse_as<pb::StateRow>(value);
  state.figures = {row->received(), row->returned(), row->corrected(), row->written_off(),
                   row->sold(),     row->on_hand(),  row->reserved()};
  state.version = row->version();
  state.timer_due_ms = row->timer_due_ms();
  if (row->has_offer()) state.offer = row->offer();
}

void load_hold_row(stock_state& state, std::string_view value) {
  const auto row = runtime::parse_as<pb::HoldRow>(value);
  hold& hold = state.holds[row->hold_id()];
  hold.quantity = row->quantity();
  hold.expires_at_ms = row->expires_at_ms();
  hold.ask_at_ms = row->ask_at_ms();
  hold.checkout_key = row->checkout_key();
  hold.checkout_id = row->checkout_id();
  hold.buyer_key = row->buyer_key();
  count_for_buyer(state, hold, true);
  state.by_ask.emplace(hold.ask_at_ms, row->hold_id());
}

void save_holds(stock_state& state, runtime::row_sink& sink) {
  const std::string prefix{hold_row_prefix};
  for (const std::string& id : state.gone_holds)
    if (!mutated("ended-hold-kept")) sink.erase(prefix + id);
  state.gone_holds.clear();
  for (const std::string& id : state.dirty_holds) {
    const auto found = state.holds.find(id);
    if (found == state.holds.end() || !found->second.dirty) continue;
    hold& hold = found->second;
    pb::HoldRow row;
    copy_hold(id, hold, row);
    row.set_ask_at_ms(hold.ask_at_ms);
    row.set_buyer_key(hold.buyer_key);
    sink.put(prefix + id, row.SerializeAsString());
    hold.dirty = false;
  }
  state.dirty_holds.clear();
}

}  // namespace

std::string key_of(std::string_view sku, std::string_view location) {
  std::string key{sku};
  if (location == default_location) return key;
  key += '@';
  key += location;
  return key;
}

runtime::address address_of(std::string_view tenant, std::string_view sku, std::string_view location) {
  return {std::string{tenant}, kinds::stock, key_of(sku, location)};
}

std::pair<std::string_view, std::string_view> split_key(std::string_view key) {
  const std::size_t at = key.find('@');
  if (at == std::string_view::npos) return {key, default_location};
  return {key.substr(0, at), key.substr(at + 1)};
}

std::string movements_index(std::string_view key) { return "mov/" + std::string{key}; }

bool figures::balanced() const {
  return received + returned + corrected - written_off - sold == on_hand && reserved >= 0 &&
         reserved <= on_hand;
}

std::size_t digest_hash::operator()(const digest& digest) const noexcept {
  std::size_t hash = 0;
  std::memcpy(&hash, digest.data(), sizeof hash);
  return hash;
}

void reference_set::add(const digest& digest) {
  if (!all_.insert(digest).second) throw std::logic_error("a reference was used twice");
  tail_.push_back(digest);
  dirty_ = true;
}

void reference_set::load(std::uint64_t chunk, std::string_view row) {
  constexpr std::size_t width = sizeof(digest);
  if (row.empty() || row.size() % width != 0 || row.size() > chunk_size * width)
    throw runtime::undecodable("a row of references with " + std::to_string(row.size()) + " bytes");
  std::vector<digest> loaded(row.size() / width);
  std::memcpy(loaded.data(), row.data(), row.size());
  all_.insert(loaded.begin(), loaded.end());
  const bool full = loaded.size() == chunk_size;
  const std::uint64_t next = full ? chunk + 1 : chunk;
  if (next < tail_chunk_) return;
  tail_chunk_ = next;
  tail_ = full ? std::vector<digest>{} : std::move(loaded);
}

void reference_set::save(runtime::row_sink& sink) {
  if (!dirty_) return;
  dirty_ = false;
  std::size_t begin = 0;
  while (begin < tail_.size()) {
    const std::size_t count = std::min(chunk_size, tail_.size() - begin);
    sink.put(std::string{references_row_prefix} + std::to_string(tail_chunk_),
             {reinterpret_cast<const char*>(tail_.data() + begin), count * sizeof(digest)});
    if (count < chunk_size) break;
    begin += count;
    ++tail_chunk_;
  }
  tail_.erase(tail_.begin(), tail_.begin() + static_cast<std::ptrdiff_t>(begin));
}

runtime::decision stock_decider::decide(const state& state, const command& command,
                                        const runtime::context& context) const {
  switch (command.of_case()) {
    case pb::Command::kAdjust:
      return adjust(state, command.adjust(), context);
    case pb::Command::kHold:
      return hold_units(state, command.hold(), context);
    case pb::Command::kRelease:
      return end_hold(state, command.release().hold_id(), "released");
    case pb::Command::kSell:
      return sell(state, command.sell(), context);
    case pb::Command::kRestock:
      return restock(state, command.restock(), context);
    case pb::Command::kOwnerSays:
      return hear_owner(state, command.owner_says());
    case pb::Command::kRead:
      return read(state, command.read(), context);
    case pb::Command::kAudit:
      return audit(state, context);
    case pb::Command::kOffer:
      return offer(state, command.offer(), context);
    case pb::Command::kReadOffer:
      return read_offer(state);
    case pb::Command::OF_NOT_SET:
      break;
  }
  throw std::invalid_argument("a stock command that is not known here");
}

runtime::decision stock_decider::on_timer(const state& state, std::string_view timer,
                                          const runtime::context& context) const {
  decision decision;
  if (timer != timer_name || state.by_ask.empty()) return decision;
  const std::int64_t now_ms = to_ms(context.now);
  const std::int64_t again_ms = now_ms + ms_of(ask_again);
  auto event = new_event();
  pb::HoldsAsked& asked = *event.mutable_holds_asked();
  asked.set_ask_again_at_ms(again_ms);
  auto next = state.by_ask.begin();
  for (; next != state.by_ask.end() && next->first <= now_ms; ++next) {
    if (static_cast<std::size_t>(asked.hold_ids_size()) == asks_max) break;
    ask_owner(decision, next->second, state.holds.at(next->second), context);
    asked.add_hold_ids(next->second);
  }
  std::int64_t due = next == state.by_ask.end() ? again_ms : next->first;
  if (asked.hold_ids_size() > 0) {
    due = std::min(due, again_ms);
    decision.emit(std::move(event));
  }
  decision.set_timer(std::string{timer_name}, runtime::from_ms(due));
  return decision;
}

runtime::decision stock_decider::on_effect_failed(const state& state, const runtime::address& to,
                                                  const google::protobuf::Message& command, std::string_view,
                                                  const runtime::context& context) const {
  decision decision;
  if (to.kind != kinds::checkout) return decision;
  const auto& lost = static_cast<const checkout::pb::Command&>(command);
  if (!lost.has_held() || !lost.held().ok()) return decision;
  const auto found = state.holds.find(lost.held().hold_id());
  if (found == state.holds.end()) return decision;
  ask_owner(decision, found->first, found->second, context);
  return decision;
}

void stock_decider::evolve(state& state, const event& event, runtime::timestamp at,
                           std::uint64_t version) const {
  if (event.schema() > schema) throw runtime::undecodable("a stock event of a newer schema");
  switch (event.of_case()) {
    case pb::Event::kMoved:
      apply_moved(state, event.moved());
      break;
    case pb::Event::kHeld:
      apply_held(state, event.held(), to_ms(at));
      break;
    case pb::Event::kHoldEnded:
      apply_ended(state, event.hold_ended());
      break;
    case pb::Event::kHoldExtended:
      apply_extended(state, event.hold_extended(), to_ms(at));
      break;
    case pb::Event::kOfferChanged:
      state.offer = event.offer_changed().offer();
      break;
    case pb::Event::kHoldsAsked:
      apply_asked(state, event.holds_asked());
      break;
    case pb::Event::OF_NOT_SET:
      throw runtime::undecodable("a stock event that this build does not know");
  }
  check_laws(state.figures);
  state.version = version;
  state.dirty = true;
}

void stock_decider::load_row(state& state, std::string_view row, std::string_view value) const {
  if (row.empty()) {
    load_main_row(state, value);
  } else if (row.starts_with(hold_row_prefix)) {
    load_hold_row(state, value);
  } else if (row.starts_with(references_row_prefix)) {
    std::uint64_t chunk = 0;
    const std::string_view number = row.substr(references_row_prefix.size());
    const auto parsed = std::from_chars(number.data(), number.data() + number.size(), chunk);
    if (parsed.ec != std::errc{}) throw runtime::undecodable("a stock row named " + std::string{row});
    state.references.load(chunk, value);
  } else {
    throw runtime::undecodable("a stock row named " + std::string{row});
  }
}

void stock_decider::save_rows(state& state, runtime::row_sink& sink) const {
  if (!state.dirty) return;
  state.dirty = false;
  sink.put("", main_row(state));
  save_holds(state, sink);
  state.references.save(sink);
}

}  // namespace souk::stock
