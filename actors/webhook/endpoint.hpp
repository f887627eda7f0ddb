#pragma once

#include "actors/kinds.hpp"
#include "actors/webhook/endpoint.pb.h"
#include "runtime/entity/kind.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

/// Webhooks: events of the shop, sent to others' servers.
namespace souk::webhook {

inline constexpr std::string_view id_prefix = "whe_";

/// The index of endpoints, in each shard: key → the endpoint's revision, or "0" while it is disabled.
inline constexpr std::string_view endpoint_index = "webhooks";

/// Endpoints of a shop: a bound on what the feed is read for, each with a memory of `plan_limits`.
inline constexpr std::size_t endpoints_max = 100;

/// Bytes of a secret: what Standard Webhooks recommends, of 24 to 64.
inline constexpr std::size_t secret_bytes = 32;
/// The secret before signs too for so long after a rotation, unless the client says otherwise: a day to bring
/// the new one to all receivers ...
inline constexpr std::chrono::seconds rotation_default{std::chrono::hours{24}};
/// ... and at most, for a secret that is replaced should end.
inline constexpr std::chrono::seconds rotation_max{std::chrono::hours{24 * 30}};

/// "whsec_...": a secret as clients keep it.
std::string secret_text(std::string_view secret);

/// Why an endpoint is disabled, as clients read it.
namespace reason {
inline constexpr std::string_view by_request = "by_request";
inline constexpr std::string_view gone = "gone";                            ///< It answered 410.
inline constexpr std::string_view retries_exhausted = "retries_exhausted";  ///< For three days.
inline constexpr std::string_view events_trimmed = "events_trimmed";        ///< Before they could be read.
}  // namespace reason

struct endpoint_state {
  pb::Endpoint row;
  std::map<std::string, pb::Parked, std::less<>> parked;  ///< By the event's id.
  bool row_changed = false;
  std::set<std::string, std::less<>> parked_changed;

  bool exists() const { return !row.id().empty(); }
};

/// One endpoint. Pure.
struct endpoint_decider {
  using state = endpoint_state;
  using command = pb::Command;
  using event = pb::Event;
  static constexpr runtime::kind_id id = kinds::webhook;
  static constexpr std::string_view name = "webhook";
  static std::string_view partition_of(std::string_view key) { return key; }

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

/// Whether a place comes before another one of the same shard.
bool is_before(const pb::Place& place, const pb::Place& other);

}  // namespace souk::webhook
