#include "actors/webhook/delivery_plan.hpp"

#include "actors/webhook/endpoint.hpp"
#include "actors/webhook/retry_after.hpp"

#include <algorithm>
#include <utility>

namespace souk::webhook {

namespace {

/// After an outage, what waited is spread over so long.
constexpr std::uint64_t recovery_spread_ms = 2'000;

}  // namespace

milliseconds spread(milliseconds wait, std::uint64_t dice) {
  const auto tenth = static_cast<std::uint64_t>(wait.count() / 10);
  return wait - milliseconds{tenth} + milliseconds{dice % (2 * tenth + 1)};
}

delivery_plan::delivery_plan(const pb::Claimed& claimed, plan_limits limits)
    : limits_(limits),
      endpoint_(claimed.endpoint()),
      types_(endpoint_.types().begin(), endpoint_.types().end()),
      failing_(endpoint_.failed_at_ms() != 0) {
  for (const auto& place : endpoint_.places())
    readers_[static_cast<runtime::shard_id>(place.shard())] = {place, place, place, {}};
  for (const auto& parked : claimed.parked()) {
    item known;
    known.event.id = parked.id();
    known.event.subject = parked.subject();
    known.event.body = parked.body();
    known.attempts = parked.attempts();
    known.next_try_ms = parked.next_try_ms();
    known.parked = true;
    ++parked_count_;
    parked_bytes_ += parked.body().size();
    add(std::move(known));
  }
}

void delivery_plan::add(item item) {
  subjects_[item.event.subject].ids.insert(item.event.id);
  auto id = item.event.id;
  items_.emplace(std::move(id), std::move(item));
}

// -- reading -----------------------------------------------------------------------------------------------

bool delivery_plan::wants_more() const { return disabled_.empty() && unsettled_ < limits_.unsettled_max; }

const pb::Place& delivery_plan::place(runtime::shard_id shard) const { return readers_.at(shard).next; }

namespace {

/// Whether something is before what one of the places says of its shard.
bool is_before_any(const pb::Place& place, const google::protobuf::RepeatedPtrField<pb::Place>& places) {
  const auto found = std::ranges::find(places, place.shard(), &pb::Place::shard);
  return found != places.end() && is_before(place, *found);
}

}  // namespace

// Of a replay, events outside its range are passed over up to where the endpoint was.
bool delivery_plan::is_wanted(const feed_event& event) const {
  if (!types_.empty() && !types_.contains(event.type)) return false;
  const auto& replay = endpoint_.replay();
  if (!is_before_any(event.at, replay.end())) return true;
  if (event.time_ms < replay.from_ms()) return false;
  if (replay.until_ms() != 0 && event.time_ms >= replay.until_ms()) return false;
  return replay.until().empty() || is_before_any(event.at, replay.until());
}

void delivery_plan::take(runtime::shard_id shard, std::vector<feed_step> steps) {
  auto& reader = readers_.at(shard);
  for (auto& read : steps) {
    step step{read.after, {}};
    if (read.event && is_wanted(*read.event) && !items_.contains(read.event->id)) {
      step.id = read.event->id;
      item fresh;
      fresh.event = *std::move(read.event);
      add(std::move(fresh));
      ++unsettled_;
    }
    reader.next = read.after;
    reader.steps.push_back(std::move(step));
  }
}

void delivery_plan::lost(runtime::shard_id shard, const pb::Place& first) {
  const auto& reader = readers_.at(shard);
  disabled_ = reason::events_trimmed;
  failure_ = "events of shard " + std::to_string(shard) + " from record " +
             std::to_string(reader.next.index()) + " to " + std::to_string(first.index()) +
             " were trimmed before they were read";
  lost_.insert(shard);
}

// -- sending -----------------------------------------------------------------------------------------------

std::optional<delivery_try> delivery_plan::next(runtime::timestamp now) {
  const auto now_ms = runtime::to_ms(now);
  if (!disabled_.empty() || under_way_ >= limits_.in_flight_max || now_ms < paused_until_ms_)
    return std::nullopt;
  return in_outage() ? next_in_outage(now_ms) : next_in_turn(now_ms);
}

delivery_try delivery_plan::begin(subject& subject, item& item) {
  item.under_way = true;
  subject.under_way = true;
  ++under_way_;
  turn_ = item.event.subject;
  return {item.event.id, item.event.body};
}

// Each subject in turn, behind the one that was served last.
std::optional<delivery_try> delivery_plan::next_in_turn(std::int64_t now_ms) {
  auto at = subjects_.upper_bound(turn_);
  for (std::size_t looked = 0; looked < subjects_.size(); ++looked, ++at) {
    if (at == subjects_.end()) at = subjects_.begin();
    auto& subject = at->second;
    if (subject.under_way) continue;
    auto& first = head(subject);
    if (first.next_try_ms <= now_ms) return begin(subject, first);
  }
  return std::nullopt;
}

// One at a time: what is due, or else, now and then, whatever failed before.
std::optional<delivery_try> delivery_plan::next_in_outage(std::int64_t now_ms) {
  if (under_way_ > 0) return std::nullopt;
  subject* probe = nullptr;
  for (auto& [name, subject] : subjects_) {
    auto& first = head(subject);
    if (first.attempts == 0) continue;
    if (first.next_try_ms <= now_ms) return begin(subject, first);
    if (probe == nullptr || first.next_try_ms < head(*probe).next_try_ms) probe = &subject;
  }
  if (now_ms < next_probe_ms_) return std::nullopt;
  next_probe_ms_ = now_ms + limits_.probe_interval.count();
  // After a takeover what failed may be parked behind another, or be none.
  if (probe == nullptr) return next_in_turn(now_ms);
  auto& first = head(*probe);
  first.probing = true;
  return begin(*probe, first);
}

void delivery_plan::ended(const std::string& id, const try_outcome& outcome, runtime::timestamp now,
                          std::uint64_t dice) {
  const auto found = items_.find(id);
  if (found == items_.end() || !found->second.under_way) return;
  auto& item = found->second;
  item.under_way = false;
  subjects_.at(item.event.subject).under_way = false;
  --under_way_;
  weighty_ = true;
  const auto now_ms = runtime::to_ms(now);
  if (outcome.what == try_outcome::kind::taken)
    taken(id, now_ms);
  else
    failed(item, outcome, now_ms, dice);
}

void delivery_plan::taken(const std::string& id, std::int64_t now_ms) {
  const auto found = items_.find(id);
  const auto& item = found->second;
  if (item.parked) {
    delivered_.insert(id);
    retried_.erase(id);
    --parked_count_;
    parked_bytes_ -= item.event.body.size();
  } else {
    --unsettled_;
  }
  const auto subject = subjects_.find(item.event.subject);
  subject->second.ids.erase(id);
  if (subject->second.ids.empty()) subjects_.erase(subject);
  items_.erase(found);
  failure_.clear();
  recovered_ = recovered_ || failing_;
  failing_ = false;
  const bool was_out = in_outage();
  failures_ = 0;
  if (!was_out) return;
  // It is back: what failed meanwhile need not wait for hours, and is not held against it.
  std::uint64_t place = 0;
  for (auto& [other, waiting] : items_) {
    if (waiting.attempts == 0 || waiting.next_try_ms <= now_ms) continue;
    waiting.next_try_ms = now_ms + static_cast<std::int64_t>(++place * 50 % recovery_spread_ms);
    waiting.forgiven = true;
  }
}

void delivery_plan::failed(item& item, const try_outcome& outcome, std::int64_t now_ms, std::uint64_t dice) {
  if (disabled_.empty()) failure_ = outcome.detail;
  failing_ = true;
  if (!in_outage() && ++failures_ == limits_.outage_failures)
    next_probe_ms_ = now_ms + limits_.probe_interval.count();
  const bool forgiven = std::exchange(item.forgiven, false);
  if (!std::exchange(item.probing, false)) {
    if (!forgiven) ++item.attempts;
    const auto wait = retry_waits.at(std::min<std::size_t>(item.attempts, retry_waits.size()) - 1);
    item.next_try_ms = now_ms + spread(wait, dice).count();
  }
  if (outcome.what == try_outcome::kind::gone && disabled_.empty()) disabled_ = reason::gone;
  if (item.attempts > retry_waits.size() && disabled_.empty()) disabled_ = reason::retries_exhausted;
  if (outcome.what == try_outcome::kind::paused) {
    const auto pause = std::min(outcome.retry_after, retry_after_max);
    item.next_try_ms = std::max(item.next_try_ms, now_ms + pause.count());
    paused_until_ms_ = std::max(paused_until_ms_, now_ms + std::min(pause, limits_.pause_max).count());
  }
  if (item.parked) retried_.insert(item.event.id);
}

// -- committing --------------------------------------------------------------------------------------------

bool delivery_plan::has_room_for(const item& item) const {
  return parked_count_ < limits_.parked_max &&
         (parked_count_ == 0 || parked_bytes_ + item.event.body.size() <= limits_.parked_bytes_max);
}

// Goes on over what was taken, and over what must wait if there is room for it elsewhere.
void delivery_plan::settle(reader& reader, pb::Progress& progress, std::size_t& bytes) {
  while (!reader.steps.empty()) {
    const auto& step = reader.steps.front();
    const auto found = step.id.empty() ? items_.end() : items_.find(step.id);
    if (found != items_.end() && !found->second.parked) {
      auto& item = found->second;
      const auto& first = head(subjects_.at(item.event.subject));
      const bool waits = first.attempts > 0 && !item.under_way;
      if (!waits || !has_room_for(item) ||
          (bytes > 0 && bytes + item.event.body.size() > limits_.commit_bytes_max))
        return;
      auto* parked = progress.add_parked();
      parked->set_id(item.event.id);
      parked->set_subject(item.event.subject);
      parked->set_body(item.event.body);
      parked->set_attempts(item.attempts);
      parked->set_next_try_ms(item.next_try_ms);
      item.parked = true;
      ++parked_count_;
      --unsettled_;
      parked_bytes_ += item.event.body.size();
      bytes += item.event.body.size() + 1;
    }
    reader.settled = step.after;
    reader.steps.pop_front();
  }
}

std::optional<pb::Progress> delivery_plan::progress() {
  pb::Progress progress;
  std::size_t bytes = 0;
  bool far = false;
  for (auto& [shard, reader] : readers_) {
    settle(reader, progress, bytes);
    const auto& end = endpoint_.replay().end();  // that it was reached is told at once
    far = far || reader.settled.index() > reader.committed.index() + limits_.passed_over_max ||
          (is_before_any(reader.committed, end) && !is_before_any(reader.settled, end));
  }
  if (!weighty_ && !far && disabled_.empty() && progress.parked().empty()) return std::nullopt;
  weighty_ = false;
  for (auto& [shard, reader] : readers_) {
    if (!is_before(reader.committed, reader.settled)) continue;
    *progress.add_places() = reader.settled;
    reader.committed = reader.settled;
  }
  for (const auto shard : std::exchange(lost_, {}))
    progress.add_lost(shard);
  for (const auto& id : std::exchange(delivered_, {}))
    progress.add_delivered(id);
  for (const auto& id : std::exchange(retried_, {})) {
    const auto& item = items_.at(id);
    auto* retry = progress.add_retries();
    retry->set_id(id);
    retry->set_attempts(item.attempts);
    retry->set_next_try_ms(item.next_try_ms);
  }
  progress.set_disable(disabled_);
  progress.set_failure(std::exchange(failure_, {}));
  progress.set_recovered(std::exchange(recovered_, false));
  const bool empty = progress.ByteSizeLong() == 0;
  return empty ? std::nullopt : std::optional{std::move(progress)};
}

}  // namespace souk::webhook
