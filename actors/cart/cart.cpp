#include "actors/cart/cart.hpp"

#include "actors/cart/cart_json.hpp"
#include "actors/cart/line.hpp"
#include "actors/checkout/checkout.pb.h"
#include "actors/json/etag.hpp"
#include "actors/json/problem.hpp"
#include "actors/values/id.hpp"
#include "actors/values/money.hpp"
#include "actors/values/owner.hpp"
#include "actors/values/utf8.hpp"
#include "runtime/mutant.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <utility>

namespace souk::cart {
namespace {

constexpr std::string_view expire_timer = "expire";
constexpr std::string_view line_prefix = "ln_";
constexpr std::string_view line_row_prefix = "l/";
constexpr int items_max = 500;

std::string line_id(std::uint64_t number) { return std::string{line_prefix} + std::to_string(number); }

std::string line_row(std::uint64_t number) { return std::string{line_row_prefix} + std::to_string(number); }

std::optional<std::uint64_t> number_after(std::string_view prefix, std::string_view text) {
  if (!text.starts_with(prefix)) return std::nullopt;
  text.remove_prefix(prefix.size());
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// Of a line in an event.
std::uint64_t number_of_line(std::string_view id) {
  const auto number = number_after(line_prefix, id);
  if (!number) throw std::logic_error("no line of a cart: " + std::string{id});
  return *number;
}

json::problem invalid(std::string pointer, std::string detail, std::string code = "validation_failed") {
  json::problem problem;
  problem.code = code;
  problem.detail = detail;
  problem.errors.push_back({std::move(pointer), std::move(code), std::move(detail), std::nullopt});
  return problem;
}

json::problem of_code(std::string code, std::string detail) {
  json::problem problem;
  problem.code = std::move(code);
  problem.detail = std::move(detail);
  return problem;
}

json::problem no_such_cart() { return of_code("not_found", "There is no such cart."); }

bool is_there_for(const runtime::context& client, const cart_state& state) {
  return state.exists() && values::is_open_to_client(state.row.owner(), client);
}

// A cart ends at its time, whether or not its timer was already there.
bool has_expired(const cart_state& state, runtime::timestamp now) {
  const auto& row = state.row;
  if (row.status() == "expired") return true;
  return row.status() == "open" && row.checkout_key().empty() && runtime::to_ms(now) >= row.expires_at_ms();
}

std::optional<json::problem> why_not_changeable(const cart_state& state, std::string_view if_match,
                                                const runtime::context& context) {
  if (!is_there_for(context, state)) return no_such_cart();
  if (has_expired(state, context.now)) return of_code("expired", "The cart has expired.");
  const auto& row = state.row;
  if (row.status() == "ordered" || !row.checkout_key().empty()) {
    auto problem = of_code("invalid_state", row.status() == "ordered" ? "The cart is ordered."
                                                                      : "The cart is being checked out.");
    problem.checkout_id = row.checkout_id();
    problem.order_id = row.order_id();
    return problem;
  }
  if (!json::match_allows(if_match, row.version()) && !mutated("if-match-ignored")) {
    auto problem = of_code("precondition_failed", "The cart has another version.");
    problem.current_version = row.version();
    return problem;
  }
  return std::nullopt;
}

}  // namespace

std::string merge_key(std::string_view sku,
                      const google::protobuf::RepeatedPtrField<pb::Attribute>& attributes) {
  // Lengths keep apart what would read the same when joined.
  std::string key = std::to_string(sku.size()).append(":").append(sku);
  for (const auto& attribute : attributes) {
    for (const auto* text : {&attribute.name(), &attribute.value()})
      key.append(std::to_string(text->size())).append(":").append(*text);
  }
  return key;
}

/// At what price skus are sold: as the node's catalogue knows, or else as their stocks said.
class cart_decider::offered {
 public:
  struct offer {
    values::pb::UnitPrice price;
    std::string title;
    bool for_sale = false;
  };

