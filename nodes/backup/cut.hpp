#pragma once

#include "runtime/shard/shard_book.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <utility>
#include <vector>

/// Up to which record of each shard a backup goes. Shards are read one after the other while they tell each
/// other things; what is kept of them has to be as if they had all been read at one moment.
namespace souk::backup {

using runtime::shard_id;

/// What a record has to do with other shards.
struct record_facts {
  std::uint64_t index = 0;
  std::vector<std::pair<shard_id, std::uint64_t>> sent;          ///< To whom, and its number.
  std::optional<std::pair<shard_id, std::uint64_t>> received;    ///< From whom, and its number.
  std::vector<std::pair<shard_id, std::uint64_t>> acknowledged;  ///< By whom, and up to which number.
};

/// A shard's dealings with the others, as its rows and records say.
struct copy_facts {
  std::uint64_t applied = 0;                                ///< The rows stand for records up to this.
  std::map<shard_id, std::uint64_t> sent;                   ///< The highest number to each shard ...
  std::map<shard_id, std::set<std::uint64_t>> outstanding;  ///< ... and those that are not acknowledged.
  std::map<shard_id, runtime::received_numbers> received;
  std::vector<record_facts> records;  ///< After `applied`, in order.
};

/// The copies do not belong together: one lags behind the others.
class no_cut : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The last record to keep of each shard: as many as can be kept such that nothing is received that was not
/// sent, and nothing forgotten by its sender that did not arrive. Throws `no_cut`.
std::vector<std::uint64_t> consistent_cut(const std::vector<copy_facts>& copies);

}  // namespace souk::backup
