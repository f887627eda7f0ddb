#include "actors/gateway/conditions.hpp"
#include "actors/gateway/digests.hpp"
#include "actors/gateway/handlers.hpp"
#include "actors/gateway/input.hpp"
#include "actors/gateway/merge.hpp"
#include "actors/json/writer.hpp"
#include "actors/kinds.hpp"
#include "actors/order/order.hpp"
#include "actors/values/id.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace souk::gateway {

namespace {

constexpr std::string_view order_prefix = "ord_";
constexpr std::array<std::string_view, 3> statuses{"placed", "canceled", "completed"};
/// In bytes: 64 characters.
constexpr std::size_t customer_bytes_max = 256;

std::optional<runtime::address> order_of(const call& call) {
  auto part = values::part_of(order_prefix, call.arguments[0]);
  if (!part) return std::nullopt;
  return address_of(call, kinds::order, std::string{*part});
}

std::shared_ptr<order::pb::Command> read_command() {
  auto command = std::make_shared<order::pb::Command>();
  command->mutable_read();
  return command;
}

/// A list of orders in the making: round after round of pages from all shards, until it is full.
struct listing {
  std::string tenant;
  std::string secret;
  std::uint16_t shard_count = 0;
  std::string list;    ///< What a cursor is sealed for.
  std::string index;   ///< Where the rows come from.
  std::string status;  ///< Set: `index` does not look at it, so the orders themselves are asked.
  std::uint32_t limit = 0;
  std::string after;
  std::vector<std::string> data;
};

step next_round(const std::shared_ptr<listing>& listing);

bool has_status(std::string_view order, std::string_view status) {
  json::parse_error error;
  const auto parsed = json::parse(order, error);
  return parsed && json::text_of(*parsed, "status") == status;
}

step show_orders(const listing& listing, bool more) {
  json::writer out;
  out.begin_object().key("data").begin_array();
  for (const std::string& order : listing.data)
    out.raw(order);
  out.end_array().key("has_more").boolean(more);
  if (more) out.key("next_cursor").string(seal_cursor(listing.secret, listing.list, listing.after));
  out.end_object();
  runtime::answer answer;
  answer.body = std::move(out).take();
  return done{std::move(answer), false, {}};
}

/// Takes the orders that were fetched for the rows of one round.
step take_orders(const std::shared_ptr<listing>& listing, const merged_page& page,
                 std::vector<reply> orders) {
  for (std::size_t i = 0; i < orders.size(); ++i) {
    listing->after = page.rows[i].first;
    runtime::answer& order = orders[i].answer;
    if (order.status != 200) continue;
    if (!listing->status.empty() && !has_status(order.body, listing->status)) continue;
    listing->data.push_back(std::move(order.body));
    if (listing->data.size() == listing->limit)
      return show_orders(*listing, page.more || i + 1 < orders.size());
  }
  return page.more ? next_round(listing) : show_orders(*listing, false);
}

step fetch_orders(const std::shared_ptr<listing>& listing, merged_page page) {
  ask ask;
  for (const auto& [id, key] : page.rows)
    ask.questions.push_back(command_question{
        .to = {listing->tenant, kinds::order, key}, .command = read_command(), .read_only = true});
  ask.then = [listing, page = std::move(page)](std::vector<reply> orders) {
    return take_orders(listing, page, std::move(orders));
  };
  return ask;
}

step next_round(const std::shared_ptr<listing>& listing) {
  ask ask;
  for (runtime::shard_id shard = 0; shard < listing->shard_count; ++shard) {
    page_question page;
    page.shard = shard;
    page.index = listing->index;
    page.after = listing->after;
    page.descending = true;
    page.limit = listing->limit;
    ask.questions.emplace_back(std::move(page));
  }
  ask.then = [listing](std::vector<reply> pages) {
    return fetch_orders(listing, merge_newest_first(std::move(pages), listing->limit));
  };
  return ask;
}

}  // namespace

step get_order(const call& call, const services&) {
  auto to = order_of(call);
  if (!to) return not_found(call, "order");
  auto command = read_command();
  command->mutable_read()->set_if_none_match(condition_text(call.if_none_match()));
  return pass_on({.to = *std::move(to), .command = std::move(command), .read_only = true});
}

#ifdef SOUK_NEXT_VERSION
step count_units(const call& call, const services&) {
  auto to = order_of(call);
  if (!to) return not_found(call, "order");
  auto command = std::make_shared<order::pb::Command>();
  command->mutable_count_units();
  return pass_on({.to = *std::move(to), .command = std::move(command), .read_only = true});
}
#endif

step list_orders(const call& call, const services& services) {
  std::string customer{call.parameter("customer_id").value_or("")};
  const std::string owner{call.staff() ? std::string_view{} : call.customer()};
  if (!owner.empty() && call.parameter("customer_id") && customer != owner)
    return refuse_scope(call, "These are another customer's orders.");
  std::string status{call.parameter("status").value_or("")};
  if (customer.size() > customer_bytes_max || (call.parameter("customer_id") && customer.empty()))
    return refuse(bad_parameter("customer_id", "It has 1 to 64 characters."), call.request_id);
  if (call.parameter("status") && std::find(statuses.begin(), statuses.end(), status) == statuses.end())
    return refuse(bad_parameter("status", "It is placed, canceled or completed."), call.request_id);
  auto listing = std::make_shared<gateway::listing>();
  listing->list = owner.empty() ? "orders/" + status + "/" + customer : "owned/" + status + "/" + owner;
  auto page = page_of(call, listing->list, services);
  if (auto* problem = std::get_if<json::problem>(&page)) return refuse(*problem, call.request_id);
  listing->tenant = call.tenant;
  listing->secret = services.secret;
  listing->shard_count = services.shard_count;
  listing->limit = std::get<gateway::page>(page).limit;
  listing->after = std::get<gateway::page>(page).after;
  if (!owner.empty()) {
    listing->index = order::index_of_owner(owner);
    listing->status = status;
  } else if (!customer.empty()) {
    listing->index = order::index_of_customer(customer);
    listing->status = status;
  } else {
    listing->index = status.empty() ? std::string{order::index_of_all} : order::index_of_status(status);
  }
  return next_round(listing);
}

step cancel_order(const call& call, const services&) {
  auto to = order_of(call);
  if (!to) return not_found(call, "order");
  json::input_errors errors;
  auto command = std::make_shared<order::pb::Command>();
  command->mutable_cancel()->set_reason(parse_reason(call.body, errors));
  if (auto problem = errors.take()) return refuse(*problem, call.request_id);
  return pass_on({.to = *std::move(to), .command = std::move(command), .keyed = true});
}

}  // namespace souk::gateway
