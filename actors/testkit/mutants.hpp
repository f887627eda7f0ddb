#pragma once

#include "actors/testkit/named.hpp"

#include <vector>

namespace souk::testkit {

/// All bugs that are planted on purpose (runtime/mutant.hpp), and what goes wrong with each. Only a build
/// with planted bugs (SOUK_MUTANTS) has any use for the list.
const std::vector<named>& mutants();

}  // namespace souk::testkit
