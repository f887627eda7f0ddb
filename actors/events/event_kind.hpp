#pragma once

#include "actors/json/writer.hpp"
#include "runtime/entity/kind.hpp"

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What the public may hear of the events of entities. Each kind says it in its own folder, as a table: one
/// row for each domain event, with the name that readers know it by and what they are told. Pure; any thread.
namespace souk::events {

/// A domain event as readers see it.
struct shown_event {
  std::string_view type;  ///< "order.placed.v1": never changes its meaning; another shape is another version.
  std::string data;       ///< A JSON object.
};

/// One domain event in a kind's table. `Event` is the kind's `pb::Event`.
template <class Event>
struct event_row {
  typename Event::OfCase what;
  std::string_view type;
  /// Writes the members of `data`.
  void (*write)(json::writer& out, const Event& event);
};

/// The events of one kind of entity, all of which are in the feed: so their versions, which are their
/// sequence numbers, have no gaps.
struct event_kind {
  runtime::kind_id id = 0;
  std::string_view name;                ///< Of the kind, "order": with the entity's key it is the subject.
  std::vector<std::string_view> types;  ///< In the order of the table.
  /// Nothing for an event that has no row: of a later version.
  std::optional<shown_event> (*show)(std::string_view event) = nullptr;
  /// The numbers of the domain events that have a row, for the test that all have.
  std::vector<int> numbers;
};

/// Finds the row of a serialised event.
template <class Event, std::size_t rows>
std::optional<shown_event> show_by(const std::array<event_row<Event>, rows>& table, std::string_view bytes) {
  Event event;
  if (!event.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return std::nullopt;
  for (const auto& row : table) {
    if (row.what != event.of_case()) continue;
    json::writer out;
    out.begin_object();
    row.write(out, event);
    out.end_object();
    return shown_event{row.type, std::move(out).take()};
  }
  return std::nullopt;
}

/// The kind that a table describes: a constant `std::array` of `event_row`.
template <class Decider, const auto& table>
event_kind make_event_kind() {
  event_kind kind;
  kind.id = Decider::id;
  kind.name = Decider::name;
  kind.show = [](std::string_view bytes) { return show_by(table, bytes); };
  for (const auto& row : table) {
    kind.types.push_back(row.type);
    kind.numbers.push_back(static_cast<int>(row.what));
  }
  return kind;
}

}  // namespace souk::events
