#pragma once

#include <string_view>
#include <vector>

namespace souk::testkit {

/// A bug planted on purpose; see runtime/mutant.hpp.
struct mutant {
  std::string_view name;
  std::string_view what;  ///< What goes wrong with it, in words.
};

/// All of them. Only a build with planted bugs (SOUK_MUTANTS) has any use for the list.
const std::vector<mutant>& mutants();

}  // namespace souk::testkit
