#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace souk::tests {

/// Numbers drawn from a seed (splitmix64): the same everywhere, for ever.
class dice {
 public:
  explicit dice(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    auto z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  /// From 0 to `n` - 1.
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(next() % n); }
  bool percent(unsigned chance) { return below(100) < chance; }
  template <class Item>
  const Item& pick(const std::vector<Item>& from) {
    return from[below(from.size())];
  }

 private:
  std::uint64_t state_;
};

}  // namespace souk::tests
