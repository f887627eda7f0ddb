#include "runtime/node/membership.hpp"

#include "runtime/links/messages.hpp"
#include "runtime/supervision/failure.hpp"

#include <caf/all.hpp>

#include <utility>

namespace souk::runtime {

namespace {

// Routes are looked at so often: a hub that was just told of a node makes its proxies a moment later.
constexpr std::chrono::milliseconds tick_interval{100};
// A coordinator or a hub that was restarted has forgotten what it was told.
constexpr unsigned ticks_per_reminder = 10;

}  // namespace

caf::behavior membership(membership_actor* self, membership_options options) {
  supervision::handle_failures(self);
  return self->state.start(std::move(options));
}

caf::behavior membership_life::start(membership_options options) {
  options_ = std::move(options);
  on_tick();
  return {
      [this](const view_changed& changed) { take(changed.view); },
      [this](const registration_changed& changed) {
        options_.board->change([&](cluster_board::standing& standing) {
          standing.registered = changed.registered;
          standing.reason = changed.reason;
        });
      },
      [this](const neighbour_changed&) { route(); },
      [this](tick) { on_tick(); },
  };
}

void membership_life::on_tick() {
  self_->delayed_send(self_, tick_interval, tick{});
  if (ticks_++ % ticks_per_reminder == 0) {
    if (const auto coordinator = options_.coordinator())
      self_->send(coordinator, subscribe{caf::actor{self_}});
    tell_hub();
  }
  route();
}

void membership_life::take(const std::shared_ptr<const cluster_view>& view) {
  view_ = view;
  options_.board->change([&](cluster_board::standing& standing) { standing.view = view; });
  if (view->settings.shard_count != 0) *options_.format = view->settings.format;
  const auto before = addresses_;
  for (const auto& node : view->nodes)
    if (node.id != options_.node) addresses_[node.id] = node.link_address;
  std::erase_if(addresses_, [&](const auto& known) {
    const auto* member = view->member(known.first);
    return member && member->state == member_state::removed;
  });
  if (addresses_ != before) tell_hub();
  route();
}

void membership_life::tell_hub() {
  const auto hub = options_.hub();
  if (!hub) return;
  links::remote_nodes all;
  for (const auto& [node, address] : addresses_)
    all.nodes.push_back({node, address});
  self_->send(hub, std::move(all));
}

void membership_life::route() {
  if (!view_) return;
  for (shard_id shard = 0; shard < view_->shards.size() && shard < options_.routing->shard_count(); ++shard) {
    const auto& primary = view_->shards[shard].primary;
    const bool elsewhere = !primary.empty() && primary != options_.node;
    options_.routing->set_remote(shard, elsewhere ? options_.links->shard(primary, shard) : caf::actor{});
  }
}

}  // namespace souk::runtime
