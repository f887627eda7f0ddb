#include "actors/gateway/event_cursor.hpp"
#include "actors/gateway/event_merge.hpp"
#include "actors/gateway/event_request.hpp"
#include "actors/gateway/event_stream.hpp"
#include "actors/gateway/handlers.hpp"
#include "actors/json/writer.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace souk::gateway {

namespace {

/// A page that is not full yet is asked for so often: a reader of few types has to skip many records, and a
/// page may well be empty.
constexpr unsigned rounds_max = 8;

/// A page of events in the making.
struct event_listing {
  event_merge merge;
  std::string request_id;
  std::string secret;
  std::uint32_t limit = 0;
  std::shared_ptr<event_reader> reader = nullptr;  ///< Who follows; null: the page is an answer of its own.
  unsigned rounds = 0;
  std::vector<std::string> data;
};

constexpr const char* event_stream_type = "text/event-stream";

step next_round(const std::shared_ptr<event_listing>& listing);

step show_events(const event_listing& listing) {
  json::writer out;
  out.begin_object().key("data").begin_array();
  for (const auto& event : listing.data)
    out.raw(event);
  out.end_array().key("has_more").boolean(listing.merge.more());
  out.key("next_cursor").string(seal_positions(listing.secret, listing.merge.positions()));
  out.end_object();
  runtime::answer answer;
  answer.body = std::move(out).take();
  return done{std::move(answer), false, {}};
}

std::string id_line(std::string_view secret, const event_positions& at) {
  return "id: " + seal_positions(secret, at) + "\n";
}

// As server-sent events. Each has where to go on behind it for its id.
step tell_events(const event_listing& listing) {
  listing.reader->at = listing.merge.positions();
  runtime::answer answer;
  answer.content_type = event_stream_type;
  for (const auto& event : listing.data)
    answer.body += event;
  return done{std::move(answer), false, {}};
}

std::string as_listed(const event_listing& listing, std::string event) {
  if (!listing.reader) return event;
  return id_line(listing.secret, listing.merge.positions()) + "data: " + std::move(event) + "\n\n";
}

step take_pages(const std::shared_ptr<event_listing>& listing, const std::vector<runtime::shard_id>& shards,
                const std::vector<reply>& pages) {
  auto& merge = listing->merge;
  for (std::size_t i = 0; i < shards.size(); ++i)
    merge.take(shards[i], pages[i]);
  if (!merge.lost().empty()) return refuse(lost_events(merge, listing->secret), listing->request_id);
  while (listing->data.size() < listing->limit) {
    auto event = merge.next();
    if (!event) break;
    listing->data.push_back(as_listed(*listing, *std::move(event)));
  }
  const bool full = listing->data.size() == listing->limit;
  if (full || !merge.more() || listing->rounds == rounds_max)
    return listing->reader ? tell_events(*listing) : show_events(*listing);
  return next_round(listing);
}

step next_round(const std::shared_ptr<event_listing>& listing) {
  ++listing->rounds;
  ask ask;
  auto shards = listing->merge.wanting();
  for (const auto shard : shards)
    ask.questions.emplace_back(listing->merge.question_for(shard, listing->limit));
  ask.then = [listing, shards = std::move(shards)](const std::vector<reply>& pages) {
    return take_pages(listing, shards, pages);
  };
  return ask;
}

}  // namespace

json::problem lost_events(const event_merge& merge, std::string_view secret) {
  std::string shards;
  for (const auto shard : merge.lost())
    shards.append(shards.empty() ? "" : ", ").append(std::to_string(shard));
  json::problem problem{.code = "expired"};
  problem.detail = "Events after this cursor are not kept any more (shards " + shards +
                   "): read what you follow anew, then go on with earliest_cursor.";
  problem.earliest_cursor = seal_positions(secret, merge.positions());
  return problem;
}

