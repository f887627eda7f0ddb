#pragma once

#include "runtime/links/messages.hpp"
#include "runtime/node/feed_log.hpp"
#include "runtime/node/messages.hpp"
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
#include <string>
#include <vector>

namespace souk::runtime::pb {
class FeedQuestion;
class RowsQuestion;
}  // namespace souk::runtime::pb

namespace souk::runtime {

struct feed_source_options {
  std::shared_ptr<feed_log> log;
  persistence::storage* storage = nullptr;
  std::vector<kind_id> kinds;                 ///< Whose entities are fed to others; ascending.
  std::function<caf::actor(shard_id)> shard;  ///< That serves here; null: none.
  std::shared_ptr<clock> time;
  feed_limits limits;
};

/// Tells other nodes what projections of theirs must know of the shards that are served here: first what it
/// all amounts to on disk, then each event as it is committed. Only what is committed.
///
/// Messages: `links::node_question` of names "feed" and "feed_rows" (answered by `links::node_answer`),
/// `feed_grew`, `shard_status`.
class feed_source_life {
 public:
  static inline const char* name = "feed";
  explicit feed_source_life(caf::event_based_actor* self) : self_(self) {}
  ~feed_source_life();
  feed_source_life(const feed_source_life&) = delete;
  feed_source_life& operator=(const feed_source_life&) = delete;

  caf::behavior start(feed_source_options options);

 private:
  /// Waits for news, or for its time to be over.
  struct listener {
    links::node_question question;
    std::chrono::nanoseconds until{0};
  };

  void take(const links::node_question& question);
  void take(const shard_status& status);
  void on_tick();
  /// Whether there was something to tell, or `in_any_case`.
  bool tell(const links::node_question& question, bool in_any_case);
  void tell_rows(const links::node_question& question, const pb::RowsQuestion& asked,
                 const shard_status& status);
  void refuse(const links::node_question& question);

  caf::event_based_actor* self_;
  feed_source_options options_;
  std::vector<listener> listeners_;
  std::map<std::uint64_t, links::node_question> rows_wanted_;  // waits for its shard's status
  std::uint64_t next_ = 1;
  std::shared_ptr<std::atomic<bool>> woken_ = std::make_shared<std::atomic<bool>>(false);
};

using feed_source_actor = caf::stateful_actor<feed_source_life>;
caf::behavior feed_source(feed_source_actor* self, feed_source_options options);

}  // namespace souk::runtime
