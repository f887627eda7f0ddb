#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

/// Shops that share a cluster and nothing else: each has its own keys, goods, carts and orders. Pure; any
/// thread.
namespace souk::keyring {

/// Who is there from the first start on, and whose staff runs the nodes.
inline constexpr std::string_view first_tenant = "main";
inline constexpr std::size_t tenant_characters_max = 32;

/// Whether a tenant may have this name: 1 to 32 of a-z, 0-9 and "-".
constexpr bool is_tenant(std::string_view name) {
  return !name.empty() && name.size() <= tenant_characters_max && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

}  // namespace souk::keyring
