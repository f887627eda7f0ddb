#pragma once

#include "runtime/entity/kind.hpp"
#include "runtime/types.hpp"

#include <caf/actor.hpp>

#include <mutex>
#include <vector>

namespace souk::runtime {

/// Which shard an address belongs to, and who serves it: an actor of this node, or one that stands for the
/// node that does. Changed when a shard starts, restarts or moves; read by gateways and shards. Any thread.
class routing_table {
 public:
  routing_table(std::uint16_t shard_count, const entity_catalogue& kinds);

  std::uint16_t shard_count() const { return static_cast<std::uint16_t>(shards_.size()); }

  /// The shard of the partition that the address' kind makes of its key.
  shard_id shard_of(const address& address) const;

  /// Whoever serves the shard, as far as is known here, or null while nobody does. What serves here goes
  /// first.
  caf::actor shard(shard_id id) const;
  /// The actor of this node that serves it; null if none does.
  caf::actor local(shard_id id) const;
  void set(shard_id id, caf::actor local);
  /// Nobody here serves the shard, if it was this actor that did.
  void remove(shard_id id, const caf::actor& local);
  /// Who stands for the node that is its primary.
  void set_remote(shard_id id, caf::actor remote);

 private:
  struct route {
    caf::actor local;
    caf::actor remote;
  };

  const entity_catalogue& kinds_;
  mutable std::mutex mutex_;
  std::vector<route> shards_;
};

}  // namespace souk::runtime
