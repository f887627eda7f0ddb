#include "bench/timeline.hpp"

#include "bench/open_loop.hpp"

#include <algorithm>

namespace souk::bench {
namespace {

constexpr std::uint64_t second_ns = 1'000'000'000;

}  // namespace

void timeline::ended(clock::time_point when, std::uint64_t nanoseconds) {
  go_on_to(when);
  times_.record(nanoseconds);
}

void timeline::failed(clock::time_point when) {
  go_on_to(when);
  ++failed_;
}

std::vector<timeline::second> timeline::seconds() const {
  std::vector<second> all = over_;
  const second last = at_work();
  if (last.count + last.failed > 0) all.push_back(last);
  return all;
}

void timeline::go_on_to(clock::time_point when) {
  const std::uint64_t number =
      std::min<std::uint64_t>(nanoseconds_between(from_, when) / second_ns, seconds_max - 1);
  if (number <= over_.size()) return;
  over_.push_back(at_work());
  over_.resize(number);
  times_ = {};
  failed_ = 0;
}

timeline::second timeline::at_work() const {
  return {times_.count(), failed_, times_.quantile(0.5), times_.quantile(0.99), times_.max()};
}

}  // namespace souk::bench
