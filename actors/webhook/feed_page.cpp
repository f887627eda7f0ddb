#include "actors/webhook/feed_page.hpp"

#include "actors/events/event_kinds.hpp"
#include "actors/gateway/event_merge.hpp"
#include "persistence/record.pb.h"
#include "runtime/shard/journal_rows.hpp"

#include <stdexcept>
#include <string>

namespace souk::webhook {

namespace {

pb::Place place_at(std::uint32_t shard, std::uint64_t index, std::uint64_t epoch, std::uint32_t events = 0) {
  pb::Place place;
  place.set_shard(shard);
  place.set_index(index);
  place.set_epoch(epoch);
  place.set_events(events);
  return place;
}

runtime::journal_row_key key_of(std::uint32_t shard, const std::string& bytes) {
  const auto key = runtime::journal_row_key_of(bytes);
  if (!key) throw std::runtime_error("a record of shard " + std::to_string(shard) + " cannot be read");
  return *key;
}

}  // namespace

std::vector<feed_step> steps_of(const pb::Place& from, const runtime::index_page& page) {
  const auto shard = from.shard();
  const auto& extent = page.journal.value();
  std::vector<feed_step> steps;
  for (std::size_t i = 0; i < page.rows.size(); ++i) {
    const auto key = key_of(shard, page.rows[i].first);
    persistence::pb::Record record;
    if (!record.ParseFromString(page.rows[i].second))
      throw std::runtime_error("a record of shard " + std::to_string(shard) + " cannot be read");
    auto behind = place_at(shard, extent.next, extent.epoch);
    if (i + 1 < page.rows.size()) {
      const auto next = key_of(shard, page.rows[i + 1].first);
      behind = place_at(shard, next.index, next.epoch_before);
    }
    const auto events = static_cast<std::uint32_t>(record.events_size());
    const auto first = key.index == from.index() ? from.events() : 0;
    for (auto number = first; number < events; ++number) {
      auto shown = gateway::show_event(static_cast<runtime::shard_id>(shard), key.index, number, record);
      feed_event event{place_at(shard, key.index, key.epoch_before, number),
                       record.tenant(),
                       std::move(shown.id),
                       std::string{shown.type},
                       std::move(shown.subject),
                       record.time_ms(),
                       std::move(shown.json)};
      const bool last = number + 1 == events;
      steps.push_back(
          {last ? behind : place_at(shard, key.index, key.epoch_before, number + 1), std::move(event)});
    }
  }
  if (page.rows.empty()) steps.push_back({place_at(shard, extent.next, extent.epoch), std::nullopt});
  return steps;
}

}  // namespace souk::webhook
