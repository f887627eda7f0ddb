#include "actors/gateway/tenant_shares.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace souk::gateway {

tenant_shares::part& tenant_shares::part_of(std::string_view tenant) {
  if (const auto known = parts_.find(tenant); known != parts_.end()) return known->second;
  // A name that no tenant has.
  return parts_[parts_.size() < tenants_max ? std::string{tenant} : std::string{"*"}];
}

bool tenant_shares::admits(const part& of, std::size_t room) const {
  if (active_ < 2) return under_way_ < room;
  const auto equal_part = room / active_;
  if (under_way_ >= room) return of.under_way_ < equal_part && under_way_ < most_;
  if (wanting_ == 0) return true;
  const auto of_others = under_way_ - under_way_of_wanting_;
  const auto left = room - std::min(room, of_others);
  // Rounded up: there is room, and somebody is to have it.
  return of.under_way_ < std::max(equal_part, (left + wanting_ - 1) / wanting_);
}

tenant_shares::part* tenant_shares::begin(std::string_view tenant, std::size_t room) {
  auto& of = part_of(tenant);
  if (!of.is_active()) ++active_;
  of.asked_ = true;
  if (!admits(of, room)) {
    if (!of.is_wanting()) {
      ++wanting_;
      under_way_of_wanting_ += of.under_way_;
    }
    of.refused_ = true;
    return nullptr;
  }
  ++of.under_way_;
  ++under_way_;
  if (of.is_wanting()) ++under_way_of_wanting_;
  return &of;
}

void tenant_shares::ended(part& of) {
  --of.under_way_;
  --under_way_;
  if (of.is_wanting()) --under_way_of_wanting_;
  if (!of.is_active()) --active_;
}

void tenant_shares::interval_ended() {
  active_ = wanting_ = under_way_of_wanting_ = 0;
  for (auto at = parts_.begin(); at != parts_.end();) {
    part& of = at->second;
    of.asked_before_ = std::exchange(of.asked_, false);
    of.refused_before_ = std::exchange(of.refused_, false);
    active_ += of.is_active() ? 1 : 0;
    wanting_ += of.is_wanting() ? 1 : 0;
    if (of.is_wanting()) under_way_of_wanting_ += of.under_way_;
    at = of.is_active() ? std::next(at) : parts_.erase(at);
  }
}

}  // namespace souk::gateway
