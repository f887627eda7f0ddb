#include "runtime/fault_point.hpp"
#include "runtime/mutant.hpp"
#include "runtime/shard/flush_turn.hpp"
#include "runtime/shard/records.hpp"
#include "runtime/shard/shard.hpp"

#include <algorithm>
#include <iterator>

// Of a shard: how the state follows the journal, and who stays in memory.
namespace souk::runtime {

namespace rpb = persistence::pb;

namespace {

// While the disk is full the shard asks so often whether it still is.
constexpr std::chrono::seconds full_retry{1};
// A shard that is to end waits so long for the other members to have what it decided last.
constexpr std::chrono::seconds stop_patience{3};
// Entities that are asked for their rows at a time: less than a millisecond of work. A portion goes out with
// each commit, so that a flush takes as little from the requests at any moment as it can.
constexpr std::size_t portion_least = 16;
// The portions that a flush takes at most: where commits are few and large, portions are large too.
constexpr std::size_t portions_max = 128;
// Entities whose tails are shortened in a row.
constexpr std::size_t tails_at_once = 256;

}  // namespace

// Acknowledgements between shards are no decisions; the other members hear of them once per flush, or their
// states would keep every effect for ever.
void shard_life::record_acknowledgements() {
  if (stopping_ || primary_->config().replicas.size() < 2 || !primary_->takes_decisions()) return;
  rpb::Record record;
  record.set_schema(1);
  record.set_time_ms(to_ms(options_.time->now()));
  if (book_->add_acknowledged(record)) journal(record, {}, {});
}

// Behind what the state stands for, and what members in sync have; others that were away are spared a
// snapshot if that was not long. Readers of events are spared theirs while there is room.
void shard_life::trim() {
  auto keep_from = std::min(book_->applied() + 1, primary_->keep_from());
  if (primary_->config().replicas.size() > 1)
    keep_from = keep_for_others(keep_from, book_->last_index(), *options_.limits);
  const auto spared_from = keep_for_readers(keep_from, book_->last_index(), *options_.limits);
  self_->send(options_.journal_writer(), trim_journal{options_.id, keep_from, spared_from});
}

void shard_life::add_to_tail(slot& slot, persistence::journal_entry entry) {
  if (slot.tail.empty()) tailed_.push_back(slot.token);
  slot.tail.push_back(std::move(entry));
}

void shard_life::begin_flush() {
  flush_ = flush_phase::capturing;
  last_flush_ = options_.time->steady();
  bytes_since_flush_ = 0;
  flush_needs_ = book_->last_index();
  flush_rows_ = {book_->begin_flush()};
  captures_awaited_ = 0;
  tailed_.insert(tailed_.end(), tails_to_shorten_.begin(), tails_to_shorten_.end());
  tails_to_shorten_.clear();
  for (const auto token : tailed_) {
    auto& slot = *slots_.at(token);
    if (!slot.dirty) continue;
    slot.capturing = true;
    if (slot.leaving) {
      ++captures_awaited_;  // its rows are on their way
    } else {
      captures_wanted_.push_back(token);
    }
  }
  portion_ = std::max(portion_least, captures_wanted_.size() / portions_max);
  ask_for_rows();
  continue_flush();
}

// The next portion, when the one before it has come: with the commit that comes next, or at once if the shard
// waits for none.
void shard_life::ask_for_rows() {
  if (captures_awaited_ > 0) return;
  for (std::size_t i = 0; i < portion_ && !captures_wanted_.empty(); ++i) {
    auto& slot = *slots_.at(captures_wanted_.front());
    captures_wanted_.pop_front();
    ++captures_awaited_;
    slot.capture_asked = true;
    if (slot.actor) {
      self_->send(slot.actor, capture{});
    } else if (!slot.backing_off) {
      activate(slot);
    }
  }
}

void shard_life::on_captured(captured& result) {
  auto found = slots_.find(result.token);
  if (found == slots_.end()) return;
  auto& slot = *found->second;
  if (slot.capturing) {
    std::move(result.rows.begin(), result.rows.end(), std::back_inserter(captured_rows_));
    flush_needs_ = std::max(flush_needs_, slot.last_index);
    slot.capturing = slot.capture_asked = false;
    --captures_awaited_;
    if (stopping_ || committed_ == book_->last_index()) ask_for_rows();
  } else if (slot.dirty && !mutated("rows-of-leaving-lost")) {
    for (auto& row : result.rows) {
      if (row.value) {
        book_->rows().put(std::move(row.key), std::move(*row.value));
      } else {
        book_->rows().erase(std::move(row.key));
      }
    }
  }
  slot.dirty = false;
  if (result.leaving) {
    slot.leaving = false;
    slot.actor = nullptr;
    --active_;
    --options_.figures->entities_active;
    if (!slot.waiting.empty()) {
      activate(slot);
    } else {
      drop_if_idle(slot);
    }
  }
  continue_flush();
}

void shard_life::continue_flush() {
  if (flush_ != flush_phase::capturing || captures_awaited_ > 0 || !captures_wanted_.empty()) return;
  if (committed_ < flush_needs_ && !mutated("state-before-commit")) return;
  if (!snapshots_.empty() && !stopping_) return;  // whoever reads the state reads one state
  reached("shard: before its state is written");
  flush_ = flush_phase::writing;
  flush_rows_.push_back(
      std::make_shared<const std::vector<persistence::row_change>>(std::exchange(captured_rows_, {})));
  for (const auto& rows : flush_rows_)
    options_.figures->state_rows += rows->size();
  write_state_out();
}

void shard_life::write_state_out() {
  self_->send(options_.state_writer(), write_state{caf::actor{self_}, flush_rows_});
}

void shard_life::on_state_written(bool done) {
  if (!done) {
    reached("shard: there is no room for its state");
    // No room: the rows are offered again. What they stand for is in the journal meanwhile.
    self_->delayed_send(self_, full_retry, retry_state{});
    return;
  }
  reached("shard: its state is written");
  flush_ = flush_phase::none;
  flush_rows_.clear();
  book_->end_flush();
  ++options_.figures->state_flushes;
  tails_to_shorten_.insert(tails_to_shorten_.end(), tailed_.begin(), tailed_.end());
  tailed_.clear();
  shorten_tails();
  trim();
  if (!snapshots_waiting_.empty()) go_on_with_snapshots();
  if (!stopping_) return;
  if (last_flush_done_ || book_->applied() == book_->last_index()) {
    self_->quit();
  } else {
    last_flush_done_ = true;
    begin_flush();
  }
}

// A few at a time, as rows are asked for: what is freed was last touched seconds ago.
void shard_life::shorten_tails() {
  for (std::size_t i = 0; i < tails_at_once && !tails_to_shorten_.empty(); ++i) {
    auto& slot = *slots_.at(tails_to_shorten_.front());
    tails_to_shorten_.pop_front();
    while (!slot.tail.empty() && slot.tail.front().index <= book_->applied())
      slot.tail.pop_front();
    if (slot.tail.empty()) {
      drop_if_idle(slot);
    } else {
      tailed_.push_back(slot.token);
    }
  }
  if (!tails_to_shorten_.empty()) self_->send(self_, shorten_more{});
}

// A shard that is to end writes out what is committed; when the other members are gone nothing will be any
// more. What is in the journal is replayed at the next start.
bool shard_life::waits_in_vain() const {
  if (!stopping_ || committed_ == book_->last_index()) return false;
  return !primary_->may_read(steady()) || steady() - stopping_since_ > stop_patience;
}

void shard_life::passivate() {
  const auto now = options_.time->steady();
  for (auto it = recency_.begin(); it != recency_.end();) {
    auto& slot = *slots_.at(*it++);
    const bool too_many = recency_.size() > active_max();
    if (!too_many && now - slot.last_used < options_.limits->entity_idle_timeout) return;
    if (slot.sent.empty() && slot.waiting.empty() && !slot.capturing) leave(slot);
    if (too_many && recency_.size() <= active_max()) return;
  }
}

void shard_life::leave(slot& slot) {
  reached("shard: an entity leaves memory");
  recency_.erase(slot.recency);
  slot.in_recency = false;
  slot.leaving = true;
  self_->send(slot.actor, capture{true});
}

void shard_life::drop_if_idle(slot& slot) {
  if (slot.actor || slot.leaving || slot.backing_off || slot.capturing || slot.dirty || !slot.tail.empty() ||
      !slot.waiting.empty() || !slot.sent.empty())
    return;
  by_address_.erase(slot.address);
  slots_.erase(slot.token);
}

void shard_life::on_tick() {
  const auto now = steady();
  self_->delayed_send(self_, options_.limits->tick_interval, tick{});
  if (!burst_pending_) end_burst();
  primary_->tick(now);
  act();
  if (!serving_ || primary_->is_resigned()) return;
  if (waits_in_vain()) return self_->quit();
  let_out_reads();
  if (asked_to_look_ && committed_ == primary_->last() && primary_->may_read(now)) {
    asked_to_look_ = false;
    self_->send(replica_, outward{replication::ask_controller{}});
  }
  if (!stopping_ && !draining()) {
    fire_timers();
    passivate();
    book_->purge_answers(options_.time->now(), options_.limits->answers_purged_per_tick);
    book_->send_again_what_rests(now, options_.limits->effect_resend_interval);
    deliver_local_effects();
    send_effects();
    if (now - last_calls_ > options_.limits->effect_resend_interval) {
      last_calls_ = now;
      for (const auto& [number, call] : book_->open_calls()) {
        auto made = calls_made_.find(number);
        const bool silent =
            made == calls_made_.end() || now - made->second > options_.limits->world_call_resend_interval;
        if (silent && call.index <= committed_) make_call(number, call);
      }
    }
    // A full storage makes no commits, so its writer would not notice by itself that there is room again.
    if (nearly_full_ && now - last_fill_asked_ >= full_retry) {
      last_fill_asked_ = now;
      self_->send(options_.journal_writer(), tick{});
    }
    options_.figures->effects_outstanding = static_cast<std::int64_t>(book_->effects_outstanding());
  }
  go_on_giving();
  if (primary_->is_resigned()) return;
  if (!snapshots_.empty() || !snapshots_waiting_.empty()) go_on_with_snapshots();
  const bool something_new = book_->last_index() > book_->applied() && snapshots_.empty();
  if (flush_ == flush_phase::none && something_new &&
      (flush_due(options_.id, last_flush_, now, options_.limits->flush_interval) ||
       bytes_since_flush_ >= options_.limits->flush_bytes)) {
    record_acknowledgements();
    begin_flush();
  }
}

void shard_life::on_index_query(const index_query& query) {
  index_page page;
  page.correlation = query.correlation;
  page.available = serving_ && !stopping_;
  if (!page.available) {
    self_->send(query.reply_to, std::move(page));
    return;
  }
  if (query.journal) return on_journal_query(query);
  const auto prefix = keys::index_prefix(options_.id, query.tenant, query.index);
  auto range = keys::starting_with(prefix);
  if (!query.after.empty()) (query.descending ? range.to : range.from) = prefix + query.after;
  const auto order =
      query.descending ? persistence::scan_order::descending : persistence::scan_order::ascending;
  book_->rows().scan(range.from, range.to, order, [&](std::string_view key, std::string_view value) {
    auto row = key.substr(prefix.size());
    if (row == query.after) return true;  // exclusive
    if (page.rows.size() == query.limit) {
      page.more = true;
      return false;
    }
    page.rows.emplace_back(row, value);
    return true;
  });
  unreleased gate;
  gate.index = book_->last_index();
  gate.read = true;
  gate.pages.emplace_back(query.reply_to, std::move(page));
  hold(std::move(gate));
}

shard_status shard_life::status() const {
  shard_status status;
  status.shard = options_.id;
  status.serving = serving_;
  status.epoch = epoch_;
  status.last_index = book_->last_index();
  status.committed = committed_;
  status.applied = book_->applied();
  status.entities = active_;
  status.effects_outstanding = book_->effects_outstanding();
  return status;
}

std::size_t shard_life::active_max() const {
  return std::max<std::size_t>(1, options_.limits->entities_active_max / options_.shards_on_node);
}

}  // namespace souk::runtime
