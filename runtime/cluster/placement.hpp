#pragma once

#include "runtime/types.hpp"

#include <cstdint>
#include <string_view>

namespace souk::runtime {

/// The shard of a partition: `hash(tenant, partition) mod shard_count`. The hash is part of the data format:
/// XXH3 of tenant, NUL, partition. Any thread.
shard_id shard_of_partition(std::string_view tenant, std::string_view partition, std::uint16_t shard_count);

}  // namespace souk::runtime
