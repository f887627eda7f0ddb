#include "actors/payment/payment_events.hpp"

#include "actors/payment/payment.hpp"

#include <array>

namespace souk::payment {
namespace {

using row = events::event_row<pb::Event>;

constexpr std::array table{
    row{pb::Event::kIntended, "payment.intended.v1",
        [](json::writer& out, const pb::Event& event) {
          const auto& start = event.intended().start();
          out.key("id").string(start.payment_id());
          out.key("checkout_id").string(start.checkout_id());
          out.key("provider").string(start.provider());
          out.key("amount").money(start.amount().amount(), start.amount().currency());
        }},
    row{pb::Event::kAsked, "payment.asked.v1", [](json::writer&, const pb::Event&) {}},
    row{pb::Event::kCancelling, "payment.cancelling.v1", [](json::writer&, const pb::Event&) {}},
    row{pb::Event::kSettled, "payment.settled.v1",
        [](json::writer& out, const pb::Event& event) {
          out.key("status").string(event.settled().status());
          if (!event.settled().code().empty()) out.key("code").string(event.settled().code());
          if (!event.settled().charge_id().empty()) out.key("charge_id").string(event.settled().charge_id());
        }},
    row{pb::Event::kNeedsAction, "payment.needs_action.v1",
        [](json::writer& out, const pb::Event& event) {
          out.key("charge_id").string(event.needs_action().charge_id());
        }},
    row{pb::Event::kReversing, "payment.reversing.v1", [](json::writer&, const pb::Event&) {}},
    row{pb::Event::kReversed, "payment.reversed.v1",
        [](json::writer& out, const pb::Event& event) { out.key("how").string(event.reversed().how()); }},
    row{pb::Event::kRetrying, "payment.retrying.v1", [](json::writer&, const pb::Event&) {}},
    row{pb::Event::kAuthenticating, "payment.authenticating.v1", [](json::writer&, const pb::Event&) {}},
    row{pb::Event::kWaiting, "payment.waiting.v1", [](json::writer&, const pb::Event&) {}},
};

}  // namespace

events::event_kind event_kind() { return events::make_event_kind<payment_decider, table>(); }

}  // namespace souk::payment
