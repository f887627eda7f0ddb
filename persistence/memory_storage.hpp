#pragma once

#include "persistence/storage.hpp"

#include <memory>

namespace souk::persistence {

/// Storage in memory for deterministic tests, with an explicit durable mark: a test decides what a crash
/// leaves.
///
/// Every write is durable when it returns, unless `hold_back` says that the disk lies. Single-threaded.
class memory_storage : public storage {
 public:
  /// From now on writes return `done` but become durable only by `sync()`: what an engine that forgets to
  /// sync does.
  virtual void hold_back(bool on) = 0;
  /// Makes all writes so far durable.
  virtual void sync() = 0;
  /// A power cut: everything not durable is gone. Open read views are void.
  virtual void lose_unsynced() = 0;
  /// The next `count` writes report `storage_full`.
  virtual void refuse_writes(unsigned count) = 0;
  /// Overwrites the stored usage flag that `usage()` reports.
  virtual void set_nearly_full(bool full) = 0;
};

std::unique_ptr<memory_storage> make_memory_storage();

}  // namespace souk::persistence
