#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

/// A shop at one moment: written while it sells, and made data folders of.
///
/// A backup reads data folders beside the soukd that works on them. All states are looked at first, then all
/// journals; what a journal has beyond its state belongs to the backup, up to where the shards agree
/// (cut.hpp). So whatever was answered before it began is in it, and nobody is asked to pause.
namespace souk::backup {

struct backup_report {
  std::uint16_t shards = 0;
  std::uint64_t rows = 0;
  std::uint64_t records = 0;  ///< Of journals, beyond the states.
  std::uint64_t bytes = 0;
};

/// Writes `target`, which must not exist and is there only when it is whole and on disk. `folders`: of one
/// node, whose copies are all in sync, or of several nodes of one cluster; of each shard the newest copy is
/// taken. Throws `std::runtime_error`: which folder cannot be read, or lags behind.
backup_report write_backup(const std::filesystem::path& target,
                           const std::vector<std::filesystem::path>& folders, std::int64_t time_ms);

/// Checks the whole backup, then makes of it each of `folders`, which must not exist or be empty and are
/// there only when they are whole. Each becomes a disk of its own, of no cluster yet. Throws
/// `std::runtime_error`, which names what is damaged.
backup_report restore_backup(const std::filesystem::path& source,
                             const std::vector<std::filesystem::path>& folders,
                             const std::function<std::string(std::size_t)>& random_bytes);

}  // namespace souk::backup
