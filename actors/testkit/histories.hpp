#pragma once

#include "runtime/testkit/linearizability.hpp"

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

/// What carts and a stock are to their clients, as models for `check_history`.
namespace souk::testkit {

/// A cart with one line, whose quantity is set and read.
struct cart_line {
  struct state {
    std::int64_t version = 0;
    std::int64_t quantity = 0;
    auto operator<=>(const state&) const = default;
  };
  struct call {
    std::optional<std::int64_t> set;  ///< At least 1. Empty: it was read.
    std::optional<state> answer;      ///< The cart after it.
    bool operator==(const call&) const = default;
  };
  /// Setting what is there already is no change.
  static std::optional<state> apply(const state& state, const call& call);
  static bool may_come(const state& state, const call& call);  ///< Versions grow.
  static bool only_reads(const call& call) { return !call.set; }
  static std::string text(const state& state);
  static std::string text(const call& call);
};

/// A cart that is filled with two kinds of goods, which are added, set and removed.
struct shared_cart {
  static constexpr std::size_t goods = 2;
  struct line {
    std::int64_t number = 0;  ///< 0: there is none. Of one that comes anew the number is new.
    std::int64_t quantity = 0;
    auto operator<=>(const line&) const = default;
  };
  /// What an answer shows.
  struct view {
    std::int64_t version = 0;
    std::array<line, goods> lines;
    auto operator<=>(const view&) const = default;
  };
  struct state {
    view shown;
    std::int64_t next_line = 1;
    auto operator<=>(const state&) const = default;
  };
  enum class deed : std::uint8_t { read, add, set };
  enum class refusal : std::uint8_t { none, no_such_line, other_version };
  struct reply {
    refusal why = refusal::none;
    view after;  ///< If it was not refused.
    bool operator==(const reply&) const = default;
  };
  struct call {
    deed what = deed::read;
    std::size_t which = 0;                   ///< Of the goods; of an addition.
    std::int64_t line = 0;                   ///< Its number; of one that is set.
    std::int64_t quantity = 0;               ///< To add, at least 1; or to set, where 0 removes the line.
    std::optional<std::int64_t> if_version;  ///< Only if the cart is at this one.
    std::optional<reply> answer;
    bool operator==(const call&) const = default;
  };
  static std::optional<state> apply(const state& state, const call& call);
  static bool may_come(const state& state, const call& call);  ///< Versions grow.
  static bool only_reads(const call& call) { return call.what == deed::read; }
  static std::string text(const state& state);
  static std::string text(const call& call);
};

/// A stock that nothing is sold of: adjusted and read.
struct stock_level {
  struct state {
    std::int64_t version = 0;
    std::int64_t on_hand = 0;
    auto operator<=>(const state&) const = default;
  };
  struct reply {
    bool refused = false;  ///< There is less on hand than would be taken.
    state after;           ///< If it was not refused.
    bool operator==(const reply&) const = default;
  };
  struct call {
    std::optional<std::int64_t> delta;  ///< Empty: it was read.
    std::optional<reply> answer;
    bool operator==(const call&) const = default;
  };
  static std::optional<state> apply(const state& state, const call& call);
  static bool may_come(const state& state, const call& call);  ///< Versions grow.
  static bool only_reads(const call& call) { return !call.delta; }
  static std::string text(const state& state);
  static std::string text(const call& call);
};

}  // namespace souk::testkit
