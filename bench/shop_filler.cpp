#include "bench/shop_filler.hpp"

#include "persistence/memory_storage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <stdexcept>
#include <utility>

namespace souk::bench {
namespace {

// A tree for each shard changes in each batch: the map is as large as it will be from the start.
constexpr std::string_view full = "the storage is full";

// Nobody has to guess the ids of a shop that is only measured.
class counting_ids final : public runtime::id_source {
 public:
  std::string next_part() override { return fmt::format("{:0>20}", ++last_); }

 private:
  std::uint64_t last_ = 0;
};

std::unique_ptr<persistence::lmdb_storage> open_folder(const std::filesystem::path& folder) {
  if (!std::filesystem::exists(folder / "identity"))
    throw std::runtime_error(folder.string() + " is no data folder: let soukd make it first");
  persistence::lmdb_options options;
  options.folder = folder;
  options.random_bytes = [](std::size_t count) {
    return std::string(count, 'b');
  };  // Asked of new ones only.
  return persistence::open_lmdb(options);
}

void must_be_done(persistence::commit_status status) {
  if (status != persistence::commit_status::done) throw std::runtime_error(std::string(full));
}

}  // namespace

// The state on disk; the journal there or, for records that nobody is to find later, in memory.
class shop_filler::split_storage final : public persistence::storage {
 public:
  explicit split_storage(persistence::lmdb_storage& disk)
      : disk_(disk), memory_(persistence::make_memory_storage()) {}

  persistence::journal& log() override { return in_memory_ ? memory_->log() : disk_.log(); }
  persistence::state_store& state() override { return disk_.state(); }
  persistence::storage_usage usage() const override { return disk_.usage(); }

  bool in_memory() const { return in_memory_; }
  void keep_in_memory(bool memory) { in_memory_ = memory; }

 private:
  persistence::lmdb_storage& disk_;
  std::unique_ptr<persistence::memory_storage> memory_;
  bool in_memory_ = false;
};

shop_filler::shop_filler(const std::filesystem::path& folder)
    : shop_(souk::shop::make_shop()),
      now_(std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now())),
      disk_(open_folder(folder)),
      storage_(std::make_unique<split_storage>(*disk_)),
      routing_(disk_->identity().shard_count, shop_.entities),
      ids_(std::make_unique<counting_ids>()) {
  for (runtime::shard_id shard = 0; shard < routing_.shard_count(); ++shard) {
    auto& replay = *shards_.emplace_back(
        std::make_unique<runtime::state_replay>(shard, shop_.entities, *storage_, limits_));
    replay.load();
    last_.push_back(disk_->log().bounds(shard).last);
  }
  follow();
  storage_->keep_in_memory(true);
  for (runtime::shard_id shard = 0; shard < routing_.shard_count(); ++shard)
    must_be_done(storage_->log().restart(shard, last_[shard], shards_[shard]->epoch()));
}

shop_filler::~shop_filler() = default;

void shop_filler::append(const runtime::address& of, const persistence::pb::Record& record) {
  const runtime::shard_id shard = routing_.shard_of(of);
  batch_.push_back({shard, ++last_[shard], shards_[shard]->epoch(), record.SerializeAsString()});
  ++records_;
  if (batch_.size() >= batch_records) write_batch();
}

void shop_filler::write_batch() {
  if (!batch_.empty()) must_be_done(storage_->log().append(batch_));
  batch_.clear();
  if (!following_) return;
  follow();
  if (!storage_->in_memory()) return;
  for (runtime::shard_id shard = 0; shard < routing_.shard_count(); ++shard)
    must_be_done(storage_->log().trim(shard, last_[shard] + 1, std::numeric_limits<std::uint64_t>::max()));
}

// Brings the state to the end of the journals.
void shop_filler::follow() {
  std::vector<persistence::row_change> rows;
  for (runtime::shard_id shard = 0; shard < routing_.shard_count(); ++shard) {
    shards_[shard]->replay(last_[shard], std::numeric_limits<std::size_t>::max());
    auto changed = shards_[shard]->begin_flush();
    rows.insert(rows.end(), changed->begin(), changed->end());
  }
  must_be_done(storage_->state().write(rows));
  for (const auto& shard : shards_)
    shard->end_flush();
}

void shop_filler::keep_records() {
  if (!storage_->in_memory()) return;
  write_batch();
  storage_->keep_in_memory(false);
  for (runtime::shard_id shard = 0; shard < routing_.shard_count(); ++shard)
    must_be_done(storage_->log().restart(shard, last_[shard], shards_[shard]->epoch()));
}

void shop_filler::leave_state_behind() {
  if (storage_->in_memory()) throw std::logic_error("records that are not kept cannot be replayed");
  write_batch();
  following_ = false;
}

std::uint64_t shop_filler::finish() {
  write_batch();
  keep_records();
  return records_;
}

shop_filler::newcomer::newcomer(shop_filler& filler, runtime::address address)
    : filler_(filler), address_(std::move(address)) {
  memory_.begin(filler_.shop_.entities.kind(address_.kind));
}

void shop_filler::newcomer::tell(const google::protobuf::Message& command) {
  runtime::context context{address_, filler_.now_, memory_.version, *filler_.ids_, {}, {}, true};
  const runtime::decision decision = memory_.kind->decide(*memory_.state, command, context);
  if (decision.events.empty())
    throw std::runtime_error(fmt::format("{} decides nothing: {}",
                                         runtime::to_string(address_, memory_.kind->name()),
                                         decision.reply ? decision.reply->body : "no answer"));
  record(decision);
}

void shop_filler::newcomer::take(const runtime::message_ptr& event) {
  runtime::decision happened;
  happened.events.push_back(event);
  record(happened);
}

// As an entity makes a record of its decision, but for effects: who they would go to has been made as well.
void shop_filler::newcomer::record(const runtime::decision& decision) {
  persistence::pb::Record record;
  record.set_schema(1);
  record.set_time_ms(runtime::to_ms(filler_.now_));
  record.set_tenant(address_.tenant);
  record.set_kind(address_.kind);
  record.set_key(address_.key);
  record.set_first_version(memory_.version + 1);
  for (const auto& event : decision.events) {
    record.add_events(event->SerializeAsString());
    memory_.kind->evolve(*memory_.state, *event, filler_.now_, ++memory_.version);
  }
  for (const auto& change : decision.indexes) {
    auto& index = *record.add_indexes();
    index.set_index(change.index);
    index.set_key(change.key);
    change.value ? index.set_value(*change.value) : index.set_removed(true);
  }
  for (const auto& change : decision.timers) {
    auto& timer = *record.add_timers();
    timer.set_name(change.name);
    timer.set_due_ms(change.due ? runtime::to_ms(*change.due) : 0);
  }
  filler_.append(address_, record);
}

}  // namespace souk::bench
