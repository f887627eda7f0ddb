#pragma once

#include "runtime/entity/decision.hpp"

#include <google/protobuf/message.h>
#include <google/protobuf/unknown_field_set.h>

#include <cstdint>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace souk::runtime {

/// State of an entity, type-erased. Belongs to one entity actor.
class entity_state {
 public:
  virtual ~entity_state() = default;
};

/// A record that cannot be read: of a newer schema, or not what it claims to be. Never skipped: it stops its
/// shard.
class undecodable : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// One kind of entity, type-erased: its decider and how its messages and state are read and written.
/// Immutable; shared by all threads.
class entity_kind {
 public:
  virtual ~entity_kind() = default;

  virtual kind_id id() const = 0;
  virtual std::string_view name() const = 0;

  /// The part of a key that decides the shard: entities with the same one live together.
  virtual std::string_view partition_of(std::string_view key) const = 0;

  virtual std::unique_ptr<entity_state> initial() const = 0;
  virtual decision decide(const entity_state& state, const google::protobuf::Message& command,
                          const context& context) const = 0;
  virtual decision on_timer(const entity_state& state, std::string_view timer,
                            const context& context) const = 0;
  virtual decision on_effect_failed(const entity_state& state, const address& to,
                                    const google::protobuf::Message& command, std::string_view failure,
                                    const context& context) const = 0;
  virtual void evolve(entity_state& state, const google::protobuf::Message& event, timestamp at,
                      std::uint64_t version) const = 0;

  virtual void load_row(entity_state& state, std::string_view row, std::string_view value) const = 0;
  virtual void save_rows(entity_state& state, row_sink& sink) const = 0;

  /// Throws `undecodable`, also for a command that only a later version knows.
  virtual message_ptr parse_command(std::string_view bytes) const = 0;
  /// Throws `undecodable`, also for an event of a later schema.
  virtual message_ptr parse_event(std::string_view bytes) const = 0;
};

/// A read replica that a node feeds with the committed events of one kind (the catalogue). Called by shards,
/// from several threads at once, in order for each entity, before the replies that depend on the events are
/// released. Of the shards of other nodes it hears a little later. It may be told again what it knows
/// already, when a shard moves: a version that is not above the last one is nothing new.
class projection {
 public:
  virtual ~projection() = default;
  virtual kind_id source() const = 0;
  /// A node starts: `state` is what the entity amounts to at `version`.
  virtual void restore(const address& address, std::uint64_t version, const entity_state& state) = 0;
  virtual void apply(const address& address, std::uint64_t version,
                     const google::protobuf::Message& event) = 0;
};

/// The kinds and projections that a node runs, injected from the floor above.
struct entity_catalogue {
  std::map<kind_id, std::shared_ptr<const entity_kind>> kinds;
  std::vector<std::shared_ptr<projection>> projections;

  /// Throws `undecodable` for a kind that this build does not know.
  const entity_kind& kind(kind_id id) const {
    auto found = kinds.find(id);
    if (found == kinds.end()) throw undecodable("unknown entity kind " + std::to_string(id));
    return *found->second;
  }
};

