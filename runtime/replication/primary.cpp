#include "runtime/replication/primary.hpp"

#include "runtime/mutant.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace souk::replication {

std::string_view to_string(resignation why) {
  switch (why) {
    case resignation::superseded:
      return "superseded";
    case resignation::handed_over:
      return "handed over";
    case resignation::write_refused:
      return "the storage is full";
  }
  return "";
}

opening may_open(const shard_config& config, const member_id& self, std::uint64_t highest_epoch_on_disk) {
  if (config.primary != self) return opening::not_ours;
  return config.epoch > highest_epoch_on_disk ? opening::may_open : opening::ask_for_next_epoch;
}

std::chrono::nanoseconds wait_until(const std::optional<shard_config>& before, const shard_config& config,
                                    const member_id& self, position on_disk,
                                    std::chrono::nanoseconds promised_until) {
  // Its own records of the epoch before tell that this node had waited already when it wrote them, and since
  // then nobody but its earlier incarnation could read.
  const bool served_before = before && before->primary == self && before->epoch + 1 == config.epoch &&
                             on_disk.epoch == before->epoch;
  if (config.handed_over || config.epoch == 1 || served_before) return std::chrono::nanoseconds{0};
  return promised_until;
}

primary::primary(primary_start start, std::chrono::nanoseconds now)
    : self_{std::move(start.self)},
      config_{std::move(start.config)},
      limits_{start.limits},
      journal_{std::move(start.journal)},
      local_durable_{journal_.last()},
      opening_index_{journal_.last() + 1},
      committed_{std::max(start.committed, journal_.first() - 1)},
      not_before_{start.not_before},
      started_{now},
      last_tick_{now},
      judged_from_{now},
      able_{std::max(now, start.not_before)} {
  if (config_.primary != self_ || !contains(config_.in_sync, self_))
    throw broken_protocol{self_ + " is to be primary and is not in sync"};
  if (journal_.end().epoch >= config_.epoch)
    throw broken_protocol{"epoch " + std::to_string(config_.epoch) + " was written under before"};
  if (committed_ > journal_.last())
    throw broken_protocol{"record " + std::to_string(committed_) +
                          " is committed and not on the primary's disk"};
  progress_.start(config_.in_sync, committed_, config_.min_in_sync);
  progress_.durable(self_, local_durable_);
  add_peers(now);
}

// Whoever is to have a copy is known from here on, linked or not.
void primary::add_peers(std::chrono::nanoseconds now) {
  for (const auto* set : {&config_.replicas, &config_.in_sync}) {
    for (const auto& member : *set) {
      if (member == self_ || peers_.contains(member)) continue;
      auto& added = peers_[member];
      added.next = journal_.last() + 1;
      added.heard = now;
    }
  }
}

bool primary::is_replica(const member_id& member) const {
  return contains(config_.replicas, member) || contains(config_.in_sync, member) ||
         (swap_ && contains(swap_->in_sync, member));
}

void primary::resign(resignation why, std::uint64_t epoch) {
  if (resigned_) return;
  for (auto& [member, peer] : peers_)
    drop_snapshot(member, peer);
  resigned_ = true;
  actions_.push_back(resigned{why, epoch});
}

// -- the shard and its disk
// -----------------------------------------------------------------------------------------------

void primary::decided(std::vector<entry> entries, std::chrono::nanoseconds now) {
  if (resigned_) return;
  if (!opening_asked_ || (swap_ && swap_->is_handover()))
    throw std::logic_error{"decided before the opening was asked for, or after the shard was handed over"};
  for (auto& entry : entries) {
    if (entry.epoch != config_.epoch) throw broken_protocol{"a primary decides under its own epoch"};
    journal_.append(entry.at());
    recent_bytes_ += entry.payload->size();
    recent_.push_back(std::move(entry));
  }
  if (mutated("own-disk-not-awaited")) progress_.durable(self_, journal_.last());
  for (auto& [member, peer] : peers_)
    if (!peer.behind) note_progress(member, peer, now);
}

void primary::locally_durable(std::uint64_t index, std::chrono::nanoseconds now) {
  if (resigned_) return;
  if (index > journal_.last()) throw broken_protocol{"more is on disk than was decided"};
  local_durable_ = std::max(local_durable_, index);
  progress_.durable(self_, local_durable_);
  advance(now);
}

