#pragma once

#include "runtime/types.hpp"

#include <google/protobuf/message.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace souk::runtime {

/// What goes back to a client, complete: the gateway adds only connection-level fields. Stored byte for byte
/// for requests that carry an Idempotency-Key.
struct answer {
  int status = 200;
  std::string body;          ///< Empty for none.
  std::string etag;          ///< With its quotes, or empty.
  std::string location;      ///< Empty for none.
  std::string content_type;  ///< Empty: application/json, or application/problem+json from status 400 on.
  message_ptr value;  ///< The same as a typed message, for a gateway that composes answers. Never stored.
};

/// A command for another entity. Leaves after the commit (within a shard: at once) and arrives exactly once.
struct effect {
  address to;
  message_ptr command;  ///< A command of the receiver's kind.
};

/// A request to the world outside (a payment provider). Made after the commit and repeated until its result
/// is journalled, so the other side must know repeats by a key inside `request`.
struct world_call {
  std::string port;  ///< Which worker takes it.
  message_ptr request;
};

/// Sets (or moves) the entity's timer of that name, or cancels it. A due timer reaches the decider as
/// `on_timer(name)`; it is set no more then.
struct timer_change {
  std::string name;              ///< 1 to 32 characters, unique within the entity.
  std::optional<timestamp> due;  ///< Empty: cancel.
};

/// A row of an ordered index that lives in the entity's shard (orders by time, movements of a sku). It shows
/// what is committed, at once. Keys sort as bytes.
struct index_change {
  std::string index;                 ///< 1 to 160 bytes without NUL.
  std::string key;                   ///< 1 to 160 bytes.
  std::optional<std::string> value;  ///< Empty: remove the row.
};

/// An answer to an earlier command that was parked.
struct late_answer {
  command_id to;
  runtime::answer answer;
};

/// What a decider decides: a typed rejection is simply a decision with a reply and no events.
struct decision {
  std::vector<message_ptr> events;  ///< Events of the decider's own kind, in order.
  std::vector<effect> effects;      ///< In order; to one receiver they arrive in this order.
  std::vector<world_call> world_calls;
  std::vector<timer_change> timers;
  std::vector<index_change> indexes;
  std::optional<answer> reply;  ///< To the command being decided. Released when everything here is committed.
  bool parked = false;          ///< The command is answered by a later decision's `late_answers`.
  std::vector<late_answer> late_answers;

  /// Adds an event.
  template <class Event>
  void emit(Event event) {
    events.push_back(std::make_shared<const Event>(std::move(event)));
  }
  /// Adds an effect.
  template <class Command>
  void send(address to, Command command) {
    effects.push_back({std::move(to), std::make_shared<const Command>(std::move(command))});
  }
  void set_timer(std::string name, timestamp due) { timers.push_back({std::move(name), due}); }
  void cancel_timer(std::string name) { timers.push_back({std::move(name), std::nullopt}); }
};

/// Makes the unguessable parts of new ids.
class id_source {
 public:
  virtual ~id_source() = default;
  /// 20 characters of Crockford base32: 100 random bits.
  virtual std::string next_part() = 0;
};

/// All that a decider may know besides its state and the command.
struct context {
  const address& self;
  timestamp now;          ///< Never earlier than that of any event of this entity.
  std::uint64_t version;  ///< Events of this entity so far; 0: it does not exist yet.
  id_source& ids;
  command_id command;  ///< The command's name: what `late_answers` will answer. Zero for timers and effects.
  std::string_view request_id;  ///< Echoed in problem bodies. Empty for timers and effects.
  bool admin = false;           ///< The client proved to be the shop's staff.
  /// The level of the cluster's format: events that only later levels have must not be written yet.
  std::uint32_t format = 1;
  /// As whom the client proved to be known, if it is not staff; empty: as nobody, or it is no client's
  /// command.
  std::string_view caller = {};
};

/// Takes the rows of an entity's state that changed.
class row_sink {
 public:
  virtual ~row_sink() = default;
  virtual void put(std::string_view row, std::string value) = 0;
  virtual void erase(std::string_view row) = 0;
};

}  // namespace souk::runtime
