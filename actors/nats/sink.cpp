#include "actors/nats/sink.hpp"

#include "actors/formats.hpp"
#include "actors/json/problem.hpp"
#include "actors/keyring/tenant.hpp"
#include "runtime/cluster/placement.hpp"

#include <utility>

namespace souk::nats {

namespace {

constexpr std::uint32_t schema = 1;
constexpr std::string_view sink_row = "sink";

void apply(pb::Sink& row, const pb::Event& event) {
  if (event.has_claimed()) row.set_run(event.claimed().run());
  if (!event.has_progressed()) return;
  const auto& progress = event.progressed();
  *row.mutable_place() = progress.place();
  row.set_published(row.published() + progress.published());
  row.set_lost_records(row.lost_records() + progress.lost_records());
}

runtime::decision refused(std::string detail, const runtime::context& context) {
  return json::refuse({.code = "invalid_state", .detail = std::move(detail)}, context);
}

runtime::decision claim(const sink_state& state, const pb::Claim& claim, const runtime::context& context) {
  if (context.format < formats::nats_sinks)
    return refused("Some nodes do not know sinks of NATS yet: see souk cluster finalize.", context);
  pb::Event event;
  event.set_schema(schema);
  *event.mutable_claimed() = claim;
  auto row = std::make_shared<pb::Sink>(state.row);
  apply(*row, event);
  runtime::decision decision;
  decision.reply = runtime::answer{};
  decision.reply->value = std::move(row);
  decision.emit(std::move(event));
  return decision;
}

// Taken of the last claim alone: a publisher that was cut off must not take back what its successor did.
runtime::decision progress(const sink_state& state, const pb::Progress& progress,
                           const runtime::context& context) {
  if (progress.run().empty() || state.row.run() != progress.run())
    return refused("Another publisher has this sink.", context);
  pb::Event event;
  event.set_schema(schema);
  *event.mutable_progressed() = progress;
  runtime::decision decision;
  decision.reply = runtime::answer{};
  decision.emit(std::move(event));
  return decision;
}

}  // namespace

runtime::address sink_of(runtime::shard_id shard, std::uint16_t shard_count, std::string_view stream) {
  runtime::address sink{std::string{keyring::first_tenant}, kinds::nats_sink, {}};
  // Each number falls on any shard alike, so that this ends.
  for (std::uint64_t number = 0;; ++number) {
    sink.key = std::string{stream} + "." + std::to_string(number);
    const auto partition = sink_decider::partition_of(sink.key);
    if (runtime::shard_of_partition(sink.tenant, partition, shard_count) == shard) return sink;
  }
}

runtime::decision sink_decider::decide(const state& state, const command& command,
                                       const runtime::context& context) const {
  if (command.has_claim()) return claim(state, command.claim(), context);
  return progress(state, command.progress(), context);
}

runtime::decision sink_decider::on_timer(const state&, std::string_view, const runtime::context&) const {
  return {};
}

runtime::decision sink_decider::on_effect_failed(const state&, const runtime::address&,
                                                 const google::protobuf::Message&, std::string_view,
                                                 const runtime::context&) const {
  return {};
}

void sink_decider::evolve(state& state, const event& event, runtime::timestamp, std::uint64_t) const {
  if (event.of_case() == event::OF_NOT_SET)
    throw runtime::undecodable("a NATS sink's event of an unknown type");
  apply(state.row, event);
  state.row_changed = true;
}

void sink_decider::load_row(state& state, std::string_view, std::string_view value) const {
  state.row = *runtime::parse_as<pb::Sink>(value);
}

void sink_decider::save_rows(state& state, runtime::row_sink& sink) const {
  if (state.row_changed) sink.put(sink_row, state.row.SerializeAsString());
  state.row_changed = false;
}

std::shared_ptr<const runtime::entity_kind> make_kind() {
  return std::make_shared<const runtime::kind_of<sink_decider>>(sink_decider{});
}

}  // namespace souk::nats