void primary::locally_refused(std::uint64_t first, std::chrono::nanoseconds now) {
  if (resigned_ || first > journal_.last()) return;
  if (sent_upto_ >= first) return resign(resignation::write_refused, config_.epoch);
  journal_.cut(first - 1);
  while (!recent_.empty() && recent_.back().index >= first) {
    recent_bytes_ -= recent_.back().payload->size();
    recent_.pop_back();
  }
  for (auto& [member, peer] : peers_) {
    peer.behind.reset();
    note_progress(member, peer, now);
    peer.next = std::min(peer.next, first);
  }
}

void primary::advance(std::chrono::nanoseconds) {
  const auto everywhere = mutated("alone") ? local_durable_ : progress_.committed();
  if (everywhere >= opening_index_) opened_ = true;
  // What older epochs left counts as committed together with the opening record, not before.
  if (opened_) committed_ = std::max(committed_, everywhere);
  forget_recent();
}

// Memory keeps what some linked member still needs, within bounds, and always what cannot be read from the
// disk yet.
void primary::forget_recent() {
  auto needed_from = journal_.last() + 1;
  for (const auto& [member, peer] : peers_)
    if (peer.linked && is_replica(member))
      needed_from = std::min(needed_from, progress_.durable_of(member) + 1);
  while (!recent_.empty() && recent_.front().index <= local_durable_) {
    const bool too_much =
        recent_.size() > limits_.recent_records_max || recent_bytes_ > limits_.recent_bytes_max;
    if (recent_.front().index >= needed_from && !too_much) return;
    recent_bytes_ -= recent_.front().payload->size();
    recent_.pop_front();
  }
}

std::uint64_t primary::keep_from() const {
  auto from = std::min(progress_.slowest(), committed_) + 1;
  for (const auto& [member, peer] : peers_)
    if (peer.snapshot && peer.snapshot->sent) from = std::min(from, peer.snapshot->at.index + 1);
  return from;
}

// -- sending
// --------------------------------------------------------------------------------------------------------------

std::vector<primary_action> primary::take(std::chrono::nanoseconds now) {
  if (!resigned_) {
    if (!opening_asked_ && now >= not_before_) {
      opening_asked_ = true;
      actions_.push_back(decide_opening{});
    }
    advance(now);
    if (committed_ > committed_told_ && opened_) {
      committed_told_ = committed_;
      actions_.push_back(primary_committed{committed_});
    }
    if (std::exchange(review_, false)) change_in_sync(now);
    hand_over_if_drained();
    for (auto& [member, peer] : peers_)
      if (peer.linked && is_replica(member)) pump(member, peer, now);
  }
  return std::exchange(actions_, {});
}

void primary::pump(const member_id& member, peer& peer, std::chrono::nanoseconds now) {
  switch (peer.doing) {
    case mode::probing:
      return probe(member, peer, now);
    case mode::streaming:
      return stream(member, peer, now);
    case mode::snapshot:
      return pump_snapshot(member, peer, now);
  }
}

void primary::probe(const member_id& member, peer& peer, std::chrono::nanoseconds now) {
  if (peer.next < journal_.first()) return begin_snapshot(member, peer);
  if (peer.asked && now - *peer.asked < limits_.resend_interval) return;
  peer.asked = now;
  send(member, peer, {}, now);
}

void primary::stream(const member_id& member, peer& peer, std::chrono::nanoseconds now) {
  while (peer.next <= journal_.last() && peer.window_records < limits_.window_records_max &&
         peer.window_bytes < limits_.window_bytes_max) {
    auto batch = next_batch(member, peer);
    if (batch.empty()) break;
    send(member, peer, std::move(batch), now);
  }
  if (peer.doing == mode::streaming && now - peer.last_sent >= limits_.heartbeat_interval)
    send(member, peer, {}, now);
}

// The records from `peer.next` on that are at hand; empty: they have been asked for.
std::vector<entry> primary::next_batch(const member_id& member, peer& peer) {
  if (peer.next < journal_.first()) {
    begin_snapshot(member, peer);
    return {};
  }
  if (recent_.empty() || peer.next < recent_.front().index) {
    auto read = std::exchange(peer.read, {});
    if (!read.empty() && read.front().index == peer.next) return read;
    if (!std::exchange(peer.reading, true))
      actions_.push_back(read_journal{member, peer.next, limits_.batch_records_max, limits_.batch_bytes_max});
    return {};
  }
  std::vector<entry> batch;
  std::size_t bytes = 0;
  for (auto at = recent_.begin() + static_cast<std::ptrdiff_t>(peer.next - recent_.front().index);
       at != recent_.end(); ++at) {
    bytes += at->payload->size();
    if (!batch.empty() && (batch.size() == limits_.batch_records_max || bytes > limits_.batch_bytes_max))
      break;
    batch.push_back(*at);
  }
  return batch;
}

