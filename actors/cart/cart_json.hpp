#pragma once

#include "actors/cart/cart.hpp"
#include "runtime/entity/decision.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>

namespace souk::cart {

/// Lines about to change: what they become, or nothing for those that go. By number.
using line_changes = std::map<std::uint64_t, std::optional<pb::Line>>;

/// A cart as it is after changes that are decided and not yet applied.
struct cart_view {
  const pb::StateRow& row;  ///< With the changes applied.
  const std::map<std::uint64_t, pb::Line>& lines;
  const line_changes& changes;
};

/// The whole cart, with messages about what changed under it, and its ETag.
runtime::answer to_answer(const cart_view& cart, const catalogue::variant_lookup& variants,
                          std::string_view tenant, int status);

/// What changed, and the totals: `Prefer: return=minimal`.
runtime::answer to_minimal_answer(const cart_view& cart);

}  // namespace souk::cart
