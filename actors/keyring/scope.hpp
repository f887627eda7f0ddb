#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace souk::keyring {

/// What a credential may do beyond what everybody may. `carts_*` are other people's carts and checkouts, and
/// prices that are quoted; `catalogue_read` is what is not for sale yet, or no longer. `events_read` shows
/// something of all that happens, buyers' addresses among it; so do webhooks: to say where they go takes
/// both.
enum class scope : std::uint8_t {
  catalogue_read,
  catalogue_write,
  inventory_read,
  inventory_write,
  imports_read,
  imports_write,
  carts_read,
  carts_write,
  orders_read,
  orders_write,
  payments_read,
  keys_admin,
  cluster_read,
  cluster_admin,
  events_read,
  webhooks_read,
  webhooks_write,
};

inline constexpr std::size_t scope_count = 17;

/// "orders:read": as clients and operators write it.
std::string_view name_of(scope scope);

/// Or nothing, if there is no such scope.
std::optional<scope> scope_of(std::string_view name);

/// A few scopes.
class scope_set {
 public:
  constexpr scope_set() = default;
  constexpr scope_set(std::initializer_list<scope> scopes) {
    for (scope each : scopes)
      add(each);
  }
  static constexpr scope_set all() {
    scope_set set;
    set.bits_ = (1U << scope_count) - 1;
    return set;
  }

  constexpr void add(scope scope) { bits_ |= 1U << static_cast<unsigned>(scope); }
  constexpr bool has(scope scope) const { return (bits_ & 1U << static_cast<unsigned>(scope)) != 0; }
  constexpr bool has_all(scope_set others) const { return (others.bits_ & ~bits_) == 0; }
  constexpr bool operator==(const scope_set&) const = default;
  constexpr scope_set without(scope_set others) const {
    scope_set left;
    left.bits_ = bits_ & ~others.bits_;
    return left;
  }

  /// The names, in the order of the scopes.
  std::vector<std::string_view> names() const;

 private:
  std::uint32_t bits_ = 0;
};

/// What shows or changes the nodes, or the test provider's books, which all tenants share: it opens to the
/// first tenant's credentials alone.
inline constexpr scope_set operators_scopes{scope::cluster_read, scope::cluster_admin, scope::payments_read};

/// What of these opens anything to a tenant's credentials.
scope_set scopes_in(std::string_view tenant, scope_set scopes);

}  // namespace souk::keyring
