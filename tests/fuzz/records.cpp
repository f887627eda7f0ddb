// What journals and states have of each kind of entity: events that are read are applied or refused, with
// all laws kept; a state that was saved on the way and loaded again comes to the same rows as one that was
// not; rows of any content are loaded or refused; and what readers of events are told is JSON.
//
// An input: the number of the kind, plus 128 for rows; then pieces, each two bytes of its length and itself.
// Pieces are events, or names and values of rows in turn.
#include "actors/events/event_kinds.hpp"
#include "actors/json/reader.hpp"
#include "actors/kinds.hpp"
#include "actors/shop/shop.hpp"
#include "tests/fuzz/target.hpp"

#include <google/protobuf/stubs/logging.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace souk {
namespace {

using fuzz::demand;

constexpr unsigned char rows_bit = 128;
constexpr runtime::timestamp begun = runtime::from_ms(1'795'000'000'000);

using rows = std::map<std::string, std::string, std::less<>>;

class row_map final : public runtime::row_sink {
 public:
  explicit row_map(rows& into) : into_(into) {}
  void put(std::string_view row, std::string value) override {
    demand(row.size() <= 100, "a row's name is short");
    into_.insert_or_assign(std::string{row}, std::move(value));
  }
  void erase(std::string_view row) override { into_.erase(std::string{row}); }

 private:
  rows& into_;
};

const runtime::entity_catalogue& shop_kinds() {
  static const auto all = [] {
    google::protobuf::SetLogHandler(nullptr);  // it has something to say of almost everything here
    return shop::make_shop().entities;
  }();
  return all;
}

std::vector<std::string_view> pieces_of(std::string_view bytes) {
  std::vector<std::string_view> pieces;
  while (bytes.size() > 2) {
    const auto low = static_cast<unsigned char>(bytes[0]);
    const auto high = static_cast<unsigned char>(bytes[1]);
    const auto size = std::min<std::size_t>(low + high * 256U, bytes.size() - 2);
    pieces.push_back(bytes.substr(2, size));
    bytes.remove_prefix(2 + size);
  }
  return pieces;
}

std::unique_ptr<runtime::entity_state> loaded(const runtime::entity_kind& kind, const rows& from) {
  auto state = kind.initial();
  for (const auto& [name, value] : from)
    kind.load_row(*state, name, value);
  return state;
}

void save(const runtime::entity_kind& kind, runtime::entity_state& state, rows& into) {
  row_map sink{into};
  kind.save_rows(state, sink);
}

void check_told(const runtime::entity_kind& kind, std::string_view event) {
  const auto* table = events::public_kind(kind.id());
  if (table == nullptr) return;
  std::optional<events::shown_event> shown;
  try {
    shown = table->show(event);
  } catch (const std::exception&) {
    return;  // no number can be made of an order's id that is none
  }
  if (!shown) return;
  demand(shown->type.starts_with(kind.name()), "it is told by its name");
  // Addresses and attributes are told as they are journalled, which whoever journals them has read.
  if (kind.id() == kinds::product || kind.id() == kinds::checkout || kind.id() == kinds::order) return;
  json::parse_error error;
  const auto data = json::parse(shown->data, error);
  demand(data && data->as_object() != nullptr, "what is told is an object");
}

/// Gives how many events could be applied.
std::size_t apply(const runtime::entity_kind& kind, runtime::entity_state& state,
                  const std::vector<std::string_view>& events, std::size_t from) {
  for (auto i = from; i < events.size(); ++i)
    try {
      const auto event = kind.parse_event(events[i]);
      kind.evolve(state, *event, begun + std::chrono::seconds{i}, i + 1);
    } catch (const std::exception&) {
      return i;  // it cannot be read, or is against a law: its shard stops
    }
  return events.size();
}

void check_events(const runtime::entity_kind& kind, std::vector<std::string_view> events) {
  for (const auto event : events)
    check_told(kind, event);
  // An event that is refused may have changed something by then; nobody looks at the state any more.
  auto tried = kind.initial();
  events.resize(apply(kind, *tried, events, 0));
  if (events.empty()) return;

  auto straight = kind.initial();
  demand(apply(kind, *straight, events, 0) == events.size(), "events are applied again");
  rows of_straight;
  save(kind, *straight, of_straight);

  rows of_restarted;
  auto first = kind.initial();
  auto half = events;
  half.resize(events.size() / 2);
  apply(kind, *first, half, 0);
  save(kind, *first, of_restarted);
  auto second = loaded(kind, of_restarted);
  demand(apply(kind, *second, events, half.size()) == events.size(), "they are applied after a restart");
  save(kind, *second, of_restarted);
  demand(of_straight == of_restarted, "a restart changes nothing");
}

void check_rows(const runtime::entity_kind& kind, const std::vector<std::string_view>& pieces) {
  rows given;
  for (std::size_t i = 0; i + 1 < pieces.size(); i += 2)
    given.insert_or_assign(std::string{pieces[i]}, std::string{pieces[i + 1]});
  try {
    const auto state = loaded(kind, given);
    rows saved;
    save(kind, *state, saved);
  } catch (const std::exception&) {
    // As well.
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = fuzz::text_of(data, size);
  if (bytes.empty()) return 0;
  const auto first = static_cast<unsigned char>(bytes.front());
  const auto found = shop_kinds().kinds.find(static_cast<runtime::kind_id>(first & ~rows_bit));
  if (found == shop_kinds().kinds.end()) return 0;
  const auto pieces = pieces_of(bytes.substr(1));
  if ((first & rows_bit) != 0)
    check_rows(*found->second, pieces);
  else
    check_events(*found->second, pieces);
  return 0;
}

}  // namespace souk