void primary::send(const member_id& member, peer& peer, std::vector<entry> entries,
                   std::chrono::nanoseconds now) {
  const position prev{peer.next - 1, journal_.epoch_at(peer.next - 1)};
  if (!entries.empty()) {
    sent_batch batch{.last = entries.back().index, .records = entries.size()};
    for (const auto& entry : entries)
      batch.bytes += entry.payload->size();
    peer.window_records += batch.records;
    peer.window_bytes += batch.bytes;
    peer.window.push_back(batch);
    peer.next = batch.last + 1;
    sent_upto_ = std::max(sent_upto_, batch.last);
  }
  peer.last_sent = now;
  actions_.push_back(send_append{member,
                                 {.epoch = config_.epoch,
                                  .number = ++peer.number,
                                  .sent_at = now,
                                  .prev = prev,
                                  .entries = std::move(entries),
                                  .committed = committed_}});
}

void primary::journal_read(const member_id& member, std::uint64_t from, std::vector<entry> entries) {
  const auto found = peers_.find(member);
  if (resigned_ || found == peers_.end()) return;
  auto& peer = found->second;
  peer.reading = false;
  if (from == peer.next && peer.doing == mode::streaming) peer.read = std::move(entries);
}

// -- answers
// --------------------------------------------------------------------------------------------------------------

void primary::link_up(const member_id& member, std::chrono::nanoseconds now) {
  if (resigned_ || member == self_) return;
  auto& peer = peers_[member];
  peer.linked = true;
  peer.lost = false;
  peer.heard = now;
  drop_snapshot(member, peer);
  const auto durable = progress_.durable_of(member);
  ask_where_we_agree(peer, durable > 0 ? durable + 1 : journal_.last() + 1);
}

void primary::link_lost(const member_id& member, std::chrono::nanoseconds) {
  const auto found = peers_.find(member);
  if (resigned_ || found == peers_.end()) return;
  auto& peer = found->second;
  peer.linked = false;
  peer.lost = true;
  drop_snapshot(member, peer);
  review_ = true;
}

// Pipelining stops until the member has said that it has the record before `next`.
void primary::ask_where_we_agree(peer& peer, std::uint64_t next) {
  peer.doing = mode::probing;
  peer.next = next;
  peer.asked.reset();
  peer.heeded_from = peer.number + 1;
  peer.window.clear();
  peer.window_records = peer.window_bytes = 0;
  peer.read.clear();
}

void primary::receive(const member_id& from, const appended& message, std::chrono::nanoseconds now) {
  if (resigned_) return;
  if (message.epoch > config_.epoch) return resign(resignation::superseded, message.epoch);
  const auto found = peers_.find(from);
  if (message.epoch < config_.epoch || found == peers_.end()) return;
  if (message.durable > journal_.last() || message.committed > journal_.last())
    throw broken_protocol{from + " has record " +
                          std::to_string(std::max(message.durable, message.committed)) +
                          " of a sequence that ends at " + std::to_string(journal_.last())};
  auto& peer = found->second;
  peer.heard = now;
  peer.answered = std::max(peer.answered.value_or(message.sent_at), message.sent_at);
  if (message.durable > progress_.durable_of(from)) {
    progress_.durable(from, message.durable);
    note_progress(from, peer, now);
    if (!contains(config_.in_sync, from)) review_ = true;
  }
  if (peer.doing == mode::snapshot) {
    if (peer.snapshot->sent && message.committed >= peer.snapshot->at.index) {
      drop_snapshot(from, peer);
      ask_where_we_agree(peer, message.committed + 1);
    }
  } else if (message.result == append_result::accepted) {
    on_accepted(from, peer, message);
  } else if (message.number >= peer.heeded_from) {
    on_mismatch(from, peer, message);
  }
  advance(now);
}

