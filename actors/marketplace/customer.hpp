#pragma once

#include "actors/kinds.hpp"
#include "actors/marketplace/customer.pb.h"
#include "runtime/entity/kind.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace souk::marketplace {

/// Different products in one cart; the benchmark's have up to ten.
inline constexpr std::size_t cart_items_max = 100;
/// Units of one product in one cart; the benchmark's have up to ten.
inline constexpr std::uint32_t quantity_max = 1'000;
/// Checkouts that a customer remembers: for whoever repeats one, and for the cart's history. A repeat comes
/// at once, and a run of the benchmark has a handful for each customer.
inline constexpr std::size_t receipts_max = 32;

struct customer_state {
  std::optional<pb::Profile> profile;
  std::vector<pb::Item> items;
  std::optional<pb::Pending> pending;  ///< A checkout is under way.
  std::uint32_t last_order_id = 0;
  std::deque<pb::Receipt> receipts;  ///< Oldest first.
  std::uint64_t first_receipt = 0;   ///< Number of the first of them.

  bool profile_changed = false;
  bool cart_changed = false;
  std::set<std::uint64_t> receipts_changed;  ///< Written, or gone.

  const pb::Receipt* find(std::string_view instance_id) const;
};

/// Decides for one customer: its profile, its cart, its orders' receipts with their payments. A checkout is a
/// saga of three decisions: the customer sends the cart to the market, the market orders what it can, the
/// customer takes in what became of it and answers. Each effect arrives exactly once, whatever crashes; a
/// checkout of the same instance id is the same one, and has the same answer. Pure.
struct customer_decider {
  using state = customer_state;
  using command = pb::CustomerCommand;
  using event = pb::CustomerEvent;
  static constexpr runtime::kind_id id = kinds::marketplace_customer;
  static constexpr std::string_view name = "marketplace_customer";
  static std::string_view partition_of(std::string_view key) { return key; }

  runtime::decision decide(const state& state, const command& command, const runtime::context& context) const;
  runtime::decision on_timer(const state& state, std::string_view timer,
                             const runtime::context& context) const;
  /// The market does not take the order: nothing was ordered, and the cart is open again.
  runtime::decision on_effect_failed(const state& state, const runtime::address& to,
                                     const google::protobuf::Message& command, std::string_view failure,
                                     const runtime::context& context) const;
  void evolve(state& state, const event& event, runtime::timestamp at, std::uint64_t version) const;
  void load_row(state& state, std::string_view row, std::string_view value) const;
  void save_rows(state& state, runtime::row_sink& sink) const;
};

/// "12-20261127-7": customer, day (UTC), number of the order.
std::string invoice_number(std::string_view customer, std::int64_t at_ms, std::uint32_t order_id);

/// The answer to a checkout: the order with its invoice and what became of each item, or that there is none.
runtime::answer answer_of(std::string_view customer, const pb::Receipt& receipt);

/// How a customer shows itself.
std::string show_profile(std::string_view customer, const pb::Profile& profile);  ///< Without its last brace.
std::string show_cart(std::string_view customer, const customer_state& state);
std::string show_history(const pb::Receipt& receipt);
std::string show_payment(std::string_view customer, const pb::Receipt& receipt);

}  // namespace souk::marketplace
