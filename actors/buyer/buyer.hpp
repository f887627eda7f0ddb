#pragma once

#include "actors/buyer/buyer.pb.h"
#include "actors/kinds.hpp"
#include "runtime/entity/kind.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

/// Who buys, as far as it is counted what somebody has open: so that nobody empties a shop by opening
/// checkouts that are never paid.
namespace souk::buyer {

/// Past its expiry a checkout that is still counted gets this long to end by its own timer, before it is
/// asked.
inline constexpr std::chrono::seconds ask_grace{60};
/// Checkouts asked in one decision: bounds the size of its record.
inline constexpr std::size_t asks_max = 100;

/// The open checkouts of one buyer: their keys, and when they expire (ms since 1970).
struct buyer_state {
  std::map<std::string, std::int64_t, std::less<>> open;

  std::set<std::string, std::less<>> changed;  ///< Whose rows are to be written, or erased.
};

/// Counts a buyer's open checkouts. A checkout claims a place as it is opened, together with its cart and its
/// stock, and gives it back as it ends. There may be no place left: the claim is refused.
///
/// A place is given back by its checkout alone. Should that be lost on the way, the claim that finds no place
/// asks those that are well past their expiry: it is refused, and a later one finds what they gave back.
/// So it needs no timer, and a buyer who has nothing open no rows.
struct buyer_decider {
  using state = buyer_state;
  using command = pb::Command;
  using event = pb::Event;
  static constexpr runtime::kind_id id = kinds::buyer;
  static constexpr std::string_view name = "buyer";
  static std::string_view partition_of(std::string_view key) { return key; }

  runtime::decision decide(const state& state, const command& command, const runtime::context& context) const;
  runtime::decision on_timer(const state& state, std::string_view timer,
                             const runtime::context& context) const;
  /// A checkout that could not take in the answer to its claim ends by its timer, and frees the place.
  runtime::decision on_effect_failed(const state& state, const runtime::address& to,
                                     const google::protobuf::Message& command, std::string_view failure,
                                     const runtime::context& context) const;
  void evolve(state& state, const event& event, runtime::timestamp at, std::uint64_t version) const;
  void load_row(state& state, std::string_view row, std::string_view value) const;
  void save_rows(state& state, runtime::row_sink& sink) const;
};

}  // namespace souk::buyer
