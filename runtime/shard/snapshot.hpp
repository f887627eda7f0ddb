#pragma once

#include "persistence/storage.hpp"
#include "runtime/types.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// A shard's state on its way to a member that missed too much: all its rows, in pieces.
namespace souk::runtime {

/// Visits the rows that a snapshot has of a shard, in the order of their keys, from the key `from` on (or the
/// next there is): about so many bytes of them, at least one row. Returns whether there are more, and `from`
/// is the first of those.
bool visit_piece(shard_id shard, const persistence::state_store& state, std::string& from, std::size_t bytes,
                 const std::function<void(std::string_view key, std::string_view value)>& visit);

/// Reads the pieces one after the other. The state on disk must not change meanwhile.
class snapshot_reader {
 public:
  snapshot_reader(shard_id shard, const persistence::state_store& state);

  /// The next piece: rows of about so many bytes, at least one row.
  std::string next(std::size_t bytes);
  /// There is no further piece.
  bool done() const { return done_; }

 private:
  shard_id shard_;
  const persistence::state_store* state_;
  std::string from_;  // the next row's key, or less
  bool done_ = false;
};

/// The rows of a piece. Empty: it is none.
std::optional<std::vector<persistence::row_change>> rows_of_piece(const std::string& piece);

/// Removals of at most `most` rows that an installed snapshot replaces.
std::vector<persistence::row_change> rows_to_replace(shard_id shard, const persistence::state_store& state,
                                                     std::size_t most);
/// Removals of at most `most` pieces of snapshots that are kept for later.
std::vector<persistence::row_change> pieces_kept(shard_id shard, const persistence::state_store& state,
                                                 std::size_t most);

}  // namespace souk::runtime
