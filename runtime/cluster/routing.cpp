#include "runtime/cluster/routing.hpp"

#include <xxhash.h>

#include <string>

namespace souk::runtime {

routing_table::routing_table(std::uint16_t shard_count, const entity_catalogue& kinds)
    : kinds_(kinds), shards_(shard_count) {}

shard_id routing_table::shard_of(const address& address) const {
  auto partition = kinds_.kind(address.kind).partition_of(address.key);
  std::string text;
  text.reserve(address.tenant.size() + 1 + partition.size());
  text += address.tenant;
  text += '\0';
  text += partition;
  return static_cast<shard_id>(XXH3_64bits(text.data(), text.size()) % shards_.size());
}

caf::actor routing_table::shard(shard_id id) const {
  std::lock_guard lock{mutex_};
  return shards_.at(id);
}

void routing_table::set(shard_id id, caf::actor shard) {
  std::lock_guard lock{mutex_};
  shards_.at(id) = std::move(shard);
}

}  // namespace souk::runtime
