#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace souk::runtime {

/// Every bound of the runtime: its default, and why it is that. An operator changes some of them in
/// cluster.conf.
struct limits {
  /// Entities in memory, over all shards of a node; the least recently used go first. About 2 KB each: room
  /// for all that a busy shop touches within a flush, for an entity costs more to leave and to come back than
  /// to stay.
  std::size_t entities_active_max = 50'000;
  /// An entity that nobody asked for so long leaves memory.
  std::chrono::milliseconds entity_idle_timeout{60'000};
  /// Commands waiting for one entity; the next one is refused as overloaded. Half a second of a hot item's
  /// work.
  std::size_t entity_queue_max = 10'000;
  /// Commands taken up and not yet answered in one shard; bounds the memory of a stalled disk.
  std::size_t shard_unanswered_max = 50'000;
  /// If no record was committed for so long although some wait, further commands are refused, so that their
  /// clients know that nothing was done: a member is gone and nobody can say that it counts no more, or the
  /// disk hangs. Longer than any failover, shorter than clients wait for an answer.
  std::chrono::milliseconds commit_stall_max{4'000};
  /// A read that may not be answered, because other members of the shard are silent, waits so long for them.
  /// Longer than they take to notice a lost link, shorter than clients wait.
  std::chrono::milliseconds lease_wait{1'000};
  /// Throws by one message before it is set aside.
  unsigned strikes_max = 3;
  /// Messages remembered for having made an entity throw.
  std::size_t strikes_remembered_max = 10'000;

  /// The state follows the journal at most this far behind in time: rows that come and go meanwhile are never
  /// written, and the state's syncs leave the disk to the journal; each shard at its own moment of it ...
  std::chrono::milliseconds flush_interval{5'000};
  /// ... and in bytes of journal, over one shard: it bounds what recovery replays.
  std::size_t flush_bytes = 32u << 20;

  /// Timers due sooner than this are in memory; later ones only on disk.
  std::chrono::milliseconds timer_horizon{120'000};
  /// How often due timers are looked for: their precision.
  std::chrono::milliseconds tick_interval{100};
  /// Timers fired at a time, so that a million carts that end in one second do not fill the memory.
  std::size_t timers_firing_max = 1'000;

  /// A stream of effects whose first was not acknowledged for so long is sent again.
  std::chrono::milliseconds effect_resend_interval{2'000};
  /// World calls without a result for so long are made again (their worker answers sooner; this covers its
  /// restart).
  std::chrono::milliseconds world_call_resend_interval{30'000};

  /// First answers to keyed requests are kept so long.
  std::chrono::milliseconds answers_kept{std::chrono::hours{48}};
  /// Rows removed per tick when answers end, so that a quiet shop does not stall on yesterday's rush.
  std::size_t answers_purged_per_tick = 500;

  /// Entries in one commit of the journal: a bound on its latency and on LMDB's dirty pages.
  std::size_t commit_entries_max = 4'000;
  /// Bytes in one commit.
  std::size_t commit_bytes_max = 8u << 20;
  /// Rows in one commit of the state, unless one shard alone flushes more: a row may change a page of its
  /// own, which LMDB keeps in memory until the commit. 64 MiB of them at most, for shards that flush
  /// together.
  std::size_t commit_rows_max = 16'384;
  /// Records that a shard with several members keeps beyond what it needs itself: a member that was away for
  /// so many takes them up from the journal, for others the state is read whole. Some 10 s of a busy shard.
  std::size_t journal_kept_records = 10'000;
  /// Records that each shard keeps for readers of its events, on every member, for each may become primary:
  /// some 64 MiB of a shop's, days of a quiet one and half an hour of a busy one. While the journal fills
  /// half of its map, or the storage is nearly full, they go.
  std::size_t events_kept_records = 100'000;
  /// Records looked at for one page of events: about a millisecond, for which the shard decides nothing ...
  std::size_t events_examined_max = 250;
  /// ... and their bytes, unless the first is longer.
  std::size_t events_page_bytes_max = 256u << 10;
  /// Records that a follower takes into its state at a time, between messages of its primary: some
  /// milliseconds of a processor, for which all that wait behind it are held up.
  std::size_t replay_records_max = 100;
  /// Journal records removed in one transaction when it is trimmed: a millisecond or two.
  std::size_t trim_records_max = 1'000;
};

/// `effect_resend_interval` where shards move between nodes: what was sent to a shard while it moved is lost,
/// and a checkout waits for it. Longer than an acknowledgement takes under load, so that little is sent
/// twice; short enough that several may be lost one after the other within a shopper's second.
inline constexpr std::chrono::milliseconds effect_resend_between_nodes{200};

}  // namespace souk::runtime
