#include "runtime/replica/state_replay.hpp"

#include "runtime/shard/keys.hpp"
#include "runtime/shard/records.hpp"

#include <set>
#include <utility>

namespace souk::runtime {

state_replay::state_replay(shard_id shard, const entity_catalogue& kinds, persistence::storage& storage,
                           const limits& limits)
    : shard_(shard),
      kinds_(kinds),
      storage_(storage),
      limits_(limits),
      book_(shard, storage.state(), limits) {}

void state_replay::load() {
  book_.load();
  entities_.clear();
  pending_bytes_ = 0;
  flushing_ = false;
}

void state_replay::replay(std::uint64_t upto, std::size_t records_max) {
  if (upto <= replayed()) return;
  storage_.log().read(shard_, replayed() + 1, [&](const persistence::journal_entry& entry) {
    if (entry.index > upto || records_max-- == 0) return false;
    apply(entry);
    return true;
  });
}

void state_replay::apply(const persistence::journal_entry& entry) {
  const auto record = parse_record(entry);
  book_.apply(entry.index, record, {}, {});
  pending_bytes_ += entry.payload.size();
  std::set<shard_id> acknowledge;
  book_.committed(entry.index, acknowledge);
  // What a shard sent to itself and took up needs no sending any more. Others' acknowledgements are records.
  if (acknowledge.contains(shard_)) {
    const auto& received = book_.received(shard_);
    book_.acknowledged(shard_, received.watermark(), {received.above().begin(), received.above().end()});
  }
  if (record.kind() == 0 || !leaves_trace(record)) return;
  const address address{record.tenant(), static_cast<kind_id>(record.kind()), record.key()};
  entity(address).replay(record);
}

entity_memory& state_replay::entity(const address& address) {
  auto [found, is_new] = entities_.try_emplace(address);
  if (!is_new) return found->second;
  found->second.begin(kinds_.kind(address.kind));
  found->second.load(keys::entity_prefix(shard_, address),
                     [this](std::string_view from, std::string_view to, const auto& visit) {
                       book_.rows().scan(from, to, persistence::scan_order::ascending, visit);
                     });
  return found->second;
}

void state_replay::purge_answers(timestamp now) { book_.purge_answers(now, limits_.answers_purged_per_tick); }

persistence::shared_rows state_replay::begin_flush() {
  std::vector<persistence::row_change> rows;
  for (auto& [address, memory] : entities_)
    memory.save(keys::entity_prefix(shard_, address), rows);
  entities_.clear();
  for (auto& row : rows) {
    if (row.value) {
      book_.rows().put(std::move(row.key), std::move(*row.value));
    } else {
      book_.rows().erase(std::move(row.key));
    }
  }
  pending_bytes_ = 0;
  flushing_ = true;
  return book_.begin_flush();
}

void state_replay::end_flush() {
  flushing_ = false;
  book_.end_flush();
}

}  // namespace souk::runtime
