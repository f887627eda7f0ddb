#pragma once

#include "persistence/storage.hpp"
#include "runtime/limits.hpp"
#include "runtime/seams/seams.hpp"
#include "runtime/shard/messages.hpp"

#include <caf/behavior.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/stateful_actor.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

namespace souk::runtime {

/// Figures of the writers. Any thread.
struct writer_figures {
  std::atomic<std::uint64_t> commits{0};
  std::atomic<std::uint64_t> trims{0};  ///< Commits of the journal that only removed records.
  std::atomic<std::uint64_t> records{0};
  std::atomic<std::uint64_t> bytes{0};
  std::atomic<std::uint64_t> commit_nanoseconds{0};
  std::atomic<std::uint64_t> commit_nanoseconds_max{0};
  std::atomic<std::uint64_t> state_commits{0};
  /// Called after each commit of the journal with its length; may be empty.
  std::function<void(std::chrono::nanoseconds)> on_commit;
};

/// The one writer of the journal, for all shards of a node, on a thread of its own (in a simulation:
/// scheduled). While one commit is on its way to the disk, the next batch collects in its mailbox: group
/// commit that tunes itself and adds no delay when idle.
///
/// Messages: `append`, `cut_after`, `restart_after` (answered by `journalled` or `journal_refused`),
/// `ask_bounds` (`bounds_are`),
/// `trim_journal`, `tick` (look at the fill now). An exception (a failed sync, a broken sequence) ends it,
/// and with it the node.
class journal_writer_life {
 public:
  static inline const char* name = "journal";
  explicit journal_writer_life(caf::event_based_actor* self) : self_(self) {}

  caf::behavior start(persistence::storage* storage, const limits* limits, writer_figures* figures,
                      std::shared_ptr<clock> time);

 private:
  struct part {
    shard_id shard;
    caf::actor owner;
    std::uint64_t first;
    std::uint64_t last;
    std::uint64_t ticket;
  };

  void collect(append& append);
  void cut(const cut_after& cut);
  void restart(const restart_after& restart);
  void commit();
  void refuse(const part& part);
  void watch_usage();
  void trim_some();
  void trim_next();

  caf::event_based_actor* self_;
  persistence::storage* storage_ = nullptr;
  const limits* limits_ = nullptr;
  writer_figures* figures_ = nullptr;
  std::shared_ptr<clock> time_;

  std::vector<persistence::journal_entry> batch_;
  std::vector<part> parts_;
  std::size_t batch_bytes_ = 0;
  bool commit_pending_ = false;
  std::unordered_map<shard_id, std::uint64_t> next_;  // the index expected of each shard
  std::map<shard_id, caf::actor> shards_;
  std::map<shard_id, trim_journal> trims_;
  std::chrono::nanoseconds usage_checked_{0};
  bool nearly_full_ = false;
  bool crowded_ = false;                 // as of when the fill was looked at
  std::chrono::nanoseconds trimmed_{0};  // when something was
  shard_id trimmed_last_ = 0;            // whose turn was the last one
};

using journal_writer_actor = caf::stateful_actor<journal_writer_life>;
caf::behavior journal_writer(journal_writer_actor* self, persistence::storage* storage, const limits* limits,
                             writer_figures* figures, std::shared_ptr<clock> time);

/// The one writer of the state environment. Flushes of several shards that come together are one commit.
/// Messages: `write_state` (answered by `state_written`).
class state_writer_life {
 public:
  static inline const char* name = "state";
  explicit state_writer_life(caf::event_based_actor* self) : self_(self) {}

  caf::behavior start(persistence::storage* storage, const limits* limits, writer_figures* figures);

 private:
  void commit();

  caf::event_based_actor* self_;
  persistence::storage* storage_ = nullptr;
  const limits* limits_ = nullptr;
  writer_figures* figures_ = nullptr;
  std::vector<persistence::shared_rows> batch_;
  std::vector<caf::actor> owners_;
  std::size_t batch_rows_ = 0;
  std::size_t batch_bytes_ = 0;
  bool commit_pending_ = false;
};

using state_writer_actor = caf::stateful_actor<state_writer_life>;
caf::behavior state_writer(state_writer_actor* self, persistence::storage* storage, const limits* limits,
                           writer_figures* figures);

}  // namespace souk::runtime