std::variant<event_request, json::problem> event_request_of(const call& call, const services& services,
                                                            std::optional<std::string_view> after) {
  event_request wanted{earliest_positions(services.shard_count), {}};
  if (after && *after == "latest") {
    wanted.from = latest_positions(services.shard_count);
  } else if (after) {
    auto positions = open_positions(services.secret, services.shard_count, *after);
    if (!positions)
      return json::problem{.code = "invalid_cursor",
                           .detail = "It is not a cursor that the events of this cluster gave."};
    wanted.from = *std::move(positions);
  }
  if (const auto types = call.parameter("types")) {
    auto filter = parse_types(*types);
    if (const auto* wrong = std::get_if<no_such_type>(&filter))
      return bad_parameter("types", "There is no type \"" + wrong->name + "\".");
    wanted.filter = std::get<event_filter>(std::move(filter));
  }
  return wanted;
}

step list_events(const call& call, const services& services) {
  const auto page = page_of(call, "events", services);
  if (const auto* problem = std::get_if<json::problem>(&page)) return refuse(*problem, call.request_id);
  auto wanted = event_request_of(call, services, call.parameter("after"));
  if (const auto* problem = std::get_if<json::problem>(&wanted)) return refuse(*problem, call.request_id);
  auto& [from, filter] = std::get<event_request>(wanted);
  return next_round(std::make_shared<event_listing>(
      event_listing{event_merge{std::move(from), std::move(filter)}, call.request_id, services.secret,
                    std::get<gateway::page>(page).limit}));
}

step read_on(const std::shared_ptr<event_reader>& reader, const services& services) {
  return next_round(std::make_shared<event_listing>(event_listing{event_merge{reader->at, reader->filter},
                                                                  reader->call.request_id, services.secret,
                                                                  stream_page, reader}));
}

std::string heartbeat_of(const event_reader& reader, const services& services) {
  return ":\n" + id_line(services.secret, reader.at) + "\n";
}

std::string farewell(std::string_view problem) {
  return "event: error\ndata: " + std::string{problem} + "\n\n";
}

std::shared_ptr<void> stream_places::take(const std::shared_ptr<stream_places>& places) {
  if (places->taken_.fetch_add(1) >= places->most_) {
    --places->taken_;
    return nullptr;
  }
  return {places.get(), [places](void*) { --places->taken_; }};
}

namespace {

// The first piece is read before the answer begins, so that what is wrong with the place is a problem like
// any.
step begin_stream(ask first, const std::shared_ptr<event_reader>& reader, const services& services) {
  first.then = [then = std::move(first.then), reader, &services](std::vector<reply> pages) -> step {
    auto next = then(std::move(pages));
    if (auto* more = std::get_if<ask>(&next)) return begin_stream(std::move(*more), reader, services);
    auto& over = std::get<done>(next);
    if (over.answer.status != 200) return next;
    if (over.answer.body.empty()) over.answer.body = heartbeat_of(*reader, services);
    reader->heard_at = services.clock->steady();
    over.more = std::make_shared<event_stream>(reader);
    return next;
  };
  return first;
}

}  // namespace

step stream_events(const call& call, const services& services) {
  auto after = call.parameter("after");
  const auto last = call.http->field("last-event-id");
  if (last && !last->empty()) after = last;  // it has been here before
  auto wanted = event_request_of(call, services, after);
  if (const auto* problem = std::get_if<json::problem>(&wanted)) return refuse(*problem, call.request_id);
  const auto reader = std::make_shared<event_reader>();
  if (services.streams) reader->place = stream_places::take(services.streams);
  if (services.streams && !reader->place)
    return refuse({.code = "overloaded", .detail = "As many follow events at this node as may."},
                  call.request_id);
  reader->call = call;
  auto& [from, filter] = std::get<event_request>(wanted);
  reader->filter = std::move(filter);
  reader->at = std::move(from);
  return begin_stream(std::get<ask>(read_on(reader, services)), reader, services);
}

}  // namespace souk::gateway
