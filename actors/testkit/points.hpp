#pragma once

#include "actors/testkit/named.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace souk::testkit {

/// All fault points (runtime/fault_point.hpp), in production and in what stands around it here. A node may
/// die at each of them.
const std::vector<named>& points();

/// What happens seldom and must happen sometimes, besides passing each point: of what log_marks counts and
/// what runs note themselves.
const std::vector<named>& rare_events();

/// Of points and rare events, those that are not among these marks.
std::vector<named> never_reached(const std::map<std::string, std::uint64_t>& marks);

}  // namespace souk::testkit
