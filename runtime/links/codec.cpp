#include "runtime/links/codec.hpp"

#include "runtime/links/envelope.pb.h"
#include "runtime/links/limits.hpp"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

namespace souk::links {

namespace {

using runtime::undecodable;

pb::Envelope envelope_of(shard_id shard, std::uint64_t correlation) {
  pb::Envelope envelope;
  envelope.set_shard(shard);
  envelope.set_correlation(correlation);
  return envelope;
}

void write(const runtime::address& address, pb::Address* out) {
  out->set_tenant(address.tenant);
  out->set_kind(address.kind);
  out->set_key(address.key);
}

void write(const runtime::message_ptr& value, pb::Typed* out) {
  out->set_type(value->GetDescriptor()->full_name());
  value->SerializeToString(out->mutable_value());
}

runtime::kind_id kind_of_number(std::uint32_t number) {
  if (number > std::numeric_limits<runtime::kind_id>::max())
    throw undecodable("unknown entity kind " + std::to_string(number));
  return static_cast<runtime::kind_id>(number);
}

shard_id shard_of_number(std::uint32_t number) {
  if (number > std::numeric_limits<shard_id>::max()) throw undecodable("no shard " + std::to_string(number));
  return static_cast<shard_id>(number);
}

runtime::address read(const pb::Address& in) { return {in.tenant(), kind_of_number(in.kind()), in.key()}; }

/// A message of any type that this build knows.
runtime::message_ptr read(const pb::Typed& in) {
  namespace protobuf = google::protobuf;
  const auto* type = protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(in.type());
  const auto* prototype =
      type == nullptr ? nullptr : protobuf::MessageFactory::generated_factory()->GetPrototype(type);
  if (prototype == nullptr) throw undecodable("unknown message type " + in.type());
  std::shared_ptr<protobuf::Message> message{prototype->New()};
  if (!message->ParseFromString(in.value())) throw undecodable("not a " + in.type());
  return message;
}

/// Sixteen bytes, or nothing.
template <class Id>
std::optional<Id> read_id(const std::string& bytes) {
  Id id{};
  if (bytes.size() != id.size()) return std::nullopt;
  std::copy(bytes.begin(), bytes.end(), id.begin());
  return id;
}

runtime::outcome read_outcome(std::uint32_t number) {
  if (number > static_cast<std::uint32_t>(runtime::outcome::unknown))
    throw undecodable("unknown outcome " + std::to_string(number));
  return static_cast<runtime::outcome>(number);
}

void bound(std::size_t size, std::size_t most, const char* what) {
  if (size > most) throw undecodable(std::to_string(size) + " " + what + " in one envelope");
}

hello read(const pb::Hello& in) {
  return {in.cluster(), in.node(), in.expects(), in.incarnation(), in.lowest_version(), in.highest_version()};
}

runtime::request read(const pb::Envelope& envelope, const pb::Request& in,
                      const runtime::entity_catalogue& kinds) {
  runtime::request request;
  request.to = read(in.to());
  request.command = kinds.kind(request.to.kind).parse_command(in.command());
  const auto id = read_id<runtime::command_id>(envelope.idempotency_key());
  if (!id) throw undecodable("a request without an id");
  request.id = *id;
  if (in.keyed()) {
    request.fingerprint = read_id<runtime::fingerprint>(in.fingerprint());
    if (!request.fingerprint) throw undecodable("a keyed request without a fingerprint");
  }
  request.request_id = in.request_id();
  request.traceparent = envelope.traceparent();
  request.admin = in.admin();
  request.caller = in.caller();
  request.read_only = in.read_only();
  request.crash = in.crash();
  request.correlation = envelope.correlation();
  return request;
}

runtime::response read(const pb::Envelope& envelope, const pb::Response& in) {
  runtime::response response;
  response.correlation = envelope.correlation();
  response.outcome = read_outcome(in.outcome());
  response.answer.status = static_cast<int>(in.status());
  response.answer.body = in.body();
  response.answer.etag = in.etag();
  response.answer.location = in.location();
  response.answer.content_type = in.content_type();
  if (in.has_value()) response.answer.value = read(in.value());
  response.detail = in.detail();
  return response;
}

runtime::index_query read(const pb::Envelope& envelope, const pb::IndexQuery& in) {
  bound(in.limit(), index_rows_max, "rows asked for");
  runtime::index_query query;
  query.tenant = in.tenant();
  query.index = in.index();
  query.after = in.after();
  query.descending = in.descending();
  query.limit = in.limit();
  query.correlation = envelope.correlation();
  if (in.has_journal()) {
    auto& place = query.journal.emplace();
    place.index = in.journal().index();
    place.epoch = in.journal().epoch();
    bound(static_cast<std::size_t>(in.journal().kinds_size()), index_rows_max, "kinds");
    for (const auto kind : in.journal().kinds())
      place.kinds.push_back(kind_of_number(kind));
  }
  return query;
}

runtime::index_page read(const pb::Envelope& envelope, const pb::IndexPage& in) {
  bound(static_cast<std::size_t>(in.rows_size()), index_rows_max, "rows");
  runtime::index_page page;
  page.correlation = envelope.correlation();
  page.available = in.available();
  page.more = in.more();
  page.rows.reserve(static_cast<std::size_t>(in.rows_size()));
  for (const auto& row : in.rows())
    page.rows.emplace_back(row.key(), row.value());
  if (in.has_journal())
    page.journal = {in.journal().first(), in.journal().next(), in.journal().epoch(), in.journal().lost()};
  return page;
}

runtime::stream_batch read(shard_id to, const pb::StreamBatch& in, const runtime::entity_catalogue& kinds) {
  bound(static_cast<std::size_t>(in.items_size()), batch_items_max, "effects");
  runtime::stream_batch batch;
  batch.from = shard_of_number(in.from());
  batch.to = to;
  batch.items.reserve(static_cast<std::size_t>(in.items_size()));
  for (const auto& item : in.items()) {
    runtime::stream_batch::item effect;
    effect.number = item.number();
    effect.to = read(item.to());
    effect.sender = read(item.sender());
    effect.failed_kind = kind_of_number(item.failed_kind());
    effect.failed_key = item.failed_key();
    effect.failure = item.failure();
    effect.traceparent = item.traceparent();
    const auto& receiver = kinds.kind(effect.to.kind);
    const auto& kind = effect.failed_kind == 0 ? receiver : kinds.kind(effect.failed_kind);
    effect.command = kind.parse_command(item.command());
    batch.items.push_back(std::move(effect));
  }
  return batch;
}

payload read_payload(pb::Envelope& envelope, shard_id shard, const runtime::entity_catalogue& kinds) {
  switch (envelope.payload_case()) {
    case pb::Envelope::kHello:
      return read(envelope.hello());
    case pb::Envelope::kGoodbye:
      return goodbye{envelope.goodbye().reason()};
    case pb::Envelope::kHeartbeat:
      return heartbeat{};
    case pb::Envelope::kRefusal:
      return refusal{envelope.refusal().reason()};
    case pb::Envelope::kRequest:
      return read(envelope, envelope.request(), kinds);
    case pb::Envelope::kResponse:
      return read(envelope, envelope.response());
    case pb::Envelope::kIndexQuery:
      return read(envelope, envelope.index_query());
    case pb::Envelope::kIndexPage:
      return read(envelope, envelope.index_page());
    case pb::Envelope::kStreamBatch:
      return read(shard, envelope.stream_batch(), kinds);
    case pb::Envelope::kStreamAck: {
      const auto& ack = envelope.stream_ack();
      return runtime::stream_ack{
          shard_of_number(ack.from()), shard, ack.watermark(), {ack.above().begin(), ack.above().end()}};
    }
    case pb::Envelope::kReplication:
      return replication{std::move(*envelope.mutable_replication()->mutable_content())};
    case pb::Envelope::kNodeCall:
      return node_call{envelope.node_call().name(),
                       std::move(*envelope.mutable_node_call()->mutable_content())};
    case pb::Envelope::kNodeReply:
      return node_reply{envelope.node_reply().answered(),
                        std::move(*envelope.mutable_node_reply()->mutable_content())};
    case pb::Envelope::PAYLOAD_NOT_SET:
      break;
  }
  throw undecodable("a content that this version does not know");
}

}  // namespace

decoded decode(std::string_view bytes, const runtime::entity_catalogue& kinds) {
  pb::Envelope envelope;
  if (bytes.size() > envelope_bytes_max ||
      !envelope.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return garbage{"not an envelope: " + std::to_string(bytes.size()) + " bytes"};
  if (envelope.version() == 0) return garbage{"an envelope without a version"};
  stamp stamp{envelope.version(), envelope.sender(), envelope.incarnation(), envelope.sequence()};
  shard_id shard = 0;
  try {
    shard = shard_of_number(envelope.shard());
    auto payload = read_payload(envelope, shard, kinds);
    return arrival{std::move(stamp), shard, envelope.correlation(),
                   std::chrono::milliseconds{envelope.deadline_ms()}, std::move(payload)};
  } catch (const undecodable& error) {
    return not_understood{std::move(stamp), shard, envelope.correlation(), error.what()};
  }
}

std::string content(shard_id shard, std::uint64_t correlation, const hello& what) {
  auto envelope = envelope_of(shard, correlation);
  auto* out = envelope.mutable_hello();
  out->set_cluster(what.cluster);
  out->set_node(what.node);
  out->set_expects(what.expects);
  out->set_incarnation(what.incarnation);
  out->set_lowest_version(what.lowest_version);
  out->set_highest_version(what.highest_version);
  return envelope.SerializeAsString();
}

std::string content(shard_id shard, std::uint64_t correlation, const goodbye& what) {
  auto envelope = envelope_of(shard, correlation);
  envelope.mutable_goodbye()->set_reason(what.reason);
  return envelope.SerializeAsString();
}

std::string content(shard_id shard, std::uint64_t correlation, const heartbeat&) {
  auto envelope = envelope_of(shard, correlation);
  envelope.mutable_heartbeat();
  return envelope.SerializeAsString();
}

std::string content(shard_id shard, std::uint64_t correlation, const refusal& what) {
  auto envelope = envelope_of(shard, correlation);
  envelope.mutable_refusal()->set_reason(what.reason);
  return envelope.SerializeAsString();
}

std::string content(shard_id shard, std::uint64_t correlation, const runtime::request& what,
                    std::chrono::milliseconds deadline) {
  auto envelope = envelope_of(shard, correlation);
  envelope.set_deadline_ms(static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(deadline.count(), 0, std::numeric_limits<std::uint32_t>::max())));
  envelope.set_traceparent(what.traceparent);
  envelope.set_idempotency_key(runtime::bytes_of(what.id));
  auto* out = envelope.mutable_request();
  write(what.to, out->mutable_to());
  what.command->SerializeToString(out->mutable_command());
  out->set_keyed(what.fingerprint.has_value());
  if (what.fingerprint) out->set_fingerprint(runtime::bytes_of(*what.fingerprint));
  out->set_request_id(what.request_id);
  out->set_admin(what.admin);
  out->set_caller(what.caller);
  out->set_read_only(what.read_only);
  out->set_crash(what.crash);
  return envelope.SerializeAsString();
}

std::string content(shard_id shard, std::uint64_t correlation, const runtime::response& what) {
  auto envelope = envelope_of(shard, correlation);
  auto* out = envelope.mutable_response();
  out->set_outcome(static_cast<std::uint32_t>(what.outcome));
  out->set_status(static_cast<std::uint32_t>(what.answer.status));
  out->set_body(what.answer.body);
  out->set_etag(what.answer.etag);
  out->set_location(what.answer.location);
  out->set_content_type(what.answer.content_type);
  if (what.answer.value) write(what.answer.value, out->mutable_value());
  out->set_detail(what.detail);
  return envelope.SerializeAsString();
}

std::string content(shard_id shard, std::uint64_t correlation, const runtime::index_query& what) {
  auto envelope = envelope_of(shard, correlation);
  auto* out = envelope.mutable_index_query();
  out->set_tenant(what.tenant);
  out->set_index(what.index);
  out->set_after(what.after);
  out->set_descending(what.descending);
  out->set_limit(what.limit);
  if (what.journal) {
    auto& place = *out->mutable_journal();
    place.set_index(what.journal->index);
    place.set_epoch(what.journal->epoch);
    place.mutable_kinds()->Add(what.journal->kinds.begin(), what.journal->kinds.end());
  }
  return envelope.SerializeAsString();
}

std::string content(shard_id shard, std::uint64_t correlation, const runtime::index_page& what) {
  auto envelope = envelope_of(shard, correlation);
  auto* out = envelope.mutable_index_page();
  out->set_available(what.available);
  out->set_more(what.more);
  for (const auto& [key, value] : what.rows) {
    auto* row = out->add_rows();
    row->set_key(key);
    row->set_value(value);
  }
  if (what.journal) {
    auto& extent = *out->mutable_journal();
    extent.set_first(what.journal->first);
    extent.set_next(what.journal->next);
    extent.set_epoch(what.journal->epoch);
    extent.set_lost(what.journal->lost);
  }
  return envelope.SerializeAsString();
}

std::string content(shard_id shard, std::uint64_t correlation, const runtime::stream_ack& what) {
  auto envelope = envelope_of(shard, correlation);
  auto* out = envelope.mutable_stream_ack();
  out->set_from(what.from);
  out->set_watermark(what.watermark);
  for (auto number : what.above)
    out->add_above(number);
  return envelope.SerializeAsString();
}

std::string content(shard_id shard, std::uint64_t correlation, replication what) {
  auto envelope = envelope_of(shard, correlation);
  envelope.mutable_replication()->set_content(std::move(what.content));
  return envelope.SerializeAsString();
}

std::string content(shard_id shard, std::uint64_t correlation, const node_call& what) {
  auto envelope = envelope_of(shard, correlation);
  envelope.mutable_node_call()->set_name(what.name);
  envelope.mutable_node_call()->set_content(what.content);
  return envelope.SerializeAsString();
}

std::string content(shard_id shard, std::uint64_t correlation, const node_reply& what) {
  auto envelope = envelope_of(shard, correlation);
  envelope.mutable_node_reply()->set_answered(what.answered);
  envelope.mutable_node_reply()->set_content(what.content);
  return envelope.SerializeAsString();
}

std::vector<std::string> contents(const runtime::stream_batch& batch) {
  std::vector<std::string> parts;
  auto envelope = envelope_of(batch.to, 0);
  envelope.mutable_stream_batch()->set_from(batch.from);
  std::size_t bytes = 0;
  auto finish = [&] {
    parts.push_back(envelope.SerializeAsString());
    envelope.mutable_stream_batch()->clear_items();
    bytes = 0;
  };
  for (const auto& item : batch.items) {
    auto* out = envelope.mutable_stream_batch()->add_items();
    out->set_number(item.number);
    write(item.to, out->mutable_to());
    write(item.sender, out->mutable_sender());
    if (item.command)
      item.command->SerializeToString(out->mutable_command());
    else
      out->set_command(item.bytes);
    out->set_failed_kind(item.failed_kind);
    out->set_failed_key(item.failed_key);
    out->set_failure(item.failure);
    out->set_traceparent(item.traceparent);
    bytes += out->command().size() + out->failure().size() + item.to.key.size() + item.sender.key.size();
    const auto items = static_cast<std::size_t>(envelope.stream_batch().items_size());
    if (items == batch_items_max || bytes >= batch_bytes_max) finish();
  }
  if (envelope.stream_batch().items_size() > 0) finish();
  return parts;
}

std::string stamped(const stamp& stamp) {
  pb::Envelope envelope;
  envelope.set_version(stamp.version);
  envelope.set_sender(stamp.sender);
  envelope.set_incarnation(stamp.incarnation);
  envelope.set_sequence(stamp.sequence);
#ifdef SOUK_NEXT_VERSION
  envelope.set_newest_format(8);
#endif
  return envelope.SerializeAsString();
}

}  // namespace souk::links
