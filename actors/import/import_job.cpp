#include "actors/import/import_job.hpp"

#include "actors/json/problem.hpp"
#include "actors/json/writer.hpp"

#include <utility>

namespace souk::import_job {

namespace {

constexpr std::uint32_t schema = 1;
constexpr std::string_view row_name = "job";

std::string to_json(const pb::StateRow& row) {
  json::writer out;
  out.begin_object().key("id").string(row.job().import_id()).key("status").string(row.status());
  out.key("format").string(row.job().format());
  out.key("lines").integer(static_cast<std::int64_t>(row.lines()));
  out.key("products").integer(static_cast<std::int64_t>(row.products()));
  out.key("adjustments").integer(static_cast<std::int64_t>(row.adjustments()));
  out.key("failed_lines").integer(static_cast<std::int64_t>(row.failed_lines()));
  out.key("errors").begin_array();
  for (const pb::LineError& error : row.errors()) {
    out.begin_object().key("line").integer(static_cast<std::int64_t>(error.line()));
    out.key("code").string(error.code()).key("detail").string(error.detail()).end_object();
  }
  out.end_array();
  if (!row.failure().empty()) out.key("failure").string(row.failure());
  out.key("created_at").time(runtime::from_ms(row.created_at_ms()));
  if (row.finished_at_ms() != 0) out.key("finished_at").time(runtime::from_ms(row.finished_at_ms()));
  out.end_object();
  return std::move(out).take();
}

runtime::decision show(const import_state& state, const runtime::context& context) {
  if (!state.exists())
    return json::refuse({.code = "not_found", .detail = "There is no such import."}, context);
  runtime::answer answer;
  answer.body = to_json(state.row);
  answer.value = std::make_shared<const pb::StateRow>(state.row);
  runtime::decision decision;
  decision.reply = std::move(answer);
  return decision;
}

runtime::decision open(const import_state& state, const pb::Open& open, const runtime::context& context) {
  if (state.exists())
    return json::refuse({.code = "invalid_state", .detail = "This import exists."}, context);
  json::writer out;
  out.begin_object().key("id").string(open.import_id()).key("status").string("running").end_object();
  runtime::answer answer;
  answer.status = 202;
  answer.body = std::move(out).take();
  answer.location = "/v1/imports/" + open.import_id();
  runtime::decision decision;
  decision.reply = std::move(answer);
  decision.indexes.push_back({std::string{open_index}, context.self.key, open.file()});
  pb::Event event;
  event.set_schema(schema);
  *event.mutable_opened() = open;
  decision.emit(std::move(event));
  return decision;
}

/// What the importer reports is taken once, and only where it continues what is known.
runtime::decision report(const import_state& state, pb::Event event, const runtime::context& context) {
  runtime::decision decision = show(state, context);
  if (!state.is_running()) return decision;
  if (event.has_advanced() && event.advanced().from_line() != state.row.lines()) return decision;
  if (event.has_finished())
    decision.indexes.push_back({std::string{open_index}, context.self.key, std::nullopt});
  event.set_schema(schema);
  decision.emit(std::move(event));
  return decision;
}

void apply(pb::StateRow& row, const pb::Advance& advance) {
  row.set_lines(advance.to_line());
  row.set_products(row.products() + advance.products());
  row.set_adjustments(row.adjustments() + advance.adjustments());
  row.set_failed_lines(row.failed_lines() + advance.failed_lines());
  for (const pb::LineError& error : advance.errors())
    if (row.errors_size() < errors_max) *row.add_errors() = error;
}

}  // namespace

runtime::decision import_decider::decide(const state& state, const command& command,
                                         const runtime::context& context) const {
  pb::Event event;
  if (command.has_open()) return open(state, command.open(), context);
  if (command.has_advance()) {
    *event.mutable_advanced() = command.advance();
    return report(state, std::move(event), context);
  }
  if (command.has_finish()) {
    *event.mutable_finished() = command.finish();
    return report(state, std::move(event), context);
  }
  return show(state, context);
}

runtime::decision import_decider::on_timer(const state&, std::string_view, const runtime::context&) const {
  return {};
}

runtime::decision import_decider::on_effect_failed(const state&, const runtime::address&,
                                                   const google::protobuf::Message&, std::string_view,
                                                   const runtime::context&) const {
  return {};
}

void import_decider::evolve(state& state, const event& event, runtime::timestamp at,
                            std::uint64_t version) const {
  pb::StateRow& row = state.row;
  if (event.has_opened()) {
    *row.mutable_job() = event.opened();
    row.set_status("running");
    row.set_created_at_ms(runtime::to_ms(at));
  } else if (event.has_advanced()) {
    apply(row, event.advanced());
  } else if (event.has_finished()) {
    row.set_status(event.finished().failure().empty() ? "completed" : "failed");
    row.set_failure(event.finished().failure());
    row.set_finished_at_ms(runtime::to_ms(at));
  } else {
    throw runtime::undecodable("an import event of an unknown type");
  }
  row.set_version(version);
  state.row_changed = true;
}

void import_decider::load_row(state& state, std::string_view, std::string_view value) const {
  state.row = *runtime::parse_as<pb::StateRow>(value);
}

void import_decider::save_rows(state& state, runtime::row_sink& sink) const {
  if (state.row_changed) sink.put(row_name, state.row.SerializeAsString());
  state.row_changed = false;
}

std::shared_ptr<const runtime::entity_kind> make_kind() {
  return std::make_shared<const runtime::kind_of<import_decider>>(import_decider{});
}

}  // namespace souk::import_job
