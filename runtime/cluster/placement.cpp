#include "runtime/cluster/placement.hpp"

#include <xxhash.h>

#include <string>

namespace souk::runtime {

shard_id shard_of_partition(std::string_view tenant, std::string_view partition, std::uint16_t shard_count) {
  std::string text;
  text.reserve(tenant.size() + 1 + partition.size());
  text += tenant;
  text += '\0';
  text += partition;
  return static_cast<shard_id>(XXH3_64bits(text.data(), text.size()) % shard_count);
}

}  // namespace souk::runtime