/// Parses a message, or throws `undecodable` saying what was expected.
template <class Message>
std::shared_ptr<const Message> parse_as(std::string_view bytes) {
  auto message = std::make_shared<Message>();
  if (!message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    throw undecodable("not a " + std::string{Message::descriptor()->full_name()} + ": " +
                      std::to_string(bytes.size()) + " bytes");
  return message;
}

/// Commands and events as a later version may send them: throws `undecodable` for what this one cannot know.
/// Fields that are only more than is known are kept, and do no harm.
template <class Command>
void refuse_unknown_command(const Command& command, std::string_view kind) {
  if constexpr (requires { command.of_case(); }) {
    const auto& unknown = command.GetReflection()->GetUnknownFields(command);
    if (static_cast<int>(command.of_case()) == 0 && !unknown.empty())
      throw undecodable(std::string{kind} + " command " + std::to_string(unknown.field(0).number()) +
                        " is not known to this version");
  }
}
template <class Event>
void refuse_later_event(const Event& event, std::uint32_t newest, std::string_view kind) {
  if constexpr (requires { event.schema(); }) {
    if (event.schema() > newest)
      throw undecodable(std::string{kind} + " event of schema " + std::to_string(event.schema()) +
                        "; this version reads up to " + std::to_string(newest));
  }
}
/// The newest schema of a decider's events: its `schema`, or 1.
template <class Decider>
constexpr std::uint32_t newest_schema() {
  if constexpr (requires { Decider::schema; }) {
    return Decider::schema;
  } else {
    return 1;
  }
}

/// Makes an `entity_kind` of a decider. A decider is a class without mutable members:
///
///     struct cart_decider {
///       using state = cart_state;      // default-constructible: the state of an entity that does not exist
///       yet using command = pb::Command;   // one Protobuf message, a `oneof` of all commands using event =
///       pb::Event;       // likewise; carries `uint32 schema` static constexpr kind_id id;   // and static
///       constexpr std::string_view name; static std::string_view partition_of(std::string_view key);
///       decision decide(const state&, const command&, const context&) const;       // pure
///       decision on_timer(const state&, std::string_view timer, const context&) const;
///       decision on_effect_failed(const state&, const address& to, const google::protobuf::Message& command,
///                                 std::string_view failure, const context&) const;
///       void evolve(state&, const event&, timestamp at, std::uint64_t version) const;  // the event is a
///       fact: never
///                                                                                       // refuses, only
///                                                                                       applies
///       void load_row(state&, std::string_view row, std::string_view value) const;
///       void save_rows(state&, row_sink&) const;  // the rows changed since the last call, and forgets that
///       they were
///     };
///
/// `evolve` over all events from the initial state, and `load_row` over all rows ever saved, must give the
/// same state. A row
/// that is gone is erased even if this state never saved it: an earlier life of the entity may have. Row
/// names are at most 100 bytes. An event must be cheap to apply and to save however large the entity is.
template <class Decider>
class kind_of final : public entity_kind {
 public:
  explicit kind_of(Decider decider) : decider_(std::move(decider)) {}

  kind_id id() const override { return Decider::id; }
  std::string_view name() const override { return Decider::name; }
  std::string_view partition_of(std::string_view key) const override { return Decider::partition_of(key); }

  std::unique_ptr<entity_state> initial() const override { return std::make_unique<box>(); }

  decision decide(const entity_state& state, const google::protobuf::Message& command,
                  const context& context) const override {
    return decider_.decide(open(state), static_cast<const typename Decider::command&>(command), context);
  }
  decision on_timer(const entity_state& state, std::string_view timer,
                    const context& context) const override {
    return decider_.on_timer(open(state), timer, context);
  }
  decision on_effect_failed(const entity_state& state, const address& to,
                            const google::protobuf::Message& command, std::string_view failure,
                            const context& context) const override {
    return decider_.on_effect_failed(open(state), to, command, failure, context);
  }
  void evolve(entity_state& state, const google::protobuf::Message& event, timestamp at,
              std::uint64_t version) const override {
    decider_.evolve(open(state), static_cast<const typename Decider::event&>(event), at, version);
  }
  void load_row(entity_state& state, std::string_view row, std::string_view value) const override {
    decider_.load_row(open(state), row, value);
  }
  void save_rows(entity_state& state, row_sink& sink) const override {
    decider_.save_rows(open(state), sink);
  }

  message_ptr parse_command(std::string_view bytes) const override {
    auto command = parse_as<typename Decider::command>(bytes);
    refuse_unknown_command(*command, Decider::name);
    return command;
  }
  message_ptr parse_event(std::string_view bytes) const override {
    auto event = parse_as<typename Decider::event>(bytes);
    refuse_later_event(*event, newest_schema<Decider>(), Decider::name);
    return event;
  }

  /// The typed state inside, for projections and tests.
  static const typename Decider::state& open(const entity_state& state) {
    return static_cast<const box&>(state).value;
  }

 private:
  struct box final : entity_state {
    typename Decider::state value;
  };
  static typename Decider::state& open(entity_state& state) { return static_cast<box&>(state).value; }

  Decider decider_;
};

}  // namespace souk::runtime
