#pragma once

#include <cstdint>
#include <cstdlib>

namespace souk::tests {

/// A number that whoever runs a test may give by a variable of the environment, as SOUK_SEEDS; else the usual
/// one.
inline std::uint64_t number_given(const char* variable, std::uint64_t usual) {
  const char* wanted = std::getenv(variable);
  return wanted == nullptr ? usual : std::strtoull(wanted, nullptr, 10);
}

/// How many seeds a test takes: a few in the suite, more by SOUK_SEEDS.
inline std::uint64_t seeds(std::uint64_t usual) { return number_given("SOUK_SEEDS", usual); }

}  // namespace souk::tests
