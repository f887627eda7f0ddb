#include "runtime/replication/follower.hpp"

#include "runtime/mutant.hpp"

#include <algorithm>
#include <utility>

namespace souk::replication {

follower::follower(follower_start start)
    : journal_{std::move(start.journal)},
      durable_{journal_.last()},
      committed_{std::max(start.committed, journal_.first() - 1)},
      epoch_{start.epoch},
      promised_until_{start.promised_until},
      promise_{start.limits.promise} {
  if (committed_ > durable_)
    throw broken_protocol{"record " + std::to_string(committed_) +
                          " is committed and not on this disk, which ends at " + std::to_string(durable_)};
  matched_ = committed_;
  tell_committed();
}

std::vector<follower_action> follower::take() { return std::exchange(actions_, {}); }

std::uint64_t follower::highest_epoch() const { return std::max(epoch_, storing_); }

std::uint64_t follower::committed() const { return std::min(committed_, durable_); }

void follower::receive(const member_id& from, const append& message, std::chrono::nanoseconds now) {
  if (mutated("old-epoch-accepted") && message.epoch < highest_epoch()) return accept(from, message, now);
  if (message.epoch < highest_epoch()) {
    actions_.push_back(send_appended{
        from, {.epoch = highest_epoch(), .result = append_result::superseded, .number = message.number}});
  } else if (admit(from, message.epoch, message)) {
    accept(from, message, now);
  }
}

void follower::receive(const member_id& from, const snapshot_chunk& message, std::chrono::nanoseconds now) {
  if (message.epoch < highest_epoch()) {
    actions_.push_back(send_snapshot_received{from,
                                              {.epoch = highest_epoch(),
                                               .snapshot = message.snapshot,
                                               .sequence = message.sequence,
                                               .superseded = true}});
  } else if (admit(from, message.epoch, message)) {
    accept(from, message, now);
  }
}

// Whether a message that is not superseded can be looked at now; if not, the newest waits for its epoch to be
// stored.
bool follower::admit(const member_id& from, std::uint64_t epoch, const held_message& message) {
  if (epoch == opening_)
    throw broken_protocol{from + " writes under epoch " + std::to_string(epoch) + ", which is ours"};
  if (epoch == epoch_ && storing_ == 0) {
    if (primary_.empty()) primary_ = from;
    if (primary_ != from)
      throw broken_protocol{from + " and " + primary_ + " both write under epoch " + std::to_string(epoch)};
    return true;
  }
  if (epoch > storing_) {
    storing_ = epoch;
    opening_ = 0;
    actions_.push_back(store_epoch{epoch});
  }
  held_from_ = from;
  held_ = message;
  return false;
}

void follower::epoch_stored(std::uint64_t epoch, std::chrono::nanoseconds now) {
  if (epoch <= epoch_) return;
  epoch_ = epoch;
  if (epoch < storing_) return;
  storing_ = 0;
  // What older epochs left beyond the committed records may differ from what this one has.
  matched_ = committed_;
  primary_.clear();
  newest_number_ = 0;
  newest_sent_at_ = {};
  if (snapshot_ && !snapshot_->installing) snapshot_.reset();
  if (mutated("tail-dropped") && opening_ == epoch && committed_ < journal_.last()) cut_after(committed_);
  if (opening_ == epoch) return open_if_ready();

  const auto message = std::exchange(held_, {});
  if (const auto* held_append = std::get_if<append>(&message)) receive(held_from_, *held_append, now);
  if (const auto* held_chunk = std::get_if<snapshot_chunk>(&message)) receive(held_from_, *held_chunk, now);
}

void follower::open(std::uint64_t epoch) {
  if (epoch <= highest_epoch())
    throw broken_protocol{"epoch " + std::to_string(epoch) + " was used before; the highest is " +
                          std::to_string(highest_epoch())};
  opening_ = storing_ = epoch;
  held_ = {};
  actions_.push_back(store_epoch{epoch});
}

void follower::open_if_ready() {
  if (opening_ == 0 || opening_ != epoch_ || !writes_.empty() || (snapshot_ && snapshot_->installing)) return;
  actions_.push_back(epoch_open{epoch_});
}

void follower::accept(const member_id&, const append& message, std::chrono::nanoseconds now) {
  if (snapshot_ && snapshot_->installing)
    return;  // the journal is about to start anew; the primary asks again
  if (!agrees(message.prev)) {
    const auto met = journal_.meet(message.prev);
    const auto index = std::max(committed_, met ? met->index : 0);
    const auto newest = std::exchange(newest_number_, message.number);
    const auto sent_at = std::exchange(newest_sent_at_, message.sent_at);
    answer(append_result::mismatch, {index, journal_.epoch_at(index)}, now);
    newest_number_ = newest;
    newest_sent_at_ = sent_at;
    return;
  }
  newest_number_ = std::max(newest_number_, message.number);
  newest_sent_at_ = std::max(newest_sent_at_, message.sent_at);
  // What is new is answered when it is on disk, everything else at once.
  if (!take_up(message)) answer(append_result::accepted, {}, now);
}

// Whatever is committed is in the sequence of every later primary, so there is no need to compare it.
bool follower::agrees(position prev) const {
  if (prev.index <= committed_) return true;
  return prev.index <= journal_.last() && journal_.epoch_at(prev.index) == prev.epoch;
}

bool follower::take_up(const append& message) {
  std::vector<entry> fresh;
  auto index = message.prev.index;
  for (const auto& next : message.entries) {
    if (next.index != ++index || next.epoch > message.epoch)
      throw broken_protocol{"record " + std::to_string(next.index) + " of epoch " +
                            std::to_string(next.epoch) + " came out of order under epoch " +
                            std::to_string(message.epoch)};
    if (index <= journal_.last()) {
      const auto here = journal_.epoch_at(index);
      if (here == next.epoch || (here == 0 && index < journal_.first())) continue;
      if (mutated("divergence-kept")) continue;
      cut_after(index - 1);
    }
    journal_.append(next.at());
    fresh.push_back(next);
  }
  matched_ = std::max(matched_, index);
  committed_ =
      std::max(committed_, mutated("all-is-committed") ? matched_ : std::min(message.committed, matched_));
  const bool wrote = !fresh.empty();
  if (wrote) {
    writes_.push_back({next_ticket_, journal_.last(), false});
    actions_.push_back(write_entries{next_ticket_++, std::move(fresh)});
  }
  tell_committed();
  return wrote;
}

void follower::cut_after(std::uint64_t last) {
  if (last < committed_ || last < matched_)
    throw broken_protocol{"record " + std::to_string(last + 1) + " would be cut; up to " +
                          std::to_string(committed_) + " all is committed, up to " +
                          std::to_string(matched_) + " all is epoch " + std::to_string(epoch_) + "'s"};
  journal_.cut(last);
  durable_ = std::min(durable_, last);
  writes_.push_back({next_ticket_, last, true});
  actions_.push_back(cut_journal{next_ticket_++, last});
}

void follower::stored(std::uint64_t ticket, std::chrono::nanoseconds now) {
  bool news = false;
  while (!writes_.empty() && writes_.front().ticket <= ticket) {
    durable_ = writes_.front().last;
    news = true;
    writes_.pop_front();
  }
  if (!news) return;
  // What is on disk and about to be cut does not count.
  for (const auto& write : writes_)
    if (write.cut) durable_ = std::min(durable_, write.last);
  tell_committed();
  if (storing_ == 0 && opening_ == 0 && !primary_.empty()) answer(append_result::accepted, {}, now);
  open_if_ready();
}

void follower::answer(append_result result, position hint, std::chrono::nanoseconds now) {
  promised_until_ = std::max(promised_until_, now + promise_);
  actions_.push_back(send_appended{primary_,
                                   {.epoch = epoch_,
                                    .result = result,
                                    .number = newest_number_,
                                    .sent_at = newest_sent_at_,
                                    .durable = std::min(durable_, matched_),
                                    .committed = committed_,
                                    .hint = hint}});
}

void follower::tell_committed() {
  if (committed() <= committed_told_) return;
  committed_told_ = committed();
  actions_.push_back(follower_committed{committed_told_});
}

void follower::accept(const member_id& from, const snapshot_chunk& message, std::chrono::nanoseconds now) {
  const bool known = snapshot_ && snapshot_->id == message.snapshot;
  if (known && (snapshot_->installed || message.sequence < snapshot_->next)) {
    // Repeated: its answer was lost, unless it is still being stored.
    if (!snapshot_->installing && snapshot_->storing != message.sequence)
      answer_chunk(from, message.snapshot, message.sequence, false);
    return;
  }
  if (snapshot_ && (snapshot_->installing || message.snapshot < snapshot_->id)) return;
  if (has_all_of(message.at)) return answer_has_all(now);
  if (!known) {
    if (message.sequence != 0) return;
    snapshot_ = incoming_snapshot{.id = message.snapshot, .from = from, .at = message.at};
    actions_.push_back(begin_snapshot{message.snapshot});
  }
  if (message.sequence != snapshot_->next || snapshot_->storing) return;
  const auto digest = running_digest(snapshot_->digest, *message.data);
  if (digest != message.digest || message.at != snapshot_->at) {
    snapshot_.reset();
    return answer_chunk(from, message.snapshot, message.sequence, true);
  }
  snapshot_->digest = digest;
  snapshot_->next += 1;
  snapshot_->storing = message.sequence;
  snapshot_->last_taken = message.last;
  actions_.push_back(store_chunk{message.snapshot, message.sequence, message.data});
}

// What a snapshot stands for is committed, and may have come record by record meanwhile.
bool follower::has_all_of(position at) {
  if (at.index <= matched_) committed_ = std::max(committed_, at.index);
  tell_committed();
  return at.index <= committed_;
}

// Nothing is missing here that a snapshot could bring.
void follower::answer_has_all(std::chrono::nanoseconds now) {
  const auto upto = std::max(committed_, matched_);
  answer(append_result::mismatch, {upto, journal_.epoch_at(upto)}, now);
}

void follower::chunk_stored(std::uint64_t snapshot, std::uint64_t sequence, std::chrono::nanoseconds now) {
  if (!snapshot_ || snapshot_->id != snapshot || snapshot_->storing != sequence) return;
  if (snapshot_->last_taken) {
    // It would take with it what lies beyond, and was acknowledged.
    if (has_all_of(snapshot_->at)) {
      snapshot_.reset();
      if (storing_ == 0 && opening_ == 0 && !primary_.empty()) answer_has_all(now);
      return;
    }
    snapshot_->installing = true;
    actions_.push_back(install_snapshot{snapshot, snapshot_->at});
    return;
  }
  snapshot_->storing.reset();
  answer_chunk(snapshot_->from, snapshot, sequence, false);
}

void follower::snapshot_installed(std::uint64_t snapshot, std::chrono::nanoseconds) {
  if (!snapshot_ || snapshot_->id != snapshot || !snapshot_->installing) return;
  snapshot_->installing = false;
  snapshot_->installed = true;
  snapshot_->storing.reset();
  journal_.restart(snapshot_->at);
  writes_.clear();  // before the snapshot in order, so done
  durable_ = matched_ = committed_ = snapshot_->at.index;
  tell_committed();
  if (storing_ == 0 && opening_ == 0) answer_chunk(snapshot_->from, snapshot, snapshot_->next - 1, false);
  open_if_ready();
}

void follower::answer_chunk(const member_id& to, std::uint64_t snapshot, std::uint64_t sequence,
                            bool damaged) {
  actions_.push_back(send_snapshot_received{
      to, {.epoch = epoch_, .snapshot = snapshot, .sequence = sequence, .damaged = damaged}});
}

}  // namespace souk::replication