  offered(const catalogue::variant_lookup& variants, std::string_view tenant, const pb::AddItems& command)
      : variants_(variants), tenant_(tenant), command_(command) {}

  std::optional<offer> find(const std::string& sku) const {
    auto variant = variants_.find(tenant_, sku);
    if (variant && variant->for_sale)
      return offer{std::move(variant->price), std::move(variant->title), true};
    for (const auto& said : command_.offers())
      if (said.sku() == sku) return offer{said.price(), said.title(), said.for_sale()};
    if (variant) return offer{std::move(variant->price), std::move(variant->title), false};
    return std::nullopt;
  }

 private:
  const catalogue::variant_lookup& variants_;
  std::string_view tenant_;
  const pb::AddItems& command_;
};

namespace {

runtime::decision ask_stocks(pb::UnknownSkus skus) {
  runtime::decision decision;
  decision.reply.emplace();
  decision.reply->status = 404;
  decision.reply->value = std::make_shared<pb::UnknownSkus>(std::move(skus));
  return decision;
}

}  // namespace

/// Changes of lines that are being decided: the state stays as it is, and only what is touched is copied.
class cart_decider::draft {
 public:
  explicit draft(const cart_state& state) : state_(state), row_(state.row), line_count_(state.lines.size()) {}

  std::optional<json::problem> add(const pb::Item& item, const std::string& pointer, const offered& offers,
                                   const runtime::context& context) {
    const bool quoted = item.has_quoted_price();
    if (quoted && !context.admin)
      return of_code("insufficient_scope", "Only the shop's staff quotes prices.");
    if (item.quantity() < 1 || item.quantity() > quantity_max)
      return invalid(pointer + "/quantity", "The quantity must be 1 to 1000000.");
    const auto offer = offers.find(item.sku());
    if (!offer || (!offer->for_sale && !quoted))
      return invalid(pointer + "/sku", "Nothing with this sku is for sale.");
    const auto& price = quoted ? item.quoted_price() : offer->price;
    if (price.currency() != row_.currency())
      return invalid(pointer + (quoted ? "/unit_price" : "/sku"),
                     "The cart is in " + row_.currency() + ", the price in " + price.currency() + ".",
                     "currency_mismatch");
    if (price.amount() < 0 || price.value() < 0)
      return invalid(pointer + "/unit_price", "A price cannot be below 0.");
    return put_item(item, pointer, price, offer->title);
  }

  std::optional<json::problem> set_quantity(std::uint64_t number, std::int64_t quantity) {
    auto line = *find(number);
    if (quantity == 0) {
      row_.set_items_base(values::replace_part(row_.items_base(), line.total(), 0));
      changes_[number] = std::nullopt;
      return std::nullopt;
    }
    line.set_quantity(quantity);
    return put(number, std::move(line), "/quantity");
  }

  const pb::Line* find(std::uint64_t number) const {
    if (const auto changed = changes_.find(number); changed != changes_.end())
      return changed->second ? &*changed->second : nullptr;
    const auto found = state_.lines.find(number);
    return found == state_.lines.end() ? nullptr : &found->second;
  }

  pb::StateRow& row() { return row_; }
  const pb::StateRow& row() const { return row_; }
  const line_changes& changes() const { return changes_; }
  cart_view view() const { return {row_, state_.lines, changes_}; }

 private:
  std::optional<json::problem> put_item(const pb::Item& item, const std::string& pointer,
                                        const values::pb::UnitPrice& price, const std::string& title) {
    const bool quoted = item.has_quoted_price();
    const auto key = quoted ? std::string{} : merge_key(item.sku(), item.attributes());
    const auto number = quoted ? 0 : mergeable(key);
    pb::Line line;
    if (number != 0) {
      line = *find(number);
    } else {
      if (line_count_ == lines_max) return invalid(pointer, "A cart has at most 10000 lines.");
      line.set_id(line_id(row_.next_line()));
      line.set_sku(item.sku());
      line.set_quoted(quoted);
      *line.mutable_attributes() = item.attributes();
    }
    line.set_title(title);
    *line.mutable_unit_price() = price;
    line.set_quantity(line.quantity() + item.quantity());
    if (line.quantity() > quantity_max)
      return invalid(pointer + "/quantity", "A line has at most 1000000 units.");
    if (number != 0) return put(number, std::move(line), pointer);
    const auto added = row_.next_line();
    row_.set_next_line(added + 1);
    ++line_count_;
    if (!quoted) added_.emplace(key, added);
    return put(added, std::move(line), pointer);
  }

