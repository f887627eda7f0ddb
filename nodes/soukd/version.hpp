#pragma once

#include "runtime/cluster/view.hpp"

#include <string_view>

namespace souk::nodes {

/// Of the program, for operators.
std::string_view program_version();

/// The levels of the format that this version reads and writes. Each change of what is written (an event's
/// schema, a record, an effect that the version before does not know) is a level: deciders look at
/// `context::format` before they write it, and `souk cluster finalize` allows it.
runtime::format_range known_formats();

}  // namespace souk::nodes
