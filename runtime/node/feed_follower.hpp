#pragma once

#include "runtime/cluster/messages.hpp"
#include "runtime/entity/kind.hpp"
#include "runtime/links/messages.hpp"
#include "runtime/node/messages.hpp"
#include "runtime/seams/seams.hpp"

#include <caf/behavior.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/stateful_actor.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace souk::runtime::pb {
class FeedEvent;
class FeedNews;
class RowsPage;
}  // namespace souk::runtime::pb

namespace souk::runtime {

/// How far a node's projections are with the shards of others. Any thread.
struct feed_figures {
  std::atomic<std::uint64_t> events{0};
  std::atomic<std::uint64_t> rows{0};
  std::atomic<std::uint64_t> beginnings{0};  ///< Shards that were read from their rows on.
  std::atomic<std::int64_t> behind{0};       ///< Shards of others that are not followed at the moment.
};

struct feed_follower_options {
  std::string node;
  const entity_catalogue* kinds = nullptr;
  /// To be fed; those of `kinds` feed others.
  std::vector<std::shared_ptr<projection>> projections;
  std::function<caf::actor()> coordinator;                  ///< Null while there is none.
  std::function<caf::actor(const std::string& node)> link;  ///< Null while there is none.
  feed_figures* figures = nullptr;
  std::shared_ptr<clock> time;
};

/// Keeps this node's projections up with the shards of other nodes: reads what a shard amounts to when its
/// primary or epoch changes, and then follows each event. A gap is no guess: it begins with the rows again.
///
/// Messages: `view_changed`, `registration_changed`, `neighbour_changed`, `links::node_answer`.
class feed_follower_life {
 public:
  static inline const char* name = "follower";
  explicit feed_follower_life(caf::event_based_actor* self) : self_(self) {}

  caf::behavior start(feed_follower_options options);

 private:
  enum class stage : std::uint8_t { none, rows, records, live };
  struct source {
    std::string node;
    std::uint64_t epoch = 0;
    stage at = stage::none;
    std::uint64_t question = 0;                           // under way; 0: none
    std::string after;                                    // rows up to this key are here
    std::uint64_t index = 0;                              // so are events of records up to this
    std::uint64_t position = 0;                           // so is the feed up to this
    std::unordered_map<address, std::uint64_t> versions;  // of entities, as projections know them
  };
  struct open_question {
    std::string node;
    std::optional<shard_id> shard;  // asked for its rows or records; none: what is new
  };

  void on_tick();
  void take(const std::shared_ptr<const cluster_view>& view);
  void take(const links::node_answer& answer);
  void begin(shard_id shard);
  void ask_on(shard_id shard);
  void listen(const std::string& node);
  void take_page(shard_id shard, const pb::RowsPage& page);
  void take_rows(source& from, const pb::RowsPage& page);
  void take_news(const pb::FeedNews& news);
  bool take_event(source& from, const pb::FeedEvent& event);
  std::uint64_t ask(const std::string& node, std::string name, std::string content,
                    std::optional<shard_id> shard);
  void count_behind();

  caf::event_based_actor* self_;
  feed_follower_options options_;
  std::map<shard_id, source> sources_;  // shards of others
  std::map<std::uint64_t, open_question> questions_;
  std::map<std::string, std::uint64_t> listening_;  // the question that waits for news, by node
  std::uint64_t next_ = 1;
  unsigned ticks_ = 0;
};

using feed_follower_actor = caf::stateful_actor<feed_follower_life>;
caf::behavior feed_follower(feed_follower_actor* self, feed_follower_options options);

}  // namespace souk::runtime
