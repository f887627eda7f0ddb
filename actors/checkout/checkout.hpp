#pragma once

#include "actors/checkout/checkout.pb.h"
#include "actors/kinds.hpp"
#include "runtime/entity/kind.hpp"

#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace souk::checkout {

/// Where a checkout stands. A checkout that does not exist has none.
namespace status {
inline constexpr std::string_view opening = "opening";        ///< Claim and holds are not all answered.
inline constexpr std::string_view ready = "ready";            ///< Every line is held and priced.
inline constexpr std::string_view completing = "completing";  ///< A payment is under way.
inline constexpr std::string_view requires_action = "requires_action";  ///< The buyer must authenticate it.
inline constexpr std::string_view completed = "completed";              ///< There is an order.
inline constexpr std::string_view canceled = "canceled";
inline constexpr std::string_view expired = "expired";
inline constexpr std::string_view failed = "failed";  ///< It never came to ready; clients see it as canceled.
}  // namespace status

/// A checkout in memory: its main row and one row a line.
struct checkout_state {
  pb::StateRow row;
  std::vector<pb::LineRow> lines;

  bool row_changed = false;  ///< Since the rows were saved.
  std::set<std::uint32_t> lines_changed;

  bool exists() const { return !row.status().empty(); }
  bool is(std::string_view status) const { return row.status() == status; }
  /// Its holds and its claim are still its own to end.
  bool is_live() const {
    return is(status::opening) || is(status::ready) || is(status::completing) || is(status::requires_action);
  }
};

struct checkout_options {
  /// How long a checkout, and with it its holds, lives without being completed.
  std::chrono::milliseconds hold_ttl = std::chrono::minutes{15};
  /// At least so long the buyer has to authenticate a payment.
  std::chrono::milliseconds authentication_time_min = std::chrono::minutes{5};
  /// Payment providers that there are.
  std::set<std::string, std::less<>> providers = {"test"};
};

/// A checkout: the saga that makes an order of a cart. It pins the cart, holds every line's stock or none,
/// takes the money, and places the order, once, whoever asks and however often.
///
/// Commits that stand one after the other before the answer to a create with payment, four:
///
///  1. `Opened`. The gateway has read the cart before (a read commits nothing of its own) and brings its
///  lines
///     and version. The claim of the cart and all holds leave together, with the claim of a place of its
///     buyer where open checkouts are limited.
///  2. The cart claims itself for this checkout, if it is still at that version, the buyer counts it, and
///     each stock holds: all beside each other, each in its own shard.
///  3. With the last of these answers `LineHeld`, `Quoted` and `PaymentStarted`; the payment, in the same
///  shard,
///     journals its intent. Only then the provider is called, outside of any entity.
///  4. The provider's result, the order and the answer: payment, checkout and order decide one after the
///  other
///     in the same shard without waiting for the disk between them.
///
/// The sale of the holds and the cart's end as `ordered` follow after the answer.
///
/// A checkout alone ends its holds and its claims. Everything that does is one decision of its own: complete,
/// cancel, expire, fail. While a payment is under way none but the payment's outcome does. Holds that a stock
/// has not answered yet are released like the others: the release arrives behind the hold.
///
/// It is the customer's whose cart it is, or who opens it of a cart that is nobody's; to other clients it is
/// not there. Its order goes to the same customer.
struct checkout_decider {
  using state = checkout_state;
  using command = pb::Command;
  using event = pb::Event;
  static constexpr runtime::kind_id id = kinds::checkout;
  static constexpr std::string_view name = "checkout";
  static constexpr std::uint32_t schema = 3;

  explicit checkout_decider(checkout_options options = {});

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

  runtime::decision create(const state& state, const pb::Create& command,
                           const runtime::context& context) const;
  runtime::decision create_again(const state& state, const pb::Create& command,
                                 const runtime::context& context) const;
  runtime::decision open(const pb::Create& command, const runtime::context& context) const;
  runtime::decision cart_claimed(const state& state, const pb::CartClaimed& answer,
                                 const runtime::context& context) const;
  runtime::decision buyer_claimed(const state& state, bool ok, const runtime::context& context) const;
  runtime::decision held(const state& state, const pb::Held& answer, const runtime::context& context) const;
  runtime::decision complete(const state& state, const pb::Complete& command,
                             const runtime::context& context) const;
  runtime::decision cancel(const state& state, const runtime::context& context) const;
  runtime::decision payment_result(const state& state, const pb::PaymentResult& result,
                                   const runtime::context& context) const;
  runtime::decision hold_lives(const state& state, const pb::HoldLives& question,
                               const runtime::context& context) const;
  runtime::decision claim_lives(const state& state, const pb::ClaimLives& question,
                                const runtime::context& context) const;
  runtime::decision read(const state& state, const pb::Read& command, const runtime::context& context) const;
  runtime::decision expire(const state& state, const runtime::context& context) const;

  checkout_options options_;
};

}  // namespace souk::checkout
