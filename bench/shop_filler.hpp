#pragma once

#include "actors/shop/shop.hpp"
#include "persistence/lmdb_storage.hpp"
#include "runtime/cluster/routing.hpp"
#include "runtime/entity/entity_memory.hpp"
#include "runtime/limits.hpp"
#include "runtime/replica/state_replay.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace souk::bench {

/// Fills the data folder of a node that does not run, faster than requests could: what deciders decide
/// becomes journal records, and these become rows, by the code that followers take them up with. So what is
/// there afterwards is what a shop would have there that had come to it by itself. One thread.
class shop_filler {
 public:
  /// Records between two commits: enough that syncs do not count, and few enough for the memory.
  static constexpr std::size_t batch_records = 16'384;

  /// A folder that soukd has made, and nobody has open. Throws `std::runtime_error`.
  explicit shop_filler(const std::filesystem::path& folder);
  ~shop_filler();
  shop_filler(const shop_filler&) = delete;
  shop_filler& operator=(const shop_filler&) = delete;

  /// An entity that does not exist yet, while it is made. Not longer than the filler.
  class newcomer {
   public:
    newcomer(shop_filler& filler, runtime::address address);
    /// Lets it decide on a command of its kind. Throws `std::runtime_error` where it refuses.
    void tell(const google::protobuf::Message& command);
    /// An event of its kind happened.
    void take(const runtime::message_ptr& event);

   private:
    void record(const runtime::decision& decision);

    shop_filler& filler_;
    runtime::address address_;
    runtime::entity_memory memory_;
  };

  /// From here on records stay in the folder's journal; until then it is as if they had been trimmed.
  void keep_records();
  /// From here on records are not in the state: whoever starts has to replay them. Only after `keep_records`.
  void leave_state_behind();

  /// All that was decided is on disk; returns how many records there were. The last call.
  std::uint64_t finish();

  persistence::storage_usage usage() const { return disk_->usage(); }
  runtime::timestamp now() const { return now_; }

 private:
  class split_storage;

  void append(const runtime::address& of, const persistence::pb::Record& record);
  void write_batch();
  void follow();

  runtime::limits limits_;
  souk::shop::shop shop_;
  runtime::timestamp now_;
  std::unique_ptr<persistence::lmdb_storage> disk_;
  std::unique_ptr<split_storage> storage_;  // What the state follows.
  runtime::routing_table routing_;
  std::unique_ptr<runtime::id_source> ids_;
  std::vector<std::unique_ptr<runtime::state_replay>> shards_;
  std::vector<std::uint64_t> last_;  // Of each shard, its newest record.
  std::vector<persistence::journal_entry> batch_;
  std::uint64_t records_ = 0;
  bool following_ = true;
};

}  // namespace souk::bench
