#include "runtime/supervision/restart_policy.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace souk::supervision {

duration restart_delay(const back_off& back_off, std::uint32_t failures, std::uint64_t random) {
  if (failures <= 1) return duration::zero();
  duration whole = back_off.first;
  for (std::uint32_t i = 2; i < failures && whole < back_off.max; ++i)
    whole *= 2;
  whole = std::min(whole, back_off.max);
  const auto half = static_cast<std::uint64_t>(whole.count() / 2);
  return whole - duration{static_cast<duration::rep>(random % (half + 1))};
}

restart_policy::restart_policy(const std::vector<restart>& children, strategy strategy, intensity intensity,
                               back_off back_off)
    : strategy_(strategy), intensity_(intensity), back_off_(back_off) {
  children_.reserve(children.size());
  for (restart when : children)
    children_.push_back({.when = when});
}

std::uint64_t restart_policy::restarts_of(std::size_t child) const {
  const auto starts = children_.at(child).starts;
  return starts == 0 ? 0 : starts - 1;
}

steps restart_policy::start() {
  if (strategy_ != strategy::one_for_one) {
    recoveries_.push_back({.first = 0, .end = children_.size(), .at = phase::starting});
    return start_next(recoveries_.begin());
  }
  // Each child is on its own from the first start: one that does not start keeps no other from starting.
  steps steps;
  for (std::size_t child = 0; child < children_.size(); ++child) {
    recoveries_.push_back({.first = child, .end = child + 1, .at = phase::starting, .next = child});
    auto more = start_next(std::prev(recoveries_.end()));
    steps.insert(steps.end(), more.begin(), more.end());
  }
  return steps;
}

steps restart_policy::started(std::size_t child, duration now) {
  auto& record = children_.at(child);
  if (record.now != status::starting) return {};
  record.now = status::running;
  record.started_at = now;
  auto recovery = recovery_of(child);
  if (recovery == recoveries_.end() || recovery->at != phase::starting) return {};
  recovery->next = child + 1;
  return start_next(recovery);
}

steps restart_policy::ended(std::size_t child, bool failed, duration now, std::uint64_t random) {
  auto& record = children_.at(child);
  const auto before = std::exchange(record.now, status::finished);
  if (before != status::running && before != status::stopping && before != status::starting) {
    record.now = before;
    return {};
  }
  if (closing()) return stop_next();

  auto recovery = recovery_of(child);
  if (recovery != recoveries_.end() && recovery->at == phase::stopping) {
    // It was asked to stop, or ended before its turn came: either way it starts again with the others.
    if (record.when != restart::temporary) record.now = status::idle;
    return advance(*recovery);
  }
  const bool starts_again =
      record.when == restart::permanent || (record.when == restart::transient && failed);
  if (starts_again) {
    if (before == status::running && now - record.started_at >= back_off_.quiet) record.failures = 0;
    ++record.failures;
    return recover(child, now, random);
  }
  if (before == status::starting && recovery != recoveries_.end()) {
    recovery->next = child + 1;
    return start_next(recovery);
  }
  return {};
}

steps restart_policy::broken(std::size_t child) {
  children_.at(child).now = status::finished;
  return closing() ? stop_next() : close(mode::escalating);
}

steps restart_policy::due(std::uint64_t ticket) {
  auto found = std::ranges::find_if(
      recoveries_, [&](const recovery& each) { return each.at == phase::waiting && each.ticket == ticket; });
  if (found == recoveries_.end()) return {};
  found->at = phase::starting;
  found->next = found->first;
  return start_next(found);
}

steps restart_policy::shut_down() { return closing() ? steps{} : close(mode::shutting_down); }

std::vector<restart_policy::recovery>::iterator restart_policy::recovery_of(std::size_t child) {
  return std::ranges::find_if(recoveries_,
                              [&](const recovery& each) { return each.first <= child && child < each.end; });
}

std::optional<std::size_t> restart_policy::last_living(std::size_t first, std::size_t end) const {
  for (std::size_t child = end; child-- > first;)
    if (children_[child].now == status::running || children_[child].now == status::starting) return child;
  return std::nullopt;
}

bool restart_policy::any_stopping(std::size_t first, std::size_t end) const {
  for (std::size_t child = first; child < end; ++child)
    if (children_[child].now == status::stopping) return true;
  return false;
}

bool restart_policy::too_many_restarts(duration now) {
  while (!restarts_.empty() && now - restarts_.front() >= intensity_.window)
    restarts_.pop_front();
  restarts_.push_back(now);
  return restarts_.size() > intensity_.restarts_max;
}

steps restart_policy::recover(std::size_t child, duration now, std::uint64_t random) {
  if (too_many_restarts(now)) return close(mode::escalating);
  children_[child].now = status::idle;
  recovery fresh{.first = child, .end = child + 1};
  if (strategy_ != strategy::one_for_one) fresh.end = children_.size();
  if (strategy_ == strategy::one_for_all) fresh.first = 0;
  fresh.delay = restart_delay(back_off_, children_[child].failures, random);
  // What was still being brought back within this range starts over with it.
  std::erase_if(recoveries_,
                [&](const recovery& each) { return each.first < fresh.end && fresh.first < each.end; });
  recoveries_.push_back(fresh);
  return advance(recoveries_.back());
}

steps restart_policy::advance(recovery& recovery) {
  if (any_stopping(recovery.first, recovery.end)) return {};
  if (auto child = last_living(recovery.first, recovery.end)) {
    children_[*child].now = status::stopping;
    return {{.what = step::action::stop, .child = *child}};
  }
  for (std::size_t child = recovery.first; child < recovery.end; ++child)
    if (children_[child].when != restart::temporary) children_[child].now = status::waiting;
  recovery.at = phase::waiting;
  recovery.ticket = ++last_ticket_;
  return {{.what = step::action::wait,
           .child = recovery.first,
           .delay = recovery.delay,
           .ticket = recovery.ticket}};
}

steps restart_policy::start_next(std::vector<recovery>::iterator recovery) {
  while (recovery->next < recovery->end && children_[recovery->next].now == status::finished)
    ++recovery->next;
  if (recovery->next == recovery->end) {
    recoveries_.erase(recovery);
    return {};
  }
  children_[recovery->next].now = status::starting;
  ++children_[recovery->next].starts;
  return {{.what = step::action::start, .child = recovery->next}};
}

steps restart_policy::close(mode mode) {
  mode_ = mode;
  recoveries_.clear();
  for (auto& child : children_)
    if (child.now == status::idle || child.now == status::waiting) child.now = status::finished;
  return stop_next();
}

steps restart_policy::stop_next() {
  if (mode_ == mode::closed || any_stopping(0, children_.size())) return {};
  if (auto child = last_living(0, children_.size())) {
    children_[*child].now = status::stopping;
    return {{.what = step::action::stop, .child = *child}};
  }
  const bool escalating = std::exchange(mode_, mode::closed) == mode::escalating;
  return {{.what = escalating ? step::action::escalate : step::action::finish}};
}

}  // namespace souk::supervision