void primary::on_accepted(const member_id& from, peer& peer, const appended& message) {
  const auto durable = progress_.durable_of(from);
  while (!peer.window.empty() && peer.window.front().last <= durable) {
    peer.window_records -= peer.window.front().records;
    peer.window_bytes -= peer.window.front().bytes;
    peer.window.pop_front();
  }
  peer.next = std::max(peer.next, durable + 1);
  if (peer.doing == mode::probing && message.number >= peer.heeded_from) {
    peer.doing = mode::streaming;
    review_ = true;
  }
}

void primary::on_mismatch(const member_id& from, peer& peer, const appended& message) {
  // Asked about the last record that it had said was on its disk, it does not have it: the disk lied. What is
  // missing is sent again; it would be asked about that record for ever.
  const auto had = progress_.durable_of(from);
  const bool asked_for_it = peer.doing == mode::probing && had > 0 && peer.next == had + 1;
  if (asked_for_it && message.number <= peer.number && message.hint.index < had) {
    progress_.went_back(from, message.durable);
    actions_.push_back(records_lost{from, had, message.hint.index});
  }
  auto agreed = std::max(progress_.durable_of(from), message.committed);
  const auto met = journal_.meet(message.hint);
  if (met) agreed = std::max(agreed, met->index);
  if (agreed + 1 < journal_.first()) return begin_snapshot(from, peer);
  ask_where_we_agree(peer, agreed + 1);
}

std::optional<appended> primary::receive(const append& message) {
  if (resigned_) return std::nullopt;
  if (message.epoch == config_.epoch)
    throw broken_protocol{"another writes under epoch " + std::to_string(config_.epoch) + ", which is ours"};
  if (message.epoch > config_.epoch) {
    resign(resignation::superseded, message.epoch);
    return std::nullopt;
  }
  return appended{.epoch = config_.epoch, .result = append_result::superseded, .number = message.number};
}

std::optional<snapshot_received> primary::receive(const snapshot_chunk& message) {
  if (!receive(append{.epoch = message.epoch})) return std::nullopt;
  return snapshot_received{
      .epoch = config_.epoch, .snapshot = message.snapshot, .sequence = message.sequence, .superseded = true};
}

// -- snapshots
// ------------------------------------------------------------------------------------------------------------

void primary::begin_snapshot(const member_id& member, peer& peer) {
  ask_where_we_agree(peer, peer.next);
  // Who is to have no copy is sent nothing: it would be read for ever, and the state could not be written.
  if (!is_replica(member)) return;
  peer.doing = mode::snapshot;
  // Unique over all epochs, and higher than those of older ones.
  constexpr unsigned snapshots_per_epoch_bits = 20;
  peer.snapshot = outgoing_snapshot{.id = (config_.epoch << snapshots_per_epoch_bits) + ++snapshots_begun_};
  actions_.push_back(read_snapshot{member, peer.snapshot->id, 0});
}

void primary::drop_snapshot(const member_id& member, peer& peer) {
  if (!peer.snapshot) return;
  actions_.push_back(end_snapshot{member, peer.snapshot->id});
  peer.snapshot.reset();
  ask_where_we_agree(peer, peer.next);
}

void primary::snapshot_read(const member_id& member, std::uint64_t snapshot, std::uint64_t sequence,
                            position at, std::shared_ptr<const std::string> data, bool last) {
  const auto found = peers_.find(member);
  if (resigned_ || found == peers_.end() || !found->second.snapshot) return;
  auto& peer = found->second;
  auto& outgoing = *peer.snapshot;
  if (outgoing.id != snapshot || outgoing.sequence != sequence || outgoing.sent) return;
  outgoing.at = at;
  outgoing.digest = running_digest(outgoing.digest, *data);
  outgoing.sent = snapshot_chunk{.epoch = config_.epoch,
                                 .snapshot = snapshot,
                                 .sequence = sequence,
                                 .at = at,
                                 .data = std::move(data),
                                 .digest = outgoing.digest,
                                 .last = last};
  peer.asked.reset();
}

void primary::snapshot_lost(const member_id& member, std::uint64_t snapshot) {
  const auto found = peers_.find(member);
  if (resigned_ || found == peers_.end() || !found->second.snapshot) return;
  if (found->second.snapshot->id != snapshot) return;
  drop_snapshot(member, found->second);
  begin_snapshot(member, found->second);
}

void primary::pump_snapshot(const member_id& member, peer& peer, std::chrono::nanoseconds now) {
  if (!peer.snapshot->sent || (peer.asked && now - *peer.asked < limits_.resend_interval)) return;
  peer.asked = now;
  auto& chunk = *peer.snapshot->sent;
  chunk.sent_at = now;
  actions_.push_back(send_snapshot_chunk{member, chunk});
}

