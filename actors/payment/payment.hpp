#pragma once

#include "actors/kinds.hpp"
#include "actors/payment/payment.pb.h"
#include "runtime/entity/kind.hpp"

#include <chrono>
#include <cstdint>
#include <string_view>

namespace souk::payment {

/// Which worker takes the calls to providers.
inline constexpr std::string_view provider_port = "payments";

/// Where a payment stands. One that does not exist has none.
namespace status {
inline constexpr std::string_view pending = "pending";                  ///< A call is under way.
inline constexpr std::string_view requires_action = "requires_action";  ///< The buyer must authenticate it.
inline constexpr std::string_view charged = "charged";
inline constexpr std::string_view declined = "declined";
inline constexpr std::string_view failed = "failed";        ///< Not charged, and never will be.
inline constexpr std::string_view reversing = "reversing";  ///< The money is on its way back.
inline constexpr std::string_view voided = "voided";
inline constexpr std::string_view refunded = "refunded";
}  // namespace status

/// A payment in memory; one row.
struct payment_state {
  pb::StateRow row;
  bool row_changed = false;  ///< Since it was saved.

  bool exists() const { return !row.status().empty(); }
  bool is(std::string_view status) const { return row.status() == status; }
};

/// One attempt to take money, from the intent to a definite outcome. Its intent is journalled before the
/// provider is called, and each call carries a key made of the payment's id and the operation, so that no
/// repetition, crash or failover charges twice.
///
/// An error is tried again under the same key; silence, and errors without end, are followed by the question
/// what became of the key: charged, fine; not found, the key is cancelled at the provider first, so that no
/// late charge can land, and only then the attempt has failed. The questions themselves never give up.
struct payment_decider {
  using state = payment_state;
  using command = pb::Command;
  using event = pb::Event;
  static constexpr runtime::kind_id id = kinds::payment;
  static constexpr std::string_view name = "payment";

  /// Charges that ended in an error before the provider is asked what became of them.
  static constexpr std::uint32_t charge_attempts_max = 5;
  /// Pauses between tries double from the first to the last.
  static constexpr std::chrono::milliseconds pause_min{200};
  static constexpr std::chrono::milliseconds pause_max{30'000};

  static std::string_view partition_of(std::string_view key);

  runtime::decision decide(const state& state, const command& command, const runtime::context& context) const;
  runtime::decision on_timer(const state& state, std::string_view timer,
                             const runtime::context& context) const;
  runtime::decision on_effect_failed(const state& state, const runtime::address& to,
                                     const google::protobuf::Message& command, std::string_view failure,
                                     const runtime::context& context) const;
  void evolve(state& state, const event& event, runtime::timestamp at, std::uint64_t version) const;
  void load_row(state& state, std::string_view row, std::string_view value) const;
  void save_rows(state& state, runtime::row_sink& sink) const;

 private:
  class draft;

  runtime::decision provider_result(const state& state, const pb::ProviderResult& result,
                                    const runtime::context& context) const;
  runtime::decision authenticated(const state& state, const runtime::context& context) const;
  runtime::decision abort(const state& state, const runtime::context& context) const;
  runtime::decision reverse(const state& state, const pb::Reverse& command,
                            const runtime::context& context) const;
};

}  // namespace souk::payment
