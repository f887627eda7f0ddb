#pragma once

#include "persistence/storage.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace souk::runtime::testkit {

/// The disk of a node in a simulation, and what happens to disks: it loses its power, is full, lies about
/// what it has written, and gives back something else than was written. What is on it is in memory, or in a
/// folder on LMDB. Single-threaded.
///
/// Of what a real disk may do these are modelled:
///
/// - Nothing that was written is lost in a power cut, but what was written while it lied: then of each of the
///   two environments the last commits are gone, of each as many as the caller says. A commit of LMDB is
///   whole or not there, and it is there only on top of the one before.
/// - A record or a row that is not what was written any more, be it flipped, torn or an older one, is noticed
///   by whoever reads it, as its sum says: it throws `damage` where `lmdb_journal` and `lmdb_state` do. A row
///   that is an older version of itself is not noticed by those, and not modelled.
class disk final : public persistence::storage {
 public:
  /// In a folder, which is made, and removed in the end; in memory if none is named.
  explicit disk(std::uint16_t shard_count, std::filesystem::path folder = {});
  ~disk() override;
  disk(const disk&) = delete;
  disk& operator=(const disk&) = delete;

  // What a node sees.
  persistence::journal& log() override;
  persistence::state_store& state() override;
  persistence::storage_usage usage() const override;

  // Its power.
  /// A process begins. Throws `damage` where the folder could not be opened.
  void power_on();
  /// The process is gone: what its actors still write while they are taken down is refused.
  void power_off() { off_ = true; }
  /// Nobody uses it any more. What it lied about is gone but for so many commits of each environment.
  void power_cut(std::size_t journal_kept = 0, std::size_t state_kept = 0);

  // What goes wrong with it.
  /// After `later` further writes, the next `count` report `storage_full`.
  void refuse_writes(unsigned count, std::uint64_t later = 0);
  /// From now on nothing that is written is on it before `stop_lying`. Only in memory.
  void lie();
  /// What was written meanwhile is written.
  void stop_lying();
  bool lies() const { return lying_; }
  /// Commits since it began to lie, of the journal and of the state.
  std::pair<std::size_t, std::size_t> unwritten() const;
  /// Something that it has, drawn by `number`, is not what was written any more: a record of the journal or a
  /// row of an entity. In words, or empty if it has nothing.
  std::string spoil(std::uint64_t number);
  /// Whether something is spoilt that was neither removed nor written anew.
  bool spoilt() const { return !records_.empty() || !rows_.empty(); }

  bool in_memory() const { return folder_.empty(); }
  /// Writes so far, refused ones included.
  std::uint64_t writes() const { return writes_; }
  /// From now on it remembers the records that are trimmed off its journal.
  void keep_trimmed() { keeps_trimmed_ = true; }
  const std::map<std::uint64_t, persistence::journal_entry>& trimmed(persistence::shard_id shard) const;

 private:
  class log_view;
  class state_view;
  using change = std::function<persistence::commit_status(persistence::storage&)>;
  using place = std::pair<persistence::shard_id, std::uint64_t>;

  void open();
  /// Whether a write is refused before it comes to the storage.
  bool refuses();
  void keep(std::vector<change>& unwritten, change change);
  void forget_removed(persistence::shard_id shard);
  void check_record(persistence::shard_id shard, std::uint64_t index) const;
  void check_row(std::string_view key) const;
  std::string spoil_record(std::uint64_t number);
  std::string spoil_row(std::uint64_t number);

  std::filesystem::path folder_;  // empty: in memory
  std::uint16_t shard_count_ = 0;
  std::unique_ptr<persistence::storage> kept_;  // null: a folder that nobody has open
  std::unique_ptr<log_view> log_;
  std::unique_ptr<state_view> state_;

  bool off_ = false;
  bool lying_ = false;
  std::vector<change> unwritten_journal_;
  std::vector<change> unwritten_state_;
  unsigned refused_ = 0;
  std::uint64_t later_ = 0;
  std::uint64_t writes_ = 0;

  std::set<place> records_;                  // that are spoilt
  std::set<std::string, std::less<>> rows_;  // that are spoilt
  bool keeps_trimmed_ = false;
  std::map<persistence::shard_id, std::map<std::uint64_t, persistence::journal_entry>> trimmed_;
};

}  // namespace souk::runtime::testkit
