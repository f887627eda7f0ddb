#include "runtime/shard/records.hpp"

#include <algorithm>
#include <string>

namespace souk::runtime {

namespace {

constexpr std::uint32_t schema_max = 1;

std::uint64_t keep_newest(std::uint64_t keep_from, std::uint64_t last, std::uint64_t count) {
  return std::min(keep_from, last > count ? last - count + 1 : 1);
}

}  // namespace

persistence::pb::Record parse_record(const persistence::journal_entry& entry) {
  persistence::pb::Record record;
  if (!record.ParseFromString(entry.payload) || record.schema() > schema_max)
    throw undecodable("record " + std::to_string(entry.index) + " of shard " + std::to_string(entry.shard) +
                      " is of schema " + std::to_string(record.schema()) + "; this build reads up to " +
                      std::to_string(schema_max));
  return record;
}

std::vector<message_ptr> events_of(const persistence::pb::Record& record, const entity_kind& kind) {
  std::vector<message_ptr> events;
  events.reserve(static_cast<std::size_t>(record.events_size()));
  for (const auto& event : record.events())
    events.push_back(kind.parse_event(event));
  return events;
}

void check_journal(const shard_book& book, std::uint64_t first, std::uint64_t last) {
  if (first > book.applied() + 1 || last < book.applied())
    throw persistence::damage("shard " + std::to_string(book.self()) + ": the state stands for record " +
                              std::to_string(book.applied()) + ", the journal has " + std::to_string(first) +
                              " to " + std::to_string(last));
}

std::uint64_t keep_for_others(std::uint64_t keep_from, std::uint64_t last, const limits& limits) {
  return keep_newest(keep_from, last, limits.journal_kept_records);
}

std::uint64_t keep_for_readers(std::uint64_t keep_from, std::uint64_t last, const limits& limits) {
  return keep_newest(keep_from, last, limits.events_kept_records);
}

}  // namespace souk::runtime