void primary::receive(const member_id& from, const snapshot_received& message, std::chrono::nanoseconds now) {
  if (resigned_) return;
  if (message.epoch > config_.epoch) return resign(resignation::superseded, message.epoch);
  const auto found = peers_.find(from);
  if (message.epoch < config_.epoch || found == peers_.end()) return;
  auto& peer = found->second;
  peer.heard = now;
  if (!peer.snapshot || !peer.snapshot->sent || peer.snapshot->id != message.snapshot ||
      peer.snapshot->sequence != message.sequence)
    return;
  if (message.damaged) {
    drop_snapshot(from, peer);
    return begin_snapshot(from, peer);
  }
  if (peer.snapshot->sent->last) {
    const auto at = peer.snapshot->at.index;
    progress_.durable(from, at);
    note_progress(from, peer, now);
    drop_snapshot(from, peer);
    return ask_where_we_agree(peer, at + 1);
  }
  peer.snapshot->sent.reset();
  peer.snapshot->sequence += 1;
  actions_.push_back(read_snapshot{from, peer.snapshot->id, peer.snapshot->sequence});
}

// -- who is in sync
// -------------------------------------------------------------------------------------------------------

// How long someone has been behind is measured at single records: the one that was the last when it began.
void primary::note_progress(const member_id& member, peer& peer, std::chrono::nanoseconds now) {
  const auto durable = progress_.durable_of(member);
  if (peer.behind && durable < peer.behind->index) return;
  peer.behind.reset();
  if (durable < journal_.last()) peer.behind = mark{journal_.last(), now};
}

bool primary::overdue(std::chrono::nanoseconds since, std::chrono::nanoseconds now) const {
  return now - std::max(since, judged_from_) > limits_.lag_timeout;
}

// Who is to be taken out first: the lost before the silent before the slow. Empty: all is well.
std::optional<member_id> primary::worst_member(std::chrono::nanoseconds now) const {
  std::optional<member_id> worst;
  int worst_grade = 0;
  for (const auto& member : config_.in_sync) {
    if (member == self_) continue;
    const auto& peer = peers_.at(member);
    int grade = 0;
    if (peer.behind && overdue(peer.behind->since, now)) grade = 1;
    if (!contains(config_.replicas, member)) grade = 2;
    if (overdue(peer.heard, now)) grade = 3;
    if (peer.lost) grade = 4;
    if (grade > worst_grade) {
      worst = member;
      worst_grade = grade;
    }
  }
  return worst;
}

// A learner that has all that may be committed, and keeps up.
std::optional<member_id> primary::returning_member(std::chrono::nanoseconds now, bool urgent) const {
  for (const auto& member : config_.replicas) {
    if (member == self_ || contains(config_.in_sync, member)) continue;
    const auto& peer = peers_.at(member);
    const bool keeps_up = peer.linked && peer.doing == mode::streaming && !overdue(peer.heard, now) &&
                          !(peer.behind && overdue(peer.behind->since, now));
    // Before the opening record is committed, all of what older epochs left may be.
    const bool caught_up = progress_.durable_of(member) >= std::max(committed_, opening_index_ - 1);
    const bool rested = urgent || !peer.removed || now - *peer.removed >= limits_.return_after;
    if (keeps_up && caught_up && rested) return member;
  }
  return std::nullopt;
}

void primary::change_in_sync(std::chrono::nanoseconds now) {
  if (swap_) return;
  const auto worst = worst_member(now);
  auto wanted = config_.in_sync;
  if (worst && wanted.size() > config_.min_in_sync) {
    wanted.erase(std::find(wanted.begin(), wanted.end(), *worst));
  } else if (handing_to_) {
    return;
  } else {
    const bool urgent = worst || wanted.size() < config_.min_in_sync;
    const auto returning = returning_member(now, urgent);
    if (!returning) return;
    wanted.push_back(*returning);
  }
  swap_ = pending_swap{.revision = config_.revision, .in_sync = std::move(wanted)};
  progress_.change_asked(swap_->in_sync);
  ask_swap();
}

void primary::ask_swap() {
  swap_->retry_at.reset();
  if (swap_->is_handover())
    actions_.push_back(swap_primary{swap_->revision, config_.epoch + 1, swap_->to});
  else
    actions_.push_back(swap_in_sync{swap_->revision, swap_->in_sync});
}

