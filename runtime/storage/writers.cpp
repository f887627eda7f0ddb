#include "runtime/storage/writers.hpp"

#include "runtime/fault_point.hpp"
#include "runtime/mutant.hpp"
#include "runtime/supervision/failure.hpp"

#include <algorithm>
#include <iterator>

namespace souk::runtime {

namespace {

// How often the fill of the storage is looked at while there are commits.
constexpr std::chrono::seconds usage_interval{1};
// Between two trims, while there is room: 100,000 records a second can go, more than are written.
constexpr std::chrono::milliseconds trim_interval{10};

// Whether what is kept for readers alone has to go: long before new work is refused for it.
bool is_crowded(const persistence::storage_usage& usage) {
  return usage.nearly_full || usage.journal_bytes > usage.journal_bytes_max / 2;
}

}  // namespace

// -- journal
// -----------------------------------------------------------------------------------------------------

caf::behavior journal_writer(journal_writer_actor* self, persistence::storage* storage, const limits* limits,
                             writer_figures* figures, std::shared_ptr<clock> time) {
  supervision::handle_failures(self);
  return self->state.start(storage, limits, figures, std::move(time));
}

caf::behavior journal_writer_life::start(persistence::storage* storage, const limits* limits,
                                         writer_figures* figures, std::shared_ptr<clock> time) {
  storage_ = storage;
  limits_ = limits;
  figures_ = figures;
  time_ = std::move(time);
  return {
      [this](append& append) { collect(append); },
      [this](const cut_after& request) { cut(request); },
      [this](const restart_after& request) { restart(request); },
      [this](const end_of_burst&) {
        commit_pending_ = false;
        commit();
      },
      [this](const ask_bounds& question) {
        commit();
        auto bounds = storage_->log().bounds(question.id);
        next_[question.id] = bounds.last + 1;
        shards_[question.id] = question.shard;
        self_->send(question.shard, bounds_are{bounds});
        self_->send(question.shard, storage_fill{nearly_full_});
      },
      [this](const trim_journal& trim) {
        trims_[trim.id] = trim;
        trim_some();
      },
      [this](const tick&) { watch_usage(); },
  };
}

void journal_writer_life::collect(append& append) {
  part part{append.id, append.shard, append.entries.front().index, append.entries.back().index,
            append.ticket};
  auto& next = next_[append.id];
  // After a refusal the shard has to start anew; what it sent before it knew is refused as well.
  if (part.first != next) return refuse(part);
  next = part.last + 1;
  for (const auto& entry : append.entries)
    batch_bytes_ += entry.payload.size();
  std::move(append.entries.begin(), append.entries.end(), std::back_inserter(batch_));
  if (mutated("sync-skipped")) self_->send(part.owner, journalled{part.last, part.ticket});
  parts_.push_back(std::move(part));
  const bool full = batch_.size() >= limits_->commit_entries_max || batch_bytes_ >= limits_->commit_bytes_max;
  if (full || (!commit_pending_ && self_->mailbox().empty())) {
    commit();
  } else if (!commit_pending_) {
    // Goes to the end of the mailbox: all appends that wait now are taken along.
    commit_pending_ = true;
    self_->send(self_, end_of_burst{});
  }
}

// What comes before it is committed first, so that all happens in the order in which it was asked for.
void journal_writer_life::cut(const cut_after& request) {
  commit();
  const part part{request.id, request.shard, request.last + 1, request.last, request.ticket};
  // What it is to be cut after may have been refused.
  const auto last = storage_->log().bounds(request.id).last;
  if (request.last > last) return refuse(part);
  if (request.last < last) reached("journal: before a cut");
  if (storage_->log().cut(request.id, request.last) != persistence::commit_status::done) return refuse(part);
  if (request.last < last) reached("journal: after a cut");
  next_[request.id] = request.last + 1;
  self_->send(request.shard, journalled{request.last, request.ticket});
}

void journal_writer_life::restart(const restart_after& request) {
  commit();
  reached("journal: before it begins anew");
  if (storage_->log().restart(request.id, request.index, request.epoch) != persistence::commit_status::done)
    return refuse({request.id, request.shard, request.index + 1, request.index, request.ticket});
  reached("journal: after it began anew");
  next_[request.id] = request.index + 1;
  self_->send(request.shard, journalled{request.index, request.ticket});
}

void journal_writer_life::commit() {
  if (batch_.empty()) return;
  const auto began = time_->steady();
  reached("journal: before a commit");
  const auto status = storage_->log().append(batch_);
  const auto took = time_->steady() - began;
  if (status == persistence::commit_status::done) {
    reached("journal: after a commit");
    figures_->commits += 1;
    figures_->records += batch_.size();
    figures_->bytes += batch_bytes_;
    figures_->commit_nanoseconds += static_cast<std::uint64_t>(took.count());
    if (figures_->on_commit) figures_->on_commit(took);
    std::map<shard_id, part*> newest;
    for (auto& part : parts_)
      newest[part.shard] = &part;
    for (auto& [shard, part] : newest)
      self_->send(part->owner, journalled{part->last, part->ticket});
  } else {
    reached("journal: a commit is refused");
    for (const auto& part : parts_) {
      next_[part.shard] = std::min(next_[part.shard], part.first);
      refuse(part);
    }
  }
  batch_.clear();
  parts_.clear();
  batch_bytes_ = 0;
  // No timer of its own: a delayed message would keep an actor with a thread alive beyond its system.
  if (time_->steady() - usage_checked_ >= usage_interval) watch_usage();
  trim_some();
}

void journal_writer_life::refuse(const part& part) { self_->send(part.owner, journal_refused{part.first}); }

void journal_writer_life::watch_usage() {
  usage_checked_ = time_->steady();
  const auto usage = storage_->usage();
  crowded_ = is_crowded(usage);
  if (usage.nearly_full) {
    while (!trims_.empty())
      trim_next();
  }
  const bool nearly_full = usage.nearly_full && storage_->usage().nearly_full;
  if (nearly_full == nearly_full_) return;
  nearly_full_ = nearly_full;
  for (const auto& [id, shard] : shards_)
    self_->send(shard, storage_fill{nearly_full_});
}

// Whoever waits for a commit waits behind a trim too.
void journal_writer_life::trim_some() {
  if (trims_.empty() || time_->steady() - trimmed_ < trim_interval) return;
  trimmed_ = time_->steady();
  trim_next();
}

// A shard's turn: some of its records, or all that it can spare.
void journal_writer_life::trim_next() {
  auto turn = trims_.upper_bound(trimmed_last_);
  if (turn == trims_.end()) turn = trims_.begin();
  const auto [shard, wanted] = *turn;
  trimmed_last_ = shard;
  const auto keep_from = crowded_ ? wanted.keep_from : wanted.spared_from;
  const auto first = storage_->log().bounds(shard).first;
  if (keep_from > first) reached("journal: before a trim");
  storage_->log().trim(shard, keep_from, limits_->trim_records_max);
  const auto now_first = storage_->log().bounds(shard).first;
  if (now_first > first) {
    reached("journal: after a trim");
    figures_->trims += 1;
  }
  if (now_first == first || now_first >= keep_from) trims_.erase(turn);
}

// -- state
// -------------------------------------------------------------------------------------------------------

caf::behavior state_writer(state_writer_actor* self, persistence::storage* storage, const limits* limits,
                           writer_figures* figures) {
  supervision::handle_failures(self);
  return self->state.start(storage, limits, figures);
}

caf::behavior state_writer_life::start(persistence::storage* storage, const limits* limits,
                                       writer_figures* figures) {
  storage_ = storage;
  limits_ = limits;
  figures_ = figures;
  return {
      [this](write_state& write) {
        for (auto& rows : write.rows) {
          for (const auto& row : *rows)
            batch_bytes_ += row.key.size() + (row.value ? row.value->size() : 0);
          batch_rows_ += rows->size();
          if (!rows->empty()) batch_.push_back(std::move(rows));
        }
        owners_.push_back(write.shard);
        if (batch_rows_ >= limits_->commit_rows_max || batch_bytes_ >= limits_->commit_bytes_max) {
          commit();
        } else if (!commit_pending_) {
          commit_pending_ = true;
          self_->send(self_, end_of_burst{});
        }
      },
      [this](const end_of_burst&) {
        commit_pending_ = false;
        commit();
      },
  };
}

void state_writer_life::commit() {
  if (owners_.empty()) return;
  if (!batch_.empty()) reached("state: before a commit");
  std::vector<persistence::row_changes> parts;
  parts.reserve(batch_.size());
  for (const auto& rows : batch_)
    parts.emplace_back(*rows);
  const auto status = storage_->state().write_all(parts);
  if (!batch_.empty()) {
    reached("state: after a commit");
    figures_->state_commits += 1;
  }
  for (const auto& owner : owners_)
    self_->send(owner, state_written{status == persistence::commit_status::done});
  batch_.clear();
  owners_.clear();
  batch_rows_ = 0;
  batch_bytes_ = 0;
}

}  // namespace souk::runtime
