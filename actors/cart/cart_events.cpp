#include "actors/cart/cart_events.hpp"

#include "actors/cart/cart.hpp"
#include "actors/cart/line.hpp"

#include <array>

namespace souk::cart {
namespace {

using row = events::event_row<pb::Event>;

constexpr std::array table{
    row{pb::Event::kCreated, "cart.created.v1",
        [](json::writer& out, const pb::Event& event) {
          const auto& created = event.created();
          out.key("id").string(created.cart_id());
          out.key("currency").string(created.currency());
          if (!created.customer_id().empty()) out.key("customer_id").string(created.customer_id());
          out.key("expires_at").time(runtime::from_ms(created.expires_at_ms()));
        }},
    row{pb::Event::kLinesChanged, "cart.lines_changed.v1",
        [](json::writer& out, const pb::Event& event) {
          const auto& changed = event.lines_changed();
          out.key("lines").begin_array();
          for (const auto& line : changed.put())
            write_line(out, line);
          out.end_array();
          out.key("removed_line_ids").begin_array();
          for (const auto& id : changed.removed())
            out.string(id);
          out.end_array();
          out.key("expires_at").time(runtime::from_ms(changed.expires_at_ms()));
        }},
    row{pb::Event::kClaimed, "cart.claimed.v1",
        [](json::writer& out, const pb::Event& event) {
          out.key("checkout_id").string(event.claimed().checkout_id());
        }},
    row{pb::Event::kClaimEnded, "cart.claim_ended.v1",
        [](json::writer& out, const pb::Event& event) {
          const auto& ended = event.claim_ended();
          if (!ended.order_id().empty()) {
            out.key("order_id").string(ended.order_id());
          } else {
            out.key("expires_at").time(runtime::from_ms(ended.expires_at_ms()));
          }
        }},
    row{pb::Event::kExpired, "cart.expired.v1", [](json::writer&, const pb::Event&) {}},
};

}  // namespace

events::event_kind event_kind() { return events::make_event_kind<cart_decider, table>(); }

}  // namespace souk::cart
