#pragma once

#include <string>
#include <string_view>

namespace souk::gateway {

/// Where a client has come from, as limits see it: an IPv6 client is its /64, which is the least that a
/// provider hands out; an IPv4 client that is written as IPv6 is the IPv4 one.
std::string limited_address(std::string_view address);

}  // namespace souk::gateway
