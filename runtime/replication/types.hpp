#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

/// Replication: one shard's sequence on several disks. A pure core: what happened comes in as calls, what is
/// to be done comes out as actions; no actor, no storage, no clock. Times are nanoseconds of the node's
/// monotonic clock, which must go on while the machine sleeps (CLOCK_BOOTTIME). None of the classes is
/// thread-safe.
///
/// docs/replication.md tells the protocol as a whole, beside its model.
namespace souk::replication {

/// One disk of one node, "node/disk" by convention; opaque here. A node with another disk is another member.
using member_id = std::string;
using members = std::vector<member_id>;

inline bool contains(const members& all, std::string_view member) {
  return std::find(all.begin(), all.end(), member) != all.end();
}

/// Something happened that the protocol rules out: a record that was committed would go, an epoch was used
/// twice. The shard's replica must stop and an operator must look; going on could lose what was acknowledged.
class broken_protocol : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// Names one record for ever: under one epoch each index is written once.
struct position {
  std::uint64_t index = 0;  ///< 0: before the first record.
  std::uint64_t epoch = 0;  ///< 0 with an index: not known here any more, the record was trimmed.

  bool operator==(const position&) const = default;
};

/// A record on its way. The payload is shared by the sends to all members.
struct entry {
  std::uint64_t index = 0;
  std::uint64_t epoch = 0;
  std::shared_ptr<const std::string> payload;

  position at() const { return {index, epoch}; }
};

/// What the coordinator holds for a shard, as this protocol sees it. Changed by compare-and-swap of the
/// revision alone. `in_sync` changes only by its primary within an epoch, or together with a new epoch.
struct shard_config {
  std::int64_t revision = 0;  ///< Grows with each change of the record.
  std::uint64_t epoch = 0;
  member_id primary;
  members in_sync;   ///< Must have a record on disk before it is committed; the primary is one of them.
  members replicas;  ///< Members that are to keep a copy; those not in `in_sync` are learners.
  std::uint32_t min_in_sync = 1;  ///< Nothing is committed with fewer in `in_sync`; never shrinks below.
  bool handed_over =
      false;  ///< The primary of the epoch before gave its read lease back before this one began.

  bool operator==(const shard_config&) const = default;
};

}  // namespace souk::replication