void primary::swap_answered(swap_outcome outcome, const std::optional<shard_config>& config,
                            std::chrono::nanoseconds now) {
  if (config) config_seen(*config, now);
  // Whatever the answer: only a record of a later revision tells what became of the swap, and that it cannot
  // be done any more. Until then the same swap is asked for again.
  if (resigned_ || !swap_) return;
  swap_->retry_at = outcome == swap_outcome::unknown ? now + limits_.swap_retry : now;
}

void primary::config_seen(const shard_config& config, std::chrono::nanoseconds now) {
  if (resigned_ || config.revision < config_.revision) return;
  // Which disk a node has is no part of the record: it may be known only later, or change.
  if (config.revision == config_.revision) return set_replicas(config.replicas, now);
  if (config.epoch > config_.epoch || config.primary != self_) {
    const bool as_asked =
        swap_ && swap_->is_handover() && config.primary == swap_->to && config.epoch == config_.epoch + 1;
    return resign(as_asked ? resignation::handed_over : resignation::superseded, config.epoch);
  }
  if (!contains(config.in_sync, self_)) throw broken_protocol{"the primary is not in sync any more"};
  for (const auto& member : config_.in_sync)
    if (!contains(config.in_sync, member)) peers_.at(member).removed = now;
  config_ = config;
  swap_.reset();
  set_replicas(config.replicas, now);
  progress_.settled(config_.in_sync, config_.min_in_sync);
  review_ = true;
  advance(now);
}

void primary::set_replicas(const members& replicas, std::chrono::nanoseconds now) {
  config_.replicas = replicas;
  add_peers(now);
  for (auto& [member, peer] : peers_)
    if (!is_replica(member)) drop_snapshot(member, peer);
}

// -- handover, time, reads
// ------------------------------------------------------------------------------------------------

void primary::hand_over(const member_id& to) {
  if (!resigned_) handing_to_ = to;
}

bool primary::keep() {
  if (resigned_ || (swap_ && swap_->is_handover())) return false;
  handing_to_.reset();
  return true;
}

void primary::hand_over_if_drained() {
  if (!handing_to_ || swap_ || !opened_ || committed_ < journal_.last()) return;
  const bool ready = contains(config_.in_sync, *handing_to_) && peers_.contains(*handing_to_) &&
                     peers_.at(*handing_to_).linked;
  if (!ready) return;
  // From here on nothing is read, whatever becomes of the swap: the lease is given back.
  swap_ = pending_swap{.revision = config_.revision, .to = *handing_to_};
  ask_swap();
}

void primary::tick(std::chrono::nanoseconds now) {
  if (resigned_) return;
  if (now - last_tick_ > limits_.pause_forgiven) judged_from_ = now;
  last_tick_ = now;
  review_ = true;
  if (swap_ && swap_->retry_at && now >= *swap_->retry_at) ask_swap();
  watch_ability(now);
}

void primary::watch_ability(std::chrono::nanoseconds now) {
  const bool commits = committed_ == journal_.last() || committed_ > able_committed_;
  if (now < not_before_ || (commits && may_read(now))) {
    able_ = now;
    able_committed_ = committed_;
  } else if (now - std::max(able_, judged_from_) >= limits_.look_after) {
    able_ = now;
    ask_controller ask;
    for (const auto& member : progress_.counted())
      if (member != self_ &&
          (!peers_.at(member).linked || overdue(peers_.at(member).heard, now) || peers_.at(member).behind))
        ask.silent.push_back(member);
    actions_.push_back(std::move(ask));
  }
}

bool primary::may_read(std::chrono::nanoseconds now) const {
  if (mutated("read-without-lease")) return serves();
  if (!serves() || (swap_ && swap_->is_handover())) return false;
  return progress_.all_counted([&](const member_id& member) {
    if (member == self_) return true;
    const auto& answered = peers_.at(member).answered;
    return answered && now < *answered + limits_.lease;
  });
}

std::vector<member_status> primary::status() const {
  std::vector<member_status> all;
  for (const auto& [member, peer] : peers_) {
    if (!is_replica(member)) continue;
    all.push_back({.member = member,
                   .in_sync = contains(config_.in_sync, member),
                   .linked = peer.linked,
                   .snapshot = peer.snapshot.has_value(),
                   .durable = progress_.durable_of(member)});
  }
  return all;
}

}  // namespace souk::replication
