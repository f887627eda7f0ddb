#include "actors/webhook/endpoint.hpp"

#include "actors/formats.hpp"
#include "actors/gateway/digests.hpp"
#include "actors/json/problem.hpp"
#include "actors/json/writer.hpp"

#include <algorithm>
#include <utility>

namespace souk::webhook {

namespace {

constexpr std::uint32_t schema = 1;
constexpr std::string_view endpoint_row = "endpoint";
constexpr std::string_view parked_prefix = "parked/";

/// Without secrets.
std::string to_json(const pb::Endpoint& row, std::size_t waiting) {
  json::writer out;
  out.begin_object().key("id").string(row.id());
  out.key("version").integer(static_cast<std::int64_t>(row.version()));
  out.key("url").string(row.url()).key("types").begin_array();
  for (const auto& type : row.types())
    out.string(type);
  out.end_array().key("status").string(row.disabled().empty() ? "enabled" : "disabled");
  if (!row.disabled().empty()) out.key("disabled_reason").string(row.disabled());
  out.key("waiting").integer(static_cast<std::int64_t>(waiting));
  out.key("replaying").boolean(row.has_replay());
  if (row.failed_at_ms() != 0) {
    out.key("failing_since").time(runtime::from_ms(row.failed_at_ms()));
    out.key("failure").string(row.failure());
  }
  if (row.previous_until_ms() != 0)
    out.key("previous_secret_until").time(runtime::from_ms(row.previous_until_ms()));
  out.key("created_at").time(runtime::from_ms(row.created_at_ms()));
  out.end_object();
  return std::move(out).take();
}

runtime::answer show(const pb::Endpoint& row, std::size_t waiting) {
  runtime::answer answer;
  answer.body = to_json(row, waiting);
  answer.etag = "\"" + std::to_string(row.version()) + "\"";
  return answer;
}

runtime::decision not_there(const runtime::context& context) {
  return json::refuse({.code = "not_found", .detail = "There is no such webhook endpoint."}, context);
}

pb::Place* place_of(google::protobuf::RepeatedPtrField<pb::Place>& places, std::uint32_t shard) {
  const auto found = std::ranges::find(places, shard, &pb::Place::shard);
  return found == places.end() ? nullptr : &*found;
}

void put(google::protobuf::RepeatedPtrField<pb::Place>& places, const pb::Place& place) {
  if (auto* known = place_of(places, place.shard()))
    *known = place;
  else
    *places.Add() = place;
}

/// Whether the endpoint is where a replay ends.
bool is_over(const pb::Range& replay, const pb::Endpoint& row) {
  return std::ranges::all_of(replay.end(), [&](const pb::Place& end) {
    const auto place = std::ranges::find(row.places(), end.shard(), &pb::Place::shard);
    return place == row.places().end() || !is_before(*place, end);
  });
}

// -- what the events do to the first row -----------------------------------------------------------------

void apply(pb::Endpoint& row, const pb::Create& created, runtime::timestamp at) {
  row.set_id(created.endpoint_id());
  row.set_url(created.url());
  *row.mutable_types() = created.types();
  row.set_secret(created.secret());
  *row.mutable_places() = created.places();
  row.set_created_at_ms(runtime::to_ms(at));
}

void apply(pb::Endpoint& row, const pb::Change& changed) {
  if (changed.has_url()) row.set_url(changed.url());
  if (changed.has_types()) *row.mutable_types() = changed.types().types();
  if (!changed.has_enabled()) return;
  if (changed.enabled()) {
    row.clear_disabled();
    row.clear_failure();
    row.clear_failed_at_ms();
  } else if (row.disabled().empty()) {
    row.set_disabled(std::string{reason::by_request});
  }
}

void apply(pb::Endpoint& row, const pb::Rotate& rotated) {
  row.set_previous_secret(row.secret());
  row.set_previous_until_ms(rotated.previous_until_ms());
  row.set_secret(rotated.secret());
}

void apply(pb::Endpoint& row, const pb::Replay& replayed) {
  pb::Range range;
  // What a replay that is under way has not come to yet is to be sent as well.
  *range.mutable_end() = row.has_replay() ? row.replay().end() : row.places();
  range.set_from_ms(replayed.from_ms());
  *range.mutable_until() = replayed.until();
  range.set_until_ms(replayed.until_ms());
  *row.mutable_replay() = std::move(range);
  for (const auto& place : replayed.places()) {
    const auto* known = place_of(*row.mutable_places(), place.shard());
    if (known == nullptr || is_before(place, *known)) put(*row.mutable_places(), place);
  }
  row.clear_run();  // whoever sends knows other places
}

void apply(pb::Endpoint& row, const pb::Progress& progress, runtime::timestamp at) {
  for (const auto& place : progress.places())
    put(*row.mutable_places(), place);
  for (const auto shard : progress.lost()) {
    pb::Place first;
    first.set_shard(shard);
    put(*row.mutable_places(), first);
  }
  if (row.has_replay() && is_over(row.replay(), row)) row.clear_replay();
  if (progress.recovered()) row.clear_failed_at_ms();
  if (!progress.failure().empty()) {
    row.set_failure(progress.failure());
    if (row.failed_at_ms() == 0) row.set_failed_at_ms(runtime::to_ms(at));
  }
  if (!progress.disable().empty()) row.set_disabled(progress.disable());
}

void apply(pb::Endpoint& row, const pb::Event& event, runtime::timestamp at, std::uint64_t version) {
  bool news = true;  // to its sender
  if (event.has_created())
    apply(row, event.created(), at);
  else if (event.has_changed())
    apply(row, event.changed());
  else if (event.has_rotated())
    apply(row, event.rotated());
  else if (event.has_replayed())
    apply(row, event.replayed());
  else if (event.has_removed())
    row.Clear();
  else
    news = false;
  if (event.has_claimed()) row.set_run(event.claimed().run());
  if (event.has_progressed()) apply(row, event.progressed(), at);
  if (news) row.set_revision(version);
  row.set_version(version);
}

// -- decisions -------------------------------------------------------------------------------------------

runtime::index_change index_of(const pb::Endpoint& row, const runtime::context& context) {
  runtime::index_change change{std::string{endpoint_index}, context.self.key, std::nullopt};
  if (!row.id().empty()) change.value = row.disabled().empty() ? std::to_string(row.revision()) : "0";
  return change;
}

/// Emits the event and answers what it makes of the endpoint.
runtime::decision decided(const endpoint_state& state, pb::Event event, const runtime::context& context) {
  event.set_schema(schema);
  pb::Endpoint next = state.row;
  apply(next, event, context.now, context.version + 1);
  runtime::decision decision;
  decision.indexes.push_back(index_of(next, context));
  decision.reply = show(next, state.parked.size());
  decision.emit(std::move(event));
  return decision;
}

runtime::decision create(const endpoint_state& state, const pb::Create& create,
                         const runtime::context& context) {
  if (state.exists() || context.version != 0)
    return json::refuse({.code = "invalid_state", .detail = "This webhook endpoint exists."}, context);
  if (context.format < formats::webhooks)
    return json::refuse({.code = "invalid_state",
                         .detail = "Some nodes do not know webhooks yet: see souk cluster finalize."},
                        context);
  pb::Event event;
  *event.mutable_created() = create;
  auto decision = decided(state, std::move(event), context);
  decision.reply->status = 201;
  decision.reply->location = "/v1/webhook_endpoints/" + create.endpoint_id();
  return decision;
}

runtime::decision remove(const endpoint_state& state, const runtime::context& context) {
  pb::Event event;
  event.mutable_removed();
  auto decision = decided(state, std::move(event), context);
  json::writer out;
  out.begin_object().key("id").string(state.row.id()).key("deleted").boolean(true).end_object();
  decision.reply = runtime::answer{};
  decision.reply->body = std::move(out).take();
  return decision;
}

runtime::decision replay(const endpoint_state& state, const pb::Replay& replay,
                         const runtime::context& context) {
  if (!state.row.disabled().empty())
    return json::refuse({.code = "invalid_state", .detail = "The endpoint is disabled: enable it first."},
                        context);
  pb::Event event;
  *event.mutable_replayed() = replay;
  auto decision = decided(state, std::move(event), context);
  decision.reply->status = 202;
  return decision;
}

/// The claim is answered with all that a sender needs, which no client ever sees.
runtime::decision claim(const endpoint_state& state, const pb::Claim& claim,
                        const runtime::context& context) {
  pb::Event event;
  event.set_schema(schema);
  *event.mutable_claimed() = claim;
  auto claimed = std::make_shared<pb::Claimed>();
  *claimed->mutable_endpoint() = state.row;
  apply(*claimed->mutable_endpoint(), event, context.now, context.version + 1);
  for (const auto& [id, parked] : state.parked)
    *claimed->add_parked() = parked;
  runtime::decision decision;
  decision.reply = runtime::answer{};
  decision.reply->value = std::move(claimed);
  decision.emit(std::move(event));
  return decision;
}

/// Taken of the last claim alone: a sender that was cut off must not take back what its successor did.
runtime::decision progress(const endpoint_state& state, const pb::Progress& progress,
                           const runtime::context& context) {
  if (state.row.run() != progress.run())
    return json::refuse({.code = "invalid_state", .detail = "Another sender has this endpoint."}, context);
  pb::Event event;
  *event.mutable_progressed() = progress;
  const bool disables = !progress.disable().empty();
  auto decision = decided(state, std::move(event), context);
  if (!disables) decision.indexes.clear();
  return decision;
}

}  // namespace

std::string secret_text(std::string_view secret) { return "whsec_" + gateway::base64(secret); }

bool is_before(const pb::Place& place, const pb::Place& other) {
  return std::pair{place.index(), place.events()} < std::pair{other.index(), other.events()};
}

runtime::decision endpoint_decider::decide(const state& state, const command& command,
                                           const runtime::context& context) const {
  if (command.has_create()) return create(state, command.create(), context);
  if (!state.exists()) return not_there(context);
  pb::Event event;
  switch (command.of_case()) {
    case command::kChange:
      *event.mutable_changed() = command.change();
      return decided(state, std::move(event), context);
    case command::kRotate:
      *event.mutable_rotated() = command.rotate();
      return decided(state, std::move(event), context);
    case command::kRemove:
      return remove(state, context);
    case command::kReplay:
      return replay(state, command.replay(), context);
    case command::kClaim:
      return claim(state, command.claim(), context);
    case command::kProgress:
      return progress(state, command.progress(), context);
    default:
      break;
  }
  runtime::decision decision;
  decision.reply = show(state.row, state.parked.size());
  return decision;
}

runtime::decision endpoint_decider::on_timer(const state&, std::string_view, const runtime::context&) const {
  return {};
}

runtime::decision endpoint_decider::on_effect_failed(const state&, const runtime::address&,
                                                     const google::protobuf::Message&, std::string_view,
                                                     const runtime::context&) const {
  return {};
}

void endpoint_decider::evolve(state& state, const event& event, runtime::timestamp at,
                              std::uint64_t version) const {
  if (event.of_case() == event::OF_NOT_SET) throw runtime::undecodable("a webhook event of an unknown type");
  apply(state.row, event, at, version);
  state.row_changed = true;
  const auto forget = [&](const std::string& id) {
    state.parked.erase(id);
    state.parked_changed.insert(id);
  };
  if (event.has_progressed()) {
    const auto& progress = event.progressed();
    for (const auto& parked : progress.parked()) {
      state.parked[parked.id()] = parked;
      state.parked_changed.insert(parked.id());
    }
    for (const auto& retry : progress.retries())
      if (const auto found = state.parked.find(retry.id()); found != state.parked.end()) {
        found->second.set_attempts(retry.attempts());
        found->second.set_next_try_ms(retry.next_try_ms());
        state.parked_changed.insert(retry.id());
      }
    for (const auto& id : progress.delivered())
      forget(id);
  }
  if (event.has_removed())
    while (!state.parked.empty())
      forget(std::string{state.parked.begin()->first});
  // Whoever enables an endpoint says that it can be reached: all begins anew.
  if (event.has_changed() && event.changed().enabled())
    for (auto& [id, parked] : state.parked) {
      parked.set_attempts(0);
      parked.set_next_try_ms(0);
      state.parked_changed.insert(id);
    }
}

void endpoint_decider::load_row(state& state, std::string_view row, std::string_view value) const {
  if (row == endpoint_row)
    state.row = *runtime::parse_as<pb::Endpoint>(value);
  else
    state.parked[std::string{row.substr(parked_prefix.size())}] = *runtime::parse_as<pb::Parked>(value);
}

void endpoint_decider::save_rows(state& state, runtime::row_sink& sink) const {
  if (state.row_changed) sink.put(endpoint_row, state.row.SerializeAsString());
  state.row_changed = false;
  for (const auto& id : std::exchange(state.parked_changed, {})) {
    const auto row = std::string{parked_prefix} + id;
    if (const auto found = state.parked.find(id); found != state.parked.end())
      sink.put(row, found->second.SerializeAsString());
    else
      sink.erase(row);
  }
}

std::shared_ptr<const runtime::entity_kind> make_kind() {
  return std::make_shared<const runtime::kind_of<endpoint_decider>>(endpoint_decider{});
}

}  // namespace souk::webhook
