#pragma once

#include "actors/cart/cart.pb.h"
#include "actors/catalogue/catalogue.hpp"
#include "actors/kinds.hpp"
#include "runtime/entity/kind.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>

namespace souk::cart {

/// A cart in memory. Its main row is what is saved of it besides the lines; a cart without an id does not
/// exist.
struct cart_state {
  pb::StateRow row;
  std::map<std::uint64_t, pb::Line> lines;  ///< By the number in their id, so in the order they came.
  /// What an added item may merge with: the number of the line without a quoted price, by `merge_key`.
  std::unordered_map<std::string, std::uint64_t> mergeable;

  bool row_changed = false;               ///< Since the rows were saved.
  std::set<std::uint64_t> lines_changed;  ///< Likewise, the lines that went included.

  bool exists() const { return !row.cart_id().empty(); }
};

/// Items with the same key come to one line.
std::string merge_key(std::string_view sku,
                      const google::protobuf::RepeatedPtrField<pb::Attribute>& attributes);

/// A cart: an estimate that can be changed freely, until a checkout claims it.
///
/// Its version counts changes of its content. A claim is not one: a buyer whose checkout failed repeats it
/// with the version that is known already. What a change costs depends on the items in it, never on the lines
/// that are there already, unless the whole cart is to be shown.
///
/// What is added but not for sale as far as the node knows may only be news to it. Then nothing is decided:
/// who asked is told to ask the stocks of those skus, which know what is offered before a product is
/// published, and to come again with what they said.
///
/// A cart that a customer began with a token is theirs: to other clients it is not there. Any other is open
/// to whoever knows its id.
///
/// A cart ends 30 days after its last change. The timer is not moved with each change: it looks when it
/// fires.
struct cart_decider {
  using state = cart_state;
  using command = pb::Command;
  using event = pb::Event;
  static constexpr runtime::kind_id id = kinds::cart;
  static constexpr std::string_view name = "cart";
  static constexpr std::uint32_t schema = 2;
  static constexpr std::chrono::milliseconds default_time_to_live = std::chrono::hours{24 * 30};

  /// `variants` tells title and price of what is added, and what changed since.
  explicit cart_decider(std::shared_ptr<const catalogue::variant_lookup> variants,
                        std::chrono::milliseconds time_to_live = default_time_to_live);

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
  class offered;

  runtime::decision create(const state& state, const pb::Create& command,
                           const runtime::context& context) const;
  runtime::decision add_items(const state& state, const pb::AddItems& command,
                              const runtime::context& context) const;
  runtime::decision set_quantity(const state& state, const pb::SetQuantity& command,
                                 const runtime::context& context) const;
  runtime::decision read(const state& state, const pb::Read& command, const runtime::context& context) const;
  runtime::decision claim(const state& state, const pb::Claim& command,
                          const runtime::context& context) const;
  runtime::decision end_claim(const state& state, const pb::EndClaim& command, bool ordered,
                              const runtime::context& context) const;
  static pb::UnknownSkus unknown_skus(const pb::AddItems& command, const offered& offers);
  runtime::decision change(const draft& draft, bool minimal, const runtime::context& context) const;

  std::shared_ptr<const catalogue::variant_lookup> variants_;
  std::chrono::milliseconds time_to_live_;
};

}  // namespace souk::cart
