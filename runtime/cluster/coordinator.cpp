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
                                   std::string member, std::uint16_t shard_count, caf::actor state_writer) {
  supervision::handle_failures(self);
  return self->state.start(storage, std::move(member), shard_count, std::move(state_writer));
}

caf::behavior embedded_coordinator_life::start(persistence::storage* storage, std::string member,
                                               std::uint16_t shard_count, caf::actor state_writer) {
  storage_ = storage;
  member_ = std::move(member);
  state_writer_ = std::move(state_writer);
  read_records(shard_count);
  return {
      [this](const open_epoch& request) { open(request); },
      [this](const subscribe& request) {
        subscribers_[request.subscriber.address()] = request.subscriber;
        self_->send(request.subscriber, view_changed{std::make_shared<const cluster_view>(view_)});
      },
      [](const ask_controller_to_look&) {},
      [this](const state_written& written) {
        if (unanswered_.empty()) return;
        auto [to, opened] = std::move(unanswered_.front());
        unanswered_.pop_front();
        if (written.done) {
          publish(opened);
          self_->send(to, std::move(opened));
        } else {
          self_->delayed_send(self_, full_retry, open_epoch{opened.shard, opened.epoch - 1, to});
        }
      },
  };
}

void embedded_coordinator_life::read_records(std::uint16_t shard_count) {
  const std::string node{node_of_member(member_)};
  view_.revision = 1;
  view_.settings = {.shard_count = shard_count, .replicas = 1, .min_in_sync = 1};
  view_.nodes.push_back({.id = node, .disk_id = member_.substr(node.size() + 1)});
  for (shard_id shard = 0; shard < shard_count; ++shard) {
    shard_record record{.primary = node, .in_sync = {member_}, .replicas = {node}, .revision = 1};
    if (auto bytes = storage_->state().get(keys::coordinator_record(shard))) {
      pb::ShardRecord kept;
      if (!kept.ParseFromString(*bytes))
        throw persistence::damage("state: the coordinator's record of shard " + std::to_string(shard) +
                                  " cannot be read");
      record.epoch = kept.epoch();
    }
    // There is nobody else who could still read.
    record.handed_over = true;
    view_.shards.push_back(std::move(record));
  }
}

void embedded_coordinator_life::open(const open_epoch& request) {
  const auto epoch = std::max(view_.shards.at(request.shard).epoch, request.seen) + 1;
  pb::ShardRecord record;
  record.set_epoch(epoch);
  record.set_primary(member_);
  record.add_in_sync(member_);
  record.add_replicas(member_);
  unanswered_.emplace_back(request.reply_to, epoch_opened{request.shard, epoch, {member_}});
  self_->send(state_writer_,
              write_state{caf::actor{self_},
                          {std::make_shared<const std::vector<persistence::row_change>>(
                              1, persistence::row_change{keys::coordinator_record(request.shard),
                                                         record.SerializeAsString()})}});
}

void embedded_coordinator_life::publish(const epoch_opened& opened) {
  auto& record = view_.shards.at(opened.shard);
  record.epoch = opened.epoch;
  record.revision = ++view_.revision;
  const auto view = std::make_shared<const cluster_view>(view_);
  for (const auto& [address, subscriber] : subscribers_)
    self_->send(subscriber, view_changed{view});
}

}  // namespace souk::runtime
