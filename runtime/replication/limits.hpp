#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace souk::replication {

/// Every bound of the protocol, and why it is that. The relation of `promise` and `lease` is what reads rest
/// on; the others are matters of speed alone.
struct limits {
  /// G: who answers a message of a primary does not serve as primary for so long after its answer. Short
  /// enough that a failover (some 2 s until the dead primary's node lease ends) seldom waits for it.
  std::chrono::nanoseconds promise{std::chrono::milliseconds{1'500}};
  /// L: a primary reads for so long after the sending of what all others have answered. Four fifths of G, so
  /// that reads are right as long as no monotonic clock runs more than a tenth faster or slower than true
  /// time; quartz is off by one in ten thousand.
  std::chrono::nanoseconds lease{std::chrono::milliseconds{1'200}};
  /// An idle primary says that it lives: five may be lost before a lease runs out.
  std::chrono::nanoseconds heartbeat_interval{std::chrono::milliseconds{200}};
  /// A question to a member (where do we agree?) or a snapshot chunk without an answer is sent again.
  std::chrono::nanoseconds resend_interval{std::chrono::milliseconds{400}};
  /// A member of `in_sync` whose disk is behind, or that is silent, for so long is taken out.
  std::chrono::nanoseconds lag_timeout{std::chrono::milliseconds{1'000}};
  /// A member that was taken out comes back at the earliest after so long, or a slow disk would come and go.
  std::chrono::nanoseconds return_after{std::chrono::seconds{10}};
  /// A primary that cannot commit or read for so long asks the controller to look, again and again.
  std::chrono::nanoseconds look_after{std::chrono::milliseconds{2'000}};
  /// A change of the record with unknown outcome is asked for again.
  std::chrono::nanoseconds swap_retry{std::chrono::milliseconds{500}};
  /// Ticks further apart than this: this process stood still, so nobody else's silence is judged by that
  /// time.
  std::chrono::nanoseconds pause_forgiven{std::chrono::milliseconds{400}};

  /// One message: large enough that a disk's commit outweighs its cost, small enough to share a link with 15
  /// other shards.
  std::size_t batch_records_max = 1'000;
  std::size_t batch_bytes_max = 1u << 20;
  /// Sent to a member and not on its disk yet: twice what a disk with 5 ms per commit takes at 100 MB/s ...
  /// and bounded, for a follower keeps it in memory.
  std::size_t window_records_max = 8'000;
  std::size_t window_bytes_max = 4u << 20;
  /// Kept in memory for members that are a little behind; who is further behind is served from the journal.
  std::size_t recent_records_max = 16'000;
  std::size_t recent_bytes_max = 8u << 20;
  /// One chunk of a snapshot, for whoever cuts it.
  std::size_t snapshot_chunk_bytes = 512u << 10;
};

}  // namespace souk::replication
