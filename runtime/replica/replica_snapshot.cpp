#include "runtime/fault_point.hpp"
#include "runtime/mutant.hpp"
#include "runtime/replica/replica.hpp"
#include "runtime/shard/snapshot.hpp"
#include "runtime/telemetry/log.hpp"

#include <caf/all.hpp>

#include <utility>

// Of a replica: how the state of another member becomes its own.
//
// The pieces are put aside among the rows of the state. When all are there a mark says so; from then on the
// journal begins anew behind the snapshot, the old rows go, the new ones come, and last of all the mark goes.
// A start that finds the mark does all of that again, so the disk comes up as before or as after.
namespace souk::runtime {

namespace {

// Rows removed in one commit.
constexpr std::size_t removals_max = 5'000;

}  // namespace

void replica_life::begin_snapshot() {
  reached("snapshot: begins");
  log::info("the whole state comes from the primary", {{"shard", id()}});
  clear_pieces([] {});
}

void replica_life::clear_pieces(std::function<void()> then) {
  auto removals = pieces_kept(id(), options_.shard.storage->state(), removals_max);
  if (removals.empty()) return then();
  write_state_rows(std::move(removals), std::move(then));
}

void replica_life::store_piece(const replication::store_chunk& piece) {
  reached("snapshot: before a piece is put aside");
  write_state_rows({{keys::snapshot_piece(id(), piece.snapshot, piece.sequence), *piece.data}},
                   [this, snapshot = piece.snapshot, sequence = piece.sequence] {
                     if (!follower_) return;
                     reached("snapshot: a piece is put aside");
                     follower_->chunk_stored(snapshot, sequence, steady());
                     act();
                   });
}

void replica_life::install(const replication::install_snapshot& wanted) {
  installing_ = {wanted.snapshot, wanted.at};
  replaying_ = false;
  if (!replay_->flushing()) mark_installation();
}

void replica_life::mark_installation() {
  reached("snapshot: before it is marked as whole");
  pb::SnapshotMark mark;
  mark.set_snapshot(installing_->snapshot);
  mark.set_index(installing_->at.index);
  mark.set_epoch(installing_->at.epoch);
  write_state_rows({{keys::snapshot_mark(id()), mark.SerializeAsString()}}, [this] { restart_journal(); });
}

// Whether a start has to finish one first.
bool replica_life::resume_installation() {
  if (installing_) return true;
  const auto row = options_.shard.storage->state().get(keys::snapshot_mark(id()));
  if (!row) return false;
  pb::SnapshotMark mark;
  if (!mark.ParseFromString(*row))
    throw persistence::damage("state: the mark of a snapshot of shard " + std::to_string(id()) +
                              " cannot be read");
  reached("snapshot: an interrupted installation goes on");
  installing_ = {mark.snapshot(), {mark.index(), mark.epoch()}};
  restart_journal();
  return true;
}

void replica_life::restart_journal() {
  self_->send(options_.shard.journal_writer(), restart_after{caf::actor{self_}, id(), installing_->at.index,
                                                             installing_->at.epoch, restart_ticket});
}

void replica_life::clear_rows() {
  auto removals = rows_to_replace(id(), options_.shard.storage->state(), removals_max);
  if (removals.empty() || mutated("snapshot-over-old-rows")) return put_piece(0);
  reached("snapshot: before old rows go");
  write_state_rows(std::move(removals), [this] { clear_rows(); });
}

void replica_life::put_piece(std::uint64_t sequence) {
  const auto key = keys::snapshot_piece(id(), installing_->snapshot, sequence);
  const auto piece = options_.shard.storage->state().get(key);
  const auto is_last = [&] {
    const auto next = keys::snapshot_piece(id(), installing_->snapshot, sequence + 1);
    return !options_.shard.storage->state().get(next);
  };
  if (!piece || (mutated("snapshot-cut-short") && is_last())) return end_installation();
  auto rows = rows_of_piece(*piece);
  if (!rows)
    throw persistence::damage("state: a piece of a snapshot of shard " + std::to_string(id()) +
                              " cannot be read");
  reached("snapshot: before a piece is put in place");
  write_state_rows(std::move(*rows), [this, sequence] { put_piece(sequence + 1); });
}

void replica_life::end_installation() {
  reached("snapshot: before its mark goes");
  write_state_rows({{keys::snapshot_mark(id()), std::nullopt}}, [this] {
    reached("snapshot: is installed");
    const auto done = *std::exchange(installing_, std::nullopt);
    log::info("the state is installed", {{"shard", id()}, {"index", done.at.index}});
    clear_pieces([] {});
    if (!follower_) return start_from_disk();
    replay_->load();
    follower_->snapshot_installed(done.snapshot, steady());
    act();
  });
}

}  // namespace souk::runtime
