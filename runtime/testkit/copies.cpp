#include "runtime/testkit/copies.hpp"

#include "runtime/shard/keys.hpp"
#include "runtime/shard/state.pb.h"

#include <cctype>

namespace souk::runtime::testkit {

namespace {

std::string printable(const std::string& bytes) {
  std::string text;
  for (const char byte : bytes)
    text += std::isprint(static_cast<unsigned char>(byte)) != 0 ? byte : '.';
  return text;
}

// An entity's header in its words, other rows as they are.
std::string readable(const std::string& key, const std::string& value) {
  const auto row = keys::parse_entity_row(key);
  if (!row || row->row != keys::entity_header_row) return printable(value);
  pb::EntityHeader header;
  header.ParseFromString(value);
  return header.ShortDebugString();
}

}  // namespace

std::map<std::string, std::string> state_rows(persistence::storage& storage, shard_id shard) {
  std::map<std::string, std::string> rows;
  for (const char letter : {'e', 'n', 't', 'w'}) {
    const auto range = keys::starting_with(keys::shard_header(shard).replace(0, 1, 1, letter));
    storage.state().scan(range.from, range.to, persistence::scan_order::ascending,
                         [&](std::string_view key, std::string_view value) {
                           rows.emplace(key, value);
                           return true;
                         });
  }
  return rows;
}

std::map<std::uint64_t, std::string> journal_records(persistence::storage& storage, shard_id shard) {
  std::map<std::uint64_t, std::string> records;
  storage.log().read(shard, 1, [&](const persistence::journal_entry& entry) {
    records.emplace(entry.index, std::to_string(entry.epoch) + " " + std::string{entry.payload});
    return true;
  });
  return records;
}

std::string difference(persistence::storage& one, persistence::storage& other, shard_id shard) {
  const auto here = state_rows(one, shard);
  const auto there = state_rows(other, shard);
  std::string found;
  for (const auto& [key, value] : here) {
    const auto same = there.find(key);
    if (same == there.end())
      found += "only the first has " + printable(key) + "\n";
    else if (same->second != value)
      found += printable(key) + " is " + readable(key, value) + " and " + readable(key, same->second) + "\n";
  }
  for (const auto& [key, value] : there)
    if (!here.contains(key)) found += "only the second has " + printable(key) + "\n";
  const auto later = journal_records(other, shard);
  for (const auto& [index, record] : journal_records(one, shard))
    if (const auto same = later.find(index); same != later.end() && same->second != record)
      found += "record " + std::to_string(index) + " differs\n";
  return found;
}

}  // namespace souk::runtime::testkit
