#pragma once

#include <string_view>

namespace souk::testkit {

/// Something that a run can have in it, by the name under which it is asked for or counted.
struct named {
  std::string_view name;
  std::string_view what;  ///< In words.
};

}  // namespace souk::testkit
