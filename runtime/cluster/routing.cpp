#include "runtime/cluster/routing.hpp"

#include "runtime/cluster/placement.hpp"

namespace souk::runtime {

routing_table::routing_table(std::uint16_t shard_count, const entity_catalogue& kinds)
    : kinds_(kinds), shards_(shard_count) {}

shard_id routing_table::shard_of(const address& address) const {
  return shard_of_partition(address.tenant, kinds_.kind(address.kind).partition_of(address.key),
                            shard_count());
}

caf::actor routing_table::shard(shard_id id) const {
  std::lock_guard lock{mutex_};
  const auto& route = shards_.at(id);
  return route.local ? route.local : route.remote;
}

caf::actor routing_table::local(shard_id id) const {
  std::lock_guard lock{mutex_};
  return shards_.at(id).local;
}

void routing_table::set(shard_id id, caf::actor local) {
  std::lock_guard lock{mutex_};
  shards_.at(id).local = std::move(local);
}

void routing_table::remove(shard_id id, const caf::actor& local) {
  std::lock_guard lock{mutex_};
  if (shards_.at(id).local == local) shards_.at(id).local = nullptr;
}

void routing_table::set_remote(shard_id id, caf::actor remote) {
  std::lock_guard lock{mutex_};
  shards_.at(id).remote = std::move(remote);
}

}  // namespace souk::runtime
