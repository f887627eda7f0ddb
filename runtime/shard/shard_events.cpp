#include "runtime/shard/journal_rows.hpp"
#include "runtime/shard/records.hpp"
#include "runtime/shard/shard.hpp"

#include <algorithm>

// Of a shard: what it shows of its journal to readers of events.
namespace souk::runtime {

namespace rpb = persistence::pb;

namespace {

// What readers see of a record.
std::string shown(rpb::Record& record) {
  rpb::Record out;
  out.set_time_ms(record.time_ms());
  out.set_tenant(record.tenant());
  out.set_kind(record.kind());
  out.set_key(record.key());
  out.set_first_version(record.first_version());
  out.mutable_events()->Swap(record.mutable_events());
  out.set_traceparent(record.traceparent());
  return out.SerializeAsString();
}

}  // namespace

// A place is lost when records after it are trimmed, or when it lies in a history that was given up: it goes
// on where this one ends, or the record before it is another one here.
bool shard_life::is_lost(const journal_place& place, std::uint64_t first) const {
  if (place.index < first || place.index > committed_ + 1) return true;
  if (place.index == first || place.epoch == 0) return false;
  const auto epoch = primary_->journal().epoch_at(place.index - 1);
  return epoch != 0 && epoch != place.epoch;
}

void shard_life::read_events(const index_query& query, index_page& page) const {
  const auto& limits = *options_.limits;
  const auto& log = options_.storage->log();
  const auto& wanted = *query.journal;
  auto& extent = page.journal.emplace();
  extent.first = log.bounds(options_.id).first;
  auto place = wanted;
  if (place.index == 0) place.index = extent.first;
  if (place.index == journal_place::at_end) place.index = committed_ + 1;
  extent.lost = is_lost(place, extent.first);
  extent.next = extent.lost ? extent.first : place.index;
  extent.epoch = extent.next == 1 ? 0 : primary_->journal().epoch_at(extent.next - 1);
  if (extent.lost || extent.next > committed_) return;
  std::size_t examined = 0;
  std::size_t bytes = 0;
  log.read(options_.id, extent.next, [&](const persistence::journal_entry& entry) {
    // What was trimmed since leaves a gap, which the next page tells.
    if (entry.index > committed_ || entry.index != extent.next) return false;
    bytes += entry.payload.size();
    const bool enough = page.rows.size() == query.limit || examined == limits.events_examined_max ||
                        bytes > limits.events_page_bytes_max;
    if (enough && examined > 0) return false;
    ++examined;
    auto record = parse_record(entry);
    const auto kind = static_cast<kind_id>(record.kind());
    const bool asked_for = record.events_size() > 0 &&
                           (wanted.all_tenants || record.tenant() == query.tenant) &&
                           std::find(wanted.kinds.begin(), wanted.kinds.end(), kind) != wanted.kinds.end();
    if (asked_for)
      page.rows.emplace_back(to_bytes(journal_row_key{entry.index, entry.epoch, extent.epoch}),
                             shown(record));
    ++extent.next;
    extent.epoch = entry.epoch;
    return true;
  });
  page.more = extent.next <= committed_;
}

// What is committed, as far as this member knows; the lease makes sure that nobody knows more.
void shard_life::on_journal_query(const index_query& query) {
  index_page page;
  page.correlation = query.correlation;
  read_events(query, page);
  unreleased gate;
  gate.index = committed_;
  gate.read = true;
  gate.pages.emplace_back(query.reply_to, std::move(page));
  hold(std::move(gate));
}

}  // namespace souk::runtime
