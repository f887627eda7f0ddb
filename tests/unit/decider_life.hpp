#pragma once

#include "actors/formats.hpp"
#include "actors/kinds.hpp"
#include "runtime/entity/kind.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What unit tests of deciders share: the life of one entity without a runtime.
namespace souk::testing {

/// Parts that count: "00000000000000000001", ...
class counting_ids final : public runtime::id_source {
 public:
  std::string next_part() override {
    auto text = std::to_string(++last_);
    return std::string(20 - text.size(), '0') + text;
  }

 private:
  std::uint64_t last_ = 0;
};

using rows = std::map<std::string, std::string, std::less<>>;

/// Keeps rows as a state store would.
class row_map final : public runtime::row_sink {
 public:
  explicit row_map(rows& rows) : rows_(rows) {}
  void put(std::string_view row, std::string value) override {
    rows_.insert_or_assign(std::string{row}, std::move(value));
  }
  void erase(std::string_view row) override { rows_.erase(std::string{row}); }

 private:
  rows& rows_;
};

/// One entity: decides on its newest state, applies what it decided, saves its rows now and then.
template <class Decider>
class decider_life {
 public:
  decider_life(Decider decider, std::string key)
      : decider_(std::move(decider)), self_{"main", Decider::id, std::move(key)} {}

  runtime::decision tell(const typename Decider::command& command, bool admin = false) {
    ++last_command_;
    auto context = context_now(admin);
    context.command = last_command();
    context.caller = caller;
    return apply(decider_.decide(state_, command, context));
  }
  /// From another entity or the world: nobody waits for an answer.
  runtime::decision receive(const typename Decider::command& command) {
    return apply(decider_.decide(state_, command, context_now(false)));
  }
  runtime::decision fire(std::string_view timer) {
    timers.erase(std::string{timer});
    return apply(decider_.on_timer(state_, timer, context_now(false)));
  }
  runtime::decision fail_effect(const runtime::address& to, const google::protobuf::Message& command) {
    return apply(decider_.on_effect_failed(state_, to, command, "quarantined", context_now(false)));
  }

  /// The name of the last command that was told.
  runtime::command_id last_command() const {
    return {static_cast<std::uint8_t>(last_command_ >> 8), static_cast<std::uint8_t>(last_command_), 1};
  }

  /// The state that all events from the beginning give, and the state that the saved rows and later events
  /// give, must show the same rows as the living one.
  void expect_replayable() {
    typename Decider::state replayed;
    std::uint64_t version = 0;
    for (const auto& [event, at] : events_)
      decider_.evolve(replayed, event, at, ++version);
    auto loaded = load();
    row_map sink{saved_};
    decider_.save_rows(state_, sink);
    rows of_replayed;
    row_map replayed_sink{of_replayed};
    decider_.save_rows(replayed, replayed_sink);
    EXPECT_EQ(of_replayed, saved_);
    rows of_loaded = saved_before_;
    row_map loaded_sink{of_loaded};
    decider_.save_rows(loaded, loaded_sink);
    EXPECT_EQ(of_loaded, saved_);
    saved_before_ = saved_;
    saved_version_ = events_.size();
  }

  /// Forgets the state and comes back from the disk.
  void crash() {
    expect_replayable();
    state_ = load();
  }

  const typename Decider::state& state() const { return state_; }
  const runtime::address& self() const { return self_; }
  std::uint64_t version() const { return events_.size(); }

  runtime::timestamp now = runtime::from_ms(1'700'000'000'000);
  std::string caller;  ///< The customer who tells it something.
  std::uint32_t format = formats::newest;
  std::map<std::string, runtime::timestamp, std::less<>> timers;
  std::map<std::pair<std::string, std::string>, std::string> indexes;

 private:
  runtime::context context_now(bool admin) {
    return {self_, now, events_.size(), ids_, {}, "req", admin, format};
  }

  typename Decider::state load() const {
    typename Decider::state loaded;
    for (const auto& [row, value] : saved_before_)
      decider_.load_row(loaded, row, value);
    for (auto i = saved_version_; i < events_.size(); ++i)
      decider_.evolve(loaded, events_[i].first, events_[i].second, i + 1);
    return loaded;
  }

  runtime::decision apply(runtime::decision decision) {
    for (const auto& event : decision.events) {
      events_.emplace_back(static_cast<const typename Decider::event&>(*event), now);
      decider_.evolve(state_, events_.back().first, now, events_.size());
    }
    for (const auto& change : decision.timers) {
      if (change.due) {
        timers[change.name] = *change.due;
      } else {
        timers.erase(change.name);
      }
    }
    for (const auto& change : decision.indexes) {
      if (change.value) {
        indexes[{change.index, change.key}] = *change.value;
      } else {
        indexes.erase({change.index, change.key});
      }
    }
    return decision;
  }

  Decider decider_;
  runtime::address self_;
  counting_ids ids_;
  typename Decider::state state_;
  std::vector<std::pair<typename Decider::event, runtime::timestamp>> events_;
  rows saved_;
  rows saved_before_;
  std::uint64_t saved_version_ = 0;
  unsigned last_command_ = 0;
};

/// The commands of one kind among the effects of a decision.
template <class Command>
std::vector<Command> sent_to(const runtime::decision& decision, runtime::kind_id kind) {
  std::vector<Command> commands;
  for (const auto& effect : decision.effects) {
    if (effect.to.kind == kind) commands.push_back(static_cast<const Command&>(*effect.command));
  }
  return commands;
}

inline int status_of(const runtime::decision& decision) {
  return decision.reply ? decision.reply->status : 0;
}

inline bool says(const runtime::answer& answer, std::string_view text) {
  return answer.body.find(text) != std::string::npos;
}
inline bool says(const runtime::decision& decision, std::string_view text) {
  return decision.reply && says(*decision.reply, text);
}

}  // namespace souk::testing
