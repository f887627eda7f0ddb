#include "actors/events/event_kinds.hpp"
#include "actors/gateway/digests.hpp"
#include "actors/gateway/event_cursor.hpp"
#include "actors/gateway/event_merge.hpp"
#include "actors/gateway/handlers.hpp"
#include "actors/json/object_reader.hpp"
#include "actors/json/writer.hpp"
#include "actors/kinds.hpp"
#include "actors/values/id.hpp"
#include "actors/webhook/endpoint.hpp"
#include "actors/webhook/target.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace souk::gateway {

namespace {

using webhook::pb::Command;

/// More than there are.
constexpr json::range types_size{1, 200};
constexpr json::range type_length{1, 100};
/// A cursor has some ten characters for each shard.
constexpr json::range cursor_length{1, 100'000};
constexpr std::uint32_t endpoints_per_page = 1'000;

std::optional<runtime::address> endpoint_of(const call& call) {
  const auto part = values::part_of(webhook::id_prefix, call.arguments[0]);
  if (!part) return std::nullopt;
  return address_of(call, kinds::webhook, std::string{*part});
}

step no_endpoint(const call& call) { return not_found(call, "webhook endpoint"); }

/// Whoever says where events go can read them.
bool may_read_events(const call& call) { return call.credential->scopes.has(keyring::scope::events_read); }
step refuse_events(const call& call) {
  return refuse_scope(call, "Whoever sends events elsewhere needs the scope events:read as well.");
}

// -- bodies ----------------------------------------------------------------------------------------------

void check_url(json::object_reader& in, const std::string& url, const webhook::target_rules& rules) {
  const auto target = webhook::parse_target(url);
  if (!target) return in.fail("url", "It is an absolute URL of https, without a user and a fragment.");
  const auto literal = values::parse_address(target->host);
  const bool insecure = !target->secure && rules.allowed.empty();
  if (insecure || (literal && !rules.may_reach(*literal, target->secure)))
    in.fail("url", "Its address is not one that this shop sends webhooks to; https is needed.");
}

std::vector<std::string> read_types(json::object_reader& in) {
  auto types = in.optional_strings("types", types_size, type_length);
  for (const auto& type : types)
    if (std::holds_alternative<no_such_type>(parse_types(type)) || type.find(',') != std::string::npos)
      in.fail("types", "There is no type \"" + type + "\".");
  std::sort(types.begin(), types.end());
  types.erase(std::unique(types.begin(), types.end()), types.end());
  return types;
}

/// Where something in the feed begins or ends.
struct feed_point {
  std::optional<event_positions> positions;
  std::int64_t time_ms = 0;  ///< 0: `positions` say it.
};

feed_point read_point(json::object_reader& in, std::string_view name, const std::string& text,
                      const services& services) {
  if (text == "earliest") return {earliest_positions(services.shard_count), 0};
  if (text == "latest") return {latest_positions(services.shard_count), 0};
  if (const auto time = values::parse_time(text)) return {std::nullopt, runtime::to_ms(*time)};
  auto positions = open_positions(services.secret, services.shard_count, text);
  if (!positions)
    in.fail(name, "It is a cursor of this shop's events, or a time such as 2027-01-31T00:00:00.000Z.");
  return {std::move(positions), 0};
}

using places = google::protobuf::RepeatedPtrField<webhook::pb::Place>;

void put_places(places& out, const event_positions& positions) {
  for (std::uint32_t shard = 0; shard < positions.size(); ++shard) {
    auto& place = *out.Add();
    place.set_shard(shard);
    place.set_index(positions[shard].index);
    place.set_epoch(positions[shard].epoch);
    place.set_events(positions[shard].events);
  }
}

// -- what shards must say first --------------------------------------------------------------------------

/// Asks each shard what it has at a position.
void ask_positions(ask& ask, const event_positions& positions) {
  const auto kinds = event_filter{}.kinds();
  for (runtime::shard_id shard = 0; shard < positions.size(); ++shard) {
    page_question question;
    question.shard = shard;
    question.limit = 1;
    question.journal = {positions[shard].index, positions[shard].epoch, kinds};
    ask.questions.emplace_back(std::move(question));
  }
}

/// Takes the answers, which come first: "latest" becomes a position, and "earliest" one that is noticed to be
/// trimmed. False: some are not kept.
bool settle_positions(event_positions& positions, const std::vector<reply>& replies) {
  for (std::size_t shard = 0; shard < positions.size(); ++shard) {
    const auto& extent = replies.at(shard).journal.value();
    if (extent.lost) return false;
    if (positions[shard].index == runtime::journal_place::at_end)
      positions[shard] = {extent.next, extent.epoch, 0};
    if (positions[shard].index == 0) positions[shard] = {extent.first, 0, 0};
  }
  return true;
}

step refuse_lost(std::string_view request_id) {
  return refuse({.code = "expired", .detail = "Events after this cursor are not kept any more."}, request_id);
}

void ask_endpoints(ask& ask, std::uint16_t shard_count) {
  for (runtime::shard_id shard = 0; shard < shard_count; ++shard) {
    page_question question;
    question.shard = shard;
    question.index = webhook::endpoint_index;
    question.limit = endpoints_per_page;
    ask.questions.emplace_back(std::move(question));
  }
}

// -- secrets ---------------------------------------------------------------------------------------------

std::string new_secret(const services& services) {
  std::array<std::uint8_t, webhook::secret_bytes> bytes{};
  services.random->fill(bytes);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Asks the endpoint, and shows the secret with its answer, which only this one response ever does.
step ask_for_secret(runtime::address to, std::shared_ptr<const Command> command, const std::string& secret) {
  ask ask;
  ask.questions.push_back(command_question{.to = std::move(to), .command = std::move(command)});
  ask.then = [text = webhook::secret_text(secret)](std::vector<reply> replies) -> step {
    auto& answer = replies.front().answer;
    if (answer.status == 200 || answer.status == 201) {
      answer.body.pop_back();
      answer.body.append(R"(,"secret":")").append(text).append("\"}");
    }
    return done{std::move(answer), false, {}};
  };
  return ask;
}

}  // namespace

step create_webhook_endpoint(const call& call, const services& services) {
  if (!may_read_events(call)) return refuse_events(call);
  json::input_errors errors;
  json::object_reader in{call.body, errors};
  auto command = std::make_shared<Command>();
  auto& create = *command->mutable_create();
  create.set_url(in.string("url", {1, webhook::url_characters_max}));
  if (!create.url().empty()) check_url(in, create.url(), services.webhook_targets);
  for (auto& type : read_types(in))
    create.add_types(std::move(type));
  const auto after = in.optional_string("after", cursor_length).value_or("latest");
  auto from = read_point(in, "after", after, services);
  if (from.time_ms != 0)
    in.fail("after", "It is a cursor of this shop's events, \"earliest\" or \"latest\".");
  in.finish();
  if (auto problem = errors.take()) return refuse(*problem, call.request_id);
  const auto part = services.random->next_part();
  create.set_endpoint_id(values::make_id(webhook::id_prefix, call.now, part));
  create.set_secret(new_secret(services));
  // Where the feed is now is found out before anything is decided: what comes from then on is delivered.
  ask ask;
  ask_positions(ask, *from.positions);
  ask_endpoints(ask, services.shard_count);
  ask.then = [to = address_of(call, kinds::webhook, part), command, positions = *from.positions,
              request_id = call.request_id](const std::vector<reply>& replies) mutable -> step {
    std::size_t endpoints = 0;
    for (std::size_t i = positions.size(); i < replies.size(); ++i)
      endpoints += replies[i].rows.size();
    if (endpoints >= webhook::endpoints_max)
      return refuse({.code = "invalid_state", .detail = "There are as many endpoints as there can be."},
                    request_id);
    if (!settle_positions(positions, replies)) return refuse_lost(request_id);
    put_places(*command->mutable_create()->mutable_places(), positions);
    return ask_for_secret(to, command, command->create().secret());
  };
  return ask;
}

step get_webhook_endpoint(const call& call, const services&) {
  auto to = endpoint_of(call);
  if (!to) return no_endpoint(call);
  auto command = std::make_shared<Command>();
  command->mutable_read();
  return pass_on({.to = *std::move(to), .command = std::move(command), .read_only = true});
}

namespace {

/// A page of the endpoints, which are few: all are asked, in the order of their ids.
step show_endpoints(std::vector<reply> replies, const page& page, std::string_view secret) {
  std::map<std::string, std::string> bodies;
  for (auto& reply : replies) {
    json::parse_error unread;
    const auto body = json::parse(reply.answer.body, unread).value_or(json::value{});
    auto id = json::text_of(body, "id");
    if (reply.answer.status == 200 && id > page.after) bodies.emplace(std::move(id), reply.answer.body);
  }
  json::writer out;
  out.begin_object().key("data").begin_array();
  std::string last;
  std::size_t shown = 0;
  for (const auto& [id, body] : bodies) {
    if (shown++ == page.limit) break;
    out.raw(body);
    last = id;
  }
  const bool more = bodies.size() > page.limit;
  out.end_array().key("has_more").boolean(more);
  if (more) out.key("next_cursor").string(seal_cursor(secret, "webhook_endpoints", last));
  out.end_object();
  runtime::answer answer;
  answer.body = std::move(out).take();
  return done{std::move(answer), false, {}};
}

}  // namespace

step list_webhook_endpoints(const call& call, const services& services) {
  auto page = page_of(call, "webhook_endpoints", services);
  if (const auto* problem = std::get_if<json::problem>(&page)) return refuse(*problem, call.request_id);
  ask pages;
  ask_endpoints(pages, services.shard_count);
  pages.then = [tenant = call.tenant, page = std::get<gateway::page>(page),
                secret = services.secret](const std::vector<reply>& found) -> step {
    auto command = std::make_shared<Command>();
    command->mutable_read();
    ask each;
    for (const auto& reply : found)
      for (const auto& [key, revision] : reply.rows)
        each.questions.push_back(
            command_question{.to = {tenant, kinds::webhook, key}, .command = command, .read_only = true});
    if (each.questions.empty()) return show_endpoints({}, page, secret);
    each.then = [page, secret](std::vector<reply> replies) {
      return show_endpoints(std::move(replies), page, secret);
    };
    return each;
  };
  return pages;
}

step change_webhook_endpoint(const call& call, const services& services) {
  auto to = endpoint_of(call);
  if (!to) return no_endpoint(call);
  if (!may_read_events(call)) return refuse_events(call);
  json::input_errors errors;
  json::object_reader in{call.body, errors};
  auto command = std::make_shared<Command>();
  auto& change = *command->mutable_change();
  if (auto url = in.optional_string("url", {1, webhook::url_characters_max})) {
    check_url(in, *url, services.webhook_targets);
    change.set_url(*std::move(url));
  }
  if (in.has("types"))
    for (auto& type : read_types(in))
      change.mutable_types()->add_types(std::move(type));
  if (const auto status = in.optional_string("status", {1, 20})) {
    if (*status != "enabled" && *status != "disabled") in.fail("status", "It is enabled or disabled.");
    change.set_enabled(*status == "enabled");
  }
  in.finish();
  if (auto problem = errors.take()) return refuse(*problem, call.request_id);
  return pass_on({.to = *std::move(to), .command = std::move(command), .keyed = true});
}

step remove_webhook_endpoint(const call& call, const services&) {
  auto to = endpoint_of(call);
  if (!to) return no_endpoint(call);
  auto command = std::make_shared<Command>();
  command->mutable_remove();
  return pass_on({.to = *std::move(to), .command = std::move(command), .keyed = true});
}

step rotate_webhook_secret(const call& call, const services& services) {
  auto to = endpoint_of(call);
  if (!to) return no_endpoint(call);
  std::chrono::seconds kept = webhook::rotation_default;
  if (call.body.type() != json::type::null) {
    json::input_errors errors;
    json::object_reader in{call.body, errors};
    if (const auto given = in.optional_integer("previous_valid_s", {0, webhook::rotation_max.count()}))
      kept = std::chrono::seconds{*given};
    in.finish();
    if (auto problem = errors.take()) return refuse(*problem, call.request_id);
  }
  auto command = std::make_shared<Command>();
  auto& rotate = *command->mutable_rotate();
  rotate.set_secret(new_secret(services));
  rotate.set_previous_until_ms(runtime::to_ms(call.now + kept));
  return ask_for_secret(*std::move(to), command, rotate.secret());
}

step replay_webhook_endpoint(const call& call, const services& services) {
  auto to = endpoint_of(call);
  if (!to) return no_endpoint(call);
  if (!may_read_events(call)) return refuse_events(call);
  json::input_errors errors;
  json::object_reader in{call.body, errors};
  auto command = std::make_shared<Command>();
  auto& replay = *command->mutable_replay();
  const auto after = in.string("after", cursor_length);
  feed_point from;
  if (!after.empty()) from = read_point(in, "after", after, services);
  if (after == "latest") in.fail("after", "Nothing that happened comes after it.");
  if (const auto until = in.optional_string("until", cursor_length)) {
    const auto end = read_point(in, "until", *until, services);
    replay.set_until_ms(end.time_ms);
    if (end.positions && *until != "latest") put_places(*replay.mutable_until(), *end.positions);
  }
  in.finish();
  if (auto problem = errors.take()) return refuse(*problem, call.request_id);
  replay.set_from_ms(from.time_ms);
  auto positions = from.positions.value_or(earliest_positions(services.shard_count));
  put_places(*replay.mutable_places(), positions);
  ask ask;
  ask_positions(ask, positions);
  ask.then = [to = *std::move(to), command, positions,
              request_id = call.request_id](const std::vector<reply>& replies) mutable -> step {
    if (!settle_positions(positions, replies)) return refuse_lost(request_id);
    return pass_on({.to = to, .command = command, .keyed = true});
  };
  return ask;
}

}  // namespace souk::gateway
