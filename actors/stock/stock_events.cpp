#include "actors/stock/stock_events.hpp"

#include "actors/stock/stock.hpp"

#include <array>

namespace souk::stock {
namespace {

using row = events::event_row<pb::Event>;

constexpr std::array table{
    row{pb::Event::kMoved, "stock.moved.v1",
        [](json::writer& out, const pb::Event& event) {
          const auto& moved = event.moved();
          out.key("movement_id").string(moved.movement_id());
          out.key("delta").integer(moved.delta());
          out.key("reason").string(moved.reason());
          if (!moved.reference().empty()) out.key("reference").string(moved.reference());
        }},
    row{pb::Event::kHeld, "stock.held.v1",
        [](json::writer& out, const pb::Event& event) {
          const auto& held = event.held();
          out.key("hold_id").string(held.hold_id());
          out.key("checkout_id").string(held.checkout_id());
          out.key("quantity").integer(held.quantity());
          out.key("expires_at").time(runtime::from_ms(held.expires_at_ms()));
        }},
    row{pb::Event::kHoldEnded, "stock.hold_ended.v1",
        [](json::writer& out, const pb::Event& event) {
          const auto& ended = event.hold_ended();
          out.key("hold_id").string(ended.hold_id());
          out.key("how").string(ended.how());
          if (!ended.order_id().empty()) out.key("order_id").string(ended.order_id());
          if (!ended.movement_id().empty()) out.key("movement_id").string(ended.movement_id());
        }},
    row{pb::Event::kHoldExtended, "stock.hold_extended.v1",
        [](json::writer& out, const pb::Event& event) {
          out.key("hold_id").string(event.hold_extended().hold_id());
          out.key("expires_at").time(runtime::from_ms(event.hold_extended().expires_at_ms()));
        }},
    row{pb::Event::kOfferChanged, "stock.offer_changed.v1",
        [](json::writer& out, const pb::Event& event) {
          const auto& offer = event.offer_changed().offer();
          out.key("title").string(offer.title());
          out.key("price").unit_price(offer.price());
          out.key("for_sale").boolean(offer.for_sale());
          out.key("product_version").integer(static_cast<std::int64_t>(offer.product_version()));
        }},
    row{pb::Event::kHoldsAsked, "stock.holds_asked.v1",
        [](json::writer& out, const pb::Event& event) {
          out.key("hold_ids").begin_array();
          for (const auto& id : event.holds_asked().hold_ids())
            out.string(id);
          out.end_array();
          out.key("ask_again_at").time(runtime::from_ms(event.holds_asked().ask_again_at_ms()));
        }},
};

}  // namespace

events::event_kind event_kind() { return events::make_event_kind<stock_decider, table>(); }

}  // namespace souk::stock
