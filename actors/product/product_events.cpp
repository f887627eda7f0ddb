#include "actors/product/product_events.hpp"

#include "actors/product/product.hpp"
#include "actors/product/product_json.hpp"

#include <array>

namespace souk::product {
namespace {

using row = events::event_row<pb::Event>;

void write_strings(json::writer& out, std::string_view name,
                   const google::protobuf::RepeatedPtrField<std::string>& texts) {
  out.key(name).begin_array();
  for (const auto& text : texts)
    out.string(text);
  out.end_array();
}

constexpr std::array table{
    row{pb::Event::kProposed, "product.proposed.v1",
        [](json::writer& out, const pb::Event& event) {
          const auto& proposed = event.proposed();
          write_product(out.key("product"), proposed.product());
          write_strings(out, "claiming_skus", proposed.claiming());
          write_strings(out, "withdrawing_skus", proposed.withdrawing());
        }},
    row{pb::Event::kPublished, "product.published.v1",
        [](json::writer& out, const pb::Event& event) {
          write_product(out.key("product"), event.published().product());
        }},
    row{pb::Event::kRefused, "product.refused.v1",
        [](json::writer& out, const pb::Event& event) {
          if (!event.refused().sku().empty()) out.key("sku").string(event.refused().sku());
        }},
    row{pb::Event::kClaimSettled, "product.claim_settled.v1",
        [](json::writer& out, const pb::Event& event) {
          out.key("sku").string(event.claim_settled().sku());
          out.key("ok").boolean(event.claim_settled().ok());
        }},
    row{pb::Event::kOfferSettled, "product.offer_settled.v1",
        [](json::writer& out, const pb::Event& event) {
          out.key("sku").string(event.offer_settled().sku());
        }},
};

}  // namespace

events::event_kind event_kind() { return events::make_event_kind<product_decider, table>(); }

}  // namespace souk::product
