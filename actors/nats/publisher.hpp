#pragma once

#include "actors/nats/publish_plan.hpp"
#include "actors/nats/stream_link.hpp"
#include "runtime/cluster/routing.hpp"
#include "runtime/messages.hpp"
#include "runtime/seams/seams.hpp"

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/behavior.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/type_id.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace souk::nats {

class publisher_desk;

/// What became of events, for operators. Any thread.
struct publisher_figures {
  /// In the order of `publish_result::kind`.
  static constexpr std::array<std::string_view, 4> results{"stored", "duplicate", "refused", "away"};

  std::array<std::atomic<std::uint64_t>, results.size()> tries{};
  std::atomic<std::uint64_t> shards{0};        ///< That this node publishes for.
  std::atomic<std::uint64_t> waiting{0};       ///< Events read that have not come through.
  std::atomic<std::int64_t> behind_ms{0};      ///< How old the oldest of them is.
  std::atomic<bool> away{false};               ///< NATS takes nothing.
  std::atomic<std::uint64_t> lost_records{0};  ///< Trimmed before they were read.
};

/// A link → the publisher: what came of a try.
struct publish_ended {
  std::uint64_t number = 0;
  publish_result result;
};

/// The publisher to itself.
struct publisher_tick {};

struct publisher_config {
  std::shared_ptr<const runtime::routing_table> routing;
  std::shared_ptr<runtime::clock> clock;
  std::shared_ptr<runtime::random_source> random;
  std::shared_ptr<stream_link> link;
  std::shared_ptr<publisher_figures> figures;
  std::string stream = "SOUK";  ///< Names the progress: another stream is given all that is kept.
  std::string prefix = "souk";  ///< Of all subjects.
  plan_limits limits;
  std::chrono::milliseconds tick{50};
  /// How often it is looked for shards that this node leads and nobody publishes for.
  std::chrono::milliseconds look_interval{1'000};
  /// How often a shard at its end is read again ...
  std::chrono::milliseconds read_interval{100};
  /// ... but all together no more often than this in a second: shards have better to do.
  std::uint64_t idle_reads_per_second = 400;
  /// Records of a page.
  std::uint32_t page_records = 64;
  /// A question that was not answered is put again.
  std::chrono::milliseconds patience{2'000};
  /// Of a try: a little longer than the link's own.
  std::chrono::milliseconds try_timeout{6'000};
};

struct publisher_state {
  std::shared_ptr<publisher_desk> desk;
  static inline const char* name = "nats_publisher";
};

/// NATS PUBLISHER: publishes the events of the shards that this node leads, of all tenants, and commits how
/// far that is as commands of each shard's sink, which sees to it that only the last publisher's progress
/// counts. What was published and not committed when a node went is published again, under the same ids.
/// Handles:
///   publisher_tick      from itself
///   publish_ended       from the link
///   runtime::response   from shards: of their sinks
///   runtime::index_page from shards: pages of their journals
caf::behavior publisher(caf::stateful_actor<publisher_state>* self, publisher_config config);

}  // namespace souk::nats

CAF_BEGIN_TYPE_ID_BLOCK(souk_nats, caf::first_custom_type_id + 240)

CAF_ADD_TYPE_ID(souk_nats, (souk::nats::publish_ended))
CAF_ADD_TYPE_ID(souk_nats, (souk::nats::publisher_tick))

CAF_END_TYPE_ID_BLOCK(souk_nats)

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::nats::publish_ended)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::nats::publisher_tick)
