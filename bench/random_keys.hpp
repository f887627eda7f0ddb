#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>

namespace souk::bench {

/// Idempotency keys as a careful client makes them: random UUIDs, never the same twice. One thread.
class random_keys {
 public:
  random_keys();

  /// A new key; valid until the next call.
  std::string_view next();

  /// A number from 0 to `below` - 1; `below` at least 1.
  std::size_t number(std::size_t below);

 private:
  std::mt19937_64 random_;
  std::string text_;
};

}  // namespace souk::bench
