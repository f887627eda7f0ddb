#include "actors/testkit/watched_checkout.hpp"

#include "actors/checkout/checkout.hpp"
#include "actors/checkout/checkout.pb.h"
#include "actors/kinds.hpp"
#include "runtime/fault_point.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace souk::testkit {

namespace {

using checkout::checkout_state;
using checkout::pb::Event;
using runtime::context;
using runtime::decision;
using runtime::entity_state;

bool holds_something(const checkout_state& state) {
  return std::ranges::any_of(state.lines, [](const auto& line) { return line.status() == "held"; });
}

void pass_point_of(const Event& event, const checkout_state& before) {
  switch (event.of_case()) {
    case Event::kLineHeld:
      return reached("checkout: a line is held");
    case Event::kQuoted:
      return reached("checkout: all is held");
    case Event::kFailed:
      if (holds_something(before)) return reached("checkout: fails and gives back what it held");
      return reached("checkout: fails");
    case Event::kPaymentStarted:
      return reached("checkout: is to be charged");
    case Event::kPaymentFailed:
      return reached("checkout: was not charged");
    case Event::kCompleted:
      return reached("checkout: was charged and is completed");
    case Event::kCanceled:
      return reached("checkout: is canceled");
    case Event::kExpired:
      return reached("checkout: its time is over");
    default:
      return;
  }
}

class watched_checkout final : public runtime::entity_kind {
 public:
  using open = runtime::kind_of<checkout::checkout_decider>;

  explicit watched_checkout(std::shared_ptr<const entity_kind> watched) : watched_(std::move(watched)) {}

  runtime::kind_id id() const override { return watched_->id(); }
  std::string_view name() const override { return watched_->name(); }
  std::string_view partition_of(std::string_view key) const override { return watched_->partition_of(key); }
  std::unique_ptr<entity_state> initial() const override { return watched_->initial(); }

  decision decide(const entity_state& state, const google::protobuf::Message& command,
                  const context& context) const override {
    return seen(state, watched_->decide(state, command, context));
  }
  decision on_timer(const entity_state& state, std::string_view timer,
                    const context& context) const override {
    if (timer == "expire" && open::open(state).is(checkout::status::completing))
      reached("checkout: its time is over while it is charged");
    return seen(state, watched_->on_timer(state, timer, context));
  }
  decision on_effect_failed(const entity_state& state, const runtime::address& to,
                            const google::protobuf::Message& command, std::string_view failure,
                            const context& context) const override {
    return seen(state, watched_->on_effect_failed(state, to, command, failure, context));
  }
  void evolve(entity_state& state, const google::protobuf::Message& event, runtime::timestamp at,
              std::uint64_t version) const override {
    watched_->evolve(state, event, at, version);
  }
  void load_row(entity_state& state, std::string_view row, std::string_view value) const override {
    watched_->load_row(state, row, value);
  }
  void save_rows(entity_state& state, runtime::row_sink& sink) const override {
    watched_->save_rows(state, sink);
  }
  runtime::message_ptr parse_command(std::string_view bytes) const override {
    return watched_->parse_command(bytes);
  }
  runtime::message_ptr parse_event(std::string_view bytes) const override {
    return watched_->parse_event(bytes);
  }

 private:
  static decision seen(const entity_state& before, decision made) {
    for (const auto& event : made.events)
      pass_point_of(static_cast<const Event&>(*event), open::open(before));
    return made;
  }

  std::shared_ptr<const entity_kind> watched_;
};

}  // namespace

void watch_checkouts(runtime::entity_catalogue& entities) {
  auto& kind = entities.kinds.at(kinds::checkout);
  kind = std::make_shared<watched_checkout>(kind);
}

}  // namespace souk::testkit
