#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

/// What a node keeps on its disk: the journal (what was decided, the truth) and the state (what it amounts
/// to).
///
/// Both are behind interfaces, because a test runs the same node on storage in memory that can lose, tear and
/// refuse writes. Nothing here knows of actors, entities or commerce.
namespace souk::persistence {

/// A shard: the unit of order and recovery. 0 .. shard_count-1, fixed when a cluster is created.
using shard_id = std::uint16_t;

/// What became of a write. Everything that is neither ends in an exception, and the process must end with it:
/// a failed fsync is never retried, for the kernel may have dropped the pages that it could not write.
enum class commit_status : std::uint8_t {
  done,          ///< All of it is on disk.
  storage_full,  ///< Nothing of it is on disk: the map or the file system is full. The store is intact.
};

/// The disk holds something else than what was written. `what()` names the file, the record and the expected
/// figure.
class damage : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Bytes that nobody changes any more: whoever holds a copy holds the same bytes. A record is on its way to
/// the disk and to other nodes at the same time.
class shared_bytes {
 public:
  shared_bytes() : shared_bytes(std::string{}) {}
  template <class Text>
    requires std::constructible_from<std::string, Text&&>
  shared_bytes(Text&& text)  // NOLINT: wherever a text is written down, its bytes may be shared
      : bytes_(std::make_shared<const std::string>(std::forward<Text>(text))) {}
  shared_bytes(std::shared_ptr<const std::string> bytes) : bytes_(std::move(bytes)) {}  // NOLINT: as above

  operator const std::string&() const { return *bytes_; }  // NOLINT: as above
  std::size_t size() const { return bytes_->size(); }
  const std::shared_ptr<const std::string>& share() const { return bytes_; }

  bool operator==(const shared_bytes& other) const { return *bytes_ == *other.bytes_; }
  template <class Text>
    requires std::convertible_to<const Text&, std::string_view>
  bool operator==(const Text& other) const {
    return *bytes_ == std::string_view(other);
  }

 private:
  std::shared_ptr<const std::string> bytes_;
};

/// One record of a shard's sequence.
struct journal_entry {
  shard_id shard = 0;
  std::uint64_t index = 0;  ///< Position in the shard's sequence; the first is 1; gapless.
  std::uint64_t epoch = 0;  ///< The epoch under which it was decided; never falls along a sequence.
  shared_bytes payload;     ///< A serialised `pb::Record`; at most 48 MiB (long ones are split on disk).
};

/// Where a shard's sequence begins and ends on this disk. `last == first - 1` when it is empty.
struct journal_bounds {
  std::uint64_t first = 1;       ///< The oldest index still kept.
  std::uint64_t last = 0;        ///< The newest durable index.
  std::uint64_t last_epoch = 0;  ///< The epoch of the newest record, also after it was trimmed.
};

/// The journal: one sequence a shard, keyed by `shard ‖ index`. Each record is stored with its epoch, a
/// CRC32C over everything before it, and a hash that chains it to its predecessor.
///
/// Threads: one thread at a time may write (append, trim, cut); any thread may read at any time.
class journal {
 public:
  virtual ~journal() = default;

  /// Appends entries of any shards, each continuing its shard's sequence, in one transaction, and returns
  /// when they are on disk. `storage_full`: none of them is. Throws `std::logic_error` for a gap or a falling
  /// epoch.
  virtual commit_status append(std::span<const journal_entry> entries) = 0;

  /// The bounds of one shard, as of the last completed write.
  virtual journal_bounds bounds(shard_id shard) const = 0;

  /// Calls `visit` for each kept record of `shard` from index `from` on, in order, until it returns false or
  /// the sequence as it was at the call ends. Checks sums and chain as it goes; throws `damage` at the first
  /// record that does not hold. A visit may take its time and use the storage: no transaction is open.
  virtual void read(shard_id shard, std::uint64_t from,
                    const std::function<bool(const journal_entry&)>& visit) const = 0;

  /// Forgets records below `keep_from`, at most `max_records` of them in one transaction; the chain value of
  /// the last one dropped is kept so that the rest can still be verified. Returns storage_full like append.
  virtual commit_status trim(shard_id shard, std::uint64_t keep_from, std::uint64_t max_records) = 0;

  /// Drops every record after `last` (a replica that followed a deposed primary).
  virtual commit_status cut(shard_id shard, std::uint64_t last) = 0;

  /// Drops every record of a shard; the next one follows `index` of `epoch`, which was not seen here (a
  /// replica whose state came whole from elsewhere). Chain values start anew.
  virtual commit_status restart(shard_id shard, std::uint64_t index, std::uint64_t epoch) = 0;
};

/// A change of one row of the state: a new value, or its removal.
struct row_change {
  std::string key;                   ///< 1 to 480 bytes.
  std::optional<std::string> value;  ///< At most 48 MiB; empty optional: the row goes.
};

using row_changes = std::span<const row_change>;
/// Changes on their way to the disk, which those who wait for that still read.
using shared_rows = std::shared_ptr<const std::vector<row_change>>;

enum class scan_order : std::uint8_t { ascending, descending };

/// The state: an ordered map from bytes to bytes. Same threads as the journal; its writer is a thread of its
/// own.
class state_store {
 public:
  virtual ~state_store() = default;

  /// Applies all changes of all parts in order in one transaction and returns when they are on disk. Parts,
  /// as who writes for many need not bring their rows together first.
  virtual commit_status write_all(std::span<const row_changes> parts) = 0;
  commit_status write(row_changes changes) { return write_all({&changes, 1}); }

  /// The value of one row.
  virtual std::optional<std::string> get(std::string_view key) const = 0;

  /// Visits the rows with `from <= key < to` in the given order, in one read transaction (one consistent
  /// view), until `visit` returns false. Keep visits short: a read transaction pins pages. A visit may read;
  /// to write in it is a `std::logic_error`.
  virtual void scan(std::string_view from, std::string_view to, scan_order order,
                    const std::function<bool(std::string_view key, std::string_view value)>& visit) const = 0;
};

/// How full the storage is, for metrics and for refusing new work in time.
struct storage_usage {
  std::uint64_t journal_bytes = 0;      ///< Bytes in use in the journal's map, or on their way there.
  std::uint64_t journal_bytes_max = 0;  ///< Its configured size.
  std::uint64_t state_bytes = 0;
  std::uint64_t state_bytes_max = 0;
  std::uint64_t disk_free_bytes = 0;  ///< Free bytes of the file system.
  bool nearly_full = false;           ///< 90 % of a map in use, or less free disk than `disk_reserve_bytes`.
};

/// Both environments of one node, open. Closing it closes them; nothing may use them afterwards.
class storage {
 public:
  virtual ~storage() = default;
  virtual journal& log() = 0;
  virtual state_store& state() = 0;
  virtual storage_usage usage() const = 0;
};

/// Facts that belong to a data folder for ever, written when it is created.
struct storage_identity {
  std::string disk_id;               ///< Random, names this disk: an emptied disk gets another.
  std::string cluster_id;            ///< Random, names the cluster it belongs to.
  std::string cluster_secret;        ///< 32 random bytes: derives ids of keyed creates.
  std::uint16_t shard_count = 16;    ///< Fixed when the cluster is created.
  std::uint32_t format_version = 2;  ///< What this folder's files look like.
};

}  // namespace souk::persistence
