#pragma once

#include "runtime/entity/kind.hpp"
#include "runtime/types.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace souk::runtime {

/// Bounds of a feed, and why they are that.
struct feed_limits {
  /// Events of one shard that are kept for other nodes; who is further behind begins with the rows again. A
  /// catalogue that is imported grows by some thousand a second.
  std::size_t events_kept_max = 20'000;
  std::size_t bytes_kept_max = 16u << 20;
  /// Bytes of one answer: an eighth of the longest envelope.
  std::size_t page_bytes = 1u << 20;
};

/// The newest committed events that projections are fed with, by shard, for other nodes to ask for. Positions
/// count the events of a shard since this process started. Any thread.
class feed_log {
 public:
  struct event {
    runtime::address address;
    std::uint64_t version = 0;
    std::string bytes;
  };
  struct page {
    bool lost = false;  ///< What came after the position is not kept any more.
    std::uint64_t position = 0;
    std::vector<event> events;
  };

  feed_log(std::uint16_t shard_count, feed_limits limits = {}) : limits_(limits), shards_(shard_count) {}

  void add(shard_id shard, event event);
  std::uint64_t position(shard_id shard) const;
  /// What came after a position, up to a page.
  page after(shard_id shard, std::uint64_t position) const;
  /// Called after each addition; must not wait.
  void on_growth(std::function<void()> told);

 private:
  struct kept {
    std::uint64_t last = 0;  // the position of the newest
    std::size_t bytes = 0;
    std::deque<event> events;
  };

  feed_limits limits_;
  mutable std::mutex mutex_;
  std::vector<kept> shards_;
  std::function<void()> told_;
};

/// A projection that writes the events of one kind into a log. `shard_of` says where an entity lives.
std::shared_ptr<projection> make_feed_tap(kind_id source, std::shared_ptr<feed_log> log,
                                          std::function<shard_id(const address&)> shard_of);

}  // namespace souk::runtime
