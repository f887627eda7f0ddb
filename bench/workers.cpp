#include "bench/workers.hpp"

#include <algorithm>
#include <memory>
#include <vector>

namespace souk::bench {
namespace {

// What the workers of one job share.
struct shared_work {
  event_loop& loop;
  std::size_t count;
  const std::function<task<void>(worker&, std::size_t)>& piece;
  std::size_t next = 0;
};

task<void> work_on(worker& me, shared_work& work) {
  while (work.next < work.count && !work.loop.failed()) {
    const std::size_t mine = work.next++;
    co_await work.piece(me, mine);
  }
}

}  // namespace

void share_work(event_loop& loop, const shop& target, int jobs, std::size_t count,
                const std::function<task<void>(worker&, std::size_t)>& piece) {
  shared_work work{loop, count, piece};
  std::vector<std::unique_ptr<worker>> workers;
  const std::size_t hands = std::min<std::size_t>(static_cast<std::size_t>(std::max(jobs, 1)), count);
  for (std::size_t i = 0; i < hands; ++i) {
    workers.push_back(std::make_unique<worker>(loop, target));
    loop.spawn(work_on(*workers.back(), work));
  }
  loop.run();
}

}  // namespace souk::bench
