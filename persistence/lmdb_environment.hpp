#pragma once

#include "persistence/storage.hpp"

#include <lmdb.h>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What journal and state have in common: one LMDB environment, its transactions, its growth and its errors.
namespace souk::persistence {

/// How to open an environment.
struct environment_options {
  std::filesystem::path folder;         ///< Made with mode 0700 if missing; holds LMDB's two files.
  std::uint64_t map_bytes_initial = 0;  ///< Rounded to pages; at least 16 of them.
  std::uint64_t map_bytes_max = 0;
  unsigned databases_max = 0;
  bool read_only = false;
};

/// Throws for an LMDB return code other than success: `damage` when LMDB finds its file inconsistent, else
/// `std::system_error` (a full map or disk is one by which `lmdb_environment::write` knows what to do).
void check_lmdb(int code, std::string_view what);

/// LMDB's view of bytes, and back. LMDB does not write through keys and values it is given.
MDB_val to_value(std::string_view bytes);
std::string_view to_bytes(const MDB_val& value);

/// A position in one database within one transaction, which must outlive it.
class lmdb_cursor {
 public:
  lmdb_cursor(MDB_txn* txn, MDB_dbi database);
  ~lmdb_cursor();
  lmdb_cursor(const lmdb_cursor&) = delete;
  lmdb_cursor& operator=(const lmdb_cursor&) = delete;

  /// Moves as `operation` says, `key` being where to; false if nothing is there.
  bool move(MDB_cursor_op operation, std::string_view key = {});
  /// What the last move found; valid until the next write or the end of the transaction.
  std::string_view key() const { return to_bytes(key_); }
  std::string_view value() const { return to_bytes(value_); }

  /// Stores a row; `flags` as LMDB's.
  void put(std::string_view key, std::string_view value, unsigned flags = 0);
  /// Removes the row it stands on; it then stands nowhere and has to move.
  void remove();

 private:
  MDB_cursor* cursor_ = nullptr;
  MDB_val key_{};
  MDB_val value_{};
};

/// One row, or nothing.
std::optional<std::string_view> get_row(MDB_txn* txn, MDB_dbi database, std::string_view key);
void put_row(MDB_txn* txn, MDB_dbi database, std::string_view key, std::string_view value);

/// An open environment with full synchronous commits.
///
/// Threads: one thread at a time writes; any thread reads. The map may only be resized while the process has
/// no transaction open, so readers pass a gate that the writer closes for the moment of a resize.
/// Transactions of readers are kept for reuse: beginning one anew costs more than most reads.
class lmdb_environment {
 public:
  explicit lmdb_environment(environment_options options);
  ~lmdb_environment();
  lmdb_environment(const lmdb_environment&) = delete;
  lmdb_environment& operator=(const lmdb_environment&) = delete;

  /// Opens databases by name, makes those that are missing, all in one transaction; only before other threads
  /// use the environment.
  std::vector<MDB_dbi> open_databases(const std::vector<std::string>& names);

  /// The database of facts, for a transaction that has to change one together with rows.
  MDB_dbi facts() const { return names_; }
  /// A fact about the environment, kept beside the names of its databases; empty if there is none.
  std::string fact(const std::string& name) const;
  void set_fact(const std::string& name, std::string_view value);

  /// From here on every view is of this moment. It pins what is freed meanwhile, also while another process
  /// writes: for programs that end soon. Only of an environment that is read by one thread.
  void freeze();

  /// A read transaction: one consistent view for as long as it lives, on the thread that made it. It pins
  /// every page that is freed meanwhile: keep it short.
  class view {
   public:
    explicit view(const lmdb_environment& environment);
    ~view();
    view(const view&) = delete;
    view& operator=(const view&) = delete;
    MDB_txn* txn() const { return txn_; }

   private:
    const lmdb_environment& environment_;
    MDB_txn* txn_;
  };

  /// What a write does to the room left: additions leave a reserve, so that removals always find the pages
  /// that copy-on-write needs, and what was promised finds more than it was promised.
  enum class intent : std::uint8_t { add, remove, keep_promise };

  /// Promises room for `pages`, beside a few, to a later write: takes it from the disk. False: it is
  /// uncertain whether there would be room, and only a write itself can tell. Throws as `write` does.
  bool promise_room(std::size_t pages);

  /// Runs `change` in a write transaction and commits it. `pages` is an upper bound of the pages it takes
  /// anew, beside a few. `change` may run again after the map has grown. Throws what `change` throws,
  /// `std::logic_error` inside a view of the same thread, and `std::system_error` if the commit failed
  /// otherwise: the environment then refuses all further writes, and the process must end.
  commit_status write(intent what, std::size_t pages, const std::function<void(MDB_txn*)>& change);

  /// Bytes of all pages that hold something.
  std::uint64_t bytes_used() const;
  std::uint64_t bytes_max() const { return options_.map_bytes_max; }
  /// The path of the file that holds the data, for messages.
  const std::string& file() const { return file_; }

 private:
  friend class view;

  MDB_txn* enter() const;
  void leave(MDB_txn* txn) const;
  bool attempt(std::uint64_t bytes_max, const std::function<void(MDB_txn*)>& change);
  void commit(MDB_txn* txn);
  bool grow();
  bool allocate(std::uint64_t bytes);
  void check_may_write() const;
  bool make_room(std::uint64_t reserve, std::size_t pages);
  std::uint64_t pages_used(MDB_txn* txn) const;
  std::uint64_t reserve_bytes() const;

  environment_options options_;
  std::string file_;
  MDB_env* env_ = nullptr;
  std::size_t page_bytes_ = 0;
  MDB_dbi names_ = 0;  ///< The unnamed database.
  std::vector<MDB_dbi> databases_;
  std::uint64_t allocated_bytes_ = 0;  ///< Length of the file: no write below it can find the disk full.
  bool allocates_ = true;              ///< False once the file system has said that it cannot.
  bool failed_ = false;                ///< A commit failed: nothing may be written any more.

  mutable std::mutex gate_;
  mutable std::condition_variable gate_changed_;
  mutable std::size_t views_ = 0;
  mutable bool resizing_ = false;
  MDB_txn* frozen_ = nullptr;           ///< The one view there is, after `freeze`.
  mutable std::vector<MDB_txn*> idle_;  ///< Reset read transactions, ready to be renewed.
};

}  // namespace souk::persistence
