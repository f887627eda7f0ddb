#include "actors/gateway/digests.hpp"
#include "actors/gateway/handlers.hpp"
#include "actors/gateway/input.hpp"
#include "actors/json/writer.hpp"
#include "actors/kinds.hpp"
#include "actors/stock/stock.hpp"
#include "actors/stock/stock_json.hpp"
#include "actors/values/id.hpp"

#include <functional>
#include <set>
#include <utility>

namespace souk::gateway {

namespace {

/// Stocks of one sku in one shard, at locations of their own, that are looked at together.
constexpr std::uint32_t locations_max = 100;
/// Stocks looked at in one go when all of them are audited, and how many at a time.
constexpr std::uint32_t audit_page = 1'000;
constexpr std::size_t audit_window = 64;
/// Unbalanced stocks that one answer shows; more of them would tell an operator nothing new.
constexpr std::size_t unbalanced_max = 1'000;

/// The sku that the query asks for, or the problem with it.
std::variant<std::string, json::problem> sku_of(const call& call) {
  auto sku = call.parameter("sku");
  if (!sku || !is_sku(*sku)) return bad_parameter("sku", "Say which sku.");
  return std::string{*sku};
}

command_question stock_question(runtime::address to, stock::pb::Command command) {
  return {.to = std::move(to),
          .command = std::make_shared<const stock::pb::Command>(std::move(command)),
          .read_only = true};
}

/// Asks the stocks of a sku at all its locations, the default one first, and continues with their replies.
/// Each location is in a shard of its own, so all shards are asked for what they have.
step ask_locations(const call& call, const services& services, const std::string& sku,
                   const stock::pb::Command& command, std::function<step(std::vector<reply>)> then) {
  ask ask;
  for (runtime::shard_id shard = 0; shard < services.shard_count; ++shard) {
    page_question page;
    page.shard = shard;
    page.index = stock::stocks_index;
    page.after = sku + "@";
    page.limit = locations_max;
    ask.questions.emplace_back(std::move(page));
  }
  ask.then = [tenant = call.tenant, sku, command,
              then = std::move(then)](const std::vector<reply>& replies) -> step {
    std::set<std::string> others;
    for (const reply& page : replies)
      for (const auto& [key, value] : page.rows)
        if (key.starts_with(sku + "@") && stock::split_key(key).first == sku) others.insert(key);
    gateway::ask each;
    each.questions.emplace_back(stock_question(stock::address_of(tenant, sku), command));
    for (const std::string& key : others)
      each.questions.emplace_back(stock_question({tenant, kinds::stock, key}, command));
    each.then = then;
    return each;
  };
  return ask;
}

runtime::answer json_answer(json::writer&& out) {
  runtime::answer answer;
  answer.body = std::move(out).take();
  return answer;
}

step show_levels(const std::vector<reply>& replies) {
  json::writer out;
  out.begin_object().key("data").begin_array();
  for (const reply& reply : replies) {
    const auto* level = dynamic_cast<const stock::pb::Level*>(reply.answer.value.get());
    if (level != nullptr && level->version() > 0) stock::write_level(out, *level);
  }
  out.end_array().end_object();
  return done{json_answer(std::move(out)), false, {}};
}

void add_figures(stock::pb::AuditFigures& sum, const stock::pb::AuditFigures& figures) {
  sum.set_received(sum.received() + figures.received());
  sum.set_returned(sum.returned() + figures.returned());
  sum.set_corrected(sum.corrected() + figures.corrected());
  sum.set_written_off(sum.written_off() + figures.written_off());
  sum.set_sold(sum.sold() + figures.sold());
  sum.set_on_hand(sum.on_hand() + figures.on_hand());
  sum.set_reserved(sum.reserved() + figures.reserved());
  sum.mutable_holds()->MergeFrom(figures.holds());
  sum.set_balanced(sum.balanced() && figures.balanced());
}

const stock::pb::AuditFigures* figures_in(const reply& reply) {
  return dynamic_cast<const stock::pb::AuditFigures*>(reply.answer.value.get());
}

/// The figures of one sku: over all its locations, if it has others than the default one.
step show_audit(const std::string& sku, const std::vector<reply>& replies) {
  stock::pb::AuditFigures sum;
  sum.set_sku(sku);
  sum.set_location(replies.size() == 1 ? std::string{stock::default_location} : "*");
  sum.set_balanced(true);
  for (const reply& reply : replies)
    if (const auto* figures = figures_in(reply)) add_figures(sum, *figures);
  runtime::answer answer;
  answer.body = stock::audit_json(sum);
  return done{std::move(answer), false, {}};
}

/// An audit of all stocks: shard after shard, page after page.
struct sweep {
  std::string tenant;
  std::uint16_t shard_count = 0;
  runtime::shard_id shard = 0;
  std::string after;
  std::int64_t skus = 0;
  std::int64_t unbalanced = 0;
  std::int64_t open_holds = 0;
  std::vector<std::string> data;
};

step sweep_on(const std::shared_ptr<sweep>& sweep);

void count_in(sweep& sweep, const std::vector<reply>& replies) {
  for (const reply& reply : replies) {
    const auto* figures = figures_in(reply);
    if (figures == nullptr) continue;
    ++sweep.skus;
    sweep.open_holds += figures->holds_size();
    if (figures->balanced()) continue;
    ++sweep.unbalanced;
    if (sweep.data.size() >= unbalanced_max) continue;
    sweep.data.push_back(stock::audit_json(*figures));
  }
}

step show_sweep(const sweep& sweep) {
  json::writer out;
  out.begin_object().key("skus").integer(sweep.skus).key("unbalanced").integer(sweep.unbalanced);
  out.key("open_holds").integer(sweep.open_holds).key("data").begin_array();
  for (const std::string& figures : sweep.data)
    out.raw(figures);
  out.end_array().end_object();
  return done{json_answer(std::move(out)), false, {}};
}

step audit_page_of(const std::shared_ptr<sweep>& sweep, const reply& page) {
  ask ask;
  ask.window = audit_window;
  for (const auto& [key, value] : page.rows) {
    stock::pb::Command command;
    command.mutable_audit();
    ask.questions.emplace_back(stock_question({sweep->tenant, kinds::stock, key}, std::move(command)));
  }
  if (page.more) {
    sweep->after = page.rows.back().first;
  } else {
    sweep->after.clear();
    ++sweep->shard;
  }
  ask.then = [sweep](const std::vector<reply>& replies) {
    count_in(*sweep, replies);
    return sweep_on(sweep);
  };
  return ask;
}

step sweep_on(const std::shared_ptr<sweep>& sweep) {
  if (sweep->shard == sweep->shard_count) return show_sweep(*sweep);
  page_question page;
  page.shard = sweep->shard;
  page.index = stock::stocks_index;
  page.after = sweep->after;
  page.limit = audit_page;
  ask ask;
  ask.questions.emplace_back(std::move(page));
  ask.then = [sweep](const std::vector<reply>& replies) { return audit_page_of(sweep, replies.front()); };
  return ask;
}

/// A page of the ledger of a sku: what its stocks wrote into the index, as it is.
step show_movements(reply page, const std::string& list, const std::string& secret) {
  json::writer out;
  out.begin_object().key("data").begin_array();
  for (const auto& [key, value] : page.rows)
    out.raw(value);
  out.end_array().key("has_more").boolean(page.more);
  if (page.more) out.key("next_cursor").string(seal_cursor(secret, list, page.rows.back().first));
  out.end_object();
  return done{json_answer(std::move(out)), false, {}};
}

}  // namespace

step adjust_stock(const call& call, const services& services) {
  json::input_errors errors;
  adjustment input = parse_adjustment(call.body, errors);
  if (auto problem = errors.take()) return refuse(*problem, call.request_id);
  auto command = std::make_shared<stock::pb::Command>();
  *command->mutable_adjust() = std::move(input.adjust);
  command->mutable_adjust()->set_movement_id(values::make_id("mov_", call.now, new_part(call, services)));
  return pass_on({.to = stock::address_of(call.tenant, input.sku, input.location),
                  .command = std::move(command),
                  .keyed = true});
}

step list_levels(const call& call, const services& services) {
  auto sku = sku_of(call);
  if (auto* problem = std::get_if<json::problem>(&sku)) return refuse(*problem, call.request_id);
  stock::pb::Command read;
  read.mutable_read();
  return ask_locations(call, services, std::get<std::string>(sku), read, show_levels);
}

step list_movements(const call& call, const services& services) {
  auto sku = sku_of(call);
  if (auto* problem = std::get_if<json::problem>(&sku)) return refuse(*problem, call.request_id);
  std::string_view location = call.parameter("location").value_or(stock::default_location);
  if (!is_location(location))
    return refuse(bad_parameter("location", "It is not a location."), call.request_id);
  runtime::address stock = stock::address_of(call.tenant, std::get<std::string>(sku), location);
  std::string list = stock::movements_index(stock.key);
  auto page = page_of(call, list, services);
  if (auto* problem = std::get_if<json::problem>(&page)) return refuse(*problem, call.request_id);
  page_question question;
  question.beside = std::move(stock);
  question.index = list;
  question.after = std::get<gateway::page>(page).after;
  question.descending = true;
  question.limit = std::get<gateway::page>(page).limit;
  ask ask;
  ask.questions.emplace_back(std::move(question));
  ask.then = [list, secret = services.secret](std::vector<reply> replies) {
    return show_movements(std::move(replies.front()), list, secret);
  };
  return ask;
}

step audit_stock(const call& call, const services& services) {
  if (!call.parameter("sku")) {
    auto all = std::make_shared<sweep>();
    all->tenant = call.tenant;
    all->shard_count = services.shard_count;
    return sweep_on(all);
  }
  auto sku = sku_of(call);
  if (auto* problem = std::get_if<json::problem>(&sku)) return refuse(*problem, call.request_id);
  stock::pb::Command audit;
  audit.mutable_audit();
  return ask_locations(call, services, std::get<std::string>(sku), audit,
                       [name = std::get<std::string>(sku)](const std::vector<reply>& replies) {
                         return show_audit(name, replies);
                       });
}

}  // namespace souk::gateway
