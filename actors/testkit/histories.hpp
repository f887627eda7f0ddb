#pragma once

#include "runtime/testkit/linearizability.hpp"

#include <compare>
#include <cstdint>
#include <optional>
#include <string>

/// What a cart with one line and a stock are to their clients, as models for `check_history`.
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
