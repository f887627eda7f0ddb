#pragma once

#include "persistence/lmdb_environment.hpp"
#include "persistence/storage.hpp"

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace souk::persistence {

/// The state in two LMDB databases:
///
///     rows     key             -> crc32c u32 | value bytes u32 | the value's beginning
///     parts    key | part u16  -> what follows, for values longer than fits a row
///
/// The CRC32C is over key, length and the whole value. Scans see only `rows`.
class lmdb_state : public state_store {
 public:
  /// `environment`, where it opens its databases, must outlive it.
  explicit lmdb_state(lmdb_environment& environment);

  commit_status write_all(std::span<const row_changes> parts) override;
  std::optional<std::string> get(std::string_view key) const override;
  void scan(std::string_view from, std::string_view to, scan_order order,
            const std::function<bool(std::string_view key, std::string_view value)>& visit) const override;

 private:
  void apply(MDB_txn* txn, lmdb_cursor& rows, const row_change& change);
  void put(MDB_txn* txn, lmdb_cursor& rows, std::string_view key, std::string_view value);
  std::string_view value_of(MDB_txn* txn, std::string_view key, std::string_view row,
                            std::string& scratch) const;

  lmdb_environment& environment_;
  MDB_dbi rows_ = 0;
  MDB_dbi parts_ = 0;
  std::string scratch_;  ///< The writer's row under construction.
};

}  // namespace souk::persistence
