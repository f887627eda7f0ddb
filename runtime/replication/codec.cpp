#include "runtime/replication/codec.hpp"

#include <memory>
#include <string>
#include <utility>

namespace souk::replication {
namespace {

void put(position from, pb::Position* to) {
  to->set_index(from.index);
  to->set_epoch(from.epoch);
}
position get(const pb::Position& from) { return {from.index(), from.epoch()}; }

// Moved out, so that the payload of a large batch is in memory once.
std::shared_ptr<const std::string> take(std::string* bytes) {
  return std::make_shared<const std::string>(std::move(*bytes));
}

struct encoder {
  pb::Message& to;

  void operator()(const append& from) const {
    auto& out = *to.mutable_append();
    out.set_epoch(from.epoch);
    out.set_number(from.number);
    out.set_sent_at_ns(from.sent_at.count());
    put(from.prev, out.mutable_prev());
    out.set_committed(from.committed);
    pb::Run* run = nullptr;
    for (const auto& entry : from.entries) {
      if (!run || run->epoch() != entry.epoch) {
        run = out.add_runs();
        run->set_epoch(entry.epoch);
      }
      run->add_payloads(*entry.payload);
    }
  }

  void operator()(const appended& from) const {
    auto& out = *to.mutable_appended();
    out.set_epoch(from.epoch);
    switch (from.result) {
      case append_result::accepted:
        out.set_result(pb::Appended::ACCEPTED);
        break;
      case append_result::mismatch:
        out.set_result(pb::Appended::MISMATCH);
        break;
      case append_result::superseded:
        out.set_result(pb::Appended::SUPERSEDED);
        break;
    }
    out.set_number(from.number);
    out.set_sent_at_ns(from.sent_at.count());
    out.set_durable(from.durable);
    out.set_committed(from.committed);
    put(from.hint, out.mutable_hint());
  }

  void operator()(const snapshot_chunk& from) const {
    auto& out = *to.mutable_snapshot_chunk();
    out.set_epoch(from.epoch);
    out.set_snapshot(from.snapshot);
    out.set_sequence(from.sequence);
    out.set_sent_at_ns(from.sent_at.count());
    put(from.at, out.mutable_at());
    out.set_data(*from.data);
    out.set_digest(from.digest);
    out.set_last(from.last);
  }

  void operator()(const snapshot_received& from) const {
    auto& out = *to.mutable_snapshot_received();
    out.set_epoch(from.epoch);
    out.set_snapshot(from.snapshot);
    out.set_sequence(from.sequence);
    out.set_damaged(from.damaged);
    out.set_superseded(from.superseded);
  }

  void operator()(const position_query& from) const {
    to.mutable_position_query()->set_correlation(from.correlation);
  }

  void operator()(const position_answer& from) const {
    auto& out = *to.mutable_position_answer();
    out.set_correlation(from.correlation);
    out.set_member(from.member);
    out.set_epoch(from.epoch);
    put(from.last, out.mutable_last());
    for (const auto& member : from.reaches)
      out.add_reaches(member);
  }
};

append decode(pb::Append& from) {
  append to{.epoch = from.epoch(),
            .number = from.number(),
            .sent_at = std::chrono::nanoseconds{from.sent_at_ns()},
            .prev = get(from.prev()),
            .committed = from.committed()};
  auto index = to.prev.index;
  for (auto& run : *from.mutable_runs())
    for (auto& payload : *run.mutable_payloads())
      to.entries.push_back({++index, run.epoch(), take(&payload)});
  return to;
}

std::optional<message> decode(const pb::Appended& from) {
  appended to{.epoch = from.epoch(),
              .number = from.number(),
              .sent_at = std::chrono::nanoseconds{from.sent_at_ns()},
              .durable = from.durable(),
              .committed = from.committed(),
              .hint = get(from.hint())};
  switch (from.result()) {
    case pb::Appended::ACCEPTED:
      to.result = append_result::accepted;
      break;
    case pb::Appended::MISMATCH:
      to.result = append_result::mismatch;
      break;
    case pb::Appended::SUPERSEDED:
      to.result = append_result::superseded;
      break;
    default:
      return std::nullopt;
  }
  return to;
}

snapshot_chunk decode(pb::SnapshotChunk& from) {
  return {.epoch = from.epoch(),
          .snapshot = from.snapshot(),
          .sequence = from.sequence(),
          .sent_at = std::chrono::nanoseconds{from.sent_at_ns()},
          .at = get(from.at()),
          .data = take(from.mutable_data()),
          .digest = from.digest(),
          .last = from.last()};
}

snapshot_received decode(const pb::SnapshotReceived& from) {
  return {.epoch = from.epoch(),
          .snapshot = from.snapshot(),
          .sequence = from.sequence(),
          .damaged = from.damaged(),
          .superseded = from.superseded()};
}

position_answer decode(const pb::PositionAnswer& from) {
  return {.correlation = from.correlation(),
          .member = from.member(),
          .epoch = from.epoch(),
          .last = get(from.last()),
          .reaches = {from.reaches().begin(), from.reaches().end()}};
}

}  // namespace

pb::Message encode(std::uint16_t shard, const message& message) {
  pb::Message to;
  to.set_shard(shard);
  std::visit(encoder{to}, message);
  return to;
}

std::optional<message> decode(pb::Message&& from) {
  switch (from.kind_case()) {
    case pb::Message::kAppend:
      return decode(*from.mutable_append());
    case pb::Message::kAppended:
      return decode(from.appended());
    case pb::Message::kSnapshotChunk:
      return decode(*from.mutable_snapshot_chunk());
    case pb::Message::kSnapshotReceived:
      return decode(from.snapshot_received());
    case pb::Message::kPositionQuery:
      return position_query{from.position_query().correlation()};
    case pb::Message::kPositionAnswer:
      return decode(from.position_answer());
    case pb::Message::KIND_NOT_SET:
      return std::nullopt;
  }
  return std::nullopt;
}

std::string to_bytes(std::uint16_t shard, const letter& letter) {
  auto message = encode(shard, letter.content);
  message.set_from(letter.from);
  message.set_to(letter.to);
  return message.SerializeAsString();
}

std::optional<letter> letter_of(const std::string& bytes) {
  pb::Message message;
  if (!message.ParseFromString(bytes)) return std::nullopt;
  letter read{std::move(*message.mutable_from()), std::move(*message.mutable_to()), {}};
  auto content = decode(std::move(message));
  if (!content || read.from.empty()) return std::nullopt;
  read.content = std::move(*content);
  return read;
}

}  // namespace souk::replication
