#include "runtime/fault_point.hpp"
#include "runtime/shard/shard.hpp"
#include "runtime/telemetry/log.hpp"

#include <caf/all.hpp>

#include <algorithm>
#include <limits>

// Of a shard: its dealings with the other members, and how its time in office ends.
namespace souk::runtime {

namespace {

// While a member reads the state, it must not change, and the journal grows. A member that takes longer
// begins with a newer state.
constexpr std::chrono::seconds snapshot_patience{60};
constexpr auto nothing_is_lost = std::numeric_limits<std::uint64_t>::max();
// A shard that is being given away lets commands that wait for the world finish for so long: most are
// answered within some 10 ms, and a shopper should not notice.
constexpr std::chrono::milliseconds closing_patience{400};
// If it is not given away by then it is kept ...
constexpr std::chrono::seconds giving_patience{3};
// ... and not tried again before.
constexpr std::chrono::seconds giving_rest{10};

}  // namespace

// Does what the primary asks for, until it asks for nothing more.
void shard_life::act() {
  for (auto actions = primary_->take(steady()); !actions.empty(); actions = primary_->take(steady())) {
    for (auto& action : actions)
      take(action);
  }
}

void shard_life::take(replication::primary_action& action) {
  if (std::holds_alternative<replication::decide_opening>(action)) {
    decide_opening();
  } else if (const auto* news = std::get_if<replication::primary_committed>(&action)) {
    on_committed(news->upto);
  } else if (const auto* wanted = std::get_if<replication::read_journal>(&action)) {
    read_journal(*wanted);
  } else if (const auto* end = std::get_if<replication::resigned>(&action)) {
    log::warn(
        "shard resigns",
        {{"shard", options_.id}, {"epoch", epoch_}, {"why", to_string(end->why)}, {"next", end->epoch}});
    tell_clients_that_it_ends(outcome::unavailable, nothing_is_lost);
    leave_office(*end);
  } else if (const auto* lost = std::get_if<replication::records_lost>(&action)) {
    log::warn("a member does not have what it had said was on its disk",
              {{"shard", options_.id}, {"member", lost->member}, {"had", lost->had}, {"has", lost->has}});
  } else if (const auto* piece = std::get_if<replication::read_snapshot>(&action)) {
    read_snapshot(*piece);
  } else if (const auto* over = std::get_if<replication::end_snapshot>(&action)) {
    snapshots_.erase(over->member);
    // It may not have begun yet. Nobody would end it any more, and the state rests as long as somebody reads
    // it.
    std::erase_if(snapshots_waiting_,
                  [over](const auto& wanted) { return wanted.snapshot == over->snapshot; });
    continue_flush();
  } else if (auto* batch = std::get_if<replication::send_append>(&action)) {
    say_(batch->to, std::move(batch->message));
  } else if (auto* chunk = std::get_if<replication::send_snapshot_chunk>(&action)) {
    reached("shard: before a piece of its state is sent");
    say_(chunk->to, std::move(chunk->message));
  } else {
    asked_to_look_ |= std::holds_alternative<replication::ask_controller>(action);
    self_->send(replica_, outward{std::move(action)});
  }
}

void shard_life::hear(const replication::member_id& from, const replication::message& message) {
  const auto now = steady();
  const auto answer = [&](auto reply) {
    if (reply) say_(from, *reply);
  };
  if (const auto* appended = std::get_if<replication::appended>(&message)) {
    primary_->receive(from, *appended, now);
  } else if (const auto* received = std::get_if<replication::snapshot_received>(&message)) {
    primary_->receive(from, *received, now);
  } else if (const auto* claim = std::get_if<replication::append>(&message)) {
    answer(primary_->receive(*claim));
  } else if (const auto* chunk = std::get_if<replication::snapshot_chunk>(&message)) {
    answer(primary_->receive(*chunk));
  }
  act();
}

void shard_life::read_journal(const replication::read_journal& wanted) {
  primary_->trimmed(options_.storage->log().bounds(options_.id).first);
  std::vector<replication::entry> entries;
  std::size_t bytes = 0;
  if (wanted.from >= primary_->journal().first()) {
    options_.storage->log().read(options_.id, wanted.from, [&](const persistence::journal_entry& entry) {
      bytes += entry.payload.size();
      const bool one_too_many = entries.size() == wanted.records_max || bytes > wanted.bytes_max;
      // What was trimmed since leaves a gap.
      if (entry.index != wanted.from + entries.size() || (one_too_many && !entries.empty())) return false;
      entries.push_back({entry.index, entry.epoch, entry.payload.share()});
      return true;
    });
  }
  primary_->journal_read(wanted.member, wanted.from, std::move(entries));
}

// -- snapshots
// ------------------------------------------------------------------------------------------------

// The state on disk, which rests as long as somebody reads it.
void shard_life::read_snapshot(const replication::read_snapshot& wanted) {
  if (flush_ == flush_phase::writing || stopping_) {
    snapshots_waiting_.push_back(wanted);
    return;
  }
  auto found = snapshots_.find(wanted.member);
  if (wanted.sequence == 0) {
    found =
        snapshots_
            .insert_or_assign(wanted.member,
                              snapshot_out{wanted.snapshot,
                                           {book_->applied(), primary_->journal().epoch_at(book_->applied())},
                                           snapshot_reader{options_.id, options_.storage->state()},
                                           steady()})
            .first;
    reached("shard: begins to send its state");
    log::info("a member is sent the whole state", {{"shard", options_.id}, {"member", wanted.member}});
  }
  if (found == snapshots_.end() || found->second.snapshot != wanted.snapshot) return;
  auto& out = found->second;
  auto piece =
      std::make_shared<const std::string>(out.reader.next(options_.replication.snapshot_chunk_bytes));
  primary_->snapshot_read(wanted.member, wanted.snapshot, wanted.sequence, out.at, std::move(piece),
                          out.reader.done());
}

void shard_life::go_on_with_snapshots() {
  for (const auto& wanted : std::exchange(snapshots_waiting_, {}))
    read_snapshot(wanted);
  for (auto& [member, out] : std::map{snapshots_})
    if (steady() - out.since > snapshot_patience) primary_->snapshot_lost(member, out.snapshot);
  act();
}

// -- handover
// -------------------------------------------------------------------------------------------------

// Intake stops in steps: first clients', and what waits for the world may finish; then everybody's, until all
// is decided and nothing is on its way.
void shard_life::on_give_to(const give_to& wish) {
  if (wish.member.empty()) return keep();
  const bool rests = given_up_at_ && steady() - *given_up_at_ < giving_rest;
  if (giving_ != giving::not_at_all || !serving_ || stopping_ || rests) return;
  log::info("shard is being given away", {{"shard", options_.id}, {"to", wish.member}});
  heir_ = wish.member;
  giving_ = giving::closing;
  giving_since_ = steady();
  go_on_giving();
}

void shard_life::go_on_giving() {
  if (giving_ == giving::not_at_all) return;
  const auto since = steady() - giving_since_;
  if (giving_ == giving::closing && (unanswered_ == 0 || since >= closing_patience))
    giving_ = giving::draining;
  if (giving_ == giving::draining) {
    end_burst_later();
    const bool decided = burst_.empty() && std::all_of(slots_.begin(), slots_.end(), [](const auto& each) {
                           return each.second->sent.empty();
                         });
    if (decided) {
      reached("shard: before it is handed over");
      giving_ = giving::handing;
      primary_->hand_over(heir_);
      return act();
    }
  }
  if (since >= giving_patience) keep();
}

void shard_life::keep() {
  if (giving_ == giving::not_at_all || !primary_->keep()) return;
  log::warn("shard is kept", {{"shard", options_.id}, {"instead_of", heir_}});
  giving_ = giving::not_at_all;
  given_up_at_ = steady();
  for (auto& [token, slot] : slots_)
    if (slot->actor && !slot->leaving && !slot->backing_off) send_waiting(*slot);
  deliver_local_effects();
  send_effects();
}

// -- the end
// -------------------------------------------------------------------------------------------------

void shard_life::refuse(unreleased& gate, outcome outcome) {
  for (auto& [to, response] : gate.responses)
    self_->send(to, runtime::response{response.correlation, outcome, {}, {}});
  for (auto& [to, page] : gate.pages)
    self_->send(to, index_page{page.correlation, false, {}, false});
}

// `undone`: what clients hear of that which was not decided, or is in records from `lost_from` on, which are
// nowhere. Records before these are somewhere and not committed: nobody knows yet what becomes of them.
void shard_life::tell_clients_that_it_ends(outcome undone, std::uint64_t lost_from) {
  for (auto& gate : unreleased_)
    refuse(gate, gate.read || gate.index >= lost_from ? undone : outcome::unknown);
  for (auto& gate : reads_)
    refuse(gate, outcome::unavailable);
  for (auto& [token, slot] : slots_) {
    for (const auto* queue : {&slot->sent, &slot->waiting}) {
      for (const auto& work : *queue)
        respond(*work, undone);
    }
  }
  // What is parked goes on elsewhere, but nobody there knows who waits for it.
  for (const auto& [id, waiting] : running_)
    self_->send(waiting.reply_to, response{waiting.correlation, outcome::unknown, {}, {}});
}

void shard_life::leave_office(const replication::resigned& resigned) {
  reached("shard: before it leaves office");
  options_.routing->remove(options_.id, caf::actor{self_});
  for (auto& [token, slot] : slots_)
    if (slot->actor) self_->send_exit(slot->actor, caf::exit_reason::user_shutdown);
  self_->send(replica_, shard_resigned{resigned.why, resigned.epoch});
  self_->quit();
}

// The disk is full: what was decided since is lost, unless others have it, and so is all that was decided on
// top of it. The shard starts anew from what is on disk.
void shard_life::on_refused(std::uint64_t first) {
  log::error("the storage is full: the shard starts anew", {{"shard", options_.id}, {"lost_from", first}});
  primary_->locally_refused(first, steady());
  // Who resigned had sent some of them.
  tell_clients_that_it_ends(outcome::full, primary_->is_resigned() ? nothing_is_lost : first);
  leave_office({replication::resignation::write_refused, epoch_});
}

}  // namespace souk::runtime
