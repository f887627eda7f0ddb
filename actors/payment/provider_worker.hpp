#pragma once

#include "actors/payment/payment.pb.h"
#include "actors/payment/provider.hpp"
#include "runtime/messages.hpp"
#include "runtime/seams/seams.hpp"
#include "runtime/telemetry/spans.hpp"

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/behavior.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/type_id.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

namespace souk::payment {

/// The provider, through its link → the worker: what came of one call.
struct provider_answered {
  std::uint64_t call = 0;
  pb::ProviderResult result;
};

/// The worker to itself: time to look at the deadlines.
struct worker_tick {};

struct payment_worker_config {
  /// Kept by the spawner too, until the worker has ended, and let go before the actor system.
  std::shared_ptr<provider_link> provider;
  std::shared_ptr<runtime::clock> clock;
  /// Silence after which nothing is known of a call (`payment.timeout`).
  std::chrono::milliseconds timeout{2'000};
  /// How often deadlines are looked at, while calls are under way.
  std::chrono::milliseconds tick{50};
  /// Names the span of each call that belongs to a trace. Null: calls carry none.
  std::shared_ptr<runtime::random_source> random = nullptr;
  /// Gets a span of each call of a trace that is recorded. Null: nobody wants them.
  std::shared_ptr<telemetry::span_sink> spans = nullptr;
};

struct payment_worker_state {
  struct under_way {
    runtime::address caller;
    std::uint64_t number = 0;
    std::string operation;
    caf::actor reply_to;
    std::unique_ptr<telemetry::span> span;  ///< Null: it is not recorded.
  };

  static inline const char* name = "payment_worker";

  payment_worker_config config;
  std::uint64_t calls = 0;
  std::unordered_map<std::uint64_t, under_way> open;
  /// In the order of time, for all calls wait equally long.
  std::deque<std::pair<std::chrono::nanoseconds, std::uint64_t>> deadlines;
  bool ticking = false;
};

/// PAYMENT WORKER: makes the calls of port "payments" and answers each with exactly one `world_result`, the
/// payment's command `provider_result`; after `timeout` with the status `no_answer`. Never waits. Handles:
///   runtime::world_request  from a shard; a repeat makes the call again, which the provider knows by its key
///   provider_answered       from the provider's link, on any thread
///   worker_tick             from itself
/// Restarted it knows nothing: the shard repeats what has no result.
caf::behavior payment_worker(caf::stateful_actor<payment_worker_state>* self, payment_worker_config config);

}  // namespace souk::payment

// The runtime has the first hundred numbers, the gateway the second.
CAF_BEGIN_TYPE_ID_BLOCK(souk_payments, caf::first_custom_type_id + 200)

CAF_ADD_TYPE_ID(souk_payments, (souk::payment::provider_answered))
CAF_ADD_TYPE_ID(souk_payments, (souk::payment::worker_tick))

CAF_END_TYPE_ID_BLOCK(souk_payments)

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::payment::provider_answered)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::payment::worker_tick)
