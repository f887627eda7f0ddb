#pragma once

#include "runtime/replication/types.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

/// What passes between the members of a shard. Links may lose, repeat, delay and reorder it, but not change
/// it. Which shard, and from whom: the envelope's business.
namespace souk::replication {

/// primary → member: "after `prev` come these". Without entries it is a heartbeat, or the question whether
/// both agree up to `prev`.
struct append {
  std::uint64_t epoch = 0;              ///< The sender's.
  std::uint64_t number = 0;             ///< Of this send; grows from send to send to one member.
  std::chrono::nanoseconds sent_at{0};  ///< By the sender's clock; comes back in the answer.
  position prev;
  std::vector<entry> entries;   ///< Of this epoch or older ones; gapless after `prev`.
  std::uint64_t committed = 0;  ///< What the sender knows to be committed; may be beyond `entries`.
};

enum class append_result : std::uint8_t {
  accepted,    ///< Agreed up to `prev`, and beyond.
  mismatch,    ///< Not agreed at `prev`: try at `hint`.
  superseded,  ///< The member has seen a higher epoch; the sender is no primary any more.
};

/// member → primary. Each answer under the sender's own epoch promises not to serve as primary for a while.
struct appended {
  std::uint64_t epoch = 0;  ///< The epoch answered; `superseded`: the highest one seen.
  append_result result = append_result::accepted;
  std::uint64_t number = 0;             ///< Of the newest send that was taken up ...
  std::chrono::nanoseconds sent_at{0};  ///< ... and when that was sent.
  std::uint64_t durable = 0;            ///< On disk here, and the same as the sender's.
  std::uint64_t committed = 0;          ///< Known here to be committed: the sender must have it.
  position hint;                        ///< `mismatch`: the highest position where both may agree.
};

/// primary → member whose next record was trimmed: the state instead, piece by piece; each waits for its
/// answer.
struct snapshot_chunk {
  std::uint64_t epoch = 0;
  std::uint64_t snapshot = 0;  ///< Names the attempt; grows.
  std::uint64_t sequence = 0;  ///< 0, 1, ...
  std::chrono::nanoseconds sent_at{0};
  position at;                              ///< The state after this record; the same in all chunks.
  std::shared_ptr<const std::string> data;  ///< Opaque here: rows.
  std::uint64_t digest = 0;                 ///< Over all chunks so far, this one included: `running_digest`.
  bool last = false;
};

/// member → primary: the chunk is stored; after the last one: the snapshot is installed.
struct snapshot_received {
  std::uint64_t epoch = 0;
  std::uint64_t snapshot = 0;
  std::uint64_t sequence = 0;
  bool damaged = false;     ///< The digest does not hold: start anew.
  bool superseded = false;  ///< `epoch` is a higher one.
};

/// The digest of a snapshot up to a chunk, from the digest up to the one before it (0 before the first).
/// XXH3.
std::uint64_t running_digest(std::uint64_t before, const std::string& chunk);

/// controller → member: what have you got? Answered by `position_answer`.
struct position_query {
  std::uint64_t correlation = 0;
};
struct position_answer {
  std::uint64_t correlation = 0;
  member_id member;
  std::uint64_t epoch = 0;  ///< The highest epoch seen.
  position last;            ///< The newest record on disk.
  members reaches;          ///< The other members of the shard with which it has a working link.
};

}  // namespace souk::replication
