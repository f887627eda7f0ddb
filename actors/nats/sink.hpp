#pragma once

#include "actors/kinds.hpp"
#include "actors/nats/sink.pb.h"
#include "runtime/entity/kind.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

/// The shop's events, published to a stream of NATS JetStream.
namespace souk::nats {

/// The sink of a shard: the first key made of the stream's name that lives there. Costs about as many hashes
/// as there are shards.
runtime::address sink_of(runtime::shard_id shard, std::uint16_t shard_count, std::string_view stream);

struct sink_state {
  pb::Sink row;
  bool row_changed = false;
};

/// How far one shard's events are. Pure.
struct sink_decider {
  using state = sink_state;
  using command = pb::Command;
  using event = pb::Event;
  static constexpr runtime::kind_id id = kinds::nats_sink;
  static constexpr std::string_view name = "nats_sink";
  static std::string_view partition_of(std::string_view key) { return key; }

  /// A claim is answered with a `pb::Sink`.
  runtime::decision decide(const state& state, const command& command, const runtime::context& context) const;
  runtime::decision on_timer(const state& state, std::string_view timer,
                             const runtime::context& context) const;
  runtime::decision on_effect_failed(const state& state, const runtime::address& to,
                                     const google::protobuf::Message& command, std::string_view failure,
                                     const runtime::context& context) const;
  void evolve(state& state, const event& event, runtime::timestamp at, std::uint64_t version) const;
  void load_row(state& state, std::string_view row, std::string_view value) const;
  void save_rows(state& state, runtime::row_sink& sink) const;
};

std::shared_ptr<const runtime::entity_kind> make_kind();

}  // namespace souk::nats
