#include "runtime/shard/snapshot.hpp"

#include "runtime/shard/keys.hpp"
#include "runtime/shard/state.pb.h"

#include <algorithm>

namespace souk::runtime {

namespace {

void remove_from(const persistence::state_store& state, const keys::range& range, std::size_t most,
                 std::vector<persistence::row_change>& removals) {
  if (removals.size() >= most) return;
  state.scan(range.from, range.to, persistence::scan_order::ascending, [&](std::string_view key, auto) {
    removals.push_back({std::string{key}, std::nullopt});
    return removals.size() < most;
  });
}

}  // namespace

bool visit_piece(shard_id shard, const persistence::state_store& state, std::string& from, std::size_t bytes,
                 const std::function<void(std::string_view key, std::string_view value)>& visit) {
  std::size_t size = 0;
  bool full = false;
  for (const auto& range : keys::in_snapshots(shard)) {
    if (full || from >= range.to) continue;
    state.scan(std::max(from, range.from), range.to, persistence::scan_order::ascending,
               [&](std::string_view key, std::string_view value) {
                 if (size >= bytes) {
                   full = true;
                   from = key;
                   return false;
                 }
                 size += key.size() + value.size();
                 visit(key, value);
                 return true;
               });
  }
  return full;
}

snapshot_reader::snapshot_reader(shard_id shard, const persistence::state_store& state)
    : shard_(shard), state_(&state) {}

std::string snapshot_reader::next(std::size_t bytes) {
  pb::SnapshotRows piece;
  done_ = !visit_piece(shard_, *state_, from_, bytes, [&](std::string_view key, std::string_view value) {
    auto& row = *piece.add_rows();
    row.set_key(std::string{key});
    row.set_value(std::string{value});
  });
  return piece.SerializeAsString();
}

std::optional<std::vector<persistence::row_change>> rows_of_piece(const std::string& piece) {
  pb::SnapshotRows read;
  if (!read.ParseFromString(piece)) return std::nullopt;
  std::vector<persistence::row_change> rows;
  rows.reserve(static_cast<std::size_t>(read.rows_size()));
  for (auto& row : *read.mutable_rows())
    rows.push_back({std::move(*row.mutable_key()), std::move(*row.mutable_value())});
  return rows;
}

std::vector<persistence::row_change> rows_to_replace(shard_id shard, const persistence::state_store& state,
                                                     std::size_t most) {
  std::vector<persistence::row_change> removals;
  for (const auto& range : keys::in_snapshots(shard))
    remove_from(state, range, most, removals);
  return removals;
}

std::vector<persistence::row_change> pieces_kept(shard_id shard, const persistence::state_store& state,
                                                 std::size_t most) {
  std::vector<persistence::row_change> removals;
  remove_from(state, keys::starting_with(keys::snapshot_pieces_prefix(shard)), most, removals);
  return removals;
}

}  // namespace souk::runtime
