#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace souk::testkit {

/// A member of a JSON object: its text, or if it is none what stands there. Empty if there is none.
std::string member_of(std::string_view json, std::string_view name);

/// A text member of each object in a list, which is a member of a JSON object itself.
std::vector<std::string> members_of_all(std::string_view json, std::string_view list, std::string_view name);

}  // namespace souk::testkit
