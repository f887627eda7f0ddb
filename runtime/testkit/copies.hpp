#pragma once

#include "persistence/storage.hpp"
#include "runtime/types.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace souk::runtime::testkit {

/// What a state says of a shard's entities, indexes, timers and calls: what its journal amounts to, on any
/// disk. Effects are not compared: that one was taken up is known to the primary before a record tells
/// others.
std::map<std::string, std::string> state_rows(persistence::storage& storage, shard_id shard);

/// Where two copies of a shard differ, in words; empty: nowhere. Of a journal, what both still have is
/// compared.
std::string difference(persistence::storage& one, persistence::storage& other, shard_id shard);

}  // namespace souk::runtime::testkit
