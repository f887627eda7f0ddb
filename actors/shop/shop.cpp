#include "actors/shop/shop.hpp"

#include "actors/buyer/buyer.hpp"
#include "actors/import/import_job.hpp"
#include "actors/keyring/keyring.hpp"
#include "actors/marketplace/customer.hpp"
#include "actors/marketplace/market.hpp"
#include "actors/nats/sink.hpp"
#include "actors/order/order.hpp"
#include "actors/payment/payment.hpp"
#include "actors/product/product.hpp"
#include "actors/sku/sku.hpp"
#include "actors/stock/stock.hpp"
#include "actors/webhook/endpoint.hpp"

#include <utility>

namespace souk::shop {

namespace {

void add(runtime::entity_catalogue& entities, std::shared_ptr<const runtime::entity_kind> kind) {
  const auto id = kind->id();
  entities.kinds.emplace(id, std::move(kind));
}

template <class Decider>
void add(runtime::entity_catalogue& entities, Decider decider) {
  add(entities, std::shared_ptr<const runtime::entity_kind>{
                    std::make_shared<runtime::kind_of<Decider>>(std::move(decider))});
}

}  // namespace

shop make_shop(const shop_options& options) {
  shop shop;
  shop.catalogue = catalogue::make_replica();
  shop.credentials = keyring::make_credential_directory();
  auto& entities = shop.entities;
  add(entities, product::product_decider{});
  add(entities, sku::sku_decider{});
  add(entities, stock::stock_decider{});
  add(entities, cart::cart_decider{shop.catalogue, options.cart_ttl});
  add(entities, checkout::checkout_decider{options.checkout});
  add(entities, payment::payment_decider{});
  add(entities, order::order_decider{});
  add(entities, buyer::buyer_decider{});
  add(entities, keyring::make_kind());
  add(entities, import_job::make_kind());
  add(entities, webhook::make_kind());
  add(entities, nats::make_kind());
  add(entities, marketplace::customer_decider{});
  add(entities, marketplace::market_decider{});
  entities.projections = {shop.catalogue, shop.credentials};
  return shop;
}

}  // namespace souk::shop
