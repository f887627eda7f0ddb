#include "runtime/entity/entity_memory.hpp"

#include "runtime/mutant.hpp"
#include "runtime/shard/keys.hpp"
#include "runtime/shard/state.pb.h"

#include <algorithm>

namespace souk::runtime {

namespace {

// Collects an entity's changed rows under their keys.
class row_collector final : public row_sink {
 public:
  row_collector(const std::string& prefix, std::vector<persistence::row_change>& rows)
      : prefix_(prefix), rows_(rows) {}

  void put(std::string_view row, std::string value) override {
    rows_.push_back({prefix_ + std::string{row}, std::move(value)});
  }
  void erase(std::string_view row) override { rows_.push_back({prefix_ + std::string{row}, std::nullopt}); }

 private:
  const std::string& prefix_;
  std::vector<persistence::row_change>& rows_;
};

}  // namespace

void entity_memory::begin(const entity_kind& of) {
  kind = &of;
  state = kind->initial();
  version = 0;
  last_ms = 0;
  timers.clear();
}

bool entity_memory::take_row(std::string_view row, std::string_view value) {
  if (row != keys::entity_header_row) {
    kind->load_row(*state, row, value);
    return true;
  }
  const auto header = parse_as<pb::EntityHeader>(value);
  version = header->version();
  last_ms = header->last_ms();
  for (const auto& timer : header->timers())
    timers.emplace_back(timer.name(), timer.due_ms());
  return true;
}

void entity_memory::load(const std::string& prefix, const row_reader& read) {
  const auto range = keys::starting_with(prefix);
  read(range.from, range.to, [&](std::string_view key, std::string_view value) {
    return take_row(key.substr(prefix.size()), value);
  });
}

void entity_memory::load(const std::string& prefix, const persistence::state_store& store) {
  load(prefix, [&](std::string_view from, std::string_view to, const auto& visit) {
    store.scan(from, to, persistence::scan_order::ascending, visit);
  });
}

void entity_memory::replay(const persistence::pb::Record& record) {
  const auto time = from_ms(record.time_ms());
  auto next = record.first_version();
  for (const auto& bytes : record.events()) {
    if (next > version) {
      const auto event = kind->parse_event(bytes);
      kind->evolve(*state, *event, time, next);
      if (mutated("event-applied-twice")) kind->evolve(*state, *event, time, next);
      version = next;
    }
    ++next;
  }
  // Changes that the loaded header already knows are made once more, in order, and end the same.
  for (const auto& change : record.timers()) {
    std::erase_if(timers, [&](const auto& timer) { return timer.first == change.name(); });
    if (change.due_ms() != 0) timers.emplace_back(change.name(), change.due_ms());
  }
  last_ms = std::max(last_ms, record.time_ms());
}

void entity_memory::save(const std::string& prefix, std::vector<persistence::row_change>& rows) {
  pb::EntityHeader header;
  header.set_version(version);
  header.set_last_ms(last_ms);
  for (const auto& [timer, due] : timers) {
    auto& out = *header.add_timers();
    out.set_name(timer);
    out.set_due_ms(due);
  }
  rows.push_back({prefix + std::string{keys::entity_header_row}, header.SerializeAsString()});
  row_collector sink{prefix, rows};
  kind->save_rows(*state, sink);
}

}  // namespace souk::runtime
