#pragma once

#include "persistence/storage.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace souk::nodes {

/// The cluster that a data folder belongs to, from its first join on: the file `cluster` in it.
struct joined_cluster {
  std::string id;
  std::string secret;  ///< What all its nodes derive alike.

  bool operator==(const joined_cluster&) const = default;
};

/// Nothing if the folder belongs to none. Throws `std::runtime_error` if the file cannot be read.
std::optional<joined_cluster> read_joined(const std::filesystem::path& folder);

/// Durable when it returns. Throws `std::runtime_error`.
void write_joined(const std::filesystem::path& folder, const joined_cluster& cluster);

/// Refuses what would mix two shops: to let the folder of a cluster's node run alone, or that of a shop of
/// one node join a cluster. Throws `std::runtime_error`.
void refuse_other_use(const std::filesystem::path& folder, bool clustered, persistence::storage& storage,
                      std::uint16_t shard_count);

}  // namespace souk::nodes
