#pragma once

#include "actors/formats.hpp"
#include "actors/values/id.hpp"
#include "runtime/entity/kind.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace souk::test {

/// Ids in sequence: every test run sees the same ones.
class counting_ids final : public runtime::id_source {
 public:
  std::string next_part() override {
    std::string digits = std::to_string(++last_);
    return std::string(values::id_part_length - digits.size(), '0') + digits;
  }

 private:
  std::uint64_t last_ = 0;
};

/// Rows as a state store would keep them, and how many the last save wrote.
class kept_rows final : public runtime::row_sink {
 public:
  void put(std::string_view row, std::string value) override {
    ++writes;
    bytes += value.size();
    rows.insert_or_assign(std::string{row}, std::move(value));
  }
  void erase(std::string_view row) override {
    ++writes;
    rows.erase(std::string{row});
  }

  std::map<std::string, std::string> rows;
  std::size_t writes = 0;
  std::size_t bytes = 0;
};

/// One entity of a decider under test: decides, applies, keeps its history and rows.
template <class Decider>
class entity {
 public:
  using command = typename Decider::command;
  using event = typename Decider::event;
  using state_type = typename Decider::state;

  explicit entity(std::string key) : self{"main", Decider::id, std::move(key)} {}

  /// Decides a command and applies its events.
  runtime::decision run(const command& command) { return apply(decider.decide(state, command, context())); }

  runtime::decision fire(std::string_view timer) { return apply(decider.on_timer(state, timer, context())); }

  runtime::decision fail(const runtime::address& to, const google::protobuf::Message& lost) {
    return apply(decider.on_effect_failed(state, to, lost, "quarantined", context()));
  }

  /// Writes what changed; returns how many rows that touched.
  std::size_t save() {
    kept.writes = 0;
    kept.bytes = 0;
    decider.save_rows(state, kept);
    return kept.writes;
  }

  state_type replayed() const {
    state_type fresh{};
    std::uint64_t at_version = 0;
    for (const auto& [bytes, at] : history)
      decider.evolve(fresh, *runtime::parse_as<event>(bytes), at, ++at_version);
    return fresh;
  }

  state_type loaded() const {
    state_type fresh{};
    for (const auto& [row, value] : kept.rows)
      decider.load_row(fresh, row, value);
    return fresh;
  }

  runtime::context context() { return {self, now, version, ids, command_id, "req-1", false, format}; }

  Decider decider;
  runtime::address self;
  state_type state{};
  std::uint64_t version = 0;
  runtime::timestamp now = runtime::from_ms(1'795'600'800'000);
  runtime::command_id command_id{7};
  std::uint32_t format = formats::newest;
  counting_ids ids;
  kept_rows kept;
  std::vector<std::pair<std::string, runtime::timestamp>> history;

 private:
  runtime::decision apply(runtime::decision decision) {
    for (const auto& message : decision.events) {
      const auto& typed = static_cast<const event&>(*message);
      decider.evolve(state, typed, now, ++version);
      history.emplace_back(typed.SerializeAsString(), now);
    }
    return decision;
  }
};

/// The command of an effect.
template <class Command>
const Command& command_of(const runtime::decision& decision, std::size_t index) {
  return dynamic_cast<const Command&>(*decision.effects.at(index).command);
}

}  // namespace souk::test
