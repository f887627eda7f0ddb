#include "actors/nats/publish_plan.hpp"

#include <algorithm>
#include <utility>

namespace souk::nats {

// -- shards ------------------------------------------------------------------------------------------------

void publish_plan::begin(runtime::shard_id shard, const pb::Sink& sink, nanoseconds now) {
  lane fresh;
  fresh.number = ++last_number_;
  fresh.next = sink.place();
  fresh.next.set_shard(shard);
  fresh.settled = fresh.next;
  fresh.committed = fresh.next;
  fresh.committed_at = now;
  lanes_.emplace(shard, std::move(fresh));
}

void publish_plan::end(runtime::shard_id shard) {
  const auto found = lanes_.find(shard);
  if (found == lanes_.end()) return;
  waiting_ -= found->second.open.size();
  lanes_.erase(found);
}

publish_plan::lane* publish_plan::lane_of(runtime::shard_id shard, std::uint64_t number) {
  const auto found = lanes_.find(shard);
  return found == lanes_.end() || found->second.number != number ? nullptr : &found->second;
}

// -- reading -----------------------------------------------------------------------------------------------

bool publish_plan::wants_more(runtime::shard_id shard) const {
  const auto& lane = lanes_.at(shard);
  const bool all_have_much = waiting_ >= limits_.waiting_max && !lane.open.empty();
  return !all_have_much && lane.unsettled + lane.published + lane.given_out < limits_.window_max;
}

void publish_plan::take(runtime::shard_id shard, std::vector<feed_step> steps) {
  auto& lane = lanes_.at(shard);
  // Where it begins is the first that is kept, which is nowhere yet.
  const bool begins = lane.settled.index() == 0 && !steps.empty() && steps.front().event;
  if (begins) lane.settled = steps.front().event->at;
  for (auto& read : steps) {
    step step{read.after, {}, 0};
    if (read.event && lane.open.insert(read.event->id).second) {
      auto& event = *read.event;
      step.id = event.id;
      step.time_ms = event.time_ms;
      ++lane.unsettled;
      ++waiting_;
      // Tenants may have subjects of the same name.
      auto name = event.tenant + "/" + event.subject;
      auto& subject = lane.subjects[name];
      subject.events.push_back(std::move(event));
      if (subject.events.size() == 1) ready_.push_back({shard, lane.number, std::move(name)});
    }
    add_step(lane, std::move(step));
  }
  settle(lane);
}

// Where nothing is to be published only the last place counts, however long something before it takes.
void publish_plan::add_step(lane& lane, step step) {
  lane.next = step.after;
  if (step.id.empty() && !lane.steps.empty() && lane.steps.back().id.empty())
    lane.steps.back() = std::move(step);
  else
    lane.steps.push_back(std::move(step));
}

// What was read before comes through first.
std::uint64_t publish_plan::lost(runtime::shard_id shard, const Place& first) {
  auto& lane = lanes_.at(shard);
  const auto records = first.index() > lane.next.index() ? first.index() - lane.next.index() : 0;
  lane.lost_records += records;
  add_step(lane, {first, {}, 0});
  settle(lane);
  return records;
}

// -- publishing --------------------------------------------------------------------------------------------

std::optional<publish_try> publish_plan::next(nanoseconds now) {
  if (flights_.size() >= limits_.in_flight_max) return std::nullopt;
  if (away() && (now < again_ || !flights_.empty())) return std::nullopt;
  while (!later_.empty() && later_.begin()->first <= now) {
    ready_.push_back(std::move(later_.begin()->second));
    later_.erase(later_.begin());
  }
  while (!ready_.empty()) {
    auto turn = std::move(ready_.front());
    ready_.pop_front();
    auto* lane = lane_of(turn.shard, turn.lane);
    if (lane != nullptr) return begin_flight(turn, lane->subjects.at(turn.subject));
  }
  return std::nullopt;
}

publish_try publish_plan::begin_flight(turn turn, const subject& subject) {
  const auto number = ++last_number_;
  flights_.emplace(number, flight{turn.shard, turn.lane, std::move(turn.subject)});
  return {number, subject.events.front()};
}

std::optional<runtime::shard_id> publish_plan::ended(std::uint64_t number, publish_result::kind what,
                                                     nanoseconds now, std::uint64_t dice) {
  const auto found = flights_.find(number);
  if (found == flights_.end()) return std::nullopt;
  turn turn{found->second.shard, found->second.lane, std::move(found->second.subject)};
  flights_.erase(found);
  if (what == publish_result::kind::away)
    not_there(now, dice);
  else
    failures_ = 0;
  auto* lane = lane_of(turn.shard, turn.lane);
  if (lane == nullptr) return std::nullopt;
  const auto shard = turn.shard;
  if (what == publish_result::kind::away) {
    ready_.push_back(std::move(turn));
  } else if (what == publish_result::kind::refused) {
    auto& refusals = lane->subjects.at(turn.subject).refusals;
    later_.emplace(now + wait_after(++refusals, dice), std::move(turn));
  } else {
    came_through(*lane, std::move(turn));
  }
  return shard;
}

void publish_plan::came_through(lane& lane, turn turn) {
  const auto found = lane.subjects.find(turn.subject);
  auto& subject = found->second;
  lane.open.erase(subject.events.front().id);
  --waiting_;
  subject.events.pop_front();
  subject.refusals = 0;
  if (subject.events.empty())
    lane.subjects.erase(found);
  else
    ready_.push_back(std::move(turn));
  settle(lane);
}

// What was under way together fails together, and that is one failure.
void publish_plan::not_there(nanoseconds now, std::uint64_t dice) {
  if (away() && now < again_) return;
  again_ = now + wait_after(++failures_, dice);
}

nanoseconds publish_plan::wait_after(unsigned failures, std::uint64_t dice) const {
  constexpr unsigned doublings_max = 20;
  const auto doubled = limits_.wait_first * (std::int64_t{1} << std::min(failures - 1, doublings_max));
  return webhook::spread(std::min(doubled, limits_.wait_max), dice);
}

// -- committing --------------------------------------------------------------------------------------------

void publish_plan::settle(lane& lane) {
  while (!lane.steps.empty()) {
    const auto& step = lane.steps.front();
    if (!step.id.empty()) {
      if (lane.open.contains(step.id)) return;
      --lane.unsettled;
      ++lane.published;
    }
    lane.settled = step.after;
    lane.steps.pop_front();
  }
}

std::optional<pb::Progress> publish_plan::progress(runtime::shard_id shard, nanoseconds now) {
  auto& lane = lanes_.at(shard);
  const bool due = lane.published > 0 && (lane.published >= limits_.commit_events ||
                                          now - lane.committed_at >= limits_.commit_interval);
  // Where it began is to be known too, or what is trimmed before its first progress would be passed over.
  const bool first = lane.committed.index() == 0 && lane.settled.index() != 0;
  const bool far = lane.settled.index() > lane.committed.index() + limits_.passed_over_max;
  const bool lost = lane.lost_records > 0 && now - lane.committed_at >= limits_.commit_interval;
  if (!due && !first && !far && !lost) return std::nullopt;
  pb::Progress progress;
  *progress.mutable_place() = lane.settled;
  progress.set_published(lane.published);
  progress.set_lost_records(std::exchange(lane.lost_records, 0));
  lane.given_out += std::exchange(lane.published, 0);
  lane.committed = lane.settled;
  lane.committed_at = now;
  return progress;
}

void publish_plan::committed(runtime::shard_id shard) { lanes_.at(shard).given_out = 0; }

// -- for operators -----------------------------------------------------------------------------------------

std::optional<std::int64_t> publish_plan::oldest_ms() const {
  std::optional<std::int64_t> oldest;
  for (const auto& [shard, lane] : lanes_) {
    if (lane.steps.empty()) continue;
    const auto& first = lane.steps.front();
    if (!first.id.empty() && (!oldest || first.time_ms < *oldest)) oldest = first.time_ms;
  }
  return oldest;
}

}  // namespace souk::nats
