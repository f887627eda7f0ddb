#include "runtime/cluster/coordinator.hpp"

#include "runtime/shard/keys.hpp"
#include "runtime/shard/state.pb.h"
#include "runtime/supervision/failure.hpp"

#include <algorithm>

namespace souk::runtime {

namespace {

// A full disk is asked again so often: without its record an epoch cannot be opened.
constexpr std::chrono::seconds full_retry{1};

}  // namespace

caf::behavior embedded_coordinator(embedded_coordinator_actor* self, persistence::storage* storage,
                                   std::string member, caf::actor state_writer) {
  supervision::handle_failures(self);
  return self->state.start(storage, std::move(member), std::move(state_writer));
}

caf::behavior embedded_coordinator_life::start(persistence::storage* storage, std::string member,
                                               caf::actor state_writer) {
  storage_ = storage;
  member_ = std::move(member);
  state_writer_ = std::move(state_writer);
  return {
      [this](const open_epoch& request) { open(request); },
      [this](const state_written& written) {
        if (unanswered_.empty()) return;
        auto [to, opened] = std::move(unanswered_.front());
        unanswered_.pop_front();
        if (written.done) {
          self_->send(to, std::move(opened));
        } else {
          self_->delayed_send(self_, full_retry, open_epoch{opened.shard, opened.epoch - 1, to});
        }
      },
  };
}

void embedded_coordinator_life::open(const open_epoch& request) {
  auto key = keys::coordinator_record(request.shard);
  pb::ShardRecord record;
  if (auto bytes = storage_->state().get(key)) {
    if (!record.ParseFromString(*bytes))
      throw persistence::damage("state: the coordinator's record of shard " + std::to_string(request.shard) +
                                " cannot be read");
  }
  record.set_epoch(std::max(record.epoch(), request.seen) + 1);
  record.set_primary(member_);
  record.clear_in_sync();
  record.add_in_sync(member_);
  record.clear_replicas();
  record.add_replicas(member_);
  unanswered_.emplace_back(request.reply_to, epoch_opened{request.shard, record.epoch(), {member_}});
  self_->send(state_writer_, write_state{caf::actor{self_}, {{std::move(key), record.SerializeAsString()}}});
}

}  // namespace souk::runtime
