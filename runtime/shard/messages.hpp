#pragma once

#include "persistence/record.pb.h"
#include "persistence/storage.hpp"
#include "runtime/messages.hpp"
#include "runtime/shard/shard_book.hpp"

#include <caf/actor.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/type_id.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// What passes between a shard, its entities and the writers of the storage.
namespace souk::runtime {

/// Who asks an entity to decide.
enum class work_origin : std::uint8_t { client, effect, timer, world };

/// One thing for an entity to decide. Lives until it is answered, whatever becomes of the entity.
struct work {
  work_origin origin = work_origin::client;
  message_ptr command;  ///< Null for a timer.

  // client
  std::shared_ptr<const runtime::request> request;
  std::chrono::nanoseconds arrived{0};  ///< Of one whose span is recorded.

  // effect
  shard_id from = 0;
  address sender;
  std::uint64_t number = 0;  ///< Also the number of a world call.
  kind_id failed_kind = 0;   ///< Set: an effect of this entity failed; `command` is what it had sent.
  std::string failed_key;
  std::string failure;
  std::string traceparent;  ///< Of what caused it; of a client's it stands in the request.

  // timer
  due_timer timer;
};

/// shard → entity, first of all: its records that the state does not stand for yet, to add to what is on
/// disk.
struct wake_up {
  std::vector<persistence::journal_entry> tail;
};

/// shard → entity: decide this. Answered by `decided`, in order.
struct work_item {
  std::shared_ptr<const runtime::work> work;
};

/// entity → shard.
struct decided {
  std::uint64_t token = 0;
  /// What is to be journalled; indexes and stream numbers are the shard's to add.
  std::shared_ptr<persistence::pb::Record> record;
  std::vector<message_ptr> events;
  std::vector<message_ptr> effect_commands;
  std::vector<message_ptr> world_requests;
  std::optional<answer> reply;
  bool parked = false;
  bool stale_timer = false;
  std::vector<late_answer> late_answers;
};

/// shard → entity: hand out the rows that changed since the last time. Answered by `captured`.
struct capture {
  bool and_leave = false;  ///< Then end.
};

/// entity → shard.
struct captured {
  std::uint64_t token = 0;
  bool leaving = false;
  std::vector<persistence::row_change> rows;
};

/// entity → shard: it could not come to life; its records or rows cannot be read. The shard stops.
struct wake_up_failed {
  std::uint64_t token = 0;
  std::string reason;
  bool damaged = false;  ///< The disk holds something else than was written.
};

/// shard or replica → journal writer.
struct append {
  caf::actor shard;
  shard_id id = 0;
  std::vector<persistence::journal_entry> entries;
  std::uint64_t ticket = 0;  ///< Comes back in `journalled`.
};

/// replica → journal writer: drop all records after `last`, after all appends before this. Answered by
/// `journalled`, or `journal_refused`.
struct cut_after {
  caf::actor shard;
  shard_id id = 0;
  std::uint64_t last = 0;
  std::uint64_t ticket = 0;
};

/// replica → journal writer: the next record follows this one, whatever is there. Answered by `journalled`,
/// or `journal_refused`.
struct restart_after {
  caf::actor shard;
  shard_id id = 0;
  std::uint64_t index = 0;
  std::uint64_t epoch = 0;
  std::uint64_t ticket = 0;
};

/// journal writer → shard: everything of yours up to `index` is on disk. Of several writes that were one
/// commit only the last is told.
struct journalled {
  std::uint64_t index = 0;
  std::uint64_t ticket = 0;
};

/// journal writer → shard: the storage is full; nothing from `first` on was written.
struct journal_refused {
  std::uint64_t first = 0;
};

/// shard → journal writer: which records do you have of mine? Answered by `bounds_are` when all appends
/// before it are done.
struct ask_bounds {
  caf::actor shard;
  shard_id id = 0;
};
struct bounds_are {
  persistence::journal_bounds bounds;
};

/// shard → journal writer: which records may go.
struct trim_journal {
  shard_id id = 0;
  std::uint64_t keep_from = 0;    ///< Those below are not needed any more ...
  std::uint64_t spared_from = 0;  ///< ... but from here on they stay while there is room.
};

/// shard → state writer. Answered by `state_written`.
struct write_state {
  caf::actor shard;
  std::vector<persistence::shared_rows> rows;
};
struct state_written {
  bool done = true;  ///< False: the storage is full.
};

/// journal writer → shards, when it changes.
struct storage_fill {
  bool nearly_full = false;
};

/// shard → shard: effects, in order of their numbers.
struct stream_batch {
  shard_id from = 0;
  shard_id to = 0;
  struct item {
    std::uint64_t number = 0;
    address to;
    address sender;
    message_ptr command;
    std::string bytes;  ///< Set when `command` is not.
    kind_id failed_kind = 0;
    std::string failed_key;
    std::string failure;
    std::string traceparent;
  };
  std::vector<item> items;
};

/// shard → shard: what of your stream is committed here.
struct stream_ack {
  shard_id from = 0;  ///< The receiver of the stream, who acknowledges.
  shard_id to = 0;
  std::uint64_t watermark = 0;
  std::vector<std::uint64_t> above;
};

/// node → shard: what it knows of itself, for operators. Answered by `shard_status`.
struct status_query {
  std::uint64_t correlation = 0;
  caf::actor reply_to;
};
struct shard_status {
  std::uint64_t correlation = 0;
  shard_id shard = 0;
  bool serving = false;
  std::uint64_t epoch = 0;
  std::uint64_t last_index = 0;
  std::uint64_t committed = 0;
  std::uint64_t applied = 0;
  std::uint64_t entities = 0;
  std::uint64_t effects_outstanding = 0;
};

/// shard → coordinator: open the next epoch of this shard for me.
struct open_epoch {
  shard_id shard = 0;
  std::uint64_t seen = 0;  ///< The highest epoch on this disk; the new one is higher.
  caf::actor reply_to;
};
/// coordinator → shard: it is yours, as recorded durably.
struct epoch_opened {
  shard_id shard = 0;
  std::uint64_t epoch = 0;
  std::vector<std::string> in_sync;  ///< Whose disks must have a record before it counts as committed.
  std::int64_t revision = 0;         ///< Of the record, for the next compare-and-swap; 0 without a cluster.
};

/// A reminder to oneself.
struct tick {};
/// A reminder to send on what was collected in this burst of messages.
struct end_of_burst {};
/// A reminder to go on with what takes many turns.
struct shorten_more {};
/// A reminder to try an entity again that was restarted too often.
struct retry_entity {
  std::uint64_t token = 0;
};
/// A reminder to offer the state's rows again that a full disk refused. Never sent to the writer itself: what
/// is late must not overwrite what somebody else has written since.
struct retry_state {};

}  // namespace souk::runtime

