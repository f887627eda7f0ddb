#pragma once

#include "actors/formats.hpp"
#include "runtime/entity/decision.hpp"

#include <cstddef>
#include <string_view>

/// Whose a cart, a checkout or an order is: a customer's who showed a token, or nobody's, and then of
/// everybody who knows its id. Pure; any thread.
namespace souk::values {

/// The longest name of a customer, in characters.
inline constexpr std::size_t customer_characters_max = 64;

/// Whether the client whose command is decided may see and change what belongs to `owner`. To everybody else
/// it must look as if it was not there.
inline bool is_open_to_client(std::string_view owner, const runtime::context& context) {
  return owner.empty() || context.admin || context.caller == owner;
}

/// To whom belongs what the client begins; empty: to nobody, also as long as a node of the cluster may not
/// know of owners.
inline std::string_view owner_of_new(const runtime::context& context) {
  return context.format >= formats::owners ? context.caller : std::string_view{};
}

}  // namespace souk::values
