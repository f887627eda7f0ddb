#include "bench/load.hpp"

namespace souk::bench {
namespace {

// A customer whose server does not answer pauses, or it would only burn the processor.
constexpr std::chrono::milliseconds pause_after_error{20};

}  // namespace

load_run::load_run(const load_options& options, const std::optional<endpoint>& admin, shopping_tally& tally)
    : options_(options),
      admin_(admin),
      tally_(tally),
      seconds_(clock::now()),
      progress_("at work", "rounds", options.rounds_max) {}

void load_run::run(const std::function<std::unique_ptr<customer>()>& make) {
  begin();
  if (options_.warm_up > 0) loop_.spawn(end_warm_up());
  if (options_.rate > 0) {
    loop_.spawn(arrive(make));
  } else {
    for (int i = 0; i < options_.clients; ++i)
      loop_.spawn(go_round(*customers_.emplace_back(make())));
  }
  loop_.run();
  costs_->stop();
}

void load_run::begin() {
  costs_.emplace(admin_);  // Asks the server, before anything is due.
  tally_.times.clear();
  begun_ = clock::now();
  measured_from_ = begun_ + std::chrono::seconds(options_.warm_up);
  closing_ = measured_from_ + std::chrono::seconds(options_.seconds);
  seconds_ = timeline(measured_from_);
}

task<void> load_run::end_warm_up() {
  co_await loop_.sleep_until(measured_from_);
  tally_.times.clear();
  co_await costs_->begin_again(loop_);
}

task<void> load_run::go_round(customer& who) {
  for (auto start = clock::now(); !over(start); start = clock::now()) {
    ++begun_rounds_;
    const round_end end = co_await who.round();
    count(end, start);
    if (!end.fine) {
      co_await loop_.sleep(pause_after_error);
    }
  }
}

task<void> load_run::arrive(const std::function<std::unique_ptr<customer>()>& make) {
  const arrivals due(options_.rate, begun_);
  for (auto start = due.at(0); !over(start); start = due.at(begun_rounds_)) {
    ++begun_rounds_;
    co_await loop_.sleep_until(start);
    customer* free = free_customer(make);
    if (counts(start)) {
      ++intended_;
      lateness_.record(nanoseconds_between(start, clock::now()));
      if (free == nullptr) ++not_started_;
    }
    if (free != nullptr) loop_.spawn(come_once(*free, start));
  }
}

task<void> load_run::come_once(customer& who, clock::time_point start) {
  const round_end end = co_await who.round();
  count(end, start);
  idle_.push_back(&who);
}

// Null where as many as may be are under way.
customer* load_run::free_customer(const std::function<std::unique_ptr<customer>()>& make) {
  if (idle_.empty()) {
    if (customers_.size() >= static_cast<std::size_t>(options_.under_way)) return nullptr;
    return customers_.emplace_back(make()).get();
  }
  customer* free = idle_.back();
  idle_.pop_back();
  return free;
}

bool load_run::over(clock::time_point start) const {
  const bool enough = options_.rounds_max > 0 && begun_rounds_ >= options_.rounds_max;
  return enough || start >= closing_ || loop_.failed();
}

void load_run::count(const round_end& end, clock::time_point start) {
  if (!counts(start)) return;
  const auto now = clock::now();
  if (!end.fine) {
    ++failed_;
    seconds_.failed(now);
    return;
  }
  const std::uint64_t took = nanoseconds_between(start, now);
  rounds_[end.kind].record(took);
  seconds_.ended(now, took);
  progress_.done(++done_);
}

}  // namespace souk::bench
