#pragma once

#include "actors/webhook/courier.hpp"
#include "actors/webhook/delivery_plan.hpp"
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
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace souk::webhook {

class sender_desk;

/// What became of tries, for operators. Any thread.
struct sender_figures {
  enum class result : std::uint8_t { taken, status, no_answer, gone, paused };
  static constexpr std::array<std::string_view, 5> results{"taken", "status", "no_answer", "gone", "paused"};

  std::array<std::atomic<std::uint64_t>, results.size()> tries{};
  std::atomic<std::uint64_t> endpoints{0};  ///< That this node sends to.
  std::atomic<std::uint64_t> outages{0};    ///< Of them, those that have not taken anything for a while.
  std::atomic<std::uint64_t> parked{0};     ///< Events that they did not take yet.
  std::atomic<std::uint64_t> disabled{0};   ///< Endpoints disabled because of what came of tries.
};

/// A courier → the sender: what came of a try.
struct post_ended {
  std::uint64_t number = 0;
  post_result result;
};

/// The sender to itself.
struct sender_tick {};

struct sender_config {
  std::shared_ptr<const runtime::routing_table> routing;
  std::shared_ptr<runtime::clock> clock;
  std::shared_ptr<runtime::random_source> random;
  std::shared_ptr<webhook::courier> courier;
  std::shared_ptr<sender_figures> figures;
  /// All that there are now; each has endpoints and events of its own.
  std::function<std::vector<std::string>()> tenants = [] { return std::vector<std::string>{"main"}; };
  plan_limits limits;
  /// How often progress is committed, at most.
  std::chrono::milliseconds tick{100};
  /// How often shards are asked for their endpoints: so soon a change is heard of.
  std::chrono::milliseconds look_interval{1'000};
  /// How often a shard at its end is read again for an endpoint ...
  std::chrono::milliseconds read_interval{250};
  /// ... but both all together no more often than this in a second: shards have better to do.
  std::uint64_t idle_reads_per_second = 400;
  std::uint32_t page_records = 16;
  /// A question that was not answered is put again.
  std::chrono::milliseconds patience{2'000};
  /// Of a try: a little longer than the courier's own.
  std::chrono::milliseconds try_timeout{16'000};
};

struct sender_state {
  std::shared_ptr<sender_desk> desk;
  static inline const char* name = "webhook_sender";
};

/// WEBHOOK SENDER: delivers to the endpoints whose shards this node leads, and commits as commands of the
/// endpoints how far that is; the endpoint's shard sees to it that only the last sender's progress counts.
/// What was delivered and not committed when a node went is delivered again. Handles:
///   sender_tick         from itself
///   post_ended          from the courier
///   runtime::response   from the shard of an endpoint
///   runtime::index_page from shards: their endpoints, and pages of their journals
caf::behavior sender(caf::stateful_actor<sender_state>* self, sender_config config);

}  // namespace souk::webhook

CAF_BEGIN_TYPE_ID_BLOCK(souk_webhook, caf::first_custom_type_id + 220)

CAF_ADD_TYPE_ID(souk_webhook, (souk::webhook::post_ended))
CAF_ADD_TYPE_ID(souk_webhook, (souk::webhook::sender_tick))

CAF_END_TYPE_ID_BLOCK(souk_webhook)

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::webhook::post_ended)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::webhook::sender_tick)