CAF_BEGIN_TYPE_ID_BLOCK(souk_shard, caf::first_custom_type_id + 10)

CAF_ADD_TYPE_ID(souk_shard, (souk::runtime::work_item))
CAF_ADD_TYPE_ID(souk_shard, (souk::runtime::wake_up))
CAF_ADD_TYPE_ID(souk_shard, (souk::runtime::decided))
CAF_ADD_TYPE_ID(souk_shard, (souk::runtime::capture))
CAF_ADD_TYPE_ID(souk_shard, (souk::runtime::captured))
CAF_ADD_TYPE_ID(souk_shard, (souk::runtime::wake_up_failed))
CAF_ADD_TYPE_ID(souk_shard, (souk::runtime::append))
CAF_ADD_TYPE_ID(souk_shard, (souk::runtime::journalled))
CAF_ADD_TYPE_ID(souk_shard, (souk::runtime::journal_refused))
CAF_ADD_TYPE_ID(souk_shard, (souk::runtime::ask_bounds))
CAF_ADD_TYPE_ID(souk_shard, (souk::runtime::bounds_are))
CAF_ADD_TYPE_ID(souk_shard, (souk::runtime::trim_journal))
CAF_ADD_TYPE_ID(souk_shard, (souk::runtime::write_state))
CAF_ADD_TYPE_ID(souk_shard, (souk::runtime::state_written))
CAF_ADD_TYPE_ID(souk_shard, (souk::runtime::storage_fill))
CAF_ADD_TYPE_ID(souk_shard, (souk::runtime::stream_batch))
CAF_ADD_TYPE_ID(souk_shard, (souk::runtime::stream_ack))
CAF_ADD_TYPE_ID(souk_shard, (souk::runtime::status_query))
CAF_ADD_TYPE_ID(souk_shard, (souk::runtime::shard_status))
CAF_ADD_TYPE_ID(souk_shard, (souk::runtime::open_epoch))
CAF_ADD_TYPE_ID(souk_shard, (souk::runtime::epoch_opened))
CAF_ADD_TYPE_ID(souk_shard, (souk::runtime::tick))
CAF_ADD_TYPE_ID(souk_shard, (souk::runtime::end_of_burst))
CAF_ADD_TYPE_ID(souk_shard, (souk::runtime::retry_entity))
CAF_ADD_TYPE_ID(souk_shard, (souk::runtime::cut_after))
CAF_ADD_TYPE_ID(souk_shard, (souk::runtime::restart_after))
CAF_ADD_TYPE_ID(souk_shard, (souk::runtime::retry_state))
CAF_ADD_TYPE_ID(souk_shard, (souk::runtime::shorten_more))

CAF_END_TYPE_ID_BLOCK(souk_shard)

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::work_item)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::wake_up)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::decided)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::capture)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::captured)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::wake_up_failed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::append)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::journalled)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::journal_refused)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::ask_bounds)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::bounds_are)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::trim_journal)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::write_state)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::state_written)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::storage_fill)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::stream_batch)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::stream_ack)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::status_query)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::shard_status)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::open_epoch)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::epoch_opened)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::tick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::end_of_burst)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::retry_entity)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::cut_after)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::restart_after)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::retry_state)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::shorten_more)
