#include "actors/gateway/event_merge.hpp"

#include "actors/events/event_kinds.hpp"
#include "actors/json/writer.hpp"
#include "runtime/shard/journal_rows.hpp"

#include <algorithm>
#include <utility>

namespace souk::gateway {

feed_event show_event(runtime::shard_id shard, std::uint64_t index, std::uint32_t number,
                      const persistence::pb::Record& record) {
  const auto* kind = events::public_kind(static_cast<runtime::kind_id>(record.kind()));
  const auto shown = kind == nullptr ? std::nullopt : kind->show(record.events(static_cast<int>(number)));
  if (!shown)
    throw unknown_event("record " + std::to_string(index) + " of shard " + std::to_string(shard) +
                        " has an event that this version does not know");
  feed_event event{
      event_id(shard, index, number), shown->type, std::string{kind->name} + "/" + record.key(), {}};
  json::writer out;
  out.reserve(512 + shown->data.size());
  out.begin_object();
  out.key("specversion").string("1.0");
  out.key("id").string(event.id);
  out.key("source").string("/shops/" + record.tenant());
  out.key("type").string(event.type);
  out.key("subject").string(event.subject);
  out.key("time").time(runtime::from_ms(record.time_ms()));
  out.key("datacontenttype").string("application/json");
  out.key("sequence").integer(static_cast<std::int64_t>(record.first_version() + number));
  if (!record.traceparent().empty()) out.key("traceparent").string(record.traceparent());
  out.key("data").raw(shown->data);
  out.end_object();
  event.json = std::move(out).take();
  return event;
}

std::vector<runtime::kind_id> event_filter::kinds() const {
  std::vector<runtime::kind_id> found;
  for (const auto& kind : events::public_kinds()) {
    const bool wanted = types.empty() || std::ranges::any_of(kind.types, [this](std::string_view type) {
                          return types.contains(type);
                        });
    if (wanted) found.push_back(kind.id);
  }
  return found;
}

std::variant<event_filter, no_such_type> parse_types(std::string_view types) {
  event_filter filter;
  for (std::size_t at = 0; at <= types.size();) {
    const auto end = std::min(types.find(',', at), types.size());
    std::string name{types.substr(at, end - at)};
    const bool known = std::ranges::any_of(events::public_kinds(), [&](const events::event_kind& kind) {
      return std::ranges::find(kind.types, name) != kind.types.end();
    });
    if (!known) return no_such_type{std::move(name)};
    filter.types.insert(std::move(name));
    at = end + 1;
  }
  return filter;
}

event_merge::event_merge(event_positions from, event_filter filter)
    : positions_(std::move(from)), filter_(std::move(filter)), sources_(positions_.size()) {}

std::vector<runtime::shard_id> event_merge::wanting() const {
  std::vector<runtime::shard_id> found;
  for (runtime::shard_id shard = 0; shard < sources_.size(); ++shard)
    if (wants(sources_[shard])) found.push_back(shard);
  return found;
}

page_question event_merge::question_for(runtime::shard_id shard, std::uint32_t limit) const {
  page_question question;
  question.shard = shard;
  question.limit = limit;
  question.journal = {positions_[shard].index, positions_[shard].epoch, filter_.kinds()};
  return question;
}

bool event_merge::take(runtime::shard_id shard, const reply& page) {
  auto& source = sources_[shard];
  auto& position = positions_[shard];
  const auto& extent = page.journal.value();
  if (extent.lost) {
    position = {extent.first, extent.epoch, 0};
    lost_.push_back(shard);
    return false;
  }
  source.asked = true;
  source.more = page.more;
  source.end = {extent.next, extent.epoch, 0};
  for (const auto& [key, value] : page.rows) {
    const auto place = runtime::journal_row_key_of(key);
    row row;
    if (!place || !row.record.ParseFromString(value))
      throw std::runtime_error("a record of shard " + std::to_string(shard) + " cannot be read");
    row.index = place->index;
    row.epoch_before = place->epoch_before;
    source.rows.push_back(std::move(row));
  }
  // Some events of the next record were given before; all others begin anew.
  if (source.rows.empty() || source.rows.front().index != position.index) position.events = 0;
  if (source.rows.empty()) {
    position = source.end;
  } else {
    position.index = source.rows.front().index;
    position.epoch = source.rows.front().epoch_before;
  }
  return true;
}

std::optional<std::string> event_merge::next() {
  while (true) {
    const auto shard = earliest();
    if (!shard) return std::nullopt;
    if (auto event = take_event(*shard)) return event;
  }
}

bool event_merge::more() const {
  return std::ranges::any_of(
      sources_, [](const source& source) { return !source.asked || !source.rows.empty() || source.more; });
}

// Of those whose next record is known; nothing if some other may have an older one.
std::optional<runtime::shard_id> event_merge::earliest() const {
  std::optional<runtime::shard_id> found;
  for (runtime::shard_id shard = 0; shard < sources_.size(); ++shard) {
    const auto& source = sources_[shard];
    if (wants(source)) return std::nullopt;
    if (source.rows.empty()) continue;
    if (!found || source.rows.front().record.time_ms() < sources_[*found].rows.front().record.time_ms())
      found = shard;
  }
  return found;
}

// The next event of a shard's next record; nothing if it is not wanted.
std::optional<std::string> event_merge::take_event(runtime::shard_id shard) {
  auto& source = sources_[shard];
  auto& position = positions_[shard];
  const auto& row = source.rows.front();
  std::optional<std::string> event;
  const auto number = position.events;
  if (number < static_cast<std::uint32_t>(row.record.events_size())) {
    auto shown = show_event(shard, row.index, number, row.record);
    if (filter_.types.empty() || filter_.types.contains(shown.type)) event = std::move(shown.json);
    ++position.events;
  }
  if (position.events < static_cast<std::uint32_t>(row.record.events_size())) return event;
  source.rows.pop_front();
  if (source.rows.empty()) {
    position = source.end;
  } else {
    position = {source.rows.front().index, source.rows.front().epoch_before, 0};
  }
  return event;
}

}  // namespace souk::gateway
