#include "runtime/replication/messages.hpp"

#include <xxhash.h>

namespace souk::replication {

std::uint64_t running_digest(std::uint64_t before, const std::string& chunk) {
  return XXH3_64bits_withSeed(chunk.data(), chunk.size(), before);
}

}  // namespace souk::replication
