#include "runtime/cluster/controller.hpp"

#include "runtime/supervision/failure.hpp"

#include <caf/all.hpp>

#include <utility>

namespace souk::runtime {

namespace {

// The precision of the plan's times.
constexpr std::chrono::milliseconds tick_interval{100};
// A node that is cut off for so long leaves control to others: longer than links take to come up.
constexpr std::chrono::seconds cut_off_patience{1};
// A coordinator that was restarted does not know its subscribers.
constexpr unsigned ticks_per_subscription = 10;

}  // namespace

caf::behavior controller(controller_actor* self, controller_options options) {
  supervision::handle_failures(self);
  return self->state.start(std::move(options));
}

caf::behavior controller_life::start(controller_options options) {
  options_ = std::move(options);
  on_tick();
  return {
      [this](tick) { on_tick(); },
      [this](const view_changed& changed) {
        view_ = changed.view;
        look();
      },
      [](const registration_changed&) {},
      [this](const position_told& told) {
        if (!plan_) return;
        plan_->told(told.shard, told.answer);
        look();
      },
  };
}

void controller_life::on_tick() {
  self_->delayed_send(self_, tick_interval, tick{});
  const auto coordinator = options_.coordinator();
  if (coordinator && ticks_++ % ticks_per_subscription == 0)
    self_->send(coordinator, subscribe{caf::actor{self_}});
  look_at_links();
  look();
}

void controller_life::look_at_links() {
  if (!options_.is_cut_off || !options_.is_cut_off()) {
    cut_off_since_.reset();
  } else if (!cut_off_since_) {
    cut_off_since_ = options_.time->steady();
  }
  const bool aside = cut_off_since_ && options_.time->steady() - *cut_off_since_ >= cut_off_patience;
  const bool news = aside != std::exchange(aside_, aside);
  // Repeated while it is so: the coordinator may have been restarted, or not have heard of its control yet.
  const auto coordinator = options_.coordinator();
  if (coordinator && (news || aside)) self_->send(coordinator, stand_aside{aside});
}

bool controller_life::is_controller() const {
  return view_ && view_->controller == options_.node && view_->controller_incarnation == options_.incarnation;
}

void controller_life::look() {
  if (!is_controller()) {
    plan_.reset();
    return;
  }
  if (!plan_) plan_.emplace(options_.limits);
  const auto coordinator = options_.coordinator();
  if (!coordinator) return;
  const auto now = std::chrono::floor<std::chrono::milliseconds>(options_.time->steady());
  auto decided = plan_->step(*view_, now);
  for (auto& wish : decided.records)
    self_->send(coordinator, propose_record{std::move(wish)});
  for (auto& wish : decided.members)
    self_->send(coordinator, propose_member{std::move(wish)});
  for (const auto& question : decided.questions)
    for (const auto& member : question.members)
      options_.ask({question.shard, member, caf::actor{self_}});
}

}  // namespace souk::runtime
