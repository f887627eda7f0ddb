#pragma once

#include "bench/http_client.hpp"
#include "bench/shop_client.hpp"

#include <cstddef>
#include <functional>

namespace souk::bench {

/// What one of several workers has to itself: a connection, and texts of requests.
struct worker {
  worker(event_loop& loop, const shop& target) : link(loop, target.server), text(target.server, target.key) {}

  connection link;
  request_text text;
};

/// Does `count` pieces of work, `jobs` at a time, each of `jobs` workers taking the next piece when it is
/// done with one. Returns when all are done; rethrows the first exception, after which no new piece is begun.
void share_work(event_loop& loop, const shop& target, int jobs, std::size_t count,
                const std::function<task<void>(worker&, std::size_t)>& piece);

}  // namespace souk::bench
