#pragma once

#include "runtime/entity/kind.hpp"
#include "runtime/types.hpp"

#include <caf/actor.hpp>

#include <mutex>
#include <vector>

namespace souk::runtime {

/// Which shard an address belongs to, and which actor of this node serves it. Changed by the node when a
/// shard starts, restarts or moves; read by gateways and shards. Any thread.
class routing_table {
 public:
  routing_table(std::uint16_t shard_count, const entity_catalogue& kinds);

  std::uint16_t shard_count() const { return static_cast<std::uint16_t>(shards_.size()); }

  /// `hash(tenant, partition key) mod shard_count`. The hash is part of the data format: XXH3 of tenant, NUL,
  /// partition.
  shard_id shard_of(const address& address) const;

  /// The actor that serves the shard, or null while none does.
  caf::actor shard(shard_id id) const;
  void set(shard_id id, caf::actor shard);

 private:
  const entity_catalogue& kinds_;
  mutable std::mutex mutex_;
  std::vector<caf::actor> shards_;
};

}  // namespace souk::runtime
