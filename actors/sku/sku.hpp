#pragma once

#include "actors/kinds.hpp"
#include "actors/sku/sku.pb.h"
#include "runtime/entity/decision.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

/// Who owns a sku: the product that claimed it first, for ever. Two products that want the same sku meet
/// here.
namespace souk::sku {

inline constexpr std::size_t length_max = 64;

/// Whether a text may be a sku: 1 to 64 printable ASCII characters, the first and last of them no space, none
/// of them an "@", which parts sku and location in the key of a stock.
bool is_sku(std::string_view text);

runtime::address address_of(std::string_view tenant, std::string_view sku);

struct sku_state {
  std::string product_key;  ///< Empty: nobody owns it.
  std::string attempt;      ///< The proposal that claimed it.
  bool dirty = false;
};

/// A product claims, and is told the owner; a product whose proposal failed gives back what that very
/// proposal claimed, and nothing older.
struct sku_decider {
  using state = sku_state;
  using command = pb::Command;
  using event = pb::Event;
  static constexpr runtime::kind_id id = kinds::sku;
  static constexpr std::string_view name = "sku";
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

}  // namespace souk::sku
