#include "nodes/backup/cut.hpp"

#include <algorithm>
#include <string>

namespace souk::backup {

namespace {

void add(copy_facts& to, const record_facts& record) {
  for (const auto& [shard, number] : record.sent) {
    to.sent[shard] = std::max(to.sent[shard], number);
    to.outstanding[shard].insert(number);
  }
  if (record.received) to.received[record.received->first].add(record.received->second);
}

/// What the first so many records of each shard amount to.
std::vector<copy_facts> amount(const std::vector<copy_facts>& copies, const std::vector<std::size_t>& kept) {
  std::vector<copy_facts> all;
  for (std::size_t n = 0; n < copies.size(); ++n) {
    const auto& copy = copies[n];
    auto& made = all.emplace_back(copy_facts{copy.applied, copy.sent, copy.outstanding, copy.received, {}});
    for (std::size_t i = 0; i < kept[n]; ++i)
      add(made, copy.records[i]);
  }
  return all;
}

bool fits(shard_id self, const record_facts& record, std::vector<copy_facts>& all) {
  if (record.received && record.received->second > all.at(record.received->first).sent[self]) return false;
  return std::all_of(record.acknowledged.begin(), record.acknowledged.end(), [&](const auto& told) {
    return told.second <= all.at(told.first).received[self].watermark();
  });
}

[[noreturn]] void refuse(shard_id lagging, shard_id other) {
  throw no_cut("shard " + std::to_string(lagging) + " lags behind shard " + std::to_string(other) +
               ": its copy in this folder is not in sync; name a folder in which it is");
}

/// Of every pair, also where nothing was cut.
void check(std::vector<copy_facts>& all) {
  for (shard_id to = 0; to < all.size(); ++to) {
    for (shard_id from = 0; from < all.size(); ++from) {
      const auto& received = all[to].received[from];
      const auto sent = all[from].sent[to];
      const auto highest = received.above().empty() ? received.watermark() : *received.above().rbegin();
      if (highest > sent) refuse(from, to);
      const auto& outstanding = all[from].outstanding[to];
      for (auto number = received.watermark() + 1; number <= sent; ++number)
        if (!received.contains(number) && !outstanding.contains(number)) refuse(to, from);
    }
  }
}

}  // namespace

std::vector<std::uint64_t> consistent_cut(const std::vector<copy_facts>& copies) {
  std::vector<std::size_t> kept;
  kept.reserve(copies.size());
  for (const auto& copy : copies)
    kept.push_back(copy.records.size());
  for (bool changed = true; changed;) {
    changed = false;
    auto all = amount(copies, kept);
    for (shard_id shard = 0; shard < copies.size(); ++shard) {
      const auto& records = copies[shard].records;
      const auto end = records.begin() + static_cast<std::ptrdiff_t>(kept[shard]);
      const auto first_wrong =
          std::find_if(records.begin(), end, [&](const auto& record) { return !fits(shard, record, all); });
      changed |= first_wrong != end;
      kept[shard] = static_cast<std::size_t>(first_wrong - records.begin());
    }
    if (!changed) check(all);
  }
  std::vector<std::uint64_t> last;
  last.reserve(copies.size());
  for (std::size_t n = 0; n < copies.size(); ++n)
    last.push_back(copies[n].applied + kept[n]);
  return last;
}

}  // namespace souk::backup
