#pragma once

#include "runtime/links/environment.hpp"
#include "runtime/links/messages.hpp"
#include "runtime/links/pending.hpp"

#include <caf/behavior.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/stateful_actor.hpp>

#include <memory>
#include <optional>

namespace souk::links {

/// Stands in this node for a shard of another one. Takes what a shard takes (`request`, `index_query`,
/// `stream_batch`, `stream_ack`) and sees that what is answered reaches `reply_to`. To the shards of this
/// node it is also the asker of what that node asks them.
///
/// What never left is answered `unavailable`. When the link is lost, what was only read is `unavailable` too,
/// and everything else `unknown`; so it is when an answer does not come in time. Streams are not answered:
/// their senders repeat themselves.
class remote_shard_life {
 public:
  static inline const char* name = "remote_shard";
  explicit remote_shard_life(caf::event_based_actor* self) : self_(self) {}

  caf::behavior start(std::shared_ptr<const link_environment> environment, shard_id shard);

 private:
  struct question {
    caf::actor reply_to;
    std::uint64_t correlation = 0;
    bool query = false;
    bool read_only = false;
  };

  void take(const runtime::request& request);
  void take(const runtime::index_query& query);
  void take(const runtime::stream_batch& batch);
  void take(const link_is& news);
  void tick();

  std::uint64_t remember(question question, std::chrono::nanoseconds deadline);
  void send(freight freight, std::uint64_t correlation, std::string content);
  void answer(const question& to, runtime::outcome outcome, std::string detail = {});
  /// Nobody will say any more what became of it.
  void give_up(const question& question);

  caf::event_based_actor* self_;
  std::shared_ptr<const link_environment> environment_;
  shard_id shard_ = 0;
  caf::actor link_;
  std::optional<pending<question>> pending_;
  bool ticking_ = false;
};

using remote_shard_actor = caf::stateful_actor<remote_shard_life>;
caf::behavior remote_shard(remote_shard_actor* self, std::shared_ptr<const link_environment> environment,
                           shard_id shard);

}  // namespace souk::links
