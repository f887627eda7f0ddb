#pragma once

#include "runtime/cluster/controller_plan.hpp"
#include "runtime/cluster/operator_plan.hpp"
#include "runtime/cluster/view.hpp"
#include "runtime/replication/messages.hpp"
#include "runtime/shard/messages.hpp"

#include <caf/actor.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/type_id.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

/// What passes between a cluster's coordinator on a node, its subscribers, its shards and the controller.
/// `open_epoch` and `epoch_opened` stand in runtime/shard/messages.hpp: a node without a cluster speaks them
/// too. All answers are plain messages; each names its shard.
namespace souk::runtime {

/// What became of a change of a shard's record.
enum class swap_outcome : std::uint8_t {
  done,
  refused,  ///< Another record stands there, and for good: this change will not happen.
  unknown,  ///< It may have been done, or may be done later. The same change may be asked for again.
};

/// anyone → coordinator: tell me now, and whenever it changes. Answered by `view_changed` (at once if there
/// is a view already) and `registration_changed`; ends with the subscriber. Safe to repeat.
struct subscribe {
  caf::actor subscriber;
};
/// coordinator → subscribers. Each view is newer than the one before.
struct view_changed {
  std::shared_ptr<const cluster_view> view;
};
/// coordinator → subscribers: whether this node is registered, as far as it knows.
struct registration_changed {
  bool registered = false;
  std::string reason;  ///< Why not; for operators.
};

/// coordinator → shard, instead of `epoch_opened`: it is not this node's, or this disk is not in sync.
struct epoch_refused {
  shard_id shard = 0;
  shard_record record;
};

/// shard's primary → coordinator: make these the members in sync. Answered by `in_sync_changed`. May be
/// repeated with the same revision until the answer is not `unknown`.
struct change_in_sync {
  shard_id shard = 0;
  std::uint64_t epoch = 0;
  std::int64_t revision = 0;
  std::vector<std::string> in_sync;
  caf::actor reply_to;
};
struct in_sync_changed {
  shard_id shard = 0;
  std::int64_t revision = 0;  ///< As in the question.
  swap_outcome outcome = swap_outcome::unknown;
  shard_record record;  ///< As it stands now; for `unknown` the newest that is known here.
};

/// shard's primary → coordinator: intake has stopped, the shard is this member's under the next epoch.
/// Answered by `handed_over`; may be repeated as above.
struct hand_over {
  shard_id shard = 0;
  std::uint64_t epoch = 0;  ///< Of the primary that gives it away.
  std::int64_t revision = 0;
  std::string to;  ///< A member in sync.
  caf::actor reply_to;
};
struct handed_over {
  shard_id shard = 0;
  std::int64_t revision = 0;
  swap_outcome outcome = swap_outcome::unknown;
  shard_record record;
};

/// replica or primary → coordinator: these members of the shard cannot be reached from here. Empty: all can
/// again. Kept until then, until the epoch changes or this node is gone. Not answered.
struct ask_controller_to_look {
  shard_id shard = 0;
  std::uint64_t epoch = 0;
  std::vector<std::string> unreachable;
};

/// controller → whoever speaks to other nodes: what has this member on its disk? Answered by
/// `position_told`, or by nothing when it cannot be reached: the controller waits for nobody for long.
struct ask_position {
  shard_id shard = 0;
  std::string member;
  caf::actor reply_to;
};
struct position_told {
  shard_id shard = 0;
  replication::position_answer answer;
};

/// controller → coordinator: make this change, as long as this node is the controller. Not answered: the view
/// shows what came of it.
struct propose_record {
  proposed_record wish;
};
struct propose_member {
  proposed_member wish;
};

/// operators' door → coordinator. Answered by `operator_answer`.
struct operator_request {
  operator_command command;
  bool dry_run = false;
  std::uint64_t correlation = 0;
  caf::actor reply_to;
};
struct operator_answer {
  enum class outcome : std::uint8_t {
    done,     ///< Or nothing had to be done, or it was a dry run: `lines` says.
    refused,  ///< `lines` says why.
    unknown,  ///< Ask again: each command is safe to repeat.
  };
  std::uint64_t correlation = 0;
  outcome what = outcome::unknown;
  std::vector<std::string> lines;
};

/// node → coordinator: this process is about to end; others are to be primaries of its shards. Not answered:
/// the views show it.
struct leave {};

/// controller → coordinator: whether this node, which most others cannot be reached from, leaves it to them
/// to be the controller. Not answered.
struct stand_aside {
  bool aside = false;
};

/// The store's thread → coordinator: go on with this there.
struct coordinator_step {
  std::shared_ptr<const std::function<void()>> go_on;
};

}  // namespace souk::runtime

CAF_BEGIN_TYPE_ID_BLOCK(souk_cluster, caf::first_custom_type_id + 400)

CAF_ADD_TYPE_ID(souk_cluster, (souk::runtime::subscribe))
CAF_ADD_TYPE_ID(souk_cluster, (souk::runtime::view_changed))
CAF_ADD_TYPE_ID(souk_cluster, (souk::runtime::registration_changed))
CAF_ADD_TYPE_ID(souk_cluster, (souk::runtime::epoch_refused))
CAF_ADD_TYPE_ID(souk_cluster, (souk::runtime::change_in_sync))
CAF_ADD_TYPE_ID(souk_cluster, (souk::runtime::in_sync_changed))
CAF_ADD_TYPE_ID(souk_cluster, (souk::runtime::hand_over))
CAF_ADD_TYPE_ID(souk_cluster, (souk::runtime::handed_over))
CAF_ADD_TYPE_ID(souk_cluster, (souk::runtime::ask_controller_to_look))
CAF_ADD_TYPE_ID(souk_cluster, (souk::runtime::ask_position))
CAF_ADD_TYPE_ID(souk_cluster, (souk::runtime::position_told))
CAF_ADD_TYPE_ID(souk_cluster, (souk::runtime::propose_record))
CAF_ADD_TYPE_ID(souk_cluster, (souk::runtime::propose_member))
CAF_ADD_TYPE_ID(souk_cluster, (souk::runtime::operator_request))
CAF_ADD_TYPE_ID(souk_cluster, (souk::runtime::operator_answer))
CAF_ADD_TYPE_ID(souk_cluster, (souk::runtime::coordinator_step))
CAF_ADD_TYPE_ID(souk_cluster, (souk::runtime::leave))
CAF_ADD_TYPE_ID(souk_cluster, (souk::runtime::stand_aside))

CAF_END_TYPE_ID_BLOCK(souk_cluster)

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::subscribe)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::view_changed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::registration_changed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::epoch_refused)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::change_in_sync)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::in_sync_changed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::hand_over)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::handed_over)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::ask_controller_to_look)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::ask_position)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::position_told)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::propose_record)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::propose_member)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::operator_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::operator_answer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::coordinator_step)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::leave)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(souk::runtime::stand_aside)