  std::optional<json::problem> put(std::uint64_t number, pb::Line line, const std::string& pointer) try {
    const auto* before = find(number);
    const auto was = before != nullptr ? before->total() : 0;
    line.set_total(values::line_total(line.unit_price(), line.quantity()));
    row_.set_items_base(values::replace_part(row_.items_base(), was, line.total()));
    changes_[number] = std::move(line);
    return std::nullopt;
  } catch (const values::money_overflow& e) {
    return invalid(pointer, e.what(), "money_overflow");
  }

  std::uint64_t mergeable(const std::string& key) const {
    if (const auto found = state_.mergeable.find(key); found != state_.mergeable.end()) return found->second;
    const auto added = added_.find(key);
    return added == added_.end() ? 0 : added->second;
  }

  const cart_state& state_;
  pb::StateRow row_;
  line_changes changes_;
  std::unordered_map<std::string, std::uint64_t> added_;
  std::size_t line_count_;
};

cart_decider::cart_decider(std::shared_ptr<const catalogue::variant_lookup> variants,
                           std::chrono::milliseconds time_to_live)
    : variants_(std::move(variants)), time_to_live_(time_to_live) {}

std::string_view cart_decider::partition_of(std::string_view key) { return values::partition_of_part(key); }

runtime::decision cart_decider::decide(const state& state, const command& command,
                                       const runtime::context& context) const {
  switch (command.of_case()) {
    case pb::Command::kCreate:
      return create(state, command.create(), context);
    case pb::Command::kAddItems:
      return add_items(state, command.add_items(), context);
    case pb::Command::kSetQuantity:
      return set_quantity(state, command.set_quantity(), context);
    case pb::Command::kRead:
      return read(state, command.read(), context);
    case pb::Command::kClaim:
      return claim(state, command.claim(), context);
    case pb::Command::kFree:
      return end_claim(state, command.free(), false, context);
    case pb::Command::kOrdered:
      return end_claim(state, command.ordered(), true, context);
    case pb::Command::OF_NOT_SET:
      break;
  }
  throw runtime::undecodable("a cart command without content");
}

runtime::decision cart_decider::create(const state& state, const pb::Create& command,
                                       const runtime::context& context) const {
  runtime::decision decision;
  pb::StateRow row = state.row;
  if (!state.exists()) {
    if (!values::minor_unit_exponent(command.currency()))
      return json::refuse(invalid("/currency", "It is not an ISO 4217 code."), context);
    if (values::code_points(command.customer_id()) > values::customer_characters_max)
      return json::refuse(invalid("/customer_id", "It has more than 64 characters."), context);
    const std::string owner{values::owner_of_new(context)};
    if (!owner.empty() && !command.customer_id().empty() && command.customer_id() != owner)
      return json::refuse(invalid("/customer_id", "The token is another customer's."), context);
    const auto expires_at = context.now + time_to_live_;
    pb::Event event;
    event.set_schema(owner.empty() ? 1 : schema);
    event.mutable_created()->set_cart_id(command.cart_id());
    event.mutable_created()->set_currency(command.currency());
    event.mutable_created()->set_customer_id(owner.empty() ? command.customer_id() : owner);
    event.mutable_created()->set_owner(owner);
    event.mutable_created()->set_expires_at_ms(runtime::to_ms(expires_at));
    cart_state created;
    evolve(created, event, context.now, 1);
    row = created.row;
    decision.emit(std::move(event));
    decision.set_timer(std::string{expire_timer}, expires_at);
  } else if (!is_there_for(context, state)) {
    return json::refuse(no_such_cart(), context);
  }
  decision.reply = to_answer({row, state.lines, {}}, *variants_, context.self.tenant, 201);
  decision.reply->location = "/v1/carts/" + row.cart_id();
  return decision;
}

runtime::decision cart_decider::add_items(const state& state, const pb::AddItems& command,
                                          const runtime::context& context) const {
  if (const auto problem = why_not_changeable(state, command.if_match(), context))
    return json::refuse(*problem, context);
  if (command.items_size() < 1 || command.items_size() > items_max)
    return json::refuse(invalid("/items", "There must be 1 to 500 items."), context);
  const offered offers{*variants_, context.self.tenant, command};
  draft draft{state};
  for (int i = 0; i < command.items_size(); ++i) {
    const auto pointer = command.single() ? std::string{} : "/items/" + std::to_string(i);
    if (const auto problem = draft.add(command.items(i), pointer, offers, context)) {
      if (auto unknown = unknown_skus(command, offers); unknown.skus_size() > 0)
        return ask_stocks(std::move(unknown));
      return json::refuse(*problem, context);
    }
  }
  return change(draft, command.minimal(), context);
}

// What is not for sale as far as is known here, unless the stocks were asked already.
pb::UnknownSkus cart_decider::unknown_skus(const pb::AddItems& command, const offered& offers) {
  pb::UnknownSkus unknown;
  if (command.stocks_asked()) return unknown;
  std::set<std::string_view> seen;
  for (const auto& item : command.items()) {
    if (!seen.insert(item.sku()).second) continue;
    const auto offer = offers.find(item.sku());
    if (!offer || !offer->for_sale) unknown.add_skus(item.sku());
  }
  return unknown;
}

runtime::decision cart_decider::set_quantity(const state& state, const pb::SetQuantity& command,
                                             const runtime::context& context) const {
  if (const auto problem = why_not_changeable(state, command.if_match(), context))
    return json::refuse(*problem, context);
  if (command.quantity() < 0 || command.quantity() > quantity_max)
    return json::refuse(invalid("/quantity", "The quantity must be 0 to 1000000."), context);
  draft draft{state};
  const auto number = number_after(line_prefix, command.line_id());
  const auto* line = number ? draft.find(*number) : nullptr;
  if (line == nullptr) return json::refuse(of_code("not_found", "The cart has no such line."), context);
  if (line->quantity() != command.quantity()) {
    if (const auto problem = draft.set_quantity(*number, command.quantity()))
      return json::refuse(*problem, context);
  }
  return change(draft, command.minimal(), context);
}

// What a draft amounts to: one event with the lines that it touched.
runtime::decision cart_decider::change(const draft& draft, bool minimal,
                                       const runtime::context& context) const {
  runtime::decision decision;
  auto row = draft.row();
  if (!draft.changes().empty()) {
    row.set_expires_at_ms(runtime::to_ms(context.now + time_to_live_));
    row.set_version(row.version() + 1);
    pb::Event event;
    event.set_schema(1);
    auto& changed = *event.mutable_lines_changed();
    changed.set_expires_at_ms(row.expires_at_ms());
    for (const auto& [number, line] : draft.changes()) {
      if (line) {
        *changed.add_put() = *line;
      } else {
        changed.add_removed(line_id(number));
      }
    }
    decision.emit(std::move(event));
  }
  const auto after = draft.view();
  const cart_view view{row, after.lines, after.changes};
  decision.reply = minimal ? to_minimal_answer(view) : to_answer(view, *variants_, context.self.tenant, 200);
  return decision;
}

runtime::decision cart_decider::read(const state& state, const pb::Read& command,
                                     const runtime::context& context) const {
  if (!is_there_for(context, state)) return json::refuse(no_such_cart(), context);
  auto row = state.row;
  if (has_expired(state, context.now)) row.set_status("expired");
  runtime::decision decision;
  if (command.snapshot()) {
    auto snapshot = std::make_shared<pb::Snapshot>();
    snapshot->set_cart_id(row.cart_id());
    snapshot->set_version(row.version());
    snapshot->set_status(row.status());
    snapshot->set_currency(row.currency());
    snapshot->set_customer_id(row.customer_id());
    snapshot->set_checkout_id(row.checkout_id());
    snapshot->set_order_id(row.order_id());
    snapshot->set_owner(row.owner());
    for (const auto& [number, line] : state.lines)
      *snapshot->add_lines() = line;
    decision.reply.emplace().value = std::move(snapshot);
    return decision;
  }
  decision.reply = to_answer({row, state.lines, {}}, *variants_, context.self.tenant, 200);
  if (json::none_match_names(command.if_none_match(), decision.reply->etag)) {
    decision.reply->status = 304;
    decision.reply->body.clear();
  }
  return decision;
}

runtime::decision cart_decider::claim(const state& state, const pb::Claim& command,
                                      const runtime::context& context) const {
  const auto& row = state.row;
  checkout::pb::Command answer;
  auto& claimed = *answer.mutable_cart_claimed();
  claimed.set_current_version(row.version());
  runtime::decision decision;
  const bool taken = !row.checkout_key().empty();
  if (taken && row.checkout_key() == command.checkout_key()) {
    claimed.set_ok(true);
  } else if (!state.exists()) {
    claimed.set_refusal("not_found");
  } else if ((taken && !mutated("claimed-twice")) || row.status() == "ordered") {
    claimed.set_refusal("invalid_state");
    claimed.set_other_checkout_id(row.checkout_id());
    claimed.set_other_order_id(row.order_id());
  } else if (has_expired(state, context.now)) {
    claimed.set_refusal("expired");
  } else if (row.version() != command.cart_version() && !mutated("cart-version-ignored")) {
    claimed.set_refusal("version_conflict");
  } else if (state.lines.empty()) {
    claimed.set_refusal("empty");
  } else {
    claimed.set_ok(true);
    pb::Event event;
    event.set_schema(1);
    event.mutable_claimed()->set_checkout_key(command.checkout_key());
    event.mutable_claimed()->set_checkout_id(command.checkout_id());
    decision.emit(std::move(event));
  }
  decision.send({context.self.tenant, kinds::checkout, command.checkout_key()}, std::move(answer));
  return decision;
}

runtime::decision cart_decider::end_claim(const state& state, const pb::EndClaim& command, bool ordered,
                                          const runtime::context& context) const {
  const auto& row = state.row;
  runtime::decision decision;
  // Of another checkout, or ended already: nothing to do with this cart any more.
  if (row.status() != "open" || row.checkout_key().empty() || row.checkout_key() != command.checkout_key())
    return decision;
  pb::Event event;
  event.set_schema(1);
  auto& ended = *event.mutable_claim_ended();
  ended.set_checkout_key(command.checkout_key());
  if (ordered) {
    ended.set_order_id(command.order_id());
    decision.cancel_timer(std::string{expire_timer});
  } else {
    // A day at least to try again, also where the timer came by while the cart was claimed.
    const auto expires_at =
        std::max(runtime::from_ms(row.expires_at_ms()), context.now + std::chrono::hours{24});
    ended.set_expires_at_ms(runtime::to_ms(expires_at));
    decision.set_timer(std::string{expire_timer}, expires_at);
  }
  decision.emit(std::move(event));
  return decision;
}

runtime::decision cart_decider::on_timer(const state& state, std::string_view timer,
                                         const runtime::context& context) const {
  runtime::decision decision;
  const auto& row = state.row;
  if (timer != expire_timer || row.status() != "open" || !row.checkout_key().empty()) return decision;
  if (runtime::to_ms(context.now) < row.expires_at_ms()) {  // it was changed since
    decision.set_timer(std::string{expire_timer}, runtime::from_ms(row.expires_at_ms()));
    return decision;
  }
  pb::Event event;
  event.set_schema(1);
  event.mutable_expired();
  decision.emit(std::move(event));
  return decision;
}

runtime::decision cart_decider::on_effect_failed(const state&, const runtime::address&,
                                                 const google::protobuf::Message&, std::string_view,
                                                 const runtime::context&) const {
  // The only effect is the answer to a claim. A checkout that cannot take it ends by its timer and frees the
  // claim.
  return {};
}

void cart_decider::evolve(state& state, const event& event, runtime::timestamp at, std::uint64_t) const {
  auto& row = state.row;
  state.row_changed = true;
  switch (event.of_case()) {
    case pb::Event::kCreated:
      row.set_cart_id(event.created().cart_id());
      row.set_currency(event.created().currency());
      row.set_customer_id(event.created().customer_id());
      row.set_owner(event.created().owner());
      row.set_status("open");
      row.set_created_at_ms(runtime::to_ms(at));
      row.set_expires_at_ms(event.created().expires_at_ms());
      row.set_next_line(1);
      row.set_version(1);
      return;
    case pb::Event::kLinesChanged:
      break;
    case pb::Event::kClaimed:
      row.set_checkout_key(event.claimed().checkout_key());
      row.set_checkout_id(event.claimed().checkout_id());
      return;
    case pb::Event::kClaimEnded:
      if (event.claim_ended().order_id().empty()) {
        row.clear_checkout_key();
        row.clear_checkout_id();
        row.set_expires_at_ms(event.claim_ended().expires_at_ms());
      } else {
        row.set_status("ordered");
        row.set_order_id(event.claim_ended().order_id());
      }
      return;
    case pb::Event::kExpired:
      row.set_status("expired");
      return;
    case pb::Event::OF_NOT_SET:
      throw runtime::undecodable("a cart event without content");
  }
  row.set_version(row.version() + 1);
  row.set_expires_at_ms(event.lines_changed().expires_at_ms());
  for (const auto& line : event.lines_changed().put()) {
    const auto number = number_of_line(line.id());
    auto& kept = state.lines[number];
    row.set_items_base(values::replace_part(row.items_base(), kept.total(), line.total()));
    kept = line;
    row.set_next_line(std::max(row.next_line(), number + 1));
    if (!line.quoted()) state.mergeable[merge_key(line.sku(), line.attributes())] = number;
    state.lines_changed.insert(number);
  }
  for (const auto& removed : event.lines_changed().removed()) {
    const auto number = number_of_line(removed);
    const auto line = state.lines.find(number);
    if (line == state.lines.end()) continue;
    row.set_items_base(values::replace_part(row.items_base(), line->second.total(), 0));
    if (!line->second.quoted())
      state.mergeable.erase(merge_key(line->second.sku(), line->second.attributes()));
    state.lines.erase(line);
    state.lines_changed.insert(number);
  }
}

void cart_decider::load_row(state& state, std::string_view row, std::string_view value) const {
  if (row.empty()) {
    state.row = *runtime::parse_as<pb::StateRow>(value);
    return;
  }
  const auto number = number_after(line_row_prefix, row);
  if (!number) throw runtime::undecodable("a cart has no row " + std::string{row});
  auto line = runtime::parse_as<pb::Line>(value);
  if (!line->quoted()) state.mergeable[merge_key(line->sku(), line->attributes())] = *number;
  state.lines[*number] = *line;
}

void cart_decider::save_rows(state& state, runtime::row_sink& sink) const {
  if (state.row_changed) sink.put("", state.row.SerializeAsString());
  for (const auto number : state.lines_changed) {
    const auto line = state.lines.find(number);
    if (line == state.lines.end()) {
      sink.erase(line_row(number));
    } else {
      sink.put(line_row(number), line->second.SerializeAsString());
    }
  }
  state.row_changed = false;
  state.lines_changed.clear();
}

}  // namespace souk::cart
