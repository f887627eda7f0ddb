#pragma once

#include "actors/kinds.hpp"
#include "actors/order/order.pb.h"
#include "runtime/entity/kind.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace souk::order {

/// Indexes of orders. Their keys are order ids, so they sort by time; their values the orders' keys.
inline constexpr std::string_view index_of_all = "orders";
std::string index_of_status(std::string_view status);
std::string index_of_customer(std::string_view customer_id);
/// Of those that belong to a customer, and not only say so.
std::string index_of_owner(std::string_view customer);

/// What people call the order: made of its id, sorts by time, and does not give the id's secret away.
std::string number_of(std::string_view order_id);

/// Where an order stands. One that does not exist has none.
namespace status {
inline constexpr std::string_view placed = "placed";
inline constexpr std::string_view canceled = "canceled";
}  // namespace status

/// An order in memory; one row.
struct order_state {
  pb::StateRow row;
  bool row_changed = false;  ///< Since it was saved.

  bool exists() const { return !row.status().empty(); }
  bool is(std::string_view status) const { return row.status() == status; }
  /// Payments whose money is not given back.
  int payments_charged() const;
};

/// An order: what was agreed, for ever. Three machines side by side (order, payment, fulfilment) and a
/// history that only grows. Placing it is repeatable: there is one order per checkout.
struct order_decider {
  using state = order_state;
  using command = pb::Command;
  using event = pb::Event;
  static constexpr runtime::kind_id id = kinds::order;
  static constexpr std::string_view name = "order";
#ifdef SOUK_NEXT_VERSION
  static constexpr std::uint32_t schema = 3;
#else
  static constexpr std::uint32_t schema = 2;
#endif

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
  runtime::decision place(const state& state, const pb::Place& command,
                          const runtime::context& context) const;
  runtime::decision cancel(const state& state, const pb::Cancel& command,
                           const runtime::context& context) const;
  runtime::decision payment_reversed(const state& state, const pb::PaymentReversed& command,
                                     const runtime::context& context) const;
  runtime::decision read(const state& state, const pb::Read& command, const runtime::context& context) const;
};

}  // namespace souk::order
