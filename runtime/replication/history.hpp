#pragma once

#include "runtime/replication/types.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace souk::replication {

/// Which epoch each kept index of a sequence belongs to. Epochs never fall along a sequence and change
/// seldom, so this is a few numbers for millions of records.
class history {
 public:
  /// An empty sequence.
  history() = default;

  /// A sequence `first .. last` as a disk holds it (`last == first - 1`: nothing kept). `last_epoch` is the
  /// epoch of record `last`, also when it was trimmed. `epoch_at` reads the epoch of one kept record; it is
  /// asked some 20 times per epoch in the sequence, not once per record.
  static history read(std::uint64_t first, std::uint64_t last, std::uint64_t last_epoch,
                      const std::function<std::uint64_t(std::uint64_t index)>& epoch_at);

  std::uint64_t first() const { return first_; }
  std::uint64_t last() const { return last_; }
  position end() const { return {last_, epoch_at(last_)}; }

  /// The epoch of a record; 0 for index 0 and where it is not known any more. Throws `broken_protocol` beyond
  /// the end.
  std::uint64_t epoch_at(std::uint64_t index) const;

  /// Throws `broken_protocol` for a gap or a falling epoch.
  void append(position next);
  /// Forgets what comes after `last`.
  void cut(std::uint64_t last);
  /// Forgets what comes before `first`; no further than the end.
  void trim(std::uint64_t first);
  /// Nothing is kept; the next record follows `at`.
  void restart(position at);

  /// The highest position in this sequence that may be one of another sequence too, given that the other
  /// holds `theirs` and nothing is known after it: the last index that is not after theirs, with an epoch not
  /// above theirs. Empty: it lies before what is kept here.
  std::optional<position> meet(position theirs) const;

 private:
  struct run {
    std::uint64_t from = 0;
    std::uint64_t epoch = 0;
  };

  std::uint64_t first_ = 1;
  std::uint64_t last_ = 0;
  std::vector<run> runs_;  // ascending; a run goes on to the next one
};

}  // namespace souk::replication
