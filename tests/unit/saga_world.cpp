#include "tests/unit/saga_world.hpp"

#include "actors/buyer/buyer.hpp"
#include "actors/cart/cart.hpp"
#include "actors/checkout/checkout.hpp"
#include "actors/order/order.hpp"
#include "actors/payment/payment.hpp"
#include "actors/stock/stock.hpp"

#include <algorithm>
#include <iterator>
#include <optional>

namespace souk::testing {

std::optional<catalogue::variant_view> price_list::find(std::string_view, std::string_view sku) const {
  const auto found = variants_.find(sku);
  return found == variants_.end() ? std::nullopt : std::optional{found->second};
}

void price_list::set(const std::string& sku, std::int64_t amount) {
  auto& variant = variants_[sku];
  variant.sku = sku;
  variant.title = "The " + sku;
  variant.price.set_amount(amount);
  variant.price.set_currency("USD");
  variant.for_sale = true;
}

payment::pb::ProviderResult fake_provider::take(const payment::pb::ProviderCall& call) {
  payment::pb::ProviderResult result;
  result.set_operation(call.operation());
  if (call.operation() == "refund") {
    result.set_status(refund(call.payment_id()));
    return result;
  }
  auto& account = accounts_[call.key()];
  account.payment_id = call.payment_id();
  account.amount = call.amount().amount();
  if (call.operation() == "charge") {
    result.set_status(charge(account, call));
  } else if (call.operation() == "find") {
    result.set_status(misbehaves() ? "no_answer" : find(account));
  } else if (call.operation() == "cancel") {
    result.set_status(cancel(account));
  } else {
    result.set_status(authenticate(account));
  }
  return result;
}

std::string fake_provider::charge(account& account, const payment::pb::ProviderCall& call) {
  const auto& token = call.token();
  if (account.status == "pending") return "requires_action";
  if (!account.status.empty()) return account.status;
  const auto take_money = [&] {
    account.status = "charged";
    ++account.charges;
  };
  if (token == "declined") return account.status = "declined";
  if (token == "broken") return "error";
  if (token == "silent_before") return "no_answer";
  if (token == "flaky" && account.errors++ < 2) return "error";
  if (token == "late") {
    account.on_the_way = true;
    return "no_answer";
  }
  if (token == "3ds") {
    account.status = "pending";
    return "requires_action";
  }
  take_money();
  return token == "silent_after" ? "no_answer" : "charged";
}

std::string fake_provider::find(account& account) const {
  if (account.status == "pending") return "requires_action";
  return account.status.empty() ? "not_found" : account.status;
}

std::string fake_provider::cancel(account& account) {
  if (misbehaves()) return "error";
  if (account.status == "charged" || account.status == "declined") return account.status;
  account.status = "canceled";
  account.on_the_way = false;
  return misbehaves() ? "no_answer" : "canceled";
}

std::string fake_provider::authenticate(account& account) {
  if (account.status == "pending") {
    if (misbehaves()) return random_() % 2 == 0 ? "error" : "no_answer";
    account.status = random_() % 4 == 0 ? "declined" : "charged";
    if (account.status == "charged") ++account.charges;
    if (misbehaves()) return "no_answer";
  }
  return account.status.empty() ? "not_found" : account.status;
}

std::string fake_provider::refund(const std::string& payment_id) {
  if (misbehaves()) return "no_answer";
  for (auto& [key, account] : accounts_) {
    if (account.payment_id != payment_id || account.status != "charged") continue;
    account.given_back = true;
    return misbehaves() ? "error" : "refunded";
  }
  return "not_found";
}

void fake_provider::land_late_charges() {
  for (auto& [key, account] : accounts_) {
    if (!account.on_the_way || !account.status.empty()) continue;
    account.on_the_way = false;
    account.status = "charged";
    ++account.charges;
  }
}

saga_world::saga_world(std::uint64_t seed) : random(seed) {
  const auto add = [&](auto decider) {
    using decider_type = decltype(decider);
    kinds_[decider_type::id] = std::make_unique<runtime::kind_of<decider_type>>(std::move(decider));
  };
  add(cart::cart_decider{prices});
  add(checkout::checkout_decider{});
  add(payment::payment_decider{});
  add(order::order_decider{});
  add(stock::stock_decider{});
  add(buyer::buyer_decider{});
}

saga_world::life* saga_world::find(const runtime::address& address) {
  const auto kind = kinds_.find(address.kind);
  if (kind == kinds_.end()) return nullptr;  // a product: not of this world
  auto& entity = entities_[address];
  if (entity.kind == nullptr) {
    entity.kind = kind->second.get();
    entity.state = entity.kind->initial();
  }
  return &entity;
}

runtime::context saga_world::context_of(const runtime::address& self, const life& entity,
                                        std::uint64_t command) {
  runtime::command_id id{};
  for (std::size_t i = 0; i < 8; ++i)
    id[i] = static_cast<std::uint8_t>(command >> (8 * i));
  return {self, now_, entity.facts.size(), ids, id, "", false, formats::newest};
}

void saga_world::apply(const runtime::address& self, life& entity, runtime::decision decision,
                       std::uint64_t command) {
  for (auto& event : decision.events) {
    entity.kind->evolve(*entity.state, *event, now_, entity.facts.size() + 1);
    entity.facts.push_back({std::move(event), now_});
  }
  for (auto& effect : decision.effects)
    ways_[{self, effect.to}].push_back({std::move(effect.command), {}});
  for (const auto& call : decision.world_calls)
    calls_.push_back(
        {self, std::static_pointer_cast<const payment::pb::ProviderCall>(call.request), nullptr});
  for (const auto& change : decision.timers) {
    if (change.due) {
      entity.timers[change.name] = *change.due;
    } else {
      entity.timers.erase(change.name);
    }
  }
  if (command != 0 && decision.reply) answers_.emplace(command, std::move(*decision.reply));
  if (command != 0 && decision.parked) waiting_.insert(command);
  for (auto& late : decision.late_answers) {
    std::uint64_t to = 0;
    for (std::size_t i = 0; i < 8; ++i)
      to |= std::uint64_t{late.to[i]} << (8 * i);
    const bool waited = waiting_.erase(to) == 1;
    EXPECT_TRUE(waited || crashed_) << "command " << to << " is answered and did not wait";
    if (waited) answers_.emplace(to, std::move(late.answer));
  }
}

std::uint64_t saga_world::tell(const runtime::address& to, runtime::message_ptr command) {
  const auto id = ++last_command_;
  auto& entity = *find(to);
  apply(to, entity, entity.kind->decide(*entity.state, *command, context_of(to, entity, id)), id);
  EXPECT_TRUE(answers_.contains(id) != waiting_.contains(id)) << "answered or parked, one of both";
  return id;
}

const runtime::answer* saga_world::answer_to(std::uint64_t command) const {
  const auto found = answers_.find(command);
  return found == answers_.end() ? nullptr : &found->second;
}

void saga_world::send(const runtime::address& to, runtime::message_ptr command) {
  deliver({{}, to}, {std::move(command), {}});
}

void saga_world::deliver(const way& way, message message) {
  const auto& [from, to] = way;
  auto* entity = find(to);
  if (entity == nullptr) return;
  if (!message.failure.empty()) {
    apply(to, *entity,
          entity->kind->on_effect_failed(*entity->state, from, *message.command, message.failure,
                                         context_of(to, *entity, 0)),
          0);
  } else if (quarantine_one_in != 0 && from.kind != 0 && random() % quarantine_one_in == 0) {
    ways_[{to, from}].push_back({std::move(message.command), "quarantined"});
  } else {
    apply(to, *entity, entity->kind->decide(*entity->state, *message.command, context_of(to, *entity, 0)), 0);
  }
}

bool saga_world::deliver_some() {
  if (ways_.empty()) return false;
  auto way = std::next(ways_.begin(), static_cast<std::ptrdiff_t>(random() % ways_.size()));
  const auto ends = way->first;
  auto message = std::move(way->second.front());
  way->second.pop_front();
  if (way->second.empty()) ways_.erase(way);
  deliver(ends, std::move(message));
  return true;
}

bool saga_world::call_some() {
  if (calls_.empty()) return false;
  const auto chosen = calls_.begin() + static_cast<std::ptrdiff_t>(random() % calls_.size());
  if (!chosen->result || (!provider.behaves && random() % 8 == 0)) {  // now and then a call is made twice
    payment::pb::Command command;
    *command.mutable_provider_result() = provider.take(*chosen->call);
    chosen->result = std::make_shared<const payment::pb::Command>(std::move(command));
    return true;
  }
  const auto done = std::move(*chosen);
  calls_.erase(chosen);
  send(done.caller, done.result);
  return true;
}

bool saga_world::fire_some() {
  std::vector<std::pair<runtime::address, std::string>> due;
  for (const auto& [address, entity] : entities_) {
    for (const auto& [name, at] : entity.timers) {
      if (at <= now_) due.emplace_back(address, name);
    }
  }
  if (due.empty()) return false;
  const auto& [address, name] = due[random() % due.size()];
  auto& entity = entities_.at(address);
  entity.timers.erase(name);
  apply(address, entity, entity.kind->on_timer(*entity.state, name, context_of(address, entity, 0)), 0);
  return true;
}

bool saga_world::step() {
  if (random() % 16 == 0) provider.land_late_charges();
  if (random() % 16 == 0 && !entities_.empty())
    save(std::next(entities_.begin(), static_cast<std::ptrdiff_t>(random() % entities_.size()))->second);
  switch (random() % 4) {
    case 0:
      return fire_some() || call_some() || deliver_some();
    case 1:
      return call_some() || deliver_some() || fire_some();
    default:
      return deliver_some() || call_some() || fire_some();
  }
}

void saga_world::save(life& entity) {
  row_map sink{entity.saved};
  entity.kind->save_rows(*entity.state, sink);
  entity.saved_facts = entity.facts.size();
}

std::unique_ptr<runtime::entity_state> saga_world::load(const life& entity) const {
  auto state = entity.kind->initial();
  for (const auto& [row, value] : entity.saved)
    entity.kind->load_row(*state, row, value);
  for (auto i = entity.saved_facts; i < entity.facts.size(); ++i)
    entity.kind->evolve(*state, *entity.facts[i].event, entity.facts[i].at, i + 1);
  return state;
}

void saga_world::crash() {
  crashed_ = true;
  waiting_.clear();
  for (auto& call : calls_)
    call.result.reset();
  for (auto& [address, entity] : entities_)
    entity.state = load(entity);
}

void saga_world::settle(std::chrono::milliseconds horizon) {
  const auto end = now_ + horizon;
  for (;;) {
    while (step()) {
    }
    std::optional<runtime::timestamp> next;
    for (const auto& [address, entity] : entities_) {
      for (const auto& [name, at] : entity.timers) {
        if (!next || at < *next) next = at;
      }
    }
    if (!next || *next > end) return;
    now_ = std::max(now_, *next);
  }
}

void saga_world::expect_replayable() {
  for (auto& [address, entity] : entities_) {
    auto loaded = load(entity);
    rows of_loaded = entity.saved;
    row_map loaded_sink{of_loaded};
    entity.kind->save_rows(*loaded, loaded_sink);
    auto replayed = entity.kind->initial();
    for (std::size_t i = 0; i < entity.facts.size(); ++i)
      entity.kind->evolve(*replayed, *entity.facts[i].event, entity.facts[i].at, i + 1);
    rows of_replayed;
    row_map replayed_sink{of_replayed};
    entity.kind->save_rows(*replayed, replayed_sink);
    save(entity);
    EXPECT_EQ(of_loaded, entity.saved) << entity.kind->name() << ' ' << address.key;
    EXPECT_EQ(of_replayed, entity.saved) << entity.kind->name() << ' ' << address.key;
  }
}

std::vector<runtime::message_ptr> saga_world::events_of(const runtime::address& address) const {
  std::vector<runtime::message_ptr> events;
  const auto found = entities_.find(address);
  if (found == entities_.end()) return events;
  for (const auto& fact : found->second.facts)
    events.push_back(fact.event);
  return events;
}

}  // namespace souk::testing
