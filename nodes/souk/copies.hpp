#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace souk::cli {

/// What a node says of its copy of a shard.
struct shard_copy {
  std::string node;
  std::uint64_t last = 0;     ///< The last record in its journal.
  std::uint64_t applied = 0;  ///< Its state stands for records up to here.
  std::string digest;
  std::string failure;  ///< Why it said nothing; empty if it did.
};

struct comparison {
  enum class verdict : std::uint8_t {
    same,
    different,
    not_yet,  ///< The copies do not stand for the same records at the moment, or not all could be asked.
  };
  verdict is = verdict::not_yet;
  std::vector<std::string> others;  ///< Nodes whose copy is not the primary's.
  std::string text;                 ///< In words; empty where they are the same.
};

/// Compares all copies of a shard. Only states that stand for all that is in their journal are compared: that
/// of a primary at work holds parts of what comes after.
comparison compare_copies(const std::string& primary, const std::vector<shard_copy>& copies);

}  // namespace souk::cli
