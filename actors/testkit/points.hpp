#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace souk::testkit {

/// Something that a run passes or that happens in it, by the name under which it is counted.
struct named {
  std::string_view name;
  std::string_view what;  ///< In words.
};

/// All fault points (runtime/fault_point.hpp), in production and in what stands around it here. A node may
/// die at each of them.
const std::vector<named>& points();

/// What happens seldom and must happen sometimes, besides passing each point: of what log_marks counts and
/// what runs note themselves.
const std::vector<named>& rare_events();

/// Of points and rare events, those that are not among these marks.
std::vector<named> never_reached(const std::map<std::string, std::uint64_t>& marks);

}  // namespace souk::testkit
